//! Stores of reduced objects that know what they do not know.

use std::collections::BTreeMap;

use direct_upload_api::WorkloadKind;

use super::catalog::{Inquiry, Reading};
use super::config_map::ConfigMap;
use super::gateway::Gateway;
use super::http_route::HttpRoute;
use super::ingress::Ingress;
use super::job::{Job, JobEvent};
use super::meta::{ApiObject, GlanceObject, HorizonObject};
use super::namespace::Namespace;
use super::pod::Pod;
use super::question::{Answered, Epoch, Question, Standing};
use super::reference_grant::ReferenceGrant;
use super::refused_write::Refusals;
use super::route::Route;
use super::service::Service;
use super::store::{Coverage, Store};
use super::workload::{Revision, Workload};

/// All that is observed.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub horizons: Store<HorizonObject>,
    pub glances: Store<GlanceObject>,
    pub apis: Store<ApiObject>,
    pub namespaces: Store<Namespace>,
    pub deployments: Store<Workload>,
    pub stateful_sets: Store<Workload>,
    pub daemon_sets: Store<Workload>,
    pub replica_sets: Store<Revision>,
    pub controller_revisions: Store<Revision>,
    pub pods: Store<Pod>,
    /// Jobs of ours.
    pub jobs: Store<Job>,
    /// Why Jobs have no pods.
    pub job_events: Store<JobEvent>,
    pub services: Store<Service>,
    pub ingresses: Store<Ingress>,
    pub http_routes: Store<HttpRoute>,
    /// Those that a route names, each watched by its name.
    pub gateways: Store<Gateway>,
    pub reference_grants: Store<ReferenceGrant>,
    pub routes: Store<Route>,
    /// ConfigMaps of ours.
    pub config_maps: Store<ConfigMap>,
    /// ConfigMaps that hold a workload's main configuration file or certificate authorities, each
    /// watched by its name.
    pub sources: Store<ConfigMap>,
    /// What preflights have shown.
    pub answers: Answers,
    /// What Keystone's catalogs say.
    pub catalogs: BTreeMap<Inquiry, Reading>,
    /// Writes to exposing objects that were refused.
    pub refusals: Refusals,
}

/// What preflights have shown.
#[derive(Clone, Debug)]
pub enum Answers {
    /// Offline: that each of them passes.
    Assumed,
    /// What is known of each question.
    Given(BTreeMap<Question, Standing>),
}

impl Answers {
    /// Whether nothing was asked.
    pub fn are_assumed(&self) -> bool {
        matches!(self, Self::Assumed)
    }

    /// What is known of a question.
    pub fn get(&self, question: &Question, epoch: &Epoch) -> Option<Standing> {
        match self {
            Self::Assumed => {
                let epoch = epoch.clone().unwrap_or_default();
                Some(Standing { verdict: Answered::Granted(Vec::new()), epoch, firm: true })
            }
            Self::Given(standings) => standings.get(question).cloned(),
        }
    }

    /// Enters what is known of a question, or that it is no longer asked; true if that changed
    /// anything.
    pub fn set(&mut self, question: Question, standing: Option<Standing>) -> bool {
        match (self, standing) {
            (Self::Assumed, _) => false,
            (Self::Given(known), None) => known.remove(&question).is_some(),
            (Self::Given(known), Some(standing)) => known.insert(question, standing.clone()) != Some(standing),
        }
    }
}

impl Snapshot {
    /// A snapshot of given manifests: what is not there does not exist.
    pub fn complete() -> Self {
        Self::covering(&Coverage::All, Answers::Assumed)
    }

    /// A snapshot of a cluster before anything was read.
    pub fn unseen() -> Self {
        Self::covering(&Coverage::Namespaces(BTreeMap::new()), Answers::Given(BTreeMap::new()))
    }

    fn covering(coverage: &Coverage, answers: Answers) -> Self {
        fn store<T>(coverage: &Coverage, kind: &'static str) -> Store<T> {
            Store::new(kind, coverage.clone())
        }
        Self {
            horizons: store(coverage, "Horizon"),
            glances: store(coverage, "Glance"),
            apis: store(coverage, "OpenStackAPI"),
            namespaces: store(coverage, "Namespace"),
            deployments: store(coverage, "Deployment"),
            stateful_sets: store(coverage, "StatefulSet"),
            daemon_sets: store(coverage, "DaemonSet"),
            replica_sets: store(coverage, "ReplicaSet"),
            controller_revisions: store(coverage, "ControllerRevision"),
            pods: store(coverage, "Pod"),
            jobs: store(coverage, "Job"),
            job_events: store(coverage, "Event"),
            services: store(coverage, "Service"),
            ingresses: store(coverage, "Ingress"),
            http_routes: store(coverage, "HTTPRoute"),
            gateways: store(coverage, "Gateway"),
            reference_grants: store(coverage, "ReferenceGrant"),
            routes: store(coverage, "Route"),
            config_maps: store(coverage, "ConfigMap"),
            sources: store(coverage, "ConfigMap"),
            answers,
            catalogs: BTreeMap::new(),
            refusals: Refusals::new(),
        }
    }

    /// The store of a workload kind.
    pub fn workloads(&self, kind: WorkloadKind) -> &Store<Workload> {
        match kind {
            WorkloadKind::Deployment => &self.deployments,
            WorkloadKind::StatefulSet => &self.stateful_sets,
            WorkloadKind::DaemonSet => &self.daemon_sets,
        }
    }

    /// The same, to be changed.
    pub fn workloads_mut(&mut self, kind: WorkloadKind) -> &mut Store<Workload> {
        match kind {
            WorkloadKind::Deployment => &mut self.deployments,
            WorkloadKind::StatefulSet => &mut self.stateful_sets,
            WorkloadKind::DaemonSet => &mut self.daemon_sets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Unknown;

    /// Back from one watch of the whole cluster to narrow ones: until those have listed, a namespace
    /// that was known once is not known to be empty.
    #[test]
    fn a_wide_watch_that_ends_leaves_nothing_known() {
        let mut store = Snapshot::unseen().ingresses;
        store.set_known("a", Ok(()));
        store.set_known("", Ok(()));
        assert_eq!(store.known("b"), Ok(()));
        store.set_known("", Err(Unknown { why: "not watched".into(), pending: true }));
        assert!(store.known("a").is_err_and(|unknown| unknown.pending));
        store.set_known("a", Ok(()));
        assert_eq!(store.known("a"), Ok(()));
        assert!(store.known("b").is_err());
    }
}
