//! Each fix, applied to the input as a person would apply it: the finding goes away, and no other comes.
//!
//! In: what each rule's tests check, the corpus, and the folder that `CHECK_CASES` names. `text` reads the
//! sentence and edits the file; if the sentence is not text to copy, `hand` says what a person does.

mod hand;
mod spot;
mod text;

use std::collections::BTreeMap;
use std::path::Path;

use direct_upload_api::Severity;
use direct_upload_check as check;
use direct_upload_check::{Finding, Report, Text};
use direct_upload_core::openstack::Release;

/// Names and texts.
pub type Files = Vec<(String, String)>;

/// Applies every fix of a report, one at a time.
pub fn hold(files: &Files, release: Option<Release>) {
    let before = report(files, release);
    let fixable = before.findings.iter().filter(|f| f.severity != Severity::Note);
    let wrong: Vec<String> = fixable.filter_map(|finding| failure(files, release, &before, finding)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn report(files: &Files, release: Option<Release>) -> Report {
    let text = |(name, text): &(String, String)| Text { name: name.clone(), text: text.clone(), named: false };
    check::check(check::manifests::sort(files.iter().map(text).collect(), release, jiff::Timestamp::UNIX_EPOCH).0)
}

/// Why a fix does not hold.
fn failure(files: &Files, release: Option<Release>, before: &Report, finding: &Finding) -> Option<String> {
    let told = |why: &str| {
        let Finding { severity, rule, place, found, fix, .. } = finding;
        Some(format!("{severity} {rule} {place}\n  found: {found}\n  fix: {fix}\n  {why}"))
    };
    let edited = match hand::apply(files, finding) {
        Some(hand::Hand::Edited(files)) => files,
        Some(hand::Hand::Elsewhere) => return None,
        None => match text::apply(files, finding) {
            Ok(files) => files,
            Err(why) => return told(&format!("cannot be applied: {why}")),
        },
    };
    let after = report(&edited, release);
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        let (had, has) = (counted(before, severity), counted(&after, severity));
        let own = (finding.rule.to_string(), place(finding));
        if severity == finding.severity && has.get(&own) >= had.get(&own) {
            return told(&format!("the finding stays with\n{}", shown(files, &edited)));
        }
        // Where Glance reads a file that it did not read, the rest of it is judged, too.
        let new = has.iter().find(|(key, many)| had.get(*key).is_none_or(|had| had < *many) && key.1 == own.1);
        let elsewhere = has.iter().find(|((rule, _), many)| {
            let of_rule = |all: &BTreeMap<(String, String), usize>| {
                all.iter().filter(|(key, _)| key.0 == *rule).map(|(_, many)| many).sum::<usize>()
            };
            **many > 0 && of_rule(&has) > of_rule(&had)
        });
        if let Some((key, _)) = new.or(elsewhere) {
            return told(&format!("brings {severity} {key:?} with\n{}", shown(files, &edited)));
        }
    }
    None
}

/// Where a finding is, whatever its line is now.
fn place(finding: &Finding) -> String {
    let object = finding.place.object.as_ref().map(ToString::to_string);
    object.or_else(|| finding.place.file.clone()).unwrap_or_default()
}

/// How many findings of each rule and place are at least so severe.
fn counted(report: &Report, severity: Severity) -> BTreeMap<(String, String), usize> {
    let mut counted = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.severity <= severity) {
        *counted.entry((finding.rule.to_string(), place(finding))).or_default() += 1;
    }
    counted
}

/// The files that differ.
fn shown(files: &Files, edited: &Files) -> String {
    let shown = edited.iter().filter(|file| !files.contains(file)).map(|(name, text)| format!("--- {name}\n{text}"));
    shown.collect::<Vec<_>>().concat()
}

/// Every text below a folder.
fn read(folder: &Path, files: &mut Files) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            read(&path, files);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            files.push((path.display().to_string(), text));
        }
    }
}

#[test]
fn advice_on_broken_clouds_mends_them() {
    let corpus = test_support::file("tests/corpus/broken");
    let mut folders: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    if let Ok(cases) = std::env::var("CHECK_CASES") {
        folders.extend(std::fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path().join("in")));
    }
    let mut wrong = Vec::new();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        let mut files = Files::new();
        read(folder, &mut files);
        let before = report(&files, None);
        let fixable = before.findings.iter().filter(|f| f.severity != Severity::Note);
        wrong.extend(fixable.filter_map(|finding| failure(&files, None, &before, finding)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
