//! Services.

use std::collections::BTreeMap;

use super::meta::Meta;

/// A Service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    pub meta: Meta,
    pub selector: BTreeMap<String, String>,
    /// `spec.type`; empty counts as `ClusterIP`.
    pub type_: String,
    pub external_name: Option<String>,
    pub ports: Vec<i32>,
    /// The names that external-dns publishes for it, else what the load balancer reports.
    pub addresses: Vec<String>,
}
