//! The next release renders the same bytes as the last one. Other bytes in a workload would replace its
//! pods.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_direct-upload-operator");
const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");
/// What a line of the changelog has to say where pods roll.
const WORDS: &str = "rolls pods";

/// The newest release's frozen files.
fn newest() -> PathBuf {
    let version = |path: &PathBuf| -> Option<Vec<u64>> {
        path.file_name()?.to_str()?.split('.').map(|number| number.parse().ok()).collect()
    };
    let releases = fs::read_dir(Path::new(REPOSITORY).join("tests/fixtures/releases")).unwrap();
    releases.map(|entry| entry.unwrap().path()).filter(|path| version(path).is_some()).max_by_key(version).unwrap()
}

fn render(input: &Path) -> String {
    let output = Command::new(PROGRAM)
        .args(["render", "--image", "registry.example.com/direct-upload-operator:frozen", "-f"])
        .arg(input)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}: {}", input.display(), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn unreleased() -> String {
    let changelog = fs::read_to_string(Path::new(REPOSITORY).join("CHANGELOG.md")).unwrap();
    let (_, after) = changelog.split_once("\n## [Unreleased]").expect("a section [Unreleased]");
    after.split("\n## [").next().unwrap_or_default().to_owned()
}

/// The first line that differs, with its number.
fn difference(before: &str, after: &str) -> String {
    let mut lines = before.lines().zip(after.lines()).enumerate();
    lines.find(|(_, (before, after))| before != after).map_or_else(
        || "one is longer".to_owned(),
        |(number, (before, after))| format!("line {}:\n  - {before}\n  + {after}", number + 1),
    )
}

/// `tests/fixtures/releases/freeze` writes these files when a version is released.
#[test]
fn an_upgrade_rolls_no_pods_or_says_so() {
    let release = newest();
    let inputs = fs::read_dir(release.join("render")).unwrap().map(|entry| entry.unwrap().path());
    let inputs: Vec<_> = inputs.filter(|path| path.to_str().is_some_and(|p| p.ends_with(".in.yaml"))).collect();
    assert!(inputs.len() >= 5, "{inputs:?}");
    let changed = inputs.iter().filter_map(|input| {
        let frozen = PathBuf::from(input.to_str()?.replace(".in.yaml", ".out.yaml"));
        let (before, after) = (fs::read_to_string(&frozen).unwrap(), render(input));
        (before != after).then(|| format!("{}, {}", frozen.display(), difference(&before, &after)))
    });
    let changed: Vec<_> = changed.collect();
    assert!(
        changed.is_empty() || unreleased().contains(WORDS),
        "What is rendered differs from the last release, so upgrading may replace the pods of every cloud. Either \
         render it as before, or say why it is worth it in a line of CHANGELOG.md, below [Unreleased], that has the \
         words \"{WORDS}\". The frozen files stay as they are until the next release.\n{}",
        changed.join("\n")
    );
}

/// The chart is of this version.
#[test]
fn the_chart_has_our_version() {
    let chart = Path::new(REPOSITORY).join("deploy/helm/direct-upload-operator/Chart.yaml");
    let chart = fs::read_to_string(chart).unwrap();
    for field in ["version", "appVersion"] {
        let line = format!("\n{field}: {}\n", env!("CARGO_PKG_VERSION"));
        assert!(chart.contains(&line), "{line} is not in Chart.yaml");
    }
}
