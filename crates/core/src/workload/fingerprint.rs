//! A pod spec without our fields, as a short hash.

use std::collections::BTreeMap;

use direct_upload_api::DOMAIN;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::fields;

/// Identifies the pod spec of a workload as its user wrote it.
pub fn fingerprint(pod: &Value) -> String {
    short(&users(pod))
}

/// Identifies that pod spec and its template's annotations.
pub fn edition(fingerprint: &str, mut annotations: BTreeMap<String, String>) -> String {
    annotations.retain(|name, _| !name.strip_prefix(DOMAIN).is_some_and(|rest| rest.starts_with('/')));
    short(&json!([fingerprint, annotations]))
}

fn short(value: &Value) -> String {
    let mut hex = format!("{:x}", Sha256::digest(value.to_string()));
    hex.truncate(16);
    hex
}

/// A pod's spec without our own fields.
pub fn users(spec: &Value) -> Value {
    let mut workload = json!({"spec": {"template": {"spec": spec}}});
    fields::release_fields(&mut workload);
    workload["spec"]["template"]["spec"].take()
}
