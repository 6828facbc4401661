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

/// Behind one host name no [cors] is needed, and Horizon's half is all.
#[test]
fn one_origin_for_both_needs_nothing_of_glance() {
    let same = ["--origin", "https://cloud.example.com", "--url", "https://cloud.example.com/image"];
    let output = run(&[&["render", "--for", "openstack-helm"], &same[..]].concat(), "");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(err(&output).contains("Glance openstack/glance: it needs no fragment"), "{}", err(&output));
    assert!(out(&output).contains("horizon_images_upload_mode: \"direct\""), "{}", out(&output));
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
    assert!(err(&output).contains("Glance openstack/glance: spec.apis.internal has no fragment"), "{}", err(&output));
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
