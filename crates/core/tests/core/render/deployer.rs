//! Fragments for deployment tools, merged as each tool merges them and read by the programs that read the result.

use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_api::{ApiService, Delivery, GlanceSpec, HorizonSpec, Panel};
use direct_upload_core::openstack::{GLANCE, OpenStackService};
use direct_upload_core::render::deployer::{
    Component, Deployer, Fragment, FragmentInput, PreflightCommand, Spec, fragment,
};
use direct_upload_core::render::{
    ApiSettings, HorizonSettings, ImportSettings, OwnSettings, PolicySettings, TlsTerminationSettings, api, horizon,
};
use rstest::rstest;
use serde::Deserialize;
use serde_json::{Value, json};
use test_support::oracle::ask;

use super::glance::{cors, preflight};

const ORIGIN: &str = "https://horizon.example.com";
const OTHER: &str = "https://b.example:8443";
/// What each tool's own configuration accepts until then (tests/oracles/deployers.py).
const OWN: &str = "https://horizon.own.example.com";

#[derive(Deserialize)]
struct Deployed {
    glance: Value,
    settings: String,
    snippets: String,
    /// The rules that Glance reads.
    policy: Value,
}

fn of_glance(deployer: Deployer, settings: &ApiSettings) -> Fragment {
    let asked = |origin: &Origin| PreflightCommand {
        origin: origin.clone(),
        url: Some(Endpoint::parse("https://glance.example.com").unwrap()),
        panel: None,
    };
    let preflights: Vec<_> = settings.cors.iter().flat_map(|cors| &cors.origins).map(asked).collect();
    of_api(deployer, settings, Component::Glance, &preflights)
}

fn of_api(deployer: Deployer, settings: &ApiSettings, service: Component, preflights: &[PreflightCommand]) -> Fragment {
    let own = match service {
        Component::Api(service) => service,
        _ => &GLANCE,
    };
    let files = api(settings, own).unwrap();
    let files: Vec<_> = files.iter().map(|file| (file.name.as_str(), file.contents.as_str())).collect();
    let glance = GlanceSpec::default();
    let spec = if service == Component::Glance { Spec::Glance(&glance) } else { Spec::Api };
    fragment(deployer, &FragmentInput { service, spec, files: &files, preflights, own_paths: &[] })
}

fn of_horizon(deployer: Deployer, direct: bool, tls: Option<TlsTerminationSettings>) -> Fragment {
    let spec = json!({"tlsTermination": {"forwardedProtoHeader": "X-Forwarded-Proto", "allowHosts": true}});
    let spec = if tls.is_some() { serde_json::from_value(spec).unwrap() } else { HorizonSpec::default() };
    let settings = HorizonSettings {
        direct,
        local_settings_dir: "/etc/openstack-dashboard/local_settings.d".into(),
        delivery: Delivery::Mount,
        tls_termination: tls,
        httpd: None,
    };
    let files = horizon(&settings).unwrap();
    let files: Vec<_> = files.iter().map(|file| (file.name.as_str(), file.contents.as_str())).collect();
    let spec = Spec::Horizon(&spec);
    fragment(
        deployer,
        &FragmentInput { service: Component::Horizon, spec, files: &files, preflights: &[], own_paths: &[] },
    )
}

/// The only file.
fn text(fragment: &Fragment) -> &str {
    assert_eq!(fragment.files.len(), 1, "{fragment:?}");
    &fragment.files[0].text
}

fn settings() -> ApiSettings {
    ApiSettings {
        cors: Some(cors(&[ORIGIN, OTHER])),
        config_dir: "/etc/glance/glance-api.conf.d".into(),
        ..ApiSettings::default()
    }
}

fn deployed(deployer: Deployer, glance: &Fragment, horizon: &Fragment) -> Deployed {
    let glance: Vec<_> = glance.files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    ask(&json!({
        "ask": "deployed", "deployer": deployer.as_str(), "glance": glance, "horizon": text(horizon),
    }))
}

/// After both stages the dashboard's upload passes, the tool's own origin no longer does, and every other
/// option is as a ConfigMap of ours would have it.
#[rstest]
fn uploads_pass_once_both_are_merged(
    #[values(Deployer::OpenStackHelm, Deployer::KollaAnsible, Deployer::OpenStackAnsible, Deployer::Rhoso)]
    deployer: Deployer,
) {
    let glance = of_glance(deployer, &settings());
    let merged = deployed(deployer, &glance, &of_horizon(deployer, true, None));
    let requests = [preflight(ORIGIN), preflight(OTHER), preflight(OWN)];
    let ask_filter = |files: Value| -> Value { ask(&json!({"ask": "cors", "files": files, "requests": requests})) };
    let answer = ask_filter(merged.glance);
    let allowed = |at: usize| {
        let headers = answer["answers"][at]["headers"].as_array().unwrap().clone();
        headers.iter().find(|header| header[0] == "Access-Control-Allow-Origin").map(|header| header[1].clone())
    };
    assert_eq!((allowed(0), allowed(1), allowed(2)), (Some(ORIGIN.into()), Some(OTHER.into()), None));
    let ours = api(&settings(), &GLANCE).unwrap().remove(0).contents;
    let mounted = ask_filter(json!({"glance-api.conf.d/zz-direct-upload.conf": ours}));
    assert_eq!(answer["options"], mounted["options"]);

    let after: Value = ask(&json!({
        "ask": "settings", "before": merged.settings, "snippet": merged.snippets, "times": 1,
    }));
    assert_eq!(after["HORIZON_IMAGES_UPLOAD_MODE"], "direct");
}

/// Each first says where it goes, and Glance's says what to ask before the change of Horizon.
#[rstest]
fn a_fragment_says_where_it_goes_and_what_is_next(
    #[values(Deployer::OpenStackHelm, Deployer::KollaAnsible, Deployer::OpenStackAnsible, Deployer::Rhoso)]
    deployer: Deployer,
) {
    let glance = of_glance(deployer, &settings());
    let glance = text(&glance);
    assert!(glance.lines().next().unwrap().contains("stage 1 of 2"), "{glance}");
    for origin in [ORIGIN, OTHER] {
        let command =
            format!("#   direct-upload-operator preflight --origin {origin} --url https://glance.example.com\n");
        assert!(glance.contains(&command), "{glance}");
    }
    let horizon = of_horizon(deployer, true, None);
    let horizon = text(&horizon);
    assert!(horizon.lines().next().unwrap().contains("stage 2 of 2"), "{horizon}");
    // No text asks the user to change a custom resource, because there may be none.
    assert!(!glance.contains("do not edit") && !horizon.contains("do not edit"), "{glance}{horizon}");
}

#[rstest]
fn what_says_nothing_has_no_fragment(
    #[values(Deployer::OpenStackHelm, Deployer::KollaAnsible, Deployer::OpenStackAnsible, Deployer::Rhoso)]
    deployer: Deployer,
) {
    assert_eq!(of_glance(deployer, &ApiSettings::default()), Fragment::default());
    assert_eq!(of_horizon(deployer, false, None), Fragment::default());
}

/// The fragment has options that Glance itself reads; brackets and blanks survive.
#[rstest]
fn options_of_imports_come_along(
    #[values(Deployer::OpenStackHelm, Deployer::KollaAnsible, Deployer::OpenStackAnsible, Deployer::Rhoso)]
    deployer: Deployer,
) {
    let import = ImportSettings { methods: Some(vec!["glance-direct", "web-download"]), ..ImportSettings::default() };
    let own = OwnSettings { dir: "/etc/glance/glance.conf.d".into(), import, swift: Vec::new() };
    let glance = of_glance(deployer, &ApiSettings { own, ..settings() });
    let merged = deployed(deployer, &glance, &of_horizon(deployer, true, None));
    let files = merged.glance.as_object().unwrap();
    let text = files.values().next_back().unwrap().as_str().unwrap();
    let values: Value =
        ask(&json!({"ask": "values", "text": text, "options": [["DEFAULT", "enabled_import_methods", "str"]]}));
    assert_eq!(values[0], "[glance-direct,web-download]", "{text}");
}

/// What Django must know behind a TLS edge is in the fragment if the tool accepts Python. Otherwise the output names it.
#[rstest]
fn tls_termination_comes_along_or_is_told(
    #[values(Deployer::OpenStackHelm, Deployer::KollaAnsible, Deployer::OpenStackAnsible, Deployer::Rhoso)]
    deployer: Deployer,
) {
    let tls = TlsTerminationSettings {
        forwarded_proto_header: Some("X-Forwarded-Proto".into()),
        allowed_hosts: vec!["horizon.example.com".into()],
        ..TlsTerminationSettings::default()
    };
    let horizon = of_horizon(deployer, true, Some(tls));
    let merged = deployed(deployer, &of_glance(deployer, &settings()), &horizon);
    let after: Value = ask(&json!({
        "ask": "settings", "before": merged.settings + "ALLOWED_HOSTS = ['a']\n", "snippet": merged.snippets, "times": 1,
    }));
    if deployer == Deployer::OpenStackAnsible {
        let fields: Vec<_> = horizon.left_out.iter().map(|left| left.what.to_string()).collect();
        assert_eq!(fields, ["spec.tlsTermination.forwardedProtoHeader", "spec.tlsTermination.allowHosts"]);
    } else {
        assert!(horizon.left_out.is_empty(), "{:?}", horizon.left_out);
        assert_eq!(after["ALLOWED_HOSTS"], json!(["a", "horizon.example.com"]));
        assert_eq!(after["SECURE_PROXY_SSL_HEADER"], json!({"tuple": ["HTTP_X_FORWARDED_PROTO", "https"]}));
    }
    assert_eq!(after["HORIZON_IMAGES_UPLOAD_MODE"], "direct");
}

const HOSTILE: &str = "{{ x }} {% if y %} {# z #} {{{ a }}} {%- b -%} 50% }} {";

/// Ansible runs Jinja over what it merges. Each text arrives as the resource has it.
#[rstest]
fn no_tool_reads_a_text_as_a_template(
    #[values(Deployer::OpenStackHelm, Deployer::KollaAnsible, Deployer::OpenStackAnsible, Deployer::Rhoso)]
    deployer: Deployer,
) {
    let inject = [("note".to_owned(), HOSTILE.to_owned())].into();
    let import = ImportSettings { inject, ..ImportSettings::default() };
    let own = OwnSettings { dir: "/etc/glance/glance.conf.d".into(), import, swift: Vec::new() };
    let rules = [("get_image".to_owned(), "role:{{x}} or role:{%y".to_owned())].into();
    let policy = PolicySettings { dir: "/etc/glance/policy.d".into(), rules };
    let glance = of_glance(deployer, &ApiSettings { own, policy, ..settings() });
    let merged = deployed(deployer, &glance, &of_horizon(deployer, true, None));
    let files: Vec<_> = merged.glance.as_object().unwrap().values().collect();
    let values: Value = ask(&json!({"ask": "options", "files": files}));
    assert_eq!(values["inject_metadata_properties"]["inject"], json!({"note": HOSTILE}), "{glance:?}");
    assert_eq!(merged.policy, json!({"get_image": "role:{{x}} or role:{%y"}), "{glance:?}");
}

/// Each tool has a place for rules, and Glance reads them as they are.
#[rstest]
fn rules_of_the_policy_come_along(
    #[values(Deployer::OpenStackHelm, Deployer::KollaAnsible, Deployer::OpenStackAnsible, Deployer::Rhoso)]
    deployer: Deployer,
) {
    let given = json!({
        "upload_image": "!", "get_images": "@", "get_image": "role:admin or (role:reader and project_id:%(project_id)s)",
    });
    let with_comma = json!({"delete_image": "role:admin or 'a,b':%(name)s"});
    let rules = |given: &Value| {
        let rules = given.as_object().unwrap().iter();
        rules.map(|(name, rule)| (name.clone(), rule.as_str().unwrap().to_owned())).collect()
    };
    let of = |given: &Value| {
        let policy = PolicySettings { dir: "/etc/glance/policy.d".into(), rules: rules(given) };
        of_glance(deployer, &ApiSettings { policy, ..settings() })
    };
    let horizon = of_horizon(deployer, true, None);
    assert_eq!(deployed(deployer, &of(&given), &horizon).policy, given);
    // Without [cors], the rules are a fragment of their own.
    let policy = PolicySettings { dir: "/etc/glance/policy.d".into(), rules: rules(&given) };
    let alone = of_api(deployer, &ApiSettings { policy, ..ApiSettings::default() }, Component::Glance, &[]);
    assert!(alone.files.iter().all(|file| !file.text.contains("origin")), "{alone:?}");
    // config_template would make a list of it, which is another rule.
    let split = of(&with_comma);
    let rules = deployed(deployer, &split, &horizon).policy;
    if deployer == Deployer::OpenStackAnsible {
        assert_eq!(
            (rules, split.left_out[0].what.to_string()),
            (json!({}), "the rule delete_image of the policy".into())
        );
    } else {
        assert_eq!(rules, with_comma);
    }
}

/// The text of every service comes to the filter of that service, and replaces what the tool has there.
#[rstest]
fn other_apis_accept_their_callers(
    #[values(Deployer::OpenStackHelm, Deployer::KollaAnsible, Deployer::OpenStackAnsible, Deployer::Rhoso)]
    deployer: Deployer,
) {
    for service in ApiService::ALL {
        accepts_its_callers(deployer, (*service).into());
    }
}

fn accepts_its_callers(deployer: Deployer, service: &'static OpenStackService) {
    let url = Endpoint::parse("https://api.example.com/v3").unwrap();
    let asked =
        PreflightCommand { origin: Origin::parse("https://[2001:db8::1]").unwrap(), url: Some(url), panel: None };
    let settings = ApiSettings {
        cors: Some(cors(&["https://[2001:db8::1]"])),
        config_dir: service.config_dir(direct_upload_api::Layout::Debian),
        ..ApiSettings::default()
    };
    let fragment = of_api(deployer, &settings, Component::Api(service), &[asked]);
    let is_swift = service.name == "Swift";
    if is_swift && deployer == Deployer::KollaAnsible {
        assert_eq!((fragment.files.len(), fragment.left_out[0].what.to_string()), (0, "spec.cors".into()));
        return;
    }
    let text = text(&fragment);
    let path = if is_swift { "/v1/AUTH_direct-upload-operator/preflight" } else { "/v3" };
    let command = format!(
        "-H 'Origin: https://[2001:db8::1]' -H 'Access-Control-Request-Method: GET' -H 'Access-Control-Request-Headers: x-auth-token' https://api.example.com{path}\n"
    );
    assert!(text.contains(&command) || is_swift, "{text}");
    assert!(!text.contains("stage") && text.contains(&format!(": {} accepts calls", service.name)), "{text}");
    let merged: String = ask(&json!({
        "ask": "deployed_api", "deployer": deployer.as_str(), "project": service.project, "text": text,
    }));
    let ours = api(&settings, service).unwrap().remove(0).contents;
    let options = |text: &str| -> Value { ask(&json!({"ask": "parse", "text": text})) };
    assert_eq!(options(&merged), options(&ours), "{text}");
}

/// Words of a shell: brackets would be a pattern, and a stated panel is asked alone.
#[test]
fn commands_can_be_run_as_they_are() {
    let asked = PreflightCommand {
        origin: Origin::parse("https://[2001:db8::1]:8443").unwrap(),
        url: Some(Endpoint::parse("https://glance.example.com:9292/image").unwrap()),
        panel: Some(Panel::Angular),
    };
    let fragment = of_api(Deployer::Rhoso, &settings(), Component::Glance, &[asked]);
    let command =
        "preflight --origin 'https://[2001:db8::1]:8443' --url https://glance.example.com:9292/image --panel angular\n";
    assert!(text(&fragment).contains(command), "{}", text(&fragment));
}

#[test]
fn names_are_read_back() {
    for deployer in Deployer::ALL {
        assert_eq!(deployer.as_str().parse(), Ok(deployer));
    }
    let error = "helm".parse::<Deployer>().unwrap_err();
    assert_eq!(error, "\"helm\" is not one of openstack-helm, kolla-ansible, openstack-ansible, rhoso");
}
