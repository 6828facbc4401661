//! `check` as people and programs run it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use rstest::rstest;
use serde_json::Value;
use test_support::oracle::ask;

use crate::cli::check::corpus::corpus;

mod corpus;
mod files;

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_direct-upload-operator"));
    command.arg("check").args(arguments).stdin(Stdio::null()).env("KUBECONFIG", "/nonexistent");
    command.output().unwrap()
}

fn broken(name: &str) -> String {
    corpus("broken").join(name).display().to_string()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn exit_codes_tell_fine_found_and_misused() {
    let healthy = corpus("healthy/debian").display().to_string();
    assert_eq!(run(&["-f", &healthy]).status.code(), Some(0));
    assert_eq!(run(&["-f", &broken("manifests")]).status.code(), Some(1));
    assert_eq!(run(&["-f", "/nonexistent"]).status.code(), Some(1));
    assert_eq!(run(&["-f", "/dev/null"]).status.code(), Some(1));
    assert_eq!(run(&["--live"]).status.code(), Some(1));
    for wrong in [&[][..], &["-f", "x", "--live"], &["--explain", "DU099"], &["-n", "x"], &["-f", "x", "-o", "xml"]] {
        assert_eq!(run(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

/// What was found fine without having been seen is never called so, in no format.
#[test]
fn an_incomplete_input_is_not_fine() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    std::fs::write(folder.path().join("glance-api.conf"), "[DEFAULT]\n[cors]\nallowed_origin = https://d.example\n")
        .unwrap();
    for format in ["text", "json", "sarif", "html"] {
        let output = run(&["-f", &path, "-o", format]);
        assert_eq!(output.status.code(), Some(0), "{format}");
        let printed = text(&output.stdout);
        let fine = printed.contains("fine:") || printed.contains("\"fine\"");
        assert!(printed.contains("incomplete") && !fine, "{format}: {printed}");
        assert_eq!(run(&["-f", &path, "-o", format, "--require-complete"]).status.code(), Some(1), "{format}");
    }
    let missing = run(&["-f", &path, "-f", "/nonexistent"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stdout).contains("not seen: /nonexistent"), "{}", text(&missing.stdout));
}

/// Glance does not start with a file that begins with a byte order mark. People see the file and the fix.
#[test]
fn a_byte_order_mark_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("glance-api.conf");
    let path = folder.path().display().to_string();
    let written = "[DEFAULT]\n[cors]\nallowed_origin = https://d.example\n";
    for (mark, code) in [("", 0), ("\u{feff}", 1)] {
        std::fs::write(&conf, format!("{mark}{written}")).unwrap();
        let output = run(&["-f", &path]);
        let printed = text(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{printed}");
        assert_eq!(printed.contains("save it as UTF-8 without a byte order mark"), code == 1, "{printed}");
        assert_eq!(printed.contains("DU007"), code == 1, "{printed}");
    }
}

#[test]
fn explain_prints_what_the_pages_say() {
    let explain = |what: &str| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_direct-upload-operator")).args(["explain", what]).output().unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    assert!(explain("DU007").1.starts_with("# DU007: "));
    assert!(
        explain("NotVerified").1.starts_with("NotVerified: The operator has sent no preflight yet, or needs none.")
    );
    let (code, _, error) = explain("Nonsense");
    assert_eq!(code, Some(1));
    assert!(error.contains("neither a rule"), "{error}");
    // A reason that ends by itself has a section, too.
    let refused = explain("UploadRefused").1;
    assert!(refused.contains(" (DU012, DU014, ") && !refused.contains(".md"), "names, no links: {refused}");
    assert_eq!(refused.matches("The preflight passes, but the upload itself does not.").count(), 1);
    assert!(explain("RollingOut").1.contains("kubectl -n openstack describe pod NAME"));
    let folder = tempfile::tempdir().unwrap();
    let har = folder.path().join("upload.har");
    let entry = serde_json::json!({
        "request": {"method": "PUT", "url": "http://g.example:9292/v2/images/1/file", "headers": [
            {"name": "Origin", "value": "https://d.example"}, {"name": "X-Auth-Token", "value": "SECRET-1"}]},
        "response": {"status": 0, "headers": []},
    });
    std::fs::write(&har, serde_json::json!({"log": {"entries": [entry]}}).to_string()).unwrap();
    let (code, told, _) = explain(&har.display().to_string());
    assert_eq!(code, Some(1));
    assert!(told.contains("rule: DU009") && !told.contains("SECRET"), "{told}");
}

#[test]
fn explain_prints_the_rules_entry() {
    let output = run(&["--explain", "du007"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).starts_with("# DU007: "));
}

#[test]
fn text_is_for_people() {
    let root = env!("CARGO_MANIFEST_DIR");
    let output = run(&["-f", &broken("manifests")]);
    assert!(!text(&output.stdout).contains('\x1b'), "colour goes to terminals only");
    insta::assert_snapshot!(text(&output.stdout).replace(&format!("{root}/"), ""));
}

#[test]
fn json_is_for_programs() {
    let output = run(&["-f", &broken("manifests"), "-o", "json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["version"], &json["verdict"]), (&1.into(), &"fails".into()));
    let findings = json["findings"].as_array().unwrap();
    let errors = findings.iter().filter(|f| f["severity"] == "error").count();
    assert_eq!(json["summary"]["errors"], errors);
    for finding in findings {
        for field in ["rule", "severity", "title", "file", "line", "object", "field", "found", "why", "fix"] {
            assert!(finding.get(field).is_some(), "{field} is missing in {finding:#}");
        }
    }
}

/// What GitHub's code scanning demands of SARIF.
#[test]
fn sarif_is_for_code_scanning() {
    let output = run(&["-f", &broken("manifests"), "-o", "sarif"]);
    let sarif: Value = serde_json::from_slice(&output.stdout).unwrap();
    let faults: Vec<String> = ask(&serde_json::json!({"ask": "sarif", "document": sarif}));
    assert!(faults.is_empty(), "{faults:#?}");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["help"]["text"].as_str().unwrap().len() > 200);
        let location = &result["locations"][0]["physicalLocation"];
        let uri = location["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.starts_with("file:///") && !uri.contains(' '), "{uri}");
        assert!(location["region"]["startLine"].as_u64().unwrap() > 0);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
    }
}

#[rstest]
#[case("text")]
#[case("json")]
#[case("sarif")]
#[case("html")]
fn nothing_secret_is_printed(#[case] format: &str) {
    for part in ["healthy", "broken"] {
        let output = run(&["-f", &corpus(part).display().to_string(), "-o", format]);
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(all.contains("looked_at") || all.contains("checked") || all.contains("DU001"), "{all}");
        assert!(!all.contains("SECRET-"), "{part} {format}");
    }
}

/// Secrets where they do not belong, and in files that cannot be read.
#[rstest]
#[case::origin("glance-api.conf", "[cors]\nallowed_origin = https://user:SECRET-1@d.example/\n")]
#[case::line(
    "glance-api.conf",
    "[DEFAULT]\n[cors]\nallowed_origin = https://d.example\n password SECRET-1\nSECRET-1\n"
)]
#[case::option("glance-api.conf", "[cors]\nSECRET_KEY = SECRET-1\ntransport_url = rabbit://a:SECRET-1@b\n")]
#[case::settings("local_settings.py", "SECRET_KEY = 'SECRET-1'\nHORIZON_IMAGES_UPLOAD_MODE = 'SECRET-1\n")]
#[case::manifest(
    "secret.yaml",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {a: SECRET-1, a: SECRET-1}\n"
)]
#[case::wrong_type("map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: [\"SECRET-1\"]\n")]
#[case::wrong_env(
    "deploy.yaml",
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {selector: {}, template: {spec: {containers: [{name: x, env: \"SECRET-1\"}]}}}\n"
)]
#[case::yaml("broken.yaml", "apiVersion: v1\nkind: Secret\nstringData:\n  password: 'SECRET-1\n  x: @SECRET-1\n")]
fn secrets_in_wrong_places_are_not_printed(#[case] name: &str, #[case] contents: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), contents).unwrap();
    for format in ["text", "json", "sarif"] {
        let output = run(&["-f", &folder.path().display().to_string(), "-o", format]);
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(!all.contains("SECRET-1"), "{format}: {all}");
        // What has nothing to do with uploads is not seen, and no error.
        assert!(["error", "warning", "not seen", "unseen"].iter().any(|word| all.contains(word)), "{all}");
    }
}

#[test]
fn hostile_input_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let deep = |text: &str, times: usize| text.repeat(times);
    let files: [(&str, String); 6] = [
        ("local_settings.py", format!("X = {}", deep("(", 100_000))),
        ("a/local_settings.py", format!("X = {}1", deep("1+", 200_000))),
        ("b/local_settings.py", format!("X = {}", deep("not ", 100_000))),
        ("c/local_settings.py", format!("X = {}", deep("[", 50_000) + &deep("]", 50_000))),
        ("glance-api.conf", deep("[cors]\nallowed_origin = $", 10_000)),
        ("nginx.conf", format!("server {{ {}", deep("location / {", 50_000))),
    ];
    for (name, text) in &files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let output = run(&["-f", &folder.path().display().to_string()]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
}

/// A link to a file that is not there, where Glance reads one.
#[test]
fn a_broken_link_is_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    let of_glance = folder.path().join("etc/glance/glance-api.conf.d");
    std::fs::create_dir_all(&of_glance).unwrap();
    std::os::unix::fs::symlink("/nonexistent/cors.conf", of_glance.join("cors.conf")).unwrap();
    std::os::unix::fs::symlink("/nonexistent/other.map", folder.path().join("other.map")).unwrap();
    std::fs::write(folder.path().join("etc/glance/glance-api.conf"), "[cors]\nallowed_origin = https://d.example\n")
        .unwrap();
    let output = run(&["-f", &folder.path().display().to_string()]);
    let printed = text(&output.stdout);
    assert!(printed.contains("cors.conf: No such file") && !printed.contains("other.map"), "{printed}");
    assert_eq!(output.status.code(), Some(1));
}
