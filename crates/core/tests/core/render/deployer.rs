//! Fragments for deployment tools, merged as each tool merges them and read by the programs that read the result.

use direct_upload_api::Delivery;
use direct_upload_core::openstack::GLANCE;
use direct_upload_core::render::deployer::{Component, Deployer, Fragment, Source, fragment};
use direct_upload_core::render::{
    ApiSettings, HorizonSettings, ImportSettings, OwnSettings, TlsTerminationSettings, api, horizon,
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
}

fn of_glance(deployer: Deployer, settings: &ApiSettings) -> Option<Fragment> {
    let files = api(settings, &GLANCE).unwrap();
    let files: Vec<_> = files.iter().map(|file| (file.name.as_str(), file.contents.as_str())).collect();
    fragment(
        deployer,
        &Source { service: Component::Glance, files: &files, glance_url: Some("https://glance.example.com") },
    )
}

fn of_horizon(deployer: Deployer, direct: bool, tls: Option<TlsTerminationSettings>) -> Option<Fragment> {
    let settings = HorizonSettings {
        direct,
        local_settings_dir: "/etc/openstack-dashboard/local_settings.d".into(),
        delivery: Delivery::Mount,
        tls_termination: tls,
        httpd: None,
    };
    let files = horizon(&settings).unwrap();
    let files: Vec<_> = files.iter().map(|file| (file.name.as_str(), file.contents.as_str())).collect();
    fragment(deployer, &Source { service: Component::Horizon, files: &files, glance_url: None })
}

fn settings() -> ApiSettings {
    ApiSettings {
        cors: Some(cors(&[ORIGIN, OTHER])),
        config_dir: "/etc/glance/glance-api.conf.d".into(),
        ..ApiSettings::default()
    }
}

fn deployed(deployer: Deployer, glance: &Fragment, horizon: &Fragment) -> Deployed {
    ask(&json!({
        "ask": "deployed", "deployer": deployer.as_str(), "glance": glance.text, "horizon": horizon.text,
    }))
}

/// After both stages the dashboard's upload passes, the tool's own origin no longer does, and every other
/// option is as a ConfigMap of ours would have it.
#[rstest]
fn uploads_pass_once_both_are_merged(
    #[values(Deployer::OpenStackHelm, Deployer::KollaAnsible, Deployer::OpenStackAnsible, Deployer::Rhoso)]
    deployer: Deployer,
) {
    let glance = of_glance(deployer, &settings()).unwrap();
    let merged = deployed(deployer, &glance, &of_horizon(deployer, true, None).unwrap());
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
    let glance = of_glance(deployer, &settings()).unwrap().text;
    assert!(glance.lines().next().unwrap().contains("stage 1 of 2"), "{glance}");
    for origin in [ORIGIN, OTHER] {
        let command =
            format!("#   direct-upload-operator preflight --origin {origin} --url https://glance.example.com\n");
        assert!(glance.contains(&command), "{glance}");
    }
    let horizon = of_horizon(deployer, true, None).unwrap().text;
    assert!(horizon.lines().next().unwrap().contains("stage 2 of 2"), "{horizon}");
    // No text asks the user to change a custom resource, because there may be none.
    assert!(!glance.contains("do not edit") && !horizon.contains("do not edit"), "{glance}{horizon}");
}

#[rstest]
fn what_says_nothing_has_no_fragment(
    #[values(Deployer::OpenStackHelm, Deployer::KollaAnsible, Deployer::OpenStackAnsible, Deployer::Rhoso)]
    deployer: Deployer,
) {
    assert_eq!(of_glance(deployer, &ApiSettings::default()), None);
    assert_eq!(of_horizon(deployer, false, None), None);
}

/// The fragment has options that Glance itself reads; brackets and blanks survive.
#[rstest]
fn options_of_imports_come_along(
    #[values(Deployer::OpenStackHelm, Deployer::KollaAnsible, Deployer::OpenStackAnsible, Deployer::Rhoso)]
    deployer: Deployer,
) {
    let import = ImportSettings { methods: Some(vec!["glance-direct", "web-download"]), ..ImportSettings::default() };
    let own = OwnSettings { dir: "/etc/glance/glance.conf.d".into(), import, swift: Vec::new() };
    let glance = of_glance(deployer, &ApiSettings { own, ..settings() }).unwrap();
    let merged = deployed(deployer, &glance, &of_horizon(deployer, true, None).unwrap());
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
    let horizon = of_horizon(deployer, true, Some(tls)).unwrap();
    let merged = deployed(deployer, &of_glance(deployer, &settings()).unwrap(), &horizon);
    let after: Value = ask(&json!({
        "ask": "settings", "before": merged.settings + "ALLOWED_HOSTS = ['a']\n", "snippet": merged.snippets, "times": 1,
    }));
    if deployer == Deployer::OpenStackAnsible {
        assert!(horizon.left_out[0].contains("tlsTermination"), "{:?}", horizon.left_out);
    } else {
        assert!(horizon.left_out.is_empty(), "{:?}", horizon.left_out);
        assert_eq!(after["ALLOWED_HOSTS"], json!(["a", "horizon.example.com"]));
        assert_eq!(after["SECURE_PROXY_SSL_HEADER"], json!({"tuple": ["HTTP_X_FORWARDED_PROTO", "https"]}));
    }
    assert_eq!(after["HORIZON_IMAGES_UPLOAD_MODE"], "direct");
}

#[test]
fn names_are_read_back() {
    for deployer in Deployer::ALL {
        assert_eq!(deployer.as_str().parse(), Ok(deployer));
    }
    let error = "helm".parse::<Deployer>().unwrap_err();
    assert_eq!(error, "\"helm\" is not one of openstack-helm, kolla-ansible, openstack-ansible, rhoso");
}
