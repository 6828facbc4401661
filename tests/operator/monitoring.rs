//! The alerts, judged by Prometheus' own promtool.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The output of promtool, which must be content.
fn promtool(args: &[&str], folder: &Path) {
    let output = Command::new("promtool").args(args).current_dir(folder).output();
    let output = output.expect("promtool is missing: apt-get install --no-install-recommends prometheus");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{said}");
}

#[test]
fn alerts_come_when_they_shall_and_not_else() {
    let rule: Value =
        serde_yaml::from_str(&std::fs::read_to_string(file("deploy/monitoring/prometheus-rule.yaml")).unwrap())
            .unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yaml"), rule["spec"].to_string()).unwrap();
    std::fs::copy(file("tests/monitoring/alerts.yaml"), folder.path().join("alerts.yaml")).unwrap();
    promtool(&["check", "rules", "--lint-fatal", "rules.yaml"], folder.path());
    promtool(&["test", "rules", "alerts.yaml"], folder.path());

    // Each alert has a case in which it comes.
    let cases: Value =
        serde_yaml::from_str(&std::fs::read_to_string(file("tests/monitoring/alerts.yaml")).unwrap()).unwrap();
    let cases = cases["tests"].as_array().unwrap().iter().flat_map(|t| t["alert_rule_test"].as_array().unwrap());
    let come: Vec<_> = cases.filter(|case| case["exp_alerts"].is_array()).map(|case| &case["alertname"]).collect();
    for alert in rule["spec"]["groups"][0]["rules"].as_array().unwrap() {
        assert!(come.contains(&&alert["alert"]), "{}", alert["alert"]);
    }
}
