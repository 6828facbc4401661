//! A report as SARIF 2.1.0 for code scanning.

use std::fmt::Write;

use direct_upload_api::{Rule, Severity};
use direct_upload_core::model::Id;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::Report;
use crate::finding::Finding;

/// The report.
pub fn sarif(report: &Report) -> Value {
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": direct_upload_api::OPERATOR,
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": Rule::ALL.iter().map(|rule| descriptor(*rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": report.unseen.iter().map(|unseen| notification(unseen)).collect::<Vec<_>>(),
            }],
            "properties": {"verdict": report.verdict().to_string()},
            "results": report.findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn notification(unseen: &str) -> Value {
    json!({"level": "warning", "message": {"text": format!("not seen: {unseen}")}})
}

fn descriptor(rule: Rule) -> Value {
    json!({
        "id": rule.id(),
        "name": format!("{rule:?}"),
        "shortDescription": {"text": rule.title()},
        "fullDescription": {"text": rule.why()},
        "help": {"text": rule.runbook(), "markdown": rule.runbook()},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["openstack", "cors"]},
    })
}

fn result(finding: &Finding) -> Value {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let place = &finding.place;
    let mut location = json!({"physicalLocation": {"artifactLocation": {"uri": uri(finding)}}});
    if let Some(line) = place.line {
        location["physicalLocation"]["region"] = json!({"startLine": line});
    }
    if let Some(object) = &place.object {
        let name = place.field.as_ref().map_or_else(|| object.to_string(), |field| format!("{object} {field}"));
        location["logicalLocations"] = json!([{"fullyQualifiedName": name, "kind": "object"}]);
    }
    json!({
        "ruleId": finding.rule.id(),
        "ruleIndex": Rule::ALL.iter().position(|rule| *rule == finding.rule),
        "level": level,
        "message": {"text": format!("{}. Fix: {}", finding.found, finding.fix)},
        "locations": [location],
        "partialFingerprints": {"directUpload/v1": fingerprint(finding)},
    })
}

/// Relative to the working directory. What is in no file is named by its object, because code scanning
/// needs a file for each result.
fn uri(finding: &Finding) -> String {
    let place = &finding.place;
    let object = || place.object.as_ref().map(|Id { kind, key }| format!("{kind}/{key}"));
    let path = place.file.clone().or_else(object).unwrap_or_else(|| "input".to_owned());
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.strip_prefix("./").unwrap_or(&path).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

/// It stays the same for a finding whose lines move.
fn fingerprint(finding: &Finding) -> String {
    let place = &finding.place;
    let (object, field) = (place.object.as_ref(), place.field.as_ref());
    let parts = [
        finding.rule.id().to_owned(),
        place.file.clone().unwrap_or_default(),
        object.map(ToString::to_string).unwrap_or_default(),
        field.map(ToString::to_string).unwrap_or_default(),
        finding.found.clone(),
    ];
    let hash = Sha256::digest(parts.join("\0"));
    hash.iter().take(16).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
