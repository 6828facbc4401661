//! A report as one JSON object (docs/check.md). New releases only add fields.

use direct_upload_api::Severity;
use serde_json::{Value, json};

use crate::finding::Finding;
use crate::{Report, Subject};

/// The report.
pub fn json(report: &Report) -> Value {
    json!({
        "version": 1,
        "verdict": report.verdict().to_string(),
        "summary": {
            "errors": report.count(Severity::Error),
            "warnings": report.count(Severity::Warning),
            "notes": report.count(Severity::Note),
        },
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "checked": report.checked.iter().map(|subject| &subject.name).collect::<Vec<_>>(),
        "looked_at": report.checked.iter().map(subject).collect::<Vec<_>>(),
        "unseen": report.unseen,
    })
}

fn subject(subject: &Subject) -> Value {
    let (release, from) = subject.release.as_ref().map_or((None, None), |(release, from)| (Some(release), Some(from)));
    json!({
        "service": subject.service,
        "name": subject.name,
        "release": release,
        "release_from": from,
        "files": subject.files,
        "before": subject.before,
    })
}

fn finding(finding: &Finding) -> Value {
    let place = &finding.place;
    json!({
        "rule": finding.rule,
        "severity": finding.severity,
        "title": finding.rule.title(),
        "file": place.file,
        "line": place.line,
        "object": place.object.as_ref().map(ToString::to_string),
        "field": place.field.as_ref().map(ToString::to_string),
        "found": finding.found,
        "why": finding.rule.why(),
        "fix": finding.fix,
    })
}
