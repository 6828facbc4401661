//! `render`: files in, manifests or files out.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;
use test_support::manifests::{beside, cloud, glance, horizon, ingress, join, sample};

use super::{PROGRAM, err, out, put, run};

fn quickstart() -> String {
    join(&[&cloud(), &glance("{}"), &horizon("{}")])
}

#[rstest]
#[case::nothing(&[], 2, "Usage:")]
#[case::unknown(&["frobnicate"], 2, "unrecognized subcommand")]
#[case::no_file(&["render"], 2, "--filename")]
#[case::bad_format(&["render", "-f", "-", "-o", "xml"], 2, "invalid value 'xml'")]
#[case::files_without_folder(&["render", "-f", "-", "-o", "files"], 2, "--out-dir")]
#[case::folder_without_files(&["render", "-f", "-", "--out-dir", "x"], 2, "--out-dir needs -o files")]
#[case::plan_and_format(&["render", "-f", "-", "--plan", "-o", "json"], 2, "cannot be used with")]
#[case::bad_stage(&["render", "-f", "-", "--stage", "all"], 2, "invalid value 'all'")]
#[case::missing(&["render", "-f", "/nonexistent/x.yaml"], 1, "error: /nonexistent/x.yaml: No such file")]
#[case::empty(&["render", "-f", "-"], 1, "error: stdin: no relevant object")]
fn wrong_usage_is_2_and_wrong_input_1(#[case] arguments: &[&str], #[case] code: i32, #[case] said: &str) {
    let output = run(arguments, "");
    assert_eq!(output.status.code(), Some(code), "{}", err(&output));
    assert!(err(&output).contains(said), "{}", err(&output));
    assert_eq!(out(&output), "");
}

#[test]
fn yaml_and_json_hold_the_same_objects() {
    let yaml = run(&["render", "-f", "-"], &quickstart());
    assert_eq!(yaml.status.code(), Some(0), "{}", err(&yaml));
    assert!(err(&yaml).contains("assuming that rehearsals and verification pass"), "{}", err(&yaml));
    let documents: Vec<Value> = serde_yaml::Deserializer::from_str(out(&yaml))
        .map(|document| serde::Deserialize::deserialize(document).unwrap())
        .collect();
    let json: Value = serde_json::from_str(out(&run(&["render", "-f", "-", "-o", "json"], &quickstart()))).unwrap();
    assert_eq!(json["items"], Value::Array(documents));
    let kinds: Vec<_> = json["items"].as_array().unwrap().iter().map(|o| o["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ConfigMap", "ConfigMap", "Deployment", "Deployment"]);
}

#[test]
fn the_plan_is_numbered_sentences() {
    let output = run(&["render", "-f", "-", "--plan"], &quickstart());
    assert_eq!(output.status.code(), Some(0));
    let lines: Vec<_> = out(&output).lines().collect();
    assert_eq!(lines.len(), 13);
    assert!(lines[0].starts_with("1. Glance openstack/glance: add the finalizer ("), "{}", lines[0]);
    assert!(!out(&output).contains("apiVersion"));
}

/// What stands in the way in a gateway's policy is told, and with it the manifest that would lift it.
#[test]
fn a_manifest_that_lifts_a_limit_is_printed() {
    let gateway = "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {namespace: infra, name: public}, \
        spec: {gatewayClassName: eg, listeners: [{name: https, port: 443, protocol: HTTPS, allowedRoutes: {namespaces: {from: All}}}]}}";
    let route = "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {namespace: openstack, name: images}, \
        spec: {hostnames: [images.example.com], parentRefs: [{namespace: infra, name: public}], \
        rules: [{backendRefs: [{name: glance, port: 80}]}]}}";
    let policy = "{apiVersion: gateway.envoyproxy.io/v1alpha1, kind: BackendTrafficPolicy, metadata: {namespace: infra, name: all}, \
        spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: public}], timeout: {http: {requestTimeout: 15s}}}}";
    let cloud = cloud()
        .split("\n---\n")
        .filter(|o| !(o.contains("kind: Ingress") && o.contains("name: glance")))
        .collect::<Vec<_>>()
        .join("\n---\n");
    let output = run(&["render", "-f", "-"], &join(&[&cloud, gateway, route, policy, &glance("{}"), &horizon("{}")]));
    let told = err(&output);
    assert!(told.contains("DU015") && told.contains("BackendTrafficPolicy infra/all"), "{told}");
    assert!(
        told.contains(r#""kind":"BackendTrafficPolicy","metadata":{"name":"images-uploads","namespace":"openstack"}"#),
        "{told}"
    );
    assert!(!out(&output).contains("BackendTrafficPolicy"), "it is printed, and never rendered");
}

/// How bad an issue is, `render` says in the words of `check`.
#[rstest]
#[case::login("auth-url: https://login.example.com", "auth-url", "error")]
#[case::size("proxy-body-size: 8m", "proxy-body-size", "error")]
#[case::larger_size("proxy-body-size: 50g", "proxy-body-size", "warning")]
#[case::time("proxy-read-timeout: '30'", "proxy-read-timeout", "warning")]
#[case::default_time("proxy-body-size: '0'", "proxy-read-timeout", "note")]
#[case::default_size("proxy-read-timeout: '3600'", "proxy-body-size", "warning")]
fn severities_are_those_of_check(#[case] annotation: &str, #[case] field: &str, #[case] severity: &str) {
    let own = format!(
        "annotations: {{nginx.ingress.kubernetes.io/{annotation}}}, name: glance}}, spec: {{ingressClassName: nginx, "
    );
    let exposed = ingress("openstack", "glance", "images.example.com").replace("name: glance}, spec: {", &own);
    let cloud: Vec<_> = cloud()
        .split("\n---\n")
        .filter(|o| !o.contains("name: glance\n") || !o.contains("kind: Ingress"))
        .map(str::to_owned)
        .collect();
    let input = join(&[&cloud.join("\n---\n"), &exposed, &glance("{}"), &horizon("{}")]);
    let line = |told: &str| told.lines().find(|line| line.contains(field)).map(str::to_owned);
    let rendered = run(&["render", "-f", "-"], &input);
    assert_eq!(rendered.status.code(), Some(0), "advice changes no exit code: {}", err(&rendered));
    let told = line(err(&rendered)).unwrap_or_else(|| panic!("{}", err(&rendered)));
    assert!(told.starts_with(&format!("{severity}: Glance openstack/glance: ")), "{told}");
    let checked = run(&["check", "-o", "json", "-f", "-"], &input);
    let findings: serde_json::Value = serde_json::from_str(out(&checked)).unwrap();
    let is_it = |finding: &&serde_json::Value| finding["found"].as_str().is_some_and(|text| text.contains(field));
    let found = findings["findings"].as_array().unwrap().iter().find(is_it).unwrap_or_else(|| panic!("{findings:#}"));
    assert_eq!(found["severity"], severity, "{found:#}");
}

/// Nobody runs the workload's image here: the field that says what it would tell is named, and no Job.
#[test]
fn a_path_that_only_an_image_tells_is_named_by_its_field() {
    let output = run(&["render", "-f", "-"], &join(&[&cloud(), &glance("{}"), &horizon("{layout: OpenStackHelm}")]));
    assert_eq!(output.status.code(), Some(1));
    let told = err(&output);
    assert!(told.contains("PathUnknown") && told.contains("set spec.paths.localSettingsDir"), "{told}");
    assert!(!told.contains("Job"), "{told}");
}

#[test]
fn an_unmet_resource_is_1_and_the_rest_is_printed() {
    let bad = join(&[
        &quickstart(),
        "{apiVersion: horizon.openstack.org/v1beta1, kind: Horizon, metadata: {namespace: openstack, name: other}, spec: {workloadRef: {name: other}}}",
    ]);
    let output = run(&["render", "-f", "-"], &bad);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err(&output).contains("error: Horizon openstack/other: Accepted=False, WorkloadNotFound: "),
        "{}",
        err(&output)
    );
    assert_eq!(out(&output), out(&run(&["render", "-f", "-"], &quickstart())));
}

#[test]
fn suspended_is_0_with_a_note() {
    let output = run(
        &["render", "-f", "-"],
        &join(&[&cloud(), &glance("{suspend: true, cors: {allowedOrigins: ['https://a.example']}}")]),
    );
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(err(&output).contains("note: Glance openstack/glance: spec.suspend is true"), "{}", err(&output));
}

#[test]
fn input_errors_print_nothing() {
    let output = run(
        &["render", "-f", "-"],
        &join(&[&quickstart(), &glance("{layout: Arch}").replace("name: glance", "name: other")]),
    );
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(out(&output), "");
    assert!(
        err(&output).contains("stdin, document 12 (Glance openstack/other): spec.layout: \"Arch\" is not one of"),
        "{}",
        err(&output)
    );
}

#[rstest]
#[case("{apiVersion: example.com/v1, kind: Foo, metadata: {name: x}}", 1)]
#[case("{apiVersion: v1, kind: Secret, metadata: {name: x}}", 0)]
fn strict_refuses_kinds_that_nobody_knows(#[case] extra: &str, #[case] code: i32) {
    let yaml = join(&[&quickstart(), extra]);
    assert_eq!(run(&["render", "-f", "-"], &yaml).status.code(), Some(0));
    let output = run(&["render", "-f", "-", "--strict"], &yaml);
    assert_eq!(output.status.code(), Some(code), "{}", err(&output));
    assert_eq!(err(&output).contains("example.com/v1 Foo is not known"), code == 1);
}

#[test]
fn folders_are_walked_in_order_and_hidden_entries_left_out() {
    let folder = TempDir::new().unwrap();
    put(folder.path(), "b/glance.yml", &sample("quickstart/glance.yaml"));
    put(folder.path(), "a.yaml", &sample("quickstart/horizon.yaml"));
    put(
        folder.path(),
        "c/d/cr.json",
        &format!(
            "{}",
            serde_json::json!({"apiVersion": "glance.openstack.org/v1beta1", "kind": "Glance", "metadata": {"name": "glance", "namespace": "openstack"}, "spec": {}})
        ),
    );
    put(folder.path(), "horizon.yaml", &horizon("{}"));
    put(folder.path(), "..data/horizon.yaml", &horizon("{}"));
    put(folder.path(), "kustomization.yaml", "resources: [a.yaml]\n");
    put(folder.path(), "README.md", "no manifest");
    symlink(folder.path(), folder.path().join("circle")).unwrap();
    let path = folder.path().to_str().unwrap();
    let output = run(&["render", "-f", path], "");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let workloads: Vec<_> = out(&output).match_indices("kind: Deployment").collect();
    assert_eq!(workloads.len(), 2);
    put(folder.path(), "twice.yaml", &horizon("{}"));
    let output = run(&["render", "-f", path], "");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        err(&output),
        format!(
            "error: {path}/twice.yaml, document 1 (Horizon openstack/horizon): is given twice; first in {path}/horizon.yaml, document 1\n"
        )
    );
}

#[test]
fn files_go_to_their_folders_and_nowhere_else() {
    let folder = TempDir::new().unwrap();
    let out_dir = folder.path().join("out");
    let arguments = ["render", "-f", "-", "-o", "files", "--out-dir", out_dir.to_str().unwrap()];
    let output = run(&arguments, &quickstart());
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let expected = ["openstack/glance/glance/zz-direct-upload.conf", "openstack/horizon/horizon/zz-direct-upload.py"];
    let printed: Vec<_> = expected.iter().map(|name| out_dir.join(name).display().to_string()).collect();
    assert_eq!(out(&output).lines().collect::<Vec<_>>(), printed);
    assert!(
        fs::read_to_string(out_dir.join(expected[0]))
            .unwrap()
            .contains("allowed_origin = https://horizon.example.com\n")
    );
    assert!(fs::read_to_string(out_dir.join(expected[1])).unwrap().contains("HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n"));

    // A link that waits there is not followed.
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::remove_dir_all(out_dir.join("openstack/glance")).unwrap();
    symlink(&elsewhere, out_dir.join("openstack/glance")).unwrap();
    let output = run(&arguments, &quickstart());
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("is a link"), "{}", err(&output));
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn a_linked_file_is_replaced_not_followed() {
    let folder = TempDir::new().unwrap();
    let target = folder.path().join("precious");
    put(folder.path(), "precious", "kept");
    put(folder.path(), "out/openstack/glance/glance/x", "");
    symlink(&target, folder.path().join("out/openstack/glance/glance/zz-direct-upload.conf")).unwrap();
    let out_dir = folder.path().join("out");
    let output = run(&["render", "-f", "-", "-o", "files", "--out-dir", out_dir.to_str().unwrap()], &quickstart());
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(fs::read_to_string(target).unwrap(), "kept");
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let mut child = Command::new(PROGRAM).arg("crd").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), err(&output)), (Some(0), ""));
}

/// Output that a user commits next to the resources renders to the same bytes again.
#[rstest]
fn what_is_printed_is_rendered_again_without_a_change(
    #[values("layouts/debian.yaml", "layouts/kolla.yaml", "layouts/openstackhelm.yaml", "layouts/redhat.yaml")]
    path: &str,
) {
    let arguments = ["render", "--image", "operator:1", "-f", "-"];
    let first = run(&arguments, &sample(path));
    assert_eq!(first.status.code(), Some(0), "{}", err(&first));
    let again = run(&arguments, &beside(&sample(path), out(&first)));
    assert_eq!((again.status.code(), out(&again)), (Some(0), out(&first)), "{}", err(&again));
}

/// What the dashboard's image panel needs of Glance: as its settings say, else as its resource does.
#[rstest]
#[case::by_default("{}", "", 0, "")]
#[case::stated("{directUpload: {panel: Django}}", "", 1, "error: ")]
#[case::set("{}", "ANGULAR_FEATURES = {'images_panel': False}", 1, "error: ")]
#[case::set_otherwise("{directUpload: {panel: Django}}", "ANGULAR_FEATURES = {'images_panel': True}", 0, "")]
#[case::not_known("{}", "from site import ANGULAR_FEATURES", 0, "warning: ")]
#[case::not_known_but_stated("{directUpload: {panel: Angular}}", "from site import ANGULAR_FEATURES", 0, "")]
fn the_panel_counts(#[case] spec: &str, #[case] settings: &str, #[case] code: i32, #[case] said: &str) {
    let (before, setting) = ("  local_settings.py: |\n", format!("  local_settings.py: |\n    {settings}\n"));
    assert!(cloud().contains(before), "the sample has settings of its own");
    let cloud = cloud().replacen(before, &setting, 1);
    let input = join(&[&cloud, &glance("{cors: {allowCredentials: false}}"), &horizon(spec)]);
    let output = run(&["render", "-f", "-"], &input);
    assert_eq!(output.status.code(), Some(code), "{}", err(&output));
    let found: Vec<_> = err(&output).lines().filter(|line| line.contains("DU024")).collect();
    assert_eq!(found.len(), usize::from(!said.is_empty()), "{found:?}");
    let fix = "spec.cors.allowCredentials: true in the Glance resource";
    assert!(found.iter().all(|line| line.starts_with(said) && line.contains(fix)), "{found:?}");
    assert!(out(&output).contains("allow_credentials = false"), "what can be is printed nevertheless");
}
