//! Variables that we set in a container.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::observe::EnvValue;

/// The pod's own address, for [`WORKER_URL`].
pub const POD_IP: &str = "DIRECT_UPLOAD_POD_IP";
/// oslo.config's name for `[DEFAULT] worker_self_reference_url` in the environment.
pub const WORKER_URL: &str = "OS_DEFAULT__WORKER_SELF_REFERENCE_URL";
/// Variables that we set; the first tells that they are ours.
pub const OUR_ENV: [&str; 2] = [POD_IP, WORKER_URL];

/// As they stand in a patch. One may refer to those whose names come before its own.
pub(super) fn patch(env: &BTreeMap<String, EnvValue>) -> Value {
    env.iter().map(|(name, value)| variable(name, value)).collect()
}

fn variable(name: &str, value: &EnvValue) -> Value {
    match value {
        EnvValue::Field(path) => json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}),
        EnvValue::Text(text) => json!({"name": name, "value": text}),
        EnvValue::Other => json!({"name": name}),
    }
}
