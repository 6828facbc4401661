//! Recent failures of each resource.
//!
//! In: failed writes, and successes. Out: what the status says about them, and whether an event is due. A
//! failure that may end by itself is reported from the second time on; an event is written once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use direct_upload_api::Reason;
use direct_upload_core::model::{Problem, ResourceId};

use crate::apply::ApplyError;

/// The failures since the last success.
#[derive(Debug, Default)]
pub(crate) struct Troubles(Mutex<HashMap<ResourceId, Trouble>>);

#[derive(Debug, Default)]
struct Trouble {
    times: u32,
    /// The step and the reason of the last event.
    told: Option<(&'static str, Reason)>,
}

impl Troubles {
    /// A write failed. Returns what to report, and whether also in an event.
    pub fn failed(&self, resource: &ResourceId, step: &'static str, error: &ApplyError) -> Option<(Problem, bool)> {
        let mut all = self.lock();
        let trouble = all.entry(resource.clone()).or_default();
        trouble.times += 1;
        let problem = if trouble.times > 1 { error.lasting_problem() } else { error.problem() }?;
        let told = Some((step, problem.reason));
        let is_new = trouble.told != told;
        trouble.told = told;
        Some((problem, is_new))
    }

    /// Everything succeeded, or the resource is gone.
    pub fn over(&self, resource: &ResourceId) {
        self.lock().remove(resource);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ResourceId, Trouble>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use direct_upload_core::model::{Key, ResourceKind};

    use super::*;

    fn resource() -> ResourceId {
        ResourceId { kind: ResourceKind::Glance, key: Key::new("cloud", "glance") }
    }

    fn refused(code: u16, message: &str) -> ApplyError {
        ApplyError::Refused { object: "ConfigMap cloud/x".into(), code, message: message.into() }
    }

    #[test]
    fn what_may_pass_is_told_when_it_stays_and_by_one_event() {
        let troubles = Troubles::default();
        let webhook = refused(500, "failed calling webhook \"w\": connection refused");
        assert!(troubles.failed(&resource(), "ApplyConfigMap", &webhook).is_none(), "it may pass");
        let (problem, is_new) = troubles.failed(&resource(), "ApplyConfigMap", &webhook).unwrap();
        assert_eq!(problem.reason, Reason::WriteFailed);
        assert!(problem.message().contains("failed calling webhook") && is_new);
        let timeout = refused(504, "timed out");
        let (problem, is_new) = troubles.failed(&resource(), "ApplyConfigMap", &timeout).unwrap();
        assert!(problem.message().contains("timed out") && !is_new, "the same step, in other words");
        let (_, is_new) = troubles.failed(&resource(), "Mount", &webhook).unwrap();
        assert!(is_new, "another step");
        troubles.over(&resource());
        assert!(troubles.failed(&resource(), "Mount", &webhook).is_none(), "a new story");
    }

    #[test]
    fn what_a_person_has_to_mend_is_told_at_once() {
        let troubles = Troubles::default();
        for is_first in [true, false] {
            let (problem, is_new) = troubles.failed(&resource(), "Mount", &refused(403, "no")).unwrap();
            assert_eq!((problem.reason, is_new), (Reason::WriteFailed, is_first));
        }
    }

    #[test]
    fn an_api_server_that_is_away_is_not_told_by_a_status_that_cannot_be_written() {
        let troubles = Troubles::default();
        let away =
            || ApplyError::Transport { object: "x".into(), source: kube::Error::LinesCodecMaxLineLengthExceeded };
        assert!(troubles.failed(&resource(), "Mount", &away()).is_none());
        assert!(troubles.failed(&resource(), "Mount", &away()).is_none());
    }
}
