//! DU012: what a route makes of the lists of methods and headers in Glance's answer to a preflight.

use serde_json::Value;

/// What a rule, or the fields of a Middleware or Route, makes of the lists in Glance's answer to a preflight: its place,
/// and what the list then lacks.
pub(super) fn lists(rule: &Value, start: &[&str]) -> Vec<(Vec<String>, String)> {
    let mut changes: Vec<(Vec<String>, &str, Option<&str>)> = Vec::new();
    let path = |more: &[&str]| -> Vec<String> { start.iter().chain(more).map(|step| (*step).to_owned()).collect() };
    let mut modifiers: Vec<(Vec<String>, &Value)> = vec![
        (path(&["headers", "response"]), &rule["headers"]["response"]),
        (path(&["responseHeadersPolicy"]), &rule["responseHeadersPolicy"]),
    ];
    for (at, filter) in rule["filters"].as_array().into_iter().flatten().enumerate() {
        modifiers
            .push((path(&["filters", &at.to_string(), "responseHeaderModifier"]), &filter["responseHeaderModifier"]));
    }
    for (place, modifier) in &modifiers {
        let at = |more: &[&str]| [place.clone(), more.iter().map(|step| (*step).to_owned()).collect()].concat();
        for (number, name) in modifier["remove"].as_array().into_iter().flatten().enumerate() {
            changes.extend(name.as_str().map(|name| (at(&["remove", &number.to_string()]), name, None)));
        }
        for (number, entry) in modifier["set"].as_array().into_iter().flatten().enumerate() {
            let name = entry["name"].as_str();
            changes.extend(name.map(|name| (at(&["set", &number.to_string()]), name, entry["value"].as_str())));
        }
        for (name, value) in modifier["set"].as_object().into_iter().flatten() {
            changes.push((at(&["set", name]), name, value.as_str()));
        }
    }
    for (name, value) in rule["customResponseHeaders"].as_object().into_iter().flatten() {
        changes.push((path(&["customResponseHeaders", name]), name, value.as_str()));
    }
    for (number, entry) in rule["response"].as_array().into_iter().flatten().enumerate() {
        let name = entry["name"].as_str();
        let place = path(&["response", &number.to_string()]);
        changes.extend(name.map(|name| (place, name, entry["action"]["set"]["value"].as_str())));
    }
    let mut found = Vec::new();
    for (place, name, value) in changes {
        let Some((_, needed)) = crate::needed::LISTS.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)) else {
            continue;
        };
        let lacks = crate::needed::lacks(value.unwrap_or_default(), needed);
        if !lacks.is_empty() && !value.is_some_and(|value| value.contains('%')) {
            let lacks = lacks.join(", ");
            found.push((place, format!("replaces Glance's {name}, and {lacks} is not allowed")));
        }
    }
    found
}
