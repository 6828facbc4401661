//! Services.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::compact::Map;
use super::lead::Lead;
use super::meta::Meta;

/// A Service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    pub meta: Meta,
    /// The pods it leads to; none if it selects none.
    pub selector: Option<Map<String, String>>,
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

impl Service {
    /// Whether it is another name of something. Its selector then has no meaning (core/v1, `ServiceSpec`).
    pub fn is_external(&self) -> bool {
        self.type_ == "ExternalName"
    }

    /// Name and namespace of the Service of which it is another name in the cluster's DNS, `name.namespace.svc.…`.
    pub fn alias_of(&self) -> Option<(&str, &str)> {
        let host = self.external_name.as_deref().filter(|_| self.is_external())?;
        let mut labels = host.trim_end_matches('.').split('.');
        let (name, namespace) = (labels.next()?, labels.next()?);
        (labels.next() == Some("svc")).then_some((name, namespace))
    }

    /// Where it leads.
    pub(crate) fn each_lead(&self, to: &mut dyn FnMut(Lead<'_>)) {
        if let Some((name, namespace)) = self.alias_of() {
            if namespace == self.meta.key.namespace {
                to(Lead::Service(name));
            }
        } else if let Some(selector) = self.selector.as_ref().filter(|_| !self.is_external()) {
            to(selector.iter().next().map_or(Lead::Pods, |(name, value)| Lead::Label(name, value)));
        }
    }

    /// Whether it selects pods with these labels: they have each of its own.
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        let has = |(name, value): (&String, &String)| labels.get(name) == Some(value);
        !self.is_external() && self.selector.as_ref().is_some_and(|selector| selector.iter().all(has))
    }
}
