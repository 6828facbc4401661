//! Begins a rehearsal.

use kube::api::{DynamicObject, PostParams};

use super::error::ApplyError;
use super::write::{Writer, kind};
use crate::observe::live::Kind;
use crate::plan::{RehearsalDraft, rehearsal};

impl Writer {
    /// The pod is made from the workload as it stands now: the snapshot holds no environments,
    /// which may be secret.
    pub(super) async fn rehearse(&self, draft: &RehearsalDraft) -> Result<(), ApplyError> {
        let key = &draft.workload.meta.key;
        let object = format!("Job {}", draft.key);
        let failed = |error| ApplyError::of(&object, error);
        let workload = self.api(kind(&draft.workload), key).get(&key.name).await.map_err(failed)?;
        let workload = serde_json::to_value(workload).map_err(|e| failed(kube::Error::SerdeError(e)))?;
        let job = rehearsal::job(draft, &workload).map_err(|drifted| ApplyError::Refused {
            object: object.clone(),
            code: 409,
            message: drifted.to_string(),
        })?;
        let job: DynamicObject = serde_json::from_value(job).map_err(|e| failed(kube::Error::SerdeError(e)))?;
        let params = PostParams { field_manager: Some(self.manager.clone()), ..PostParams::default() };
        let api = self.api(Kind::Job, &draft.key);
        let begun = match api.create(&params, &job).await.map_err(failed) {
            // Its name says all that its answer depends on.
            Err(ApplyError::Refused { code: 409, .. }) => api.get(&draft.key.name).await.map_err(failed)?,
            Err(ApplyError::Refused { object, code: 400..=499, message }) => {
                return Err(ApplyError::Rehearsal { object, message });
            }
            other => other?,
        };
        self.take(Kind::Job, begun);
        Ok(())
    }
}
