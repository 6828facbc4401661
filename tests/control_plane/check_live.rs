//! `check --live` with read-only rights.

use std::process::{Command, Output};

use crate::harness::{BINARY, Site, file};

fn check(kubeconfig: &std::path::Path, args: &[&str]) -> Output {
    Command::new(BINARY).args(["check", "--live"]).args(args).env("KUBECONFIG", kubeconfig).output().unwrap()
}

#[test]
fn a_reader_finds_what_is_wrong() {
    let site = Site::new("check");
    let kubeconfig = site.reader();
    for name in ["glance.yaml", "horizon.yaml"] {
        let text = std::fs::read_to_string(file("tests/corpus/broken/manifests").join(name)).unwrap();
        site.kubectl_with(
            &["apply", "-f", "-"],
            &text.replace("namespace: cloud", &format!("namespace: {}", site.namespace)),
        );
    }
    let output = check(&kubeconfig, &["-n", &site.namespace, "-o", "json"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let found: Vec<_> = report["findings"].as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap()).collect();
    for rule in ["DU001", "DU002", "DU007", "DU012", "DU014", "DU016"] {
        assert!(found.contains(&rule), "{rule} in {found:?}");
    }
    let first = &report["findings"][0];
    assert!(first["file"].is_null() && first["object"].as_str().unwrap().contains(&site.namespace), "{first}");
    // What it may not see is an answer, too.
    let output = check(&kubeconfig, &["-A"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be listed"), "{output:?}");
}
