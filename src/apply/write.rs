//! The requests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use direct_upload_api::{ExposureKind, FINALIZER, MANAGED_BY, OPERATOR, WorkloadKind};
use direct_upload_core::model::{Key, Kind, Meta, Workload, describe};
use direct_upload_core::plan::Action;
use direct_upload_core::workload::{ConfigMapDraft, annotations, release_patch};
use jiff::Timestamp;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use super::error::ApplyError;
use crate::observe::Live;

/// When the annotations of each object were written.
pub type Writes = Mutex<BTreeMap<(ExposureKind, Key), Vec<Timestamp>>>;

/// Writes for the resources of one kind.
pub struct Applier {
    client: Client,
    pub live: Arc<Live>,
    kind: Kind,
    /// `direct-upload-operator/<instance>/<kind>`.
    pub manager: String,
    pub writes: Writes,
    /// Workloads of which a write had no answer: it is unknown whether it arrived.
    unanswered: Mutex<BTreeSet<(WorkloadKind, Key)>>,
}

impl Applier {
    /// A writer for Horizons or Glances.
    pub fn new(client: Client, live: Arc<Live>, kind: Kind, instance: &str) -> Self {
        let manager = format!("{OPERATOR}/{instance}/{kind:?}");
        Self { client, live, kind, manager, writes: Writes::default(), unanswered: Mutex::default() }
    }

    /// Reads the workloads of which a write had no answer. Otherwise pods whose watch is faster would make it look as
    /// if somebody had removed the operator's fields.
    ///
    /// # Errors
    /// [`ApplyError`], if it is still unknown.
    pub async fn catch_up(&self) -> Result<(), ApplyError> {
        let unanswered = self.unanswered().clone();
        for workload in unanswered {
            let (kind, key) = &workload;
            let found = self.api((*kind).into(), key).get_opt(&key.name).await;
            match found.map_err(|e| ApplyError::new(&describe(*kind, key), e)) {
                Ok(Some(found)) => self.take((*kind).into(), found),
                Err(error) if error.is_unanswered() => return Err(error),
                // Its watch says the rest.
                Ok(None) | Err(_) => {}
            }
            self.unanswered().remove(&workload);
        }
        Ok(())
    }

    fn unanswered(&self) -> MutexGuard<'_, BTreeSet<(WorkloadKind, Key)>> {
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out one action. Those that wait for others do nothing here.
    ///
    /// # Errors
    /// [`ApplyError`].
    pub async fn carry_out(&self, resource: &Meta, action: &Action) -> Result<(), ApplyError> {
        match action {
            Action::AddFinalizer => self.finalizer(resource, &[FINALIZER]).await,
            Action::RemoveFinalizer => self.finalizer(resource, &[]).await,
            Action::ApplyConfigMap(draft) => self.config_map(draft).await,
            Action::Annotate { config_map, annotations } => self.annotate(config_map, annotations).await,
            Action::Mount { workload, mount }
            | Action::SwitchMode { workload, mount }
            | Action::Claim { workload, mount } => self.workload(workload, mount.patch(workload)).await,
            Action::Release { workload } => {
                let released = self.workload(workload, release_patch(workload)).await;
                self.unless_gone(workload.kind.into(), &workload.meta, released).await
            }
            Action::Adjust(adjustment) => self.adjust(adjustment).await,
            Action::Collect { config_map, uid, workload } => self.collect(config_map, uid, *workload).await,
            Action::Rehearse(draft) => self.rehearse(draft).await,
            Action::Probe
            | Action::AwaitProof
            | Action::AwaitRehearsal { .. }
            | Action::AwaitRollout { .. }
            | Action::AwaitGlance { .. }
            | Action::AwaitHorizons => Ok(()),
        }
    }

    /// Writes a status.
    ///
    /// # Errors
    /// [`ApplyError`].
    pub async fn status(&self, meta: &Meta, status: Value) -> Result<(), ApplyError> {
        let mut patch = self.identity(meta);
        patch["status"] = status;
        let params = PatchParams::apply(&self.manager).force();
        let object = self.describe(&meta.key);
        let answer = self.api(self.kind, &meta.key).patch_status(&meta.key.name, &params, &Patch::Apply(&patch)).await;
        self.take(self.kind, answer.map_err(|e| ApplyError::new(&object, e))?);
        Ok(())
    }

    async fn finalizer(&self, meta: &Meta, finalizers: &[&str]) -> Result<(), ApplyError> {
        let mut patch = self.identity(meta);
        patch["metadata"]["finalizers"] = json!(finalizers);
        let params = PatchParams::apply(&self.manager);
        let object = self.describe(&meta.key);
        let answer = self.api(self.kind, &meta.key).patch(&meta.key.name, &params, &Patch::Apply(&patch)).await;
        let mut answer = answer.map(|answer| self.take(self.kind, answer)).map_err(|e| ApplyError::new(&object, e));
        if !finalizers.is_empty() {
            return answer;
        }
        // The API server applies nothing to an object whose spec does not fit its schema.
        if let Err(ApplyError::Refused { code: 500, .. }) = answer {
            answer = self.merge_finalizer_away(meta).await;
        }
        self.unless_gone(self.kind, meta, answer).await
    }

    /// Removes the finalizer without looking at the rest of the object.
    async fn merge_finalizer_away(&self, meta: &Meta) -> Result<(), ApplyError> {
        let (api, object) = (self.api(self.kind, &meta.key), self.describe(&meta.key));
        let found = api.get(&meta.key.name).await.map_err(|e| ApplyError::new(&object, e))?;
        if found.metadata.uid.as_ref() != Some(&meta.uid) {
            return Ok(());
        }
        let others: Vec<_> = found.finalizers().iter().filter(|finalizer| *finalizer != FINALIZER).collect();
        let patch = json!({"metadata": {"finalizers": others, "resourceVersion": found.metadata.resource_version}});
        let params = PatchParams { field_manager: Some(self.manager.clone()), ..PatchParams::default() };
        let answer = api.patch(&meta.key.name, &params, &Patch::Merge(&patch)).await;
        self.take(self.kind, answer.map_err(|e| ApplyError::new(&object, e))?);
        Ok(())
    }

    /// A refused write that releases fields counts as done only if the object is gone. A conflict may have
    /// another cause, so the API server is asked.
    async fn unless_gone(&self, kind: Kind, meta: &Meta, written: Result<(), ApplyError>) -> Result<(), ApplyError> {
        let Err(ApplyError::Refused { code: 404 | 409, .. }) = &written else { return written };
        let found = self.api(kind, &meta.key).get_opt(&meta.key.name).await;
        let found = found.map_err(|e| ApplyError::new(&format!("{kind:?} {}", meta.key), e))?;
        let is_same = found.as_ref().is_some_and(|found| found.metadata.uid.as_ref() == Some(&meta.uid));
        if !is_same {
            self.live.forget_object(kind, &meta.key, &meta.uid);
        }
        if let Some(found) = found {
            self.take(kind, found);
        }
        if is_same { written } else { Ok(()) }
    }

    /// With the uid, the API server refuses an object that was deleted or recreated.
    fn identity(&self, meta: &Meta) -> Value {
        let resource = self.kind.resource();
        json!({
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"namespace": meta.key.namespace, "name": meta.key.name, "uid": meta.uid},
        })
    }

    async fn config_map(&self, draft: &ConfigMapDraft) -> Result<(), ApplyError> {
        let api = self.api(Kind::ConfigMap, &draft.key);
        let object = format!("ConfigMap {}", draft.key);
        let create = || async {
            let manifest: DynamicObject = serde_json::from_value(draft.manifest())
                .map_err(|e| ApplyError::new(&object, kube::Error::SerdeError(e)))?;
            let params = PostParams { field_manager: Some(self.manager.clone()), ..PostParams::default() };
            api.create(&params, &manifest).await.map_err(|e| ApplyError::new(&object, e))
        };
        let created = match create().await {
            // The name is a hash of the bytes. If a ConfigMap of ours has other bytes, pods did not get it
            // under that name. If it is somebody else's, it is not ours to change.
            Err(ApplyError::Refused { code: 409, .. }) => {
                let existing = api.get_opt(&draft.key.name).await.map_err(|e| ApplyError::new(&object, e))?;
                match existing {
                    Some(existing) if existing.data["data"] == json!(draft.data) && is_ours(&existing) => existing,
                    Some(existing) if is_ours(&existing) => {
                        if let Some(uid) = &existing.metadata.uid {
                            self.delete(&draft.key, uid).await?;
                        }
                        create().await?
                    }
                    Some(_) => return Err(ApplyError::Foreign { object }),
                    None => create().await?,
                }
            }
            other => other?,
        };
        self.take(Kind::ConfigMap, created);
        Ok(())
    }

    async fn annotate(&self, key: &Key, annotations: &BTreeMap<String, Option<String>>) -> Result<(), ApplyError> {
        let patch = json!({"metadata": {"annotations": annotations}});
        let params = PatchParams { field_manager: Some(self.manager.clone()), ..PatchParams::default() };
        let answer = self.api(Kind::ConfigMap, key).patch(&key.name, &params, &Patch::Merge(&patch)).await;
        self.take(Kind::ConfigMap, answer.map_err(|e| ApplyError::new(&format!("ConfigMap {key}"), e))?);
        Ok(())
    }

    async fn workload(&self, workload: &Workload, patch: Value) -> Result<(), ApplyError> {
        let kind = Kind::from(workload.kind);
        let key = &workload.meta.key;
        let params = PatchParams::apply(&self.manager);
        let answer = self.api(kind, key).patch(&key.name, &params, &Patch::Apply(&patch)).await;
        let answer = answer.map_err(|e| ApplyError::new(&describe(workload.kind, key), e));
        if answer.as_ref().is_err_and(ApplyError::is_unanswered) {
            self.unanswered().insert((workload.kind, key.clone()));
        }
        self.take(kind, answer?);
        Ok(())
    }

    /// Deletes a ConfigMap that nothing refers to. A watch may be late, so this reads the revisions again.
    /// If one refers to the ConfigMap, it goes into the snapshot, and the next plan keeps the ConfigMap.
    async fn collect(&self, key: &Key, uid: &str, workload: WorkloadKind) -> Result<(), ApplyError> {
        let kind = Kind::revisions_of(workload);
        let revisions = self.api(kind, key).list(&ListParams::default()).await;
        for revision in revisions.map_err(|e| ApplyError::new(&format!("{kind:?} in {}", key.namespace), e))? {
            self.take(kind, revision);
        }
        if self.live.is_referenced(key, workload) { Ok(()) } else { self.delete(key, uid).await }
    }

    async fn delete(&self, key: &Key, uid: &str) -> Result<(), ApplyError> {
        let preconditions = Some(Preconditions { uid: Some(uid.to_owned()), resource_version: None });
        let params = DeleteParams { preconditions, ..DeleteParams::default() };
        match self.api(Kind::ConfigMap, key).delete(&key.name, &params).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(ApplyError::new(&format!("ConfigMap {key}"), error)),
        }
        self.live.forget_object(Kind::ConfigMap, key, uid);
        Ok(())
    }

    pub fn api(&self, kind: Kind, key: &Key) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &key.namespace, &kind.resource())
    }

    fn describe(&self, key: &Key) -> String {
        format!("{:?} {key}", self.kind)
    }

    /// The answer is newer than any watch event, so the next plan must see it.
    pub fn take(&self, kind: Kind, answer: DynamicObject) {
        if let Ok(mut value) = serde_json::to_value(answer) {
            let resource = kind.resource();
            value["apiVersion"] = resource.api_version.into();
            value["kind"] = resource.kind.into();
            self.live.put(kind, value);
        }
    }
}

/// Whether the operator made an object, by its label or its annotation; somebody may have removed one of
/// the two.
fn is_ours(object: &DynamicObject) -> bool {
    let labelled = object.labels().get(MANAGED_BY).is_some_and(|manager| manager == OPERATOR);
    labelled || object.annotations().contains_key(annotations::FOR)
}
