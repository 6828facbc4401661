//! Rollback: a failing roll is undone quickly, once, and until something changes.
//!
//! In: our current roll, and the state of its pods. Out: the steps back to what ran before. The memory is
//! an annotation of the ConfigMap whose roll failed: the pod (its fingerprint) that failed with it, and
//! why.

use std::collections::BTreeMap;

use direct_upload_api::Reason;
use jiff::{SignedDuration, Timestamp};

use super::Desired;
use super::compare::Change;
use crate::model::{Map, Problem, Workload, describe};
use crate::plan::outline::{Plan, State};
use crate::plan::step::{Action, Step};
use crate::workload::{LastRoll, Mount, RollFault, Unfinished, annotations, failed_roll};

/// A pod that does not start has this many seconds from the start of the roll …
const PATIENCE: i64 = 60;

/// … or this many if no pod is ready.
const PATIENCE_IN_AN_OUTAGE: i64 = 30;

/// A DaemonSet's roll counts as complete after this many seconds, because its controller does not say when
/// it is.
const LONGEST: i64 = 600;

impl Desired<'_> {
    /// Why this roll was undone before, if it was, with the current pod.
    pub(super) fn failed_before(&self, change: &Change) -> Option<Problem> {
        let workload = &self.target.workload;
        let why = failed_roll::noted(self.applied.config_map(&change.config_map)?, workload)?;
        let message = format!(
            "{} did not start with ConfigMap {}, so the operator undid the roll: {why}; it tries again when the files, the image or the pod template change, or when you delete that ConfigMap",
            describe(workload.kind, &workload.meta.key),
            change.config_map
        );
        Some(Problem::new(Reason::RollFailed, message))
    }

    /// The current roll fails: how to undo it, or when that will happen.
    fn failing(&self, now: Timestamp) -> Option<Result<Vec<Step>, Timestamp>> {
        let mount = self.applied.mount.as_ref()?;
        let Err(Unfinished::Failing(fault, problem)) = &self.applied.rollout else { return None };
        let workload = &self.target.workload;
        // Resources may become free. While all earlier pods serve, waiting affects no user.
        if *fault == RollFault::NoPods && workload.status.ready >= workload.replicas {
            return None;
        }
        // If the user has changed the pod since, it fails for the user's reasons.
        let rolled = LastRoll::parse(mount.annotations.get(annotations::ROLLED_AT)?)?;
        if rolled.pod != workload.template.fingerprint || landed(workload, &rolled, now) {
            return None;
        }
        let patience = if workload.status.ready == 0 { PATIENCE_IN_AN_OUTAGE } else { PATIENCE };
        let until = rolled.at.saturating_add(SignedDuration::from_secs(patience)).unwrap_or(Timestamp::MAX);
        if *fault != RollFault::Deadline && now < until {
            return Some(Err(until));
        }
        let config_map = self.applied.in_use()?;
        let note = failed_roll::note(&rolled.pod, problem);
        let annotations = BTreeMap::from([(annotations::FAILED.to_owned(), Some(note))]);
        let note = Action::Annotate { config_map: config_map.meta.key.clone(), annotations };
        let back = match self.before(&rolled, mount, now) {
            Some(before) => Action::Mount { workload: workload.clone(), mount: Box::new(before) },
            None => Action::Release { workload: workload.clone() },
        };
        Some(Ok(vec![
            Step::new(note, "so that the same roll is not repeated"),
            Step::new(back, format!("the roll fails: {}", problem.message())),
        ]))
    }

    /// The mount that this one replaced, if its ConfigMap still exists and each of its files has a path.
    fn before(&self, rolled: &LastRoll, mount: &Mount, now: Timestamp) -> Option<Mount> {
        let config_map = self.applied.config_map(rolled.instead_of.as_ref()?)?;
        let held = |files: &Map<String, String>| -> Map<String, String> {
            files
                .iter()
                .filter(|(_, key)| config_map.data.contains_key(*key))
                .map(|(p, k)| (p.clone(), k.clone()))
                .collect()
        };
        let mut before = mount.clone();
        before.config_map.clone_from(&config_map.meta.key.name);
        (before.mounted, before.copied) = (held(&mount.mounted), held(&mount.copied));
        before.copier = before.copier.filter(|_| !before.copied.is_empty());
        if before.mounted.len() + before.copied.len() != config_map.data.len() {
            return None;
        }
        let rolled = LastRoll { at: now, instead_of: None, ..rolled.clone() };
        before.annotations.insert(annotations::ROLLED_AT.to_owned(), rolled.text());
        Some(before)
    }
}

/// Whether the roll has succeeded once. Pods that crash later have another cause, and releasing them would
/// only add a roll.
fn landed(workload: &Workload, rolled: &LastRoll, now: Timestamp) -> bool {
    let status = &workload.status;
    let current = status.observed_generation >= workload.meta.generation;
    current && status.landed.unwrap_or_else(|| now.duration_since(rolled.at).as_secs() > LONGEST)
}

impl Plan {
    /// Undoes a failing roll. Returns true if it did.
    pub(crate) fn roll_back(&mut self, desired: &Desired<'_>, now: Timestamp) -> bool {
        match desired.failing(now) {
            None => false,
            Some(Err(until)) => {
                self.wake_at(until);
                false
            }
            Some(Ok(steps)) => {
                self.steps.extend(steps);
                self.state = desired.applied.rollout.clone().map_or_else(State::from, |()| State::Pending);
                true
            }
        }
    }
}
