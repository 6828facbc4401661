//! Giving things back: what both resources share.

use direct_upload_api::{ConditionType, Duration, Reason, seconds};
use jiff::{SignedDuration, Timestamp};

use super::outline::{Plan, State};
use super::step::{Action, Step};
use crate::derive::Tenure;
use crate::model::{Meta, Problem, describe};
use crate::workload::{Applied, Target, claimed};

/// How long a deletion waits for the safe order, in seconds.
const DELETION_TIMEOUT: u64 = 600;

/// When a deletion stops waiting.
pub fn deadline(deleting: Option<Timestamp>, timeout: Option<Duration>) -> Timestamp {
    let timeout = i64::try_from(seconds(timeout, DELETION_TIMEOUT)).unwrap_or(i64::MAX);
    let start = deleting.unwrap_or(Timestamp::MAX);
    start.saturating_add(SignedDuration::from_secs(timeout)).unwrap_or(Timestamp::MAX)
}

/// What stands under our names in a workload in which nothing is ours: it came with a manifest that
/// somebody copied from a live workload. An apply of ours cannot take it away.
pub fn copied(target: &Target, applied: &Applied) -> Option<Problem> {
    let workload = &target.workload;
    let mount = applied.mount.as_ref().filter(|_| workload.foreign)?;
    let message = format!(
        "{}: its mount of ConfigMap {} belongs to {:?}, so only that manager can take it away: remove the volumes and mounts named direct-upload* from its manifest",
        describe(workload.kind, &workload.meta.key),
        mount.config_map,
        workload.other_manager.as_deref().unwrap_or("somebody"),
    );
    Some(Problem::new(Reason::FieldConflict, message))
}

impl Plan {
    /// Waits for a rollout and says so.
    pub fn await_rollout(&mut self, target: &Target, problem: Problem) {
        let workload = target.workload.clone();
        self.steps.push(Step::new(Action::AwaitRollout { workload }, "every pod must be new"));
        self.state = State::unmet(ConditionType::RolledOut, problem);
    }

    /// Releases workloads that the resource no longer means.
    pub fn leave(&mut self, tenure: &Tenure) {
        for workload in &tenure.orphans {
            let action = Action::Release { workload: workload.clone() };
            self.steps.push(Step::new(action, "the resource names another workload now"));
        }
    }

    /// Gives back whatever carries the claim, unless another resource takes the target over or the
    /// whole namespace is going anyway.
    pub fn release_all(&mut self, terminating: bool, meta: &Meta, tenure: &Tenure) {
        if terminating {
            return;
        }
        let target = tenure.target.iter().map(|target| &target.workload);
        let target = target.filter(|workload| claimed(workload, meta) && !tenure.has_successor);
        for workload in target.chain(&tenure.orphans) {
            let action = Action::Release { workload: workload.clone() };
            self.steps.push(Step::new(action, "the resource is being deleted"));
        }
    }
}
