//! Policies of gateways that are separate objects.

use serde_json::Value;

use super::meta::Meta;

/// A policy, as it was written: those who read it know the fields that matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    pub meta: Meta,
    pub spec: Value,
}
