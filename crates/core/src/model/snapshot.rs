//! Everything that is observed, and what is unknown about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use direct_upload_api::WorkloadKind;
use serde_json::Value;

use super::canary::{CanaryQuery, CanaryRecord};
use super::catalog::{CatalogQuery, CatalogReading};
use super::decode_error::DecodeError;
use super::key::Key;
use super::kind::{Kind, Observed, for_each_kind};
use super::meta::Meta;
use super::policy_kind::PolicyKind;
use super::probe::{self, Epoch, ProbeAnswer, ProbeRecord, ProbeTarget, UploadCheck};
use super::reads::{Changes, ReadPlace, ReadSource, SnapshotField, Tracked, note};
use super::refused_write::RefusedWrites;
use super::store::{Coverage, Known, Store};
use super::workload::{Revision, Workload};

/// An object of a kind or version that is not read, as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Unread {
    pub api_version: String,
    pub kind: String,
    pub key: Key,
    pub spec: Value,
}

/// An object of a file, as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct FileObject {
    pub kind: PolicyKind,
    pub key: Key,
    pub spec: Value,
}

/// Objects of files that the operator does not watch, and that say more of the gateways there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unwatched {
    /// Those that matter in their namespace.
    near: BTreeMap<String, Vec<Arc<FileObject>>>,
    /// Those of gateways, which may serve any namespace.
    anywhere: Vec<Arc<FileObject>>,
}

impl Unwatched {
    /// Adds one that matters in its namespace.
    pub fn add_near(&mut self, object: FileObject) {
        self.near.entry(object.key.namespace.clone()).or_default().push(Arc::new(object));
    }

    /// Adds one of a gateway.
    pub fn add_anywhere(&mut self, object: FileObject) {
        self.anywhere.push(Arc::new(object));
    }

    /// Those that may matter to workloads of a namespace.
    pub fn near(&self, namespace: &str) -> impl Iterator<Item = &FileObject> {
        self.near.get(namespace).into_iter().flatten().chain(&self.anywhere).map(Arc::as_ref)
    }
}

macro_rules! snapshot {
    ($($(#[$doc:meta])* $kind:ident $store:ident: $type:ty = $registration:expr;)*) => {
        /// Everything that is observed: a store for each [`Kind`], and the results from the network.
        #[derive(Clone, Debug)]
        pub struct Snapshot {
            $($(#[$doc])* pub $store: Store<$type>,)*
            /// The results of preflights.
            pub answers: Answers,
            /// What Keystone's catalogs say.
            pub catalogs: Tracked<BTreeMap<CatalogQuery, CatalogReading>>,
            /// The results of the operator's own uploads.
            pub canaries: Tracked<BTreeMap<CanaryQuery, CanaryRecord>>,
            /// Objects of files that may lead to a Service, and that are of a kind or version that is not read.
            pub unread: Tracked<Vec<Unread>>,
            /// Objects of files that the operator does not watch, and that say more of the gateways there.
            pub unwatched: Tracked<Unwatched>,
            /// Writes to exposing objects that were refused.
            pub refused_writes: Tracked<RefusedWrites>,
        }

        impl Snapshot {
            fn covering(coverage: &Coverage, answers: Answers) -> Self {
                let coverage = Arc::new(coverage.clone());
                Self {
                    $($store: Store::new(Kind::$kind, coverage.clone()),)*
                    answers,
                    catalogs: Tracked::new(SnapshotField::Catalogs, BTreeMap::new()),
                    canaries: Tracked::new(SnapshotField::Canaries, BTreeMap::new()),
                    unread: Tracked::new(SnapshotField::Unread, Vec::new()),
                    unwatched: Tracked::new(SnapshotField::Unwatched, Unwatched::default()),
                    refused_writes: Tracked::new(SnapshotField::RefusedWrites, RefusedWrites::new()),
                }
            }

            /// Where it differs from an earlier copy of it.
            pub(crate) fn changes(&self, before: &Self) -> Changes {
                let mut changes = Changes::default();
                $(self.$store.compare(&before.$store, &mut changes);)*
                self.answers.compare(&before.answers, &mut changes);
                self.catalogs.compare(&before.catalogs, &mut changes);
                self.canaries.compare(&before.canaries, &mut changes);
                self.unread.compare(&before.unread, &mut changes);
                self.unwatched.compare(&before.unwatched, &mut changes);
                self.refused_writes.compare(&before.refused_writes, &mut changes);
                changes
            }

            /// Takes in an object as JSON. `settle` may complete its metadata, or refuse it. Returns true
            /// if that changed anything.
            ///
            /// # Errors
            /// The decoder's words, or those of `settle`.
            pub fn take(
                &mut self,
                kind: Kind,
                object: Value,
                settle: impl FnOnce(&mut Meta) -> Result<(), String>,
            ) -> Result<bool, DecodeError> {
                match kind {
                    $(Kind::$kind => {
                        let reduced = <$type as Observed>::reduce(kind, object)?;
                        let Some(mut reduced) = reduced else { return Ok(false) };
                        settle(&mut reduced.meta).map_err(DecodeError::Invalid)?;
                        let key = reduced.meta.key.clone();
                        Ok(self.$store.insert(key, reduced))
                    })*
                }
            }

            /// Records that an object exists and cannot be read. Returns true if that is new.
            pub fn take_unreadable(&mut self, kind: Kind, key: Key, why: String) -> bool {
                match kind {
                    $(Kind::$kind => self.$store.insert_unreadable(key, why),)*
                }
            }

            /// Whether an object is known to exist.
            pub fn has(&self, kind: Kind, key: &Key) -> bool {
                match kind {
                    $(Kind::$kind => matches!(self.$store.get(key), Ok(Some(_))),)*
                }
            }

            /// Removes an object. Returns true if it existed.
            pub fn remove(&mut self, kind: Kind, key: &Key) -> bool {
                match kind {
                    $(Kind::$kind => self.$store.remove(key),)*
                }
            }

            /// Whether scopes of a kind are known. See [`Store::synced`].
            ///
            /// # Errors
            /// Why one of them is unknown.
            pub fn synced(&self, kind: Kind, scopes: &[String]) -> Known<()> {
                match kind {
                    $(Kind::$kind => scopes.iter().try_for_each(|scope| self.$store.synced(scope)),)*
                }
            }

            /// How many objects of each kind cannot be read.
            pub fn unreadable(&self) -> impl Iterator<Item = (Kind, usize)> {
                [$((Kind::$kind, self.$store.unreadable()),)*].into_iter().filter(|(_, count)| *count > 0)
            }

            /// Records that scopes of a kind are known, or why not. See [`Store::set_known`].
            pub fn set_known(&mut self, kind: Kind, scopes: &[String], known: &Known<()>) {
                for scope in scopes {
                    match kind {
                        $(Kind::$kind => self.$store.set_known(scope, known.clone()),)*
                    }
                }
            }
        }
    };
}
for_each_kind!(snapshot);

impl Snapshot {
    /// A snapshot of given manifests: what is not in them does not exist.
    pub fn complete() -> Self {
        Self::covering(&Coverage::All, Answers::Assumed)
    }

    /// A snapshot of a cluster before anything was read.
    pub fn unseen() -> Self {
        Self::covering(&Coverage::Namespaces(BTreeMap::new()), Answers::Given(Arc::default()))
    }

    /// Whether a namespace is being deleted. Unknown counts as no, because the API server then refuses.
    pub fn is_terminating(&self, namespace: &str) -> bool {
        let object = self.namespaces.get(&Key::new("", namespace));
        matches!(object, Ok(Some(object)) if object.meta.deleting.is_some())
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

    /// The revisions of a workload kind.
    pub fn revisions(&self, kind: WorkloadKind) -> &Store<Revision> {
        match kind {
            WorkloadKind::Deployment => &self.replica_sets,
            WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => &self.controller_revisions,
        }
    }
}

/// The results of preflights.
#[derive(Clone, Debug)]
pub enum Answers {
    /// Without a cluster: all of them pass.
    Assumed,
    /// What is known about each target.
    Given(Arc<Records>),
}

/// What is known about targets. A copy shares it.
pub type Records = BTreeMap<Arc<ProbeTarget>, Arc<ProbeRecord>>;

impl Answers {
    /// Whether nothing was requested. This never changes while a snapshot is kept up to date.
    pub fn are_assumed(&self) -> bool {
        matches!(self, Self::Assumed)
    }

    /// What is known about a target.
    pub fn get(&self, target: &ProbeTarget, epoch: &Epoch) -> Option<ProbeRecord> {
        note(ReadSource::Answers, ReadPlace::Name(target.origin.as_str()));
        match self {
            Self::Assumed => {
                let epoch = epoch.clone().unwrap_or_default();
                let granted = || ProbeAnswer::Granted(Vec::new());
                let passed =
                    BTreeSet::from([UploadCheck::Page, UploadCheck::AddressSpace, UploadCheck::Put, UploadCheck::Size]);
                let checks = passed.iter().map(|check| (*check, granted())).collect();
                let observation =
                    probe::Observation { panel: target.panel, preflight: granted(), checks, reached: None };
                Some(ProbeRecord { observation, epoch, firm: true, passed })
            }
            Self::Given(standings) => standings.get(target).map(|standing| (**standing).clone()),
        }
    }

    fn compare(&self, before: &Self, changes: &mut Changes) {
        let (Self::Given(now), Self::Given(then)) = (self, before) else {
            if self.are_assumed() != before.are_assumed() {
                changes.add_everywhere(ReadSource::Answers);
            }
            return;
        };
        if Arc::ptr_eq(now, then) {
            return;
        }
        let mut note = |target: &ProbeTarget| changes.add(ReadSource::Answers, ReadPlace::Name(target.origin.as_str()));
        let mut rest = then.iter().peekable();
        for (target, record) in &**now {
            // Nearly always it is the same one, and nothing is compared.
            while let Some((gone, _)) = rest.next_if(|(old, _)| !Arc::ptr_eq(old, target) && *old < target) {
                note(gone);
            }
            let before = rest.next_if(|(old, _)| Arc::ptr_eq(old, target) || *old == target);
            if !before.is_some_and(|(_, before)| Arc::ptr_eq(before, record) || before == record) {
                note(target);
            }
        }
        rest.for_each(|(gone, _)| note(gone));
    }

    /// Records what is known about a target, or that it is not needed any more. Returns true if that
    /// changed anything.
    pub fn set(&mut self, target: Arc<ProbeTarget>, standing: Option<ProbeRecord>) -> bool {
        match (self, standing) {
            (Self::Assumed, _) => false,
            (Self::Given(known), None) => known.contains_key(&target) && Arc::make_mut(known).remove(&target).is_some(),
            (Self::Given(known), Some(standing)) => {
                if known.get(&target).is_some_and(|before| **before == standing) {
                    return false;
                }
                Arc::make_mut(known).insert(target, Arc::new(standing));
                true
            }
        }
    }
}
