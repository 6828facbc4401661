//! `check` over files that people really have: it finds every fault, and nothing else.

use std::path::{Path, PathBuf};

use direct_upload_check as check;
use direct_upload_check::{Finding, Report};

/// The corpus folder of that name.
pub fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name)
}

/// Checks a folder or file.
pub fn check_path(path: &Path) -> Report {
    let (texts, mut errors) = direct_upload_operator::cli::check::files::read(&[path.to_owned()]);
    let (input, more) = check::manifests::sort(texts, None, jiff::Timestamp::now());
    errors.extend(more);
    assert!(errors.is_empty(), "{errors:#?}");
    check::check(input)
}

/// One line a finding, with the place relative to the corpus.
pub fn lines(findings: &[Finding], root: &Path) -> Vec<String> {
    let line = |f: &Finding| {
        let line = format!("{} {} {}: {}", f.severity, f.rule, f.place, f.found);
        line.replace(&format!("{}/", root.display()), "")
    };
    findings.iter().map(line).collect()
}

fn folders(of: &str) -> Vec<PathBuf> {
    let mut folders: Vec<_> = std::fs::read_dir(corpus(of)).unwrap().map(|e| e.unwrap().path()).collect();
    folders.sort();
    folders
}

/// A folder of the corpus, told in the words of the snapshots.
fn told(folder: &Path) -> String {
    let report = check_path(folder);
    assert!(report.checked.len() > 1, "{}: only {:?} was seen", folder.display(), report.checked);
    lines(&report.findings, folder).join("\n")
}

/// No error in a deployer's own shape; and what else is said there is reviewed by eye: it earns its place.
#[test]
fn healthy_clouds_are_fine() {
    let mut all = String::new();
    for folder in folders("healthy") {
        let told = told(&folder);
        assert!(!told.lines().any(|line| line.starts_with("error ")), "{}:\n{told}", folder.display());
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        all.extend([name.as_str(), ":\n", &told, if told.is_empty() { "" } else { "\n" }]);
    }
    insta::assert_snapshot!(all);
}

/// What is expected is reviewed by eye: every finding is really wrong there, and nothing is missing.
#[test]
fn broken_clouds_are_told_with_file_and_line() {
    for folder in folders("broken") {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        insta::with_settings!({snapshot_suffix => name}, { insta::assert_snapshot!("broken", told(&folder)) });
    }
}

/// The operator's own samples, each as the operator would leave it.
#[test]
fn samples_are_fine_but_for_the_seeds_endpoint() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut told = Vec::new();
    let layouts = std::fs::read_dir(samples.join("layouts")).unwrap().map(|e| e.unwrap().path());
    let mut all: Vec<_> = layouts.chain([samples.join("quickstart"), samples.join("seed")]).collect();
    all.sort();
    for path in all {
        let report = check_path(&path);
        told.extend(lines(&report.findings, &samples).into_iter().filter(|line| !line.starts_with("note ")));
    }
    insta::assert_snapshot!(told.join("\n"));
}
