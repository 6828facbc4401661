//! Finalizing: what resources share when they release their workloads.

use std::sync::Arc;

use direct_upload_api::{Duration, Reason, seconds};
use jiff::{SignedDuration, Timestamp};

use super::deploy::garbage;
use super::outline::Plan;
use super::step::{Action, Step};
use crate::derive::{Handover, Tenure};
use crate::model::{Meta, Problem, ResourceKind, Workload, describe};
use crate::workload::{Applied, LastRoll, Target, Unfinished, annotations, claimed};

/// A roll that takes longer is reported with what delays it. Earlier reports would change with each pod.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// How long a deletion waits for the safe order, in seconds.
const DELETION_TIMEOUT: u64 = 600;

/// When a deletion stops waiting.
pub fn deadline(deleting: Option<Timestamp>, timeout: Option<Duration>) -> Timestamp {
    let timeout = i64::try_from(seconds(timeout, DELETION_TIMEOUT)).unwrap_or(i64::MAX);
    let start = deleting.unwrap_or(Timestamp::MAX);
    start.saturating_add(SignedDuration::from_secs(timeout)).unwrap_or(Timestamp::MAX)
}

/// Objects with our names in a workload in which nothing is ours. They came with a manifest that somebody
/// copied from a live workload, and our apply cannot remove them.
pub fn copied(target: &Target, applied: &Applied) -> Option<Problem> {
    let workload = &target.workload;
    let mount = applied.mount.as_ref().filter(|_| workload.foreign)?;
    let message = format!(
        "{}: its mount of ConfigMap {} belongs to {:?}, so only that manager can remove it: remove the volumes and mounts named direct-upload* from its manifest",
        describe(workload.kind, &workload.meta.key),
        mount.config_map,
        workload.other_manager.as_deref().unwrap_or("somebody"),
    );
    Some(Problem::new(Reason::FieldConflict, message))
}

impl Plan {
    /// The state of a roll that started earlier. Most take less than `PATIENCE`. For one that takes longer,
    /// the message names the pod for which it waits.
    ///
    /// # Errors
    /// Why it is not complete.
    pub fn rollout(&mut self, target: &Target, applied: &Applied, now: Timestamp) -> Result<(), Unfinished> {
        let Err(unfinished) = &applied.rollout else { return Ok(()) };
        let (Unfinished::Rolling(problem), Some(held_up)) = (unfinished, &applied.held_up) else {
            return Err(unfinished.clone());
        };
        let began = target.workload.meta.ours.get(annotations::ROLLED_AT).and_then(|text| LastRoll::parse(text));
        let late = began.and_then(|roll| roll.at.checked_add(PATIENCE).ok()).filter(|late| now < *late);
        if let Some(late) = late {
            self.wake_at(late);
            return Err(unfinished.clone());
        }
        Err(Unfinished::Rolling(Problem::new(problem.reason, format!("{}; {held_up}", problem.message()))))
    }

    /// Waits for a rollout and reports it.
    pub fn await_rollout(&mut self, target: &Target, unfinished: Unfinished) {
        let workload = target.workload.clone();
        self.steps.push(Step::new(Action::AwaitRollout { workload }, "every pod must run with the new files"));
        self.state = unfinished.into();
    }

    /// Releases workloads that the resource does not name any more, if they are known.
    pub fn leave(&mut self, tenure: &Tenure) {
        for workload in tenure.handover.iter().flat_map(|handover| &handover.orphans) {
            let action = Action::Release { workload: workload.clone() };
            self.steps.push(Step::new(action, "the resource names another workload now"));
        }
    }
}

/// A deletion waits until what it depends on is seen.
pub fn blind(problem: &Problem) -> Problem {
    let message = format!("deletion waits until the operator can see what to release: {problem}");
    Problem::new(problem.reason, message)
}

/// Everything that the deletion of a resource depends on in its own namespace. It exists only if all of
/// this is known, so what is not in it does not exist.
pub(crate) struct Finalization<'a> {
    meta: &'a Meta,
    /// The workload that the resource names, and what it has of ours; none if there is no such workload.
    pub target: Option<(&'a Target, &'a Applied)>,
    handover: &'a Handover,
}

impl<'a> Finalization<'a> {
    /// Checks whether everything is known.
    ///
    /// # Errors
    /// What cannot be seen.
    pub fn of(meta: &'a Meta, tenure: &'a Tenure) -> Result<Self, Problem> {
        let handover = tenure.handover.as_ref().map_err(|unknown| Problem::from(unknown.clone()))?;
        // If a spec cannot be read, claims show what it names, so that is among the orphaned workloads.
        let problems = [tenure.target.as_ref().err(), tenure.applied.as_ref().err()];
        if let Some(problem) = problems.into_iter().flatten().find(|problem| problem.is_unseen()) {
            return Err(problem.clone());
        }
        let target = tenure.target.as_ref().ok().zip(tenure.applied.as_ref().ok());
        match target.map(|(_, applied)| &applied.referenced) {
            Some(Err(unknown)) => Err(unknown.clone().into()),
            _ => Ok(Self { meta, target, handover }),
        }
    }

    /// Whether another resource takes the workload over.
    pub fn has_successor(&self) -> bool {
        self.handover.has_successor
    }

    /// Whether no pod runs with files of the resource any more.
    pub(super) fn is_rolled(&self) -> bool {
        let running = self.target.map_or(&self.handover.running, |(_, applied)| &applied.running);
        self.has_successor() || running.is_empty()
    }

    /// Releases everything with the claim, unless another resource takes over the target. It is complete
    /// only when the cluster has nothing of it left. Only then may the finalizer go.
    pub(super) fn release_all(&self) -> Vec<Step> {
        let target = self.target.iter().map(|(target, _)| &target.workload);
        let target = target.filter(|workload| claimed(workload, self.meta) && !self.has_successor());
        let all = target.chain(&self.handover.orphans);
        let release = |workload: &Arc<Workload>| Action::Release { workload: workload.clone() };
        all.map(|workload| Step::new(release(workload), "the resource is being deleted")).collect()
    }

    /// Removes what nothing refers to any more.
    pub fn collect(&self, kind: ResourceKind) -> Vec<Step> {
        self.target.map(|(target, applied)| garbage(kind, &target.workload, applied, None)).unwrap_or_default()
    }
}
