//! Annotations on exposing objects. The snapshot records each refusal, so that a refused write neither
//! blocks other work nor repeats without end.

use std::sync::PoisonError;

use direct_upload_core::derive::Adjustment;
use direct_upload_core::model::{Kind, RefusedWrite};
use direct_upload_core::plan::patch;
use jiff::{SignedDuration, Timestamp};
use kube::api::{Patch, PatchParams};

use super::error::ApplyError;
use super::write::Applier;

/// How many seconds to wait after a refusal before the write is tried again.
const RETRY: i64 = 300;

/// So many writes of the same value …
const CONTENDED_TIMES: usize = 3;

/// … within this many seconds mean that somebody removes it each time.
const CONTENDED_SPAN: i64 = 600;

impl Applier {
    /// Sets or removes annotations.
    pub async fn adjust(&self, adjustment: &Adjustment) -> Result<(), ApplyError> {
        let now = Timestamp::now();
        if self.is_contended(adjustment, now) {
            let why = format!(
                "{adjustment}: somebody repeatedly removes the operator's annotations; configure that tool to keep them, or set spec.exposure.manage: false"
            );
            return Err(self.leave(adjustment, why, CONTENDED_SPAN, now));
        }
        let kind = Kind::from(adjustment.kind);
        let mut patch = patch(adjustment);
        let resource = kind.resource();
        patch["apiVersion"] = resource.api_version.into();
        patch["kind"] = resource.kind.into();
        let params = PatchParams::apply(&self.manager);
        let key = &adjustment.key;
        let answer = self.api(kind, key).patch(&key.name, &params, &Patch::Apply(&patch)).await;
        match answer.map_err(|error| ApplyError::new(&adjustment.to_string(), error)) {
            Ok(object) => {
                self.take(kind, object);
                Ok(())
            }
            Err(ApplyError::Refused { code: 404, .. }) => {
                self.live.forget_object(kind, key, &adjustment.uid);
                Ok(())
            }
            Err(ApplyError::FieldConflict { object, message }) => {
                let why = format!("{object}: {message}; that manager keeps it");
                Err(self.leave(adjustment, why, RETRY, now))
            }
            Err(error) if error.lacks_right() => {
                let why = format!(
                    "{error}; by default the operator has no right to write there: kubectl apply -k deploy/exposure grants it (tried again every five minutes), or set spec.exposure.manage: false"
                );
                Err(self.leave(adjustment, why, RETRY, now))
            }
            Err(error) if error.problem().is_some() => Err(self.leave(adjustment, error.to_string(), RETRY, now)),
            Err(error) => Err(error),
        }
    }

    fn leave(&self, adjustment: &Adjustment, why: String, seconds: i64, now: Timestamp) -> ApplyError {
        let until = now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
        let refusal = RefusedWrite { annotations: adjustment.annotations.clone(), why: why.clone(), until };
        self.live.refuse(adjustment.kind, adjustment.key.clone(), refusal);
        ApplyError::Left(why)
    }

    /// Counts the writes that change something.
    fn is_contended(&self, adjustment: &Adjustment, now: Timestamp) -> bool {
        let object = (adjustment.kind, adjustment.key.clone());
        let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        if adjustment.annotations.is_empty() {
            writes.remove(&object);
            return false;
        }
        let since = now.saturating_sub(SignedDuration::from_secs(CONTENDED_SPAN)).unwrap_or(Timestamp::MIN);
        let times = writes.entry(object).or_default();
        times.retain(|time| *time > since);
        if times.len() > CONTENDED_TIMES {
            return true;
        }
        times.push(now);
        false
    }
}
