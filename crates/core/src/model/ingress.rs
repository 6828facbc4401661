//! Ingresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::Value;

use super::annotations::Owners;
use super::meta::Meta;

/// An Ingress.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ingress {
    pub meta: Meta,
    pub class: Option<String>,
    /// The annotations that configure ingress controllers.
    pub annotations: BTreeMap<String, String>,
    pub owners: Owners,
    pub rules: Vec<IngressRule>,
    pub default_service: Option<String>,
    /// Some backend is no Service.
    pub other_backends: bool,
    /// Who serves it, and where its paths lead, as policies read the spec of an object.
    pub written: Value,
    pub tls: Vec<IngressTls>,
    /// `status.loadBalancer.ingress[].ports[].port`, if the controller sets it.
    pub ports: BTreeSet<i32>,
    /// `status.loadBalancer.ingress[].ip`.
    pub addresses: BTreeSet<IpAddr>,
}

/// One rule of an Ingress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngressRule {
    pub host: Option<String>,
    pub paths: Vec<IngressPath>,
}

/// One path of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngressPath {
    pub path: String,
    /// `pathType: Exact`: only this path, and none below it.
    pub exact: bool,
    pub service: String,
    /// Number or name; empty if nothing is written.
    pub port: String,
}

/// One TLS entry; without hosts it covers all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngressTls {
    pub hosts: Vec<String>,
}
