//! The CRDs' CEL rules, each with its counterpart here.
//!
//! In: a rule's text and the value it stands on. Out: whether it holds; `None` for a rule that is
//! not known, which a test rules out.

use serde_json::Value;

type Rule = (&'static str, fn(&Value) -> bool);

const RULES: [Rule; 5] = [
    ("!(has(self.publicURL) && has(self.exposedBy))", |v| !(has(v, "publicURL") && has(v, "exposedBy"))),
    ("!self.enabled || (has(self.secretName) && self.secretName != '')", |v| {
        v["enabled"] != true || v["secretName"].as_str().is_some_and(|name| !name.is_empty())
    }),
    ("!has(self.port) || self.server != 'None'", |v| {
        !has(v, "port") || v["server"].as_str().is_some_and(|server| server != "None")
    }),
    ("self.kind == 'Service' ? has(self.scheme) : !has(self.port)", |v| {
        if v["kind"] == "Service" { has(v, "scheme") } else { !has(v, "port") }
    }),
    ("self.from != 'Selector' || has(self.selector)", |v| v["from"] != "Selector" || has(v, "selector")),
];

/// Whether the rule holds for the value; fields that are not there count as their defaults.
pub fn holds(rule: &str, value: &Value) -> Option<bool> {
    RULES.iter().find(|(text, _)| *text == rule).map(|(_, holds)| holds(value))
}

fn has(value: &Value, field: &str) -> bool {
    value.get(field).is_some_and(|v| !v.is_null())
}
