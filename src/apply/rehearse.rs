//! Starts a rehearsal.

use direct_upload_core::model::{Kind, describe};
use direct_upload_core::workload::rehearsal::{self, NoJob, RehearsalDraft};
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};

use super::error::ApplyError;
use super::write::Applier;

impl Applier {
    /// Makes the pod from the workload as it is in the cluster now. The snapshot has no environment
    /// variables, because they may be secret.
    pub async fn rehearse(&self, draft: &RehearsalDraft) -> Result<(), ApplyError> {
        let key = &draft.workload.meta.key;
        let object = format!("Job {}", draft.key);
        let failed = |error| ApplyError::new(&object, error);
        let workload = self.api(draft.workload.kind.into(), key).get(&key.name).await.map_err(failed)?;
        let workload = serde_json::to_value(workload).map_err(|e| failed(kube::Error::SerdeError(e)))?;
        let job = match rehearsal::job(draft, &workload) {
            Ok(job) => job,
            Err(why) => return Err(self.no_job(draft, &object, &why).await),
        };
        let job: DynamicObject = serde_json::from_value(job).map_err(|e| failed(kube::Error::SerdeError(e)))?;
        let params = PostParams { field_manager: Some(self.manager.clone()), ..PostParams::default() };
        let api = self.api(Kind::Job, &draft.key);
        let begun = match api.create(&params, &job).await.map_err(failed) {
            // The Job's name covers everything that its answer depends on.
            Err(ApplyError::Refused { code: 409, .. }) => api.get(&draft.key.name).await.map_err(failed)?,
            Err(ApplyError::Refused { object, code: 400..=499, message }) => {
                return Err(ApplyError::Rehearsal { object, message });
            }
            other => other?,
        };
        self.take(Kind::Job, begun);
        Ok(())
    }

    /// For a conflict, a dry run of the roll itself gets a better message from the API server.
    async fn no_job(&self, draft: &RehearsalDraft, object: &str, why: &NoJob) -> ApplyError {
        let workload = &draft.workload;
        let key = &workload.meta.key;
        if let (NoJob::Taken(_), Some(mount)) = (why, &draft.mount) {
            let params = PatchParams::apply(&self.manager).dry_run();
            let patch = Patch::Apply(mount.patch(workload));
            if let Err(error) = self.api(workload.kind.into(), key).patch(&key.name, &params, &patch).await {
                return ApplyError::new(&describe(workload.kind, key), error);
            }
        }
        ApplyError::Refused { object: object.to_owned(), code: 409, message: why.to_string() }
    }
}
