//! Variables that we set in a container.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::EnvValue;

/// As in a patch. One variable may refer to those whose names come before its own.
pub fn patch(env: &BTreeMap<String, EnvValue>) -> Value {
    env.iter().map(|(name, value)| variable(name, value)).collect()
}

fn variable(name: &str, value: &EnvValue) -> Value {
    match value {
        EnvValue::Field(path) => json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}),
        EnvValue::Text(text) => json!({"name": name, "value": text}),
        EnvValue::Other => json!({"name": name}),
    }
}
