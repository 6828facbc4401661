//! A report as one JSON object (docs/check.md). Fields are only ever added.

use direct_upload_api::Severity;
use serde_json::{Value, json};

use crate::Report;
use crate::finding::Finding;

/// The report.
pub fn json(report: &Report) -> Value {
    json!({
        "version": 1,
        "verdict": if report.is_fine() { "fine" } else { "fails" },
        "summary": {
            "errors": report.count(Severity::Error),
            "warnings": report.count(Severity::Warning),
            "notes": report.count(Severity::Note),
        },
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "checked": report.checked,
        "unseen": report.unseen,
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
        "object": place.object,
        "field": place.field,
        "found": finding.found,
        "why": finding.rule.why(),
        "fix": finding.fix,
    })
}
