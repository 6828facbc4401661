//! DU016: dashboard settings that never take effect.

use direct_upload_api::{Rule, Severity};

use crate::facts::cloud::Cloud;
use crate::facts::horizon::{HorizonFacts, MODE, Mode, Snippet, mode};
use crate::finding::Finding;
use crate::formats::python::{SettingAssignment, Value};

/// Files that are not read or fail, values without a meaning, and what a later file overrides.
pub(crate) fn no_effect(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for horizon in &cloud.horizons {
        findings.extend(horizon.snippets.iter().filter_map(|snippet| file(horizon, snippet)));
        findings.extend(unset(horizon));
        findings.extend(invalid(horizon));
        findings.extend(replaced(horizon));
        findings.extend(folders(horizon));
    }
    findings
}

/// How bad it is that a setting has no effect: without it, Horizon usually forwards images itself (legacy), and that
/// works. In mode off nobody can upload.
fn without(horizon: &HorizonFacts<'_>) -> Severity {
    if horizon.mode() == Mode::Off { Severity::Error } else { Severity::Warning }
}

/// A file as a whole.
fn file(horizon: &HorizonFacts<'_>, snippet: &Snippet<'_>) -> Option<Finding> {
    let file = snippet.file;
    let told = file.text.contains(MODE);
    let severity = if told { without(horizon) } else { Severity::Warning };
    if let Some(why) = snippet.unread.as_ref().filter(|_| told) {
        let fix =
            "put it into local_settings.d as NAME.py, where the deployment reads it (see the runbook for your layout)";
        return Some(Finding::new(Rule::NoEffect, severity, &file.at(1), why.clone(), fix));
    }
    // Of its main file Horizon forgives only that it is missing (openstack_dashboard/settings.py), and the dashboard does
    // not start.
    let is_main = matches!(file.name.as_str(), "local_settings.py" | "local_settings");
    let (severity, all, rest) = if is_main {
        (Severity::Error, "the dashboard does not start", "the dashboard does not start")
    } else {
        (severity, "Horizon ignores all of it", "Horizon ignores the rest of the file")
    };
    if let Some((line, error)) = &snippet.settings.error {
        let found = format!("Python refuses the file: {}; {all}", lower(error));
        return Some(Finding::new(Rule::NoEffect, severity, &file.at(*line), found, "correct the syntax"));
    }
    let (line, why) = snippet.settings.raises.as_ref()?;
    let fix = "correct the line; strings need quotes, and True, False, None a capital letter";
    Some(Finding::new(Rule::NoEffect, severity, &file.at(*line), format!("{why}; {rest}"), fix))
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// The mode, if the file itself does not assign it.
fn unset(horizon: &HorizonFacts<'_>) -> Option<Finding> {
    if horizon.mode() == Mode::Direct || horizon.assignments(MODE).iter().any(|(_, a)| a.certain) {
        return None;
    }
    let of = |s: &Snippet<'_>| {
        s.settings.unset.iter().find(|(name, _)| name == MODE).map(|(_, line)| s.file.option(*line, MODE))
    };
    let place = horizon.snippets.iter().find_map(of)?;
    let found = format!("{MODE} is here, but not as an assignment at the file's outermost level, which Horizon reads");
    let fix = format!("{MODE} = 'direct' on a line of its own, not indented");
    Some(Finding::new(Rule::NoEffect, without(horizon), &place, found, fix).changes(MODE))
}

/// A mode that Horizon does not know.
fn invalid(horizon: &HorizonFacts<'_>) -> Option<Finding> {
    let (snippet, last) = horizon.assignments(MODE).pop()?;
    if horizon.mode() != Mode::Invalid {
        return None;
    }
    let meant = match &last.value {
        Value::Text(text) => ["off", "legacy", "direct"].into_iter().find(|m| text.trim().eq_ignore_ascii_case(m)),
        Value::Bool(true) => Some("direct"),
        _ => None,
    };
    // openstack_dashboard/api/glance.py, get_image_upload_mode: uploads pass through the dashboard, and work.
    let found = format!("{} is not 'off', 'legacy' or 'direct', so Horizon takes 'legacy'", shown(&last.value));
    let fix = format!("{MODE} = '{}'", meant.unwrap_or("direct"));
    Some(Finding::warning(Rule::NoEffect, &snippet.file.option(last.line, MODE), found, fix).changes(MODE))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("'{text}'"),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::None => "None".into(),
        Value::Number(number) => number.to_string(),
        Value::List(_) => "a list".into(),
        Value::Dict(_) => "a dict".into(),
        Value::Unknown => "the value".into(),
    }
}

/// 'direct' is set, and then set to something else.
fn replaced(horizon: &HorizonFacts<'_>) -> Option<Finding> {
    let assignments = horizon.assignments(MODE);
    let (by, last) = assignments.last()?;
    if !last.certain || !matches!(horizon.mode(), Mode::Legacy | Mode::Off | Mode::Invalid) {
        return None;
    }
    let is_direct = |(_, a): &&(&Snippet<'_>, &SettingAssignment)| a.certain && mode(&a.value) == Mode::Direct;
    let (snippet, direct) = assignments.iter().rev().skip(1).find(is_direct)?;
    // kolla-ansible and RHOSO set 'direct' for everyone; their custom settings exist to change that.
    let meant = horizon.is_deployers(snippet) && by.file.name.trim_start_matches('_').starts_with("9999");
    let severity = if meant { Severity::Note } else { without(horizon) };
    let place = by.file.at(last.line);
    let found = format!("{} ({place}), which is read later, sets {} instead", by.file.name, shown(&last.value));
    let fix = format!("remove {MODE} there, or give this file a name that sorts after it, such as zz-direct.py");
    let place = snippet.file.option(direct.line, MODE);
    Some(Finding::new(Rule::NoEffect, severity, &place, found, fix).changes(MODE))
}

/// A ConfigMap as a folder: its files run twice, the second time after all others.
fn folders(horizon: &HorizonFacts<'_>) -> Vec<Finding> {
    let snippets = horizon.unit.folders.iter().filter(|(path, _)| path.ends_with("/local_settings.d"));
    snippets
        .map(|(path, place)| {
            Finding::warning(
                Rule::NoEffect,
                place,
                format!("a whole ConfigMap is mounted as {path}: Horizon runs each snippet twice, the second time after every other one, and the image's own snippets are hidden"),
                "mount each snippet as a single file (subPath)",
            )
        })
        .collect()
}
