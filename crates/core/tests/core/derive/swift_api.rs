//! An OpenStackAPI for Swift: its own options, and the folder with which its proxy is started. Swift's own reader and
//! its own proxy judge the file.

use direct_upload_api::Reason;
use direct_upload_core::model::ResourceKind;
use direct_upload_core::simulate::{Simulation, rendered_files};
use rstest::rstest;
use serde_json::{Value, json};
use test_support::manifests::{advice_lines, deployment, end, join, render, resource, sample, service};
use test_support::oracle::ask;

const PORTAL: &str = "https://portal.example.com";
const FOLDER: &str = "/etc/swift/proxy-server.conf.d";
const STARTED: &str = "[swift-proxy-server, /etc/swift/proxy-server.conf.d]";
const CORS: &str = "cors: {allowedOrigins: ['https://portal.example.com']}";
const OWN: &str = "[DEFAULT]\nbind_port = 8080\n[pipeline:main]\npipeline = catch_errors proxy-server\n\
    [filter:catch_errors]\nuse = egg:swift#catch_errors\n[app:proxy-server]\nuse = egg:swift#proxy\n";

/// A Swift whose user's own file is mounted alone.
fn cloud(spec: &str, command: &str, own: &str) -> String {
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "openstack", "name": "swift-proxy"},
        "spec": {"selector": {"matchLabels": {"app": "swift-proxy"}}, "template": {
            "metadata": {"labels": {"app": "swift-proxy"}},
            "spec": {
                "volumes": [{"name": "etc", "configMap": {"name": "etc"}}],
                "containers": [{
                    "name": "swift-proxy", "image": "x",
                    "command": serde_json::to_value(words(command)).unwrap(),
                    "volumeMounts": [{"name": "etc", "mountPath": format!("{FOLDER}/20-proxy.conf"), "subPath": "own"}],
                }],
            },
        }},
    });
    let etc = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "openstack", "name": "etc"},
        "data": {"own": own}});
    let spec = spec.replacen('{', "{service: Swift, publicURL: 'https://swift.example.com/v1', ", 1);
    join(&[&resource("cors", "OpenStackAPI", "openstack", "swift", &spec), &deployment.to_string(), &etc.to_string()])
}

/// The words of a YAML list.
fn words(list: &str) -> Vec<String> {
    list.trim_matches(['[', ']']).split(", ").filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn state(outcome: &Simulation) -> (Reason, String) {
    let (_, reason, message) = end(outcome, "OpenStackAPI openstack/swift");
    (reason, message)
}

fn advice(outcome: &Simulation) -> String {
    let end = outcome.ends.iter().find(|end| end.resource.kind == ResourceKind::OpenStackApi).unwrap();
    advice_lines(&end.advice).join("\n")
}

fn file(outcome: &Simulation) -> String {
    let files = rendered_files(outcome);
    let [(_, "zz-direct-upload.conf", text)] = files.as_slice() else { panic!("{files:#?}") };
    (*text).to_owned()
}

/// What Swift's proxy gets, with the user's own file.
fn proxy(own: &str, ours: &str) -> Value {
    ask(&json!({"ask": "swift", "files": {"20-proxy.conf": own, "zz-direct-upload.conf": ours}}))
}

#[test]
fn swift_reads_its_own_options_from_our_file() {
    let spec = format!("{{{}}}", CORS.replace("']}", "'], exposeHeaders: [X-Portal]}"));
    let outcome = render(&cloud(&spec, STARTED, OWN));
    assert_eq!(state(&outcome).0, Reason::Verified, "{}", state(&outcome).1);
    let text = file(&outcome);
    assert!(!text.contains("[cors]"), "{text}");
    let has = proxy(OWN, &text);
    assert_eq!(has["origins"], json!([PORTAL]));
    assert_eq!((&has["expose"], &has["strict"]), (&json!(["X-Portal"]), &json!(true)));
    let printed = test_support::manifests::printed(&outcome);
    assert!(printed.contains(&format!("{FOLDER}/zz-direct-upload.conf")), "{printed}");
}

/// The proxy reads one file, or the files of one folder. What it is started with decides.
#[rstest]
#[case::folder("[swift-proxy-server, /etc/swift/proxy-server.conf.d]", "", Ok(FOLDER))]
#[case::shell("[sh, -c, exec /usr/bin/swift-proxy-server /etc/swift/proxy.d/ -v]", "", Ok("/etc/swift/proxy.d"))]
#[case::file("[swift-proxy-server, /etc/swift/proxy-server.conf, --verbose]", "", Err(Reason::PathUnknown))]
#[case::file_and_stated("[swift-proxy-server, /etc/swift/proxy-server.conf]", FOLDER, Err(Reason::PathUnknown))]
#[case::unknown("[kolla_start]", "", Err(Reason::PathUnknown))]
#[case::stated("[kolla_start]", "/etc/swift/proxy.d", Ok("/etc/swift/proxy.d"))]
#[case::other_stated("[swift-proxy-server, /etc/swift/proxy.d]", FOLDER, Err(Reason::InvalidSpec))]
fn the_command_decides_which_folder_is_read(
    #[case] command: &str,
    #[case] stated: &str,
    #[case] expected: Result<&str, Reason>,
) {
    let paths = if stated.is_empty() { String::new() } else { format!("paths: {{configDir: {stated}}}, ") };
    let outcome = render(&cloud(&format!("{{{paths}{CORS}}}"), command, OWN));
    match expected {
        Ok(folder) => {
            assert_eq!(state(&outcome).0, Reason::Verified, "{}", state(&outcome).1);
            let printed = test_support::manifests::printed(&outcome);
            assert!(printed.contains(&format!("{folder}/zz-direct-upload.conf")), "{printed}");
        }
        Err(reason) => {
            assert_eq!(state(&outcome).0, reason, "{}", state(&outcome).1);
            assert!(rendered_files(&outcome).is_empty());
            let said =
                advice(&outcome).contains("write cors_allow_origin = https://portal.example.com into its [DEFAULT]");
            assert_eq!(said, reason == Reason::PathUnknown, "{}", advice(&outcome));
        }
    }
}

/// The sample: a portal of this namespace, and the folder stated.
#[test]
fn the_sample_lets_the_portal_call_swift() {
    let yaml = join(&[
        &sample("openstackapi/swift.yaml"),
        &deployment("openstack", "swift-proxy"),
        &service("openstack", "portal", "portal.example.com"),
    ]);
    let outcome = render(&yaml);
    assert_eq!(state(&outcome).0, Reason::Verified, "{}", state(&outcome).1);
    assert_eq!(proxy(OWN, &file(&outcome))["origins"], json!([PORTAL]));
}

/// What the user's own file says stays in effect: Swift itself reads both.
#[rstest]
#[case::default("[DEFAULT]\n", "cors_allow_origin = https://own.example.com, https://b.example.com\ncors_expose_headers = X-Own\n", &["https://b.example.com", "https://own.example.com"], &["X-Own"], true, "")]
#[case::of_the_app("[app:proxy-server]\n", "cors_allow_origin = https://own.example.com\n", &["https://own.example.com"], &[], true, "")]
#[case::interpolated("[DEFAULT]\n", "region = own\ncors_allow_origin = https://%(region)s.example.com\n", &["https://own.example.com"], &[], true, "")]
#[case::quoted("[DEFAULT]\n", "cors_allow_origin = \"https://own.example.com\"\n", &[], &[], true, "never matches a browser")]
#[case::any("[DEFAULT]\n", "cors_allow_origin = *\n", &[], &[], true, "cors_allow_origin is not repeated")]
#[case::not_strict("[DEFAULT]\n", "strict_cors_mode = false\n", &[], &[], false, "strict_cors_mode is off")]
#[case::set("[app:proxy-server]\n", "set cors_allow_origin = https://own.example.com\n", &["https://own.example.com"], &[], true, "overrides every cors_allow_origin of [DEFAULT]")]
fn the_users_own_values_stay(
    #[case] section: &str,
    #[case] options: &str,
    #[case] origins: &[&str],
    #[case] expose: &[&str],
    #[case] strict: bool,
    #[case] said: &str,
) {
    let own = OWN.replace(section, &format!("{section}{options}"));
    let outcome = render(&cloud(&format!("{{{CORS}}}"), STARTED, &own));
    let has = proxy(&own, &file(&outcome));
    let mut all: Vec<_> = origins.to_vec();
    if !options.starts_with("set ") {
        all.push(PORTAL);
    }
    let sorted = |value: &Value| {
        let mut items: Vec<_> =
            value.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect();
        items.sort();
        items
    };
    assert_eq!(sorted(&has["origins"]), all, "{}", file(&outcome));
    assert_eq!((sorted(&has["expose"]), &has["strict"]), (expose.iter().map(|&x| x.into()).collect(), &json!(strict)));
    assert!(advice(&outcome).contains(said), "{}", advice(&outcome));
    assert_eq!(advice(&outcome).is_empty(), said.is_empty(), "{}", advice(&outcome));
}

#[rstest]
#[case::credentials(", allowCredentials: true", "never sends Access-Control-Allow-Credentials")]
#[case::max_age(", maxAge: 60", "X-Container-Meta-Access-Control-Max-Age")]
#[case::nothing("", "")]
fn what_swift_cannot_do_is_said(#[case] more: &str, #[case] said: &str) {
    let spec = format!("{{{}}}", CORS.replace("']}", &format!("']{more}}}")));
    let outcome = render(&cloud(&spec, STARTED, OWN));
    assert_eq!(advice(&outcome).is_empty(), said.is_empty(), "{}", advice(&outcome));
    assert!(advice(&outcome).contains(said), "{}", advice(&outcome));
}

#[test]
fn a_header_that_its_file_cannot_have_is_refused() {
    let spec = format!("{{{}}}", CORS.replace("']}", "'], exposeHeaders: ['X-%a']}"));
    let outcome = render(&cloud(&spec, STARTED, OWN));
    let (reason, message) = state(&outcome);
    assert_eq!(reason, Reason::InvalidSpec, "{message}");
    assert!(message.contains("Swift's configuration"), "{message}");
}
