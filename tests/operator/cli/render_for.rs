//! `render --for`: fragments for deployment tools, from two options or from manifests.

use std::fs;

use rstest::rstest;
use tempfile::TempDir;
use test_support::manifests::{cloud, glance, horizon, join};

use super::{err, out, run};

const INPUT: [&str; 4] = ["--origin", "https://horizon.example.com", "--url", "https://glance.example.com:9292"];

fn render(deployer: &str, more: &[&str]) -> std::process::Output {
    run(&[&["render", "--for", deployer], &INPUT[..], more].concat(), "")
}

#[rstest]
#[case("openstack-helm")]
#[case("kolla-ansible")]
#[case("openstack-ansible")]
#[case("rhoso")]
fn origin_and_url_are_the_whole_input(#[case] deployer: &str) {
    let output = render(deployer, &["--origin", "https://b.example:8443"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    insta::assert_snapshot!(format!("render_for_{deployer}"), out(&output));
    // Nothing is left to say: there is no cluster, and the workloads are not the user's.
    assert_eq!(err(&output), "");
}

#[test]
fn the_first_stage_is_glance_alone() {
    let output = render("openstack-helm", &["--stage", "glance"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).contains("allowed_origin: \"https://horizon.example.com\""), "{}", out(&output));
    assert!(!out(&output).contains("horizon_images_upload_mode"), "{}", out(&output));
}

#[rstest]
#[case("openstack-helm", &["glance.yaml", "horizon.yaml"])]
#[case("kolla-ansible", &["config/glance.conf", "config/horizon/_9999-custom-settings.py"])]
#[case("openstack-ansible", &["user_variables_glance.yml", "user_variables_horizon.yml"])]
#[case("rhoso", &["glance.yaml", "horizon.yaml"])]
fn files_lie_as_in_the_tools_tree_and_never_over_the_users(#[case] deployer: &str, #[case] paths: &[&str]) {
    let folder = TempDir::new().unwrap();
    let to = folder.path().to_str().unwrap();
    let write = || render(deployer, &["-o", "files", "--out-dir", to]);
    let output = write();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let told: Vec<_> =
        out(&output).lines().map(|line| line.strip_prefix(to).unwrap().trim_start_matches('/')).collect();
    assert_eq!(told, paths);
    // The same once more is no conflict; what the user wrote is.
    assert_eq!(write().status.code(), Some(0));
    fs::write(folder.path().join(paths[0]), "mine\n").unwrap();
    let refused = write();
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("is not overwritten"), "{}", err(&refused));
    assert_eq!(fs::read_to_string(folder.path().join(paths[0])).unwrap(), "mine\n");
}

#[test]
fn manifests_give_the_same_as_the_operator_would_mount() {
    let resources = join(&[&cloud(), &glance("{cors: {allowedOrigins: ['https://portal.example']}}"), &horizon("{}")]);
    let fragment = run(&["render", "--for", "kolla-ansible", "-f", "-"], &resources);
    assert_eq!(fragment.status.code(), Some(0), "{}", err(&fragment));
    let mounted = run(&["render", "-f", "-", "-o", "json"], &resources);
    let list: serde_json::Value = serde_json::from_str(out(&mounted)).unwrap();
    let files = list["items"].as_array().unwrap().iter().filter(|object| object["kind"] == "ConfigMap");
    for line in files
        .flat_map(|object| object["data"].as_object().unwrap().values())
        .flat_map(|text| text.as_str().unwrap().lines())
    {
        assert!(
            line.starts_with('#') || out(&fragment).lines().any(|l| l == line),
            "{line} is not in\n{}",
            out(&fragment)
        );
    }
    assert!(out(&fragment).contains("--url https://"), "{}", out(&fragment));
}

#[test]
fn several_resources_are_told_apart() {
    let other = "{apiVersion: glance.openstack.org/v1beta1, kind: Glance, metadata: {namespace: edge, name: glance}, \
        spec: {publicURL: 'https://edge.example', cors: {allowedOrigins: ['https://horizon.example.com']}}}";
    let workload = test_support::manifests::deployment("edge", "glance");
    let resources = join(&[&cloud(), &glance("{}"), &horizon("{}"), &workload, other]);
    let output = run(&["render", "--for", "openstack-helm", "-f", "-"], &resources);
    assert!(out(&output).contains("# Glance edge/glance\n"), "{}", out(&output));
    assert!(out(&output).contains("# Glance openstack/glance\n"), "{}", out(&output));
    assert!(!out(&output).contains("# Horizon "), "{}", out(&output));
    let folder = TempDir::new().unwrap();
    let to = folder.path().to_str().unwrap();
    run(&["render", "--for", "openstack-helm", "-f", "-", "-o", "files", "--out-dir", to], &resources);
    for path in ["edge/glance/glance.yaml", "openstack/glance/glance.yaml", "horizon.yaml"] {
        assert!(folder.path().join(path).is_file(), "{path}");
    }
}

/// A page over https may not upload to http: the plan's own words, and no fragment that would break uploads.
#[test]
fn what_a_plan_refuses_is_refused_here() {
    let mixed = ["--origin", "https://horizon.example.com", "--url", "http://glance.example.com:9292"];
    let output = run(&[&["render", "--for", "openstack-helm"], &mixed[..]].concat(), "");
    assert_eq!(output.status.code(), Some(1), "{}{}", out(&output), err(&output));
    assert!(err(&output).contains("MixedContent"), "{}", err(&output));
    assert!(!out(&output).contains("horizon_images_upload_mode"), "{}", out(&output));
}

/// Behind one host name no [cors] is needed. But no tool passes the path to Glance by itself.
#[rstest]
#[case("openstack-helm", "horizon_images_upload_mode: \"direct\"")]
#[case("kolla-ansible", "HORIZON_IMAGES_UPLOAD_MODE = 'direct'")]
#[case("openstack-ansible", "horizon_images_upload_mode: direct")]
#[case("rhoso", "HORIZON_IMAGES_UPLOAD_MODE = 'direct'")]
fn one_origin_for_both_needs_a_path_to_glance(#[case] tool: &str, #[case] mode: &str) {
    let same = ["--origin", "https://cloud.example.com", "--url", "https://cloud.example.com/image"];
    let output = run(&[&["render", "--for", tool], &same[..]].concat(), "");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(err(&output).contains("note: Glance: it needs no fragment"), "{}", err(&output));
    assert!(err(&output).contains("leaves out the path of https://cloud.example.com/image"), "{}", err(&output));
    for said in
        [mode, "# front of it must pass /image to Glance", "#   curl -s https://cloud.example.com/image/versions\n"]
    {
        assert!(out(&output).contains(said), "{said} is not in\n{}", out(&output));
    }
}

/// Whoever gave only flags has no resource, and no field.
#[rstest]
#[case::mixed("https://h.example.com", "http://g.example.com")]
#[case::internal("https://h.example.com", "https://glance.openstack.svc")]
#[case::same("https://h.example.com", "https://h.example.com/image")]
#[case::version("https://h.example.com", "https://g.example.com/v2")]
#[case::version("https://h.example.com", "https://g.example.com/")]
fn flags_are_named_in_place_of_fields(#[case] origin: &str, #[case] url: &str) {
    let output = run(&["render", "--for", "kolla-ansible", "--origin", origin, "--url", url], "");
    assert_ne!(err(&output), "");
    assert!(!err(&output).contains("spec.") && !err(&output).contains("openstack/"), "{}", err(&output));
}

/// A page over https decides, wherever it stands in the list.
#[test]
fn each_origin_is_judged() {
    let given =
        ["--origin", "http://a.example.com", "--origin", "https://b.example.com", "--url", "http://g.example.com"];
    let output = run(&[&["render", "--for", "rhoso"], &given[..]].concat(), "");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err(&output).contains("MixedContent: DU009: the dashboard is https://b.example.com and --url is"),
        "{}",
        err(&output)
    );
}

fn resources(horizon: &str, glance: &str) -> String {
    let of = |kind: &str, spec: &str| {
        test_support::manifests::resource(&kind.to_lowercase(), kind, "openstack", &kind.to_lowercase(), spec)
    };
    join(&[&of("Horizon", horizon), &of("Glance", glance)])
}

/// The Glance of another cluster has no fragment here, so its commands are in the dashboard's.
#[test]
fn a_region_of_another_cluster_is_asked_before_horizon() {
    let regions = "{publicURL: 'https://[2001:db8::7]', directUpload: {regions: [\
        {name: One, glanceRef: {name: glance}}, {name: Two, glanceEndpoint: 'https://two.example.com'}]}}";
    let input = resources(regions, "{publicURL: 'https://one.example.com'}");
    let output = run(&["render", "--for", "rhoso", "-f", "-"], &input);
    let (glance, horizon) = out(&output).split_once("stage 2 of 2").unwrap();
    let command =
        |url: &str| format!("#   direct-upload-operator preflight --origin 'https://[2001:db8::7]' --url {url}\n");
    assert!(glance.contains(&command("https://one.example.com")), "{glance}");
    assert!(!glance.contains("two.example.com"), "{glance}");
    assert!(horizon.contains(&command("https://two.example.com")), "{horizon}");
    assert!(!horizon.contains("one.example.com"), "{horizon}");
}

/// A panel that a resource states is no unknown, also where no workload is in the input.
#[rstest]
#[case::angular("Angular", None)]
#[case::django(
    "Django",
    Some(
        "error: ConfigMap openstack/glance-direct-upload-d5fee94d34: DU024: allow_credentials is off; a Horizon resource states the Django panel"
    )
)]
fn a_stated_panel_counts(#[case] panel: &str, #[case] told: Option<&str>) {
    let horizon = format!("{{publicURL: 'https://horizon.example.com', directUpload: {{panel: {panel}}}}}");
    let input = resources(&horizon, "{publicURL: 'https://glance.example.com', cors: {allowCredentials: false}}");
    let output = run(&["render", "--for", "rhoso", "-f", "-"], &input);
    let found = err(&output).lines().find(|line| line.contains("DU024"));
    assert_eq!(found.is_some(), told.is_some(), "{}", err(&output));
    assert!(told.is_none_or(|told| found.unwrap().starts_with(told)), "{}", err(&output));
    assert_eq!(output.status.code(), Some(i32::from(told.is_some())));
    let asked = format!("--url https://glance.example.com --panel {}", panel.to_lowercase());
    assert!(out(&output).contains(&asked), "{}", out(&output));
}

/// Rules of the policy, and an API of another service, each in the tool's own place.
#[test]
fn policies_and_other_apis_have_files() {
    let policy = "{publicURL: 'https://glance.example.com', apis: {public: {policy: {get_image: '@'}}}}";
    let keystone = test_support::manifests::resource(
        "cors",
        "OpenStackAPI",
        "openstack",
        "keystone",
        "{service: Keystone, publicURL: 'https://keystone.example.com/v3', cors: {allowedOrigins: ['https://p.example.com']}}",
    );
    let input = join(&[&resources("{publicURL: 'https://horizon.example.com'}", policy), &keystone]);
    let files = [
        (
            "kolla-ansible",
            &[
                "config/keystone.conf",
                "config/glance.conf",
                "config/glance/policy.yaml",
                "config/horizon/_9999-custom-settings.py",
            ][..],
        ),
        ("openstack-helm", &["keystone.yaml", "glance.yaml", "horizon.yaml"][..]),
        (
            "openstack-ansible",
            &["user_variables_keystone.yml", "user_variables_glance.yml", "user_variables_horizon.yml"][..],
        ),
        ("rhoso", &["keystone.yaml", "glance.yaml", "horizon.yaml"][..]),
    ];
    for (tool, paths) in files {
        let folder = TempDir::new().unwrap();
        let to = folder.path().to_str().unwrap();
        let output = run(&["render", "--for", tool, "-f", "-", "-o", "files", "--out-dir", to], &input);
        let told: Vec<_> =
            out(&output).lines().map(|line| line.strip_prefix(to).unwrap().trim_start_matches('/')).collect();
        assert_eq!(told, paths, "{}", err(&output));
    }
}

/// Before anything is live: what no browser would call.
#[rstest]
#[case::mixed(
    "http://keystone.example.com:5000/v3",
    "error",
    "DU009: spec.publicURL: http://keystone.example.com:5000/v3: mixed content"
)]
#[case::internal(
    "https://keystone.openstack.svc:5000/v3",
    "error",
    "DU010: spec.publicURL: https://keystone.openstack.svc:5000/v3: keystone.openstack.svc is a cluster-internal name"
)]
#[case::port(
    "https://keystone.example.com:6666/v3",
    "error",
    "DU010: spec.publicURL: https://keystone.example.com:6666/v3:"
)]
#[case::placeholder(
    "https://nova.example.com/v2.1/%(project_id)s",
    "warning",
    "spec.publicURL: https://nova.example.com/v2.1/%(project_id)s has a placeholder"
)]
#[case::fine("https://keystone.example.com/v3", "", "")]
fn the_url_of_an_api_is_judged(#[case] url: &str, #[case] severity: &str, #[case] said: &str) {
    let spec =
        format!("{{service: Keystone, publicURL: '{url}', cors: {{allowedOrigins: ['https://p.example.com']}}}}");
    let input = test_support::manifests::resource("cors", "OpenStackAPI", "openstack", "keystone", &spec);
    let output = run(&["render", "-f", "-"], &input);
    let found: Vec<_> = err(&output).lines().filter(|line| !line.starts_with("note: assuming")).collect();
    let starts = format!("{severity}: OpenStackAPI openstack/keystone: {said}");
    assert_eq!(found.len(), usize::from(!said.is_empty()), "{found:?}");
    assert!(found.iter().all(|line| line.starts_with(&starts)), "{found:?}");
    let checked = run(&["check", "-f", "-"], &input);
    assert_eq!(checked.status.code() == Some(1), severity == "error", "{}", out(&checked));
}

/// An internal API has other settings: in the place of the public one's they would end users' imports.
#[test]
fn an_internal_api_is_left_out_by_name() {
    let sample = test_support::file("samples/import/split-apis.yaml");
    let output = run(&["render", "--for", "kolla-ansible", "-f", sample.to_str().unwrap()], "");
    assert_eq!(
        out(&output).matches("[image_import_opts]").count() + out(&output).matches("glance.conf").count() / 2,
        1
    );
    assert!(!out(&output).contains("+internal"), "{}", out(&output));
    assert!(err(&output).contains("the fragment for kolla-ansible leaves out spec.apis.internal"), "{}", err(&output));
}

/// Without a fragment, a tool that writes `direct` itself would go on to do so.
#[rstest]
#[case::the_tool_is_direct("openstack-ansible", true)]
#[case::the_tool_is_legacy("openstack-helm", false)]
fn a_disabled_dashboard_needs_the_legacy_mode(#[case] tool: &str, #[case] warned: bool) {
    let disabled = test_support::manifests::join(&[
        &test_support::manifests::cloud(),
        &test_support::manifests::horizon("{directUpload: {enabled: false}}"),
    ]);
    let output = run(&["render", "--for", tool, "-f", "-"], &disabled);
    assert_eq!(err(&output).contains("HORIZON_IMAGES_UPLOAD_MODE = 'legacy'"), warned, "{}", err(&output));
}

#[rstest]
#[case::no_url(&["render", "--for", "rhoso", "--origin", "https://a.example"], "--url")]
#[case::no_tool(&["render", "--origin", "https://a.example", "--url", "https://b.example"], "--for")]
#[case::no_input(&["render", "--for", "rhoso"], "--filename")]
#[case::both(&["render", "--for", "rhoso", "-f", "-", "--origin", "https://a.example", "--url", "https://b.example"], "cannot be used with")]
#[case::unknown(&["render", "--for", "helm", "-f", "-"], "is not one of openstack-helm, kolla-ansible, openstack-ansible, rhoso")]
#[case::json(&["render", "--for", "rhoso", "-f", "-", "-o", "json"], "remove -o json")]
#[case::plan(&["render", "--for", "rhoso", "-f", "-", "--plan"], "cannot be used with")]
#[case::not_an_origin(&["render", "--for", "rhoso", "--origin", "https://a.example/x", "--url", "https://b.example"], "https://a.example/x")]
fn wrong_usage_is_2(#[case] arguments: &[&str], #[case] said: &str) {
    let output = run(arguments, "");
    assert_eq!(output.status.code(), Some(2), "{}", err(&output));
    assert!(err(&output).contains(said), "{}", err(&output));
    assert_eq!(out(&output), "");
}
