//! A pod spec without our fields, as a short hash.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::fields;

/// Stands for the pod spec of a workload as its user wrote it.
pub fn fingerprint(pod: &Value) -> String {
    let mut hex = format!("{:x}", Sha256::digest(users(pod).to_string()));
    hex.truncate(16);
    hex
}

/// A pod's spec without our own fields.
pub fn users(spec: &Value) -> Value {
    let mut workload = json!({"spec": {"template": {"spec": spec}}});
    fields::release_fields(&mut workload);
    workload["spec"]["template"]["spec"].take()
}
