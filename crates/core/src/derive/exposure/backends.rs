//! Where an exposing object must lead to: the Services that select a workload's pods.

use std::collections::BTreeSet;

use kube_core::labels::SelectorExt as _;

use crate::model::{Key, Problem, Snapshot, Workload};

/// The Services of one workload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backends {
    pub namespace: String,
    pub services: Vec<String>,
}

impl Backends {
    /// Those whose selector matches the labels of the workload's pods.
    pub fn find(snapshot: &Snapshot, workload: &Workload) -> Result<Self, Problem> {
        let labels = &workload.template.labels;
        let namespace = workload.meta.key.namespace.clone();
        let services = snapshot
            .services
            .list(&namespace)?
            .filter(|s| s.selector.as_ref().is_some_and(|selector| selector.matches(labels)));
        let services = services.map(|s| s.meta.key.name.clone()).collect();
        Ok(Self { namespace, services })
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
