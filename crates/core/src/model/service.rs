//! Services.

use std::collections::BTreeSet;
use std::net::IpAddr;

use kube_core::labels::Selector;

use super::meta::Meta;

/// A Service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    pub meta: Meta,
    /// The pods it leads to; none if it selects none.
    pub selector: Option<Selector>,
    /// `spec.type`; empty counts as `ClusterIP`.
    pub type_: String,
    pub external_name: Option<String>,
    pub ports: Vec<i32>,
    /// Their names, as far as they have some.
    pub port_names: BTreeSet<String>,
    /// Each port, and its `targetPort` if it has one: a number, or the name of a port of the pods.
    pub targets: Vec<(i32, String)>,
    /// The names that external-dns publishes for it, else what the load balancer reports.
    pub addresses: Vec<String>,
    /// Addresses for which kube-proxy answers inside the cluster: cluster IPs, external IPs, and those of its load
    /// balancer.
    pub virtual_ips: BTreeSet<IpAddr>,
}
