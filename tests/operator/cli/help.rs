//! Help, version and completions, and the name by which kubectl finds the program.

use std::os::unix::fs::symlink;
use std::process::Command;

use tempfile::TempDir;

use super::{PROGRAM, out, run};

#[test]
fn help_version_and_completions() {
    let version = run(&["--version"], "");
    assert_eq!(
        (version.status.code(), out(&version)),
        (Some(0), concat!("direct-upload-operator ", env!("CARGO_PKG_VERSION"), "\n"))
    );
    for command in ["run", "crd", "render", "verify", "completions", "copy"] {
        let help = run(&[command, "--help"], "");
        assert_eq!(help.status.code(), Some(0));
        assert!(out(&help).contains("Usage: direct-upload-operator"), "{}", out(&help));
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(out(&run(&["completions", shell], "")).contains("render"));
    }
}

#[test]
fn it_is_a_kubectl_plugin_under_that_name() {
    let folder = TempDir::new().unwrap();
    let plugin = folder.path().join("kubectl-direct_upload");
    symlink(PROGRAM, &plugin).unwrap();
    let help = Command::new(&plugin).args(["render", "--help"]).output().unwrap();
    assert!(out(&help).contains("Usage: kubectl direct-upload render"), "{}", out(&help));
}
