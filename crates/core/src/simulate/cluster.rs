//! A cluster made from manifests, in which every rollout succeeds immediately.
//!
//! In: the input, and the writes of a plan. Out: the snapshot for the next plan, and the final objects.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::{Reason, WorkloadKind};
use serde_json::Value;

use crate::derive::{GlanceView, World};
use crate::manifests::insert;
use crate::model::{
    Id, Job, Key, Kind, Map, Meta, Problem, ResourceId, ResourceKind, Snapshot, Store, Workload, WorkloadStatus,
    describe,
};
use crate::plan::Action;
use crate::workload::rehearsal::RehearsalDraft;
use crate::workload::{Mount, adjust, annotate, annotations, apply, release_fields};

/// The cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub snapshot: Snapshot,
    pub objects: BTreeMap<Id, Value>,
    /// Workloads in the order of the input.
    pub(super) workloads: Vec<Id>,
    /// What leads to workloads, in the same order.
    pub(super) exposing: Vec<Id>,
    /// What had to be assumed.
    pub assumptions: Vec<String>,
}

impl Cluster {
    /// The snapshot from which plans are made.
    pub fn world(&self) -> World {
        World::of(&self.snapshot)
    }

    /// The workloads in the order of the input.
    pub fn workloads(&self) -> impl Iterator<Item = &Value> {
        self.workloads.iter().filter_map(|id| self.objects.get(id))
    }

    /// The exposing objects that a Glance manages, in the order of the input.
    pub fn managed(&self) -> impl Iterator<Item = &Value> {
        let world = self.world();
        let managed: BTreeSet<Id> = world.glances.values().flat_map(GlanceView::manages).collect();
        self.exposing.iter().filter(move |id| managed.contains(id)).filter_map(|id| self.objects.get(id))
    }

    /// ConfigMaps of ours, in order of key.
    pub fn config_maps(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.objects.iter().filter(|(id, _)| id.is_a(Kind::ConfigMap)).map(|(id, object)| (&id.key, object))
    }

    /// One ConfigMap of ours.
    pub fn config_map(&self, key: &Key) -> Option<&Value> {
        self.objects.get(&config_map(key))
    }

    /// Carries out a step of a resource.
    ///
    /// # Errors
    /// [`Reason::FieldConflict`] if somebody else's entry has our key.
    pub fn carry_out(&mut self, resource: &ResourceId, action: &Action) -> Result<(), Problem> {
        match action {
            Action::AddFinalizer => self.edit(resource, |finalizer| *finalizer = true),
            Action::RemoveFinalizer => self.forget(resource),
            Action::ApplyConfigMap(draft) => return self.put(config_map(&draft.key), draft.manifest()),
            Action::Annotate { config_map: key, annotations } => return self.annotate(key, annotations),
            Action::Mount { workload, mount }
            | Action::SwitchMode { workload, mount }
            | Action::Claim { workload, mount } => {
                let before = Mount::observed(workload).is_some();
                return self.change(workload, |object| apply(object, &mount.patch(workload), before));
            }
            Action::Release { workload } => {
                return self.change(workload, |object| {
                    release_fields(object);
                    Ok(())
                });
            }
            Action::Collect { config_map: key, .. } => {
                self.objects.remove(&config_map(key));
                self.snapshot.config_maps.remove(key);
                self.snapshot.referenced_config_maps.remove(key);
            }
            Action::Adjust(adjustment) => {
                let id = Id { kind: adjustment.kind.to_string(), key: adjustment.key.clone() };
                let Some(mut object) = self.objects.get(&id).cloned() else { return Ok(()) };
                adjust(&mut object, &adjustment.annotations);
                return self.put(id, object);
            }
            Action::Rehearse(draft) => self.pass(draft),
            Action::Probe
            | Action::AwaitProof
            | Action::AwaitRehearsal { .. }
            | Action::AwaitRollout { .. }
            | Action::AwaitGlance { .. }
            | Action::AwaitHorizons => {}
        }
        Ok(())
    }

    /// Rehearsals pass.
    fn pass(&mut self, draft: &RehearsalDraft) {
        let ours = Map::from_iter([(annotations::FOR.to_owned(), draft.purpose.note(&draft.workload))]);
        let meta = Meta { key: draft.key.clone(), ours, ..Meta::default() };
        self.snapshot.jobs.insert(
            draft.key.clone(),
            Job { meta, config_map: draft.mount.as_ref().map(|mount| mount.config_map.clone()), outcome: Some(Ok(())) },
        );
    }

    /// Changes a workload and rolls it out.
    fn change(
        &mut self,
        workload: &Workload,
        how: impl FnOnce(&mut Value) -> Result<(), String>,
    ) -> Result<(), Problem> {
        let id = Id { kind: workload.kind.to_string(), key: workload.meta.key.clone() };
        let name = describe(workload.kind, &workload.meta.key);
        let Some(mut object) = self.objects.get(&id).cloned() else {
            return Err(Problem::new(Reason::WorkloadNotFound, format!("{name} is not in the input")));
        };
        how(&mut object).map_err(|what| {
            Problem::new(
                Reason::FieldConflict,
                format!("{name} has its own entry where the operator's must be: {what}; rename it"),
            )
        })?;
        self.put(id, object)
    }

    pub fn put(&mut self, id: Id, object: Value) -> Result<(), Problem> {
        insert(&mut self.snapshot, object.clone())
            .map_err(|why| Problem::new(Reason::Undecodable, format!("{id}: {why}")))?;
        self.roll_out(&id);
        self.objects.insert(id, object);
        Ok(())
    }

    pub fn annotate(&mut self, key: &Key, annotations: &BTreeMap<String, Option<String>>) -> Result<(), Problem> {
        let id = config_map(key);
        let Some(mut object) = self.objects.get(&id).cloned() else { return Ok(()) };
        for (name, value) in annotations {
            annotate(&mut object, name, value.as_deref());
        }
        self.put(id, object)
    }

    /// All pods of a workload are new and ready, whatever its own file says.
    pub(super) fn roll_out(&mut self, id: &Id) {
        let Some(kind) = WorkloadKind::ALL.into_iter().find(|kind| id.is_a(*kind)) else { return };
        let store = self.snapshot.workloads_mut(kind);
        let Ok(Some(found)) = store.get(&id.key) else { return };
        let mut workload = Workload::clone(found);
        let replicas = workload.replicas.max(1);
        workload.replicas = replicas;
        (workload.paused, workload.on_delete, workload.partition) = (false, false, 0);
        workload.status = WorkloadStatus {
            observed_generation: workload.meta.generation,
            replicas,
            updated: replicas,
            ready: replicas,
            ..WorkloadStatus::default()
        };
        store.insert(id.key.clone(), workload);
    }

    /// Changes the finalizer of a resource.
    pub fn edit(&mut self, resource: &ResourceId, change: impl Fn(&mut bool)) {
        let Snapshot { horizons, glances, apis, .. } = &mut self.snapshot;
        match resource.kind {
            ResourceKind::Horizon => edit(horizons, &resource.key, |object| change(&mut object.finalizer)),
            ResourceKind::OpenStackApi => edit(apis, &resource.key, |object| change(&mut object.finalizer)),
            ResourceKind::Glance => edit(glances, &resource.key, |object| change(&mut object.finalizer)),
        }
    }

    fn forget(&mut self, resource: &ResourceId) {
        match resource.kind {
            ResourceKind::Horizon => self.snapshot.horizons.remove(&resource.key),
            ResourceKind::OpenStackApi => self.snapshot.apis.remove(&resource.key),
            ResourceKind::Glance => self.snapshot.glances.remove(&resource.key),
        };
    }
}

/// The name of a ConfigMap.
pub fn config_map(key: &Key) -> Id {
    Id::new(Kind::ConfigMap, key)
}

/// Changes one object of a store.
pub fn edit<T: Clone + PartialEq>(store: &mut Store<T>, key: &Key, change: impl FnOnce(&mut T)) {
    if let Ok(Some(found)) = store.get(key) {
        let mut object = T::clone(found);
        change(&mut object);
        store.insert(key.clone(), object);
    }
}
