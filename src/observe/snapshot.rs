//! Stores of reduced objects that know what they do not know.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use super::model::{
    ApiObject, ConfigMap, Gateway, GlanceObject, HorizonObject, HttpRoute, Ingress, Job, JobEvent, Key, Namespace, Pod,
    ReferenceGrant, Revision, Route, Service, Workload,
};
use crate::api::WorkloadKind;
use crate::derive::adjust::Refusals;
use crate::verify::catalog::{Inquiry, Reading};
use crate::verify::{Answered, Epoch, Question, Standing};

/// Something cannot be seen now. Nothing is ever taken away because of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{why}")]
pub struct Unknown {
    pub why: String,
    /// Nothing failed: the first list is still under way.
    pub pending: bool,
}

/// An answer that may be unknown.
pub type Known<T> = Result<T, Unknown>;

/// All objects of one kind that are watched or were given.
#[derive(Clone, Debug)]
pub struct Store<T> {
    kind: &'static str,
    items: BTreeMap<Key, Arc<T>>,
    coverage: Coverage,
}

/// Which namespaces a store speaks for.
#[derive(Clone, Debug)]
enum Coverage {
    /// All: offline, what is not in the input does not exist.
    All,
    /// Those that are synced, or why not.
    Namespaces(BTreeMap<String, Known<()>>),
}

impl<T> Store<T> {
    /// Whether the namespace is synced. Cluster-scoped kinds use the empty namespace, and a watch
    /// of all namespaces is recorded under it too.
    pub fn known(&self, namespace: &str) -> Known<()> {
        let Coverage::Namespaces(known) = &self.coverage else { return Ok(()) };
        let all = known.get("");
        if let Some(Ok(())) = all {
            return Ok(());
        }
        known.get(namespace).or(all).cloned().unwrap_or_else(|| {
            Err(Unknown { why: format!("{} objects of {namespace} are not read yet", self.kind), pending: true })
        })
    }

    /// Whether anything of this kind has been listed.
    pub fn any_known(&self) -> bool {
        match &self.coverage {
            Coverage::All => true,
            Coverage::Namespaces(known) => known.values().any(Result::is_ok),
        }
    }

    /// Records that a namespace is synced, or why it is not. What is said of all of them replaces what
    /// was said of each: its own watch has ended.
    pub fn set_known(&mut self, namespace: &str, known: Known<()>) {
        if let Coverage::Namespaces(map) = &mut self.coverage {
            if namespace.is_empty() {
                map.clear();
            }
            map.insert(namespace.to_owned(), known);
        }
    }

    /// The object, if there is one.
    ///
    /// # Errors
    /// [`Unknown`] while the namespace is not synced.
    pub fn get(&self, key: &Key) -> Known<Option<&Arc<T>>> {
        self.known(&key.namespace)?;
        Ok(self.items.get(key))
    }

    /// The object, where each object is watched by its name.
    ///
    /// # Errors
    /// [`Unknown`] while the object's own watch is not synced.
    pub fn get_named(&self, key: &Key) -> Known<Option<&Arc<T>>> {
        self.known(&key.to_string())?;
        Ok(self.items.get(key))
    }

    /// The objects of a namespace, in order of name.
    ///
    /// # Errors
    /// [`Unknown`] while the namespace is not synced.
    pub fn list(&self, namespace: &str) -> Known<impl Iterator<Item = &Arc<T>>> {
        self.known(namespace)?;
        Ok(self.seen(namespace))
    }

    /// The objects of a namespace that are seen so far.
    pub fn seen(&self, namespace: &str) -> impl Iterator<Item = &Arc<T>> {
        let start = Key::new(namespace, "");
        let namespace = namespace.to_owned();
        self.items.range(start..).take_while(move |(key, _)| key.namespace == namespace).map(|(_, v)| v)
    }

    /// All objects that are seen so far.
    pub fn all(&self) -> impl Iterator<Item = (&Key, &Arc<T>)> {
        self.items.iter()
    }

    /// Puts an object in; true if that changed anything.
    pub fn insert(&mut self, key: Key, item: T) -> bool
    where
        T: PartialEq,
    {
        if self.items.get(&key).is_some_and(|old| **old == item) {
            return false;
        }
        self.items.insert(key, Arc::new(item));
        true
    }

    /// Takes an object out; true if it was there.
    pub fn remove(&mut self, key: &Key) -> bool {
        self.items.remove(key).is_some()
    }
}

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
            Store { kind, items: BTreeMap::new(), coverage: coverage.clone() }
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
