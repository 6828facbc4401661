//! Where an exposing object must lead to: the Services that select a workload's pods.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Key, Lead, Problem, Service, Snapshot, Workload};

/// The Services of one workload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backends {
    pub namespace: String,
    pub services: Vec<String>,
    /// Numbers and names of the ports of each Service that has some, and their targets in the pods.
    pub ports: BTreeMap<String, Ports>,
}

/// The ports of a Service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// Numbers and names.
    pub own: BTreeSet<String>,
    /// Numbers or names of ports of the pods.
    pub targets: BTreeSet<String>,
}

impl Backends {
    /// Those whose selector matches the labels of the workload's pods, and those of type `ExternalName` that are another
    /// name of one of them. A selector of the latter has no meaning (core/v1, ServiceSpec).
    pub fn find(snapshot: &Snapshot, workload: &Workload) -> Result<Self, Problem> {
        let labels = &workload.template.labels;
        let namespace = workload.meta.key.namespace.clone();
        let to_pods = labels.iter().map(|(name, value)| Lead::Label(name, value)).chain([Lead::Pods]).collect();
        let own = snapshot.services.list_leading(&namespace, &to_pods)?;
        let own: Vec<_> = own.into_iter().filter(|s| s.selects(labels)).collect();
        let mut services: Vec<String> = own.iter().map(|s| s.meta.key.name.clone()).collect();
        let ports = |s: &&Arc<Service>| {
            let numbers = s.ports.iter().map(ToString::to_string);
            let own = numbers.chain(s.port_names.iter().cloned()).collect();
            let targets = s.targets.iter().map(|(_, target)| target.clone()).collect();
            (s.meta.key.name.clone(), Ports { own, targets })
        };
        let ports = own.iter().filter(|s| !s.ports.is_empty()).map(ports).collect();
        let is_alias = |s: &&Arc<Service>| {
            let named = s.alias_of();
            named.is_some_and(|(name, of)| of == namespace && services.iter().any(|own| own == name))
        };
        let to_own = services.iter().map(|name| Lead::Service(name)).collect();
        let aliases = snapshot.services.list_leading(&namespace, &to_own)?;
        let aliases: Vec<String> = aliases.into_iter().filter(is_alias).map(|s| s.meta.key.name.clone()).collect();
        services.extend(aliases);
        Ok(Self { namespace, services, ports })
    }

    /// Whether a Service of the workload's own namespace is one of them.
    pub fn leads(&self, service: &str) -> bool {
        self.services.iter().any(|s| s == service)
    }

    /// Names in a list that are not this workload's Services, deduplicated.
    pub fn others<'a>(&self, services: impl Iterator<Item = &'a str>) -> Vec<String> {
        let others: BTreeSet<_> = services.filter(|service| !self.leads(service)).map(str::to_owned).collect();
        others.into_iter().collect()
    }

    /// The same for any namespace.
    pub fn has(&self, service: &Key) -> bool {
        service.namespace == self.namespace && self.leads(&service.name)
    }
}
