//! `status` with read-only rights, next to a running operator.

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::harness::{BINARY, Site};

fn status(site: &Site, args: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(["status", "-n", &site.namespace]).args(args).env("KUBECONFIG", site.reader());
    command
}

fn data(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_pair() {
    let site = Site::with_pair("status", json!({}), json!({}));
    let tree = data(&status(&site, &[]).output().unwrap());
    assert!(tree.starts_with(&format!("Horizon {}/horizon  direct  ✓ Verified", site.namespace)), "{tree}");
    assert_eq!(tree.matches(" ✓ ").count(), 8, "{tree}");

    let list: Value = serde_json::from_str(&data(&status(&site, &["-o", "json"]).output().unwrap())).unwrap();
    let mut kinds: Vec<_> = list["items"].as_array().unwrap().iter().map(|i| i["kind"].as_str().unwrap()).collect();
    kinds.dedup();
    assert_eq!(kinds, ["Horizon", "Glance", "ConfigMap", "Event"]);
    assert!(!list.to_string().contains("managedFields"));
    let yaml = data(&status(&site, &["-o", "yaml"]).output().unwrap());
    assert_eq!(serde_yaml::from_str::<Value>(&yaml).unwrap()["kind"], "List");
}

#[test]
fn a_change_is_followed() {
    let site = Site::with_pair("status", json!({}), json!({}));
    let mut following = status(&site, &["--watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().contains("direct  ✓ Verified"));
    site.edit("horizon/horizon", &json!({"spec": {"directUpload": {"enabled": false}}}));
    assert!(lines.any(|line| line.contains("own mode  ✓ DirectDisabled")));
    following.kill().unwrap();
    following.wait().unwrap();
}

#[test]
fn nothing_there() {
    let site = Site::new("status");
    let output = status(&site, &[]).output().unwrap();
    assert_eq!(data(&output), "");
    assert!(String::from_utf8_lossy(&output.stderr).contains("no Horizon, no Glance and no OpenStackAPI"));
}
