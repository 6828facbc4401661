//! Runs openstack-helm's real start script on the snippet that its sample renders to. The process lives or
//! dies, and this shows whether the layout's way to deliver a file is right.

use std::path::{Path, PathBuf};
use std::process::Command;

use rstest::rstest;
use serde_json::Value;

/// Renders the sample and returns the snippet's file.
fn snippet(folder: &Path) -> PathBuf {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/layouts/openstackhelm.yaml");
    let output = Command::new(env!("CARGO_BIN_EXE_direct-upload-operator"))
        .args(["render", "-f", sample, "-o", "files", "--out-dir"])
        .arg(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join("openstack/horizon/horizon/zz-direct-upload.py")
}

/// Runs the start script with the file delivered in this way and place.
fn start(file: &Path, delivery: &str, into: &str) -> Value {
    let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/layouts/openstack-helm/run"))
        .args(["--delivery", delivery, "--into", into])
        .arg(file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[rstest]
#[case::as_the_layout_does("copy", "site-packages", true, "direct")]
#[case::over_the_images_link("copy", "link", true, "direct")]
#[case::read_only("mount", "site-packages", false, "")]
#[case::where_nothing_reads("copy", "etc", true, "legacy")]
#[case::another_python("copy", "wrong-python", true, "legacy")]
fn the_start_script_survives_where_the_layout_says_so(
    #[case] delivery: &str,
    #[case] into: &str,
    #[case] survives: bool,
    #[case] mode: &str,
) {
    let folder = tempfile::tempdir().unwrap();
    let run = start(&snippet(folder.path()), delivery, into);
    assert_eq!(run["survived"], survives, "{run:#}");
    if survives {
        assert_eq!(run["mode"], mode, "{run:#}");
        let read = run["read"].as_array().unwrap();
        assert_eq!(
            read.iter().any(|f| f.as_str().unwrap().ends_with("zz-direct-upload.py")),
            mode == "direct",
            "{run:#}"
        );
    }
}
