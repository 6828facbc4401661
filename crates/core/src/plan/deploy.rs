//! From desired files to the steps that bring them into a workload's pods. This is the one algorithm that
//! all resources share.
//!
//! Read it from the top. `Desired::compare` says what is missing. If nothing is, a failing roll is undone
//! (`rollback`). Otherwise pods are replaced, unless exactly this roll failed before (`rollback`), must
//! wait (`gate`), or must first be tried in a Job (`rehearsal`).

pub mod compare;
mod drain;
mod gate;
pub mod rehearsal;
mod rollback;

use std::collections::BTreeMap;
use std::sync::Arc;

use direct_upload_api::Rollout;
use jiff::Timestamp;

use super::outline::{Plan, State};
use super::step::{Action, Step};
use crate::model::{EnvValue, Meta, Problem, ResourceKind, Workload};
use crate::render::File;
use crate::workload::rehearsal::panel_note;
use crate::workload::{Applied, Mount, Secrets, Target, annotations};
pub(crate) use compare::Change;
pub use compare::garbage;
pub(crate) use gate::LastStatus;
use rehearsal::RehearsalDecision;

/// The desired state of one workload.
pub(crate) struct Desired<'a> {
    pub kind: ResourceKind,
    /// The resource's name, or one made from it. ConfigMaps are named after it.
    pub name: String,
    pub meta: &'a Meta,
    pub finalizer: bool,
    pub target: &'a Target,
    pub applied: &'a Applied,
    pub last_status: LastStatus,
    pub files: Vec<File>,
    pub secrets: Secrets,
    pub env: BTreeMap<String, EnvValue>,
    /// Annotations for the ConfigMap, in addition to its own.
    pub annotations: BTreeMap<String, String>,
    /// Other annotations for the workload.
    pub notes: Vec<(String, String)>,
    pub rollout: &'a Rollout,
}

impl Plan {
    /// All steps that do not restart pods.
    pub(crate) fn toward(change: &Change, done: Problem) -> Self {
        let mut plan = Self::idle(State::Done(done));
        plan.config_map = Some(change.config_map.clone());
        plan.steps.clone_from(&change.prepare);
        plan
    }

    /// Brings our fields into the workload, with the steps of `roll` if that replaces pods. Returns false
    /// if this is not allowed now.
    pub(crate) fn deploy(
        &mut self,
        desired: &Desired<'_>,
        change: &Change,
        now: Timestamp,
        roll: impl FnOnce(Arc<Workload>, Box<Mount>) -> Vec<Step>,
    ) -> bool {
        let Some(mount) = &change.mount else { return !self.roll_back(desired, now) };
        let (workload, mut mount) = (desired.target.workload.clone(), Box::new(mount.clone()));
        if !change.rolls {
            let claim = |mount: &Mount| mount.annotations.get(annotations::CLAIM).cloned();
            let claimed = desired.applied.mount.as_ref().is_some_and(|observed| claim(observed) == claim(&mount));
            let why =
                if claimed { "the result from its image is recorded" } else { "the claim names another resource" };
            self.steps.push(Step::new(Action::Claim { workload, mount }, why));
            return true;
        }
        if let Some(problem) = desired.failed_before(change) {
            self.hold((problem, None), desired.brought());
            return false;
        }
        match desired.may_roll(change, now) {
            Ok(count) => {
                let decision = desired.rehearsed(change, &mount);
                if let RehearsalDecision::Go(Some(panel)) = &decision {
                    mount.annotations.extend([panel_note(desired.target, *panel)]);
                }
                let go = self.rehearse(decision, desired.target);
                self.steps.extend(count);
                let mut steps = roll(workload, mount);
                drain::tell(&mut steps, &drain::cost(desired.kind, desired.target, desired.applied));
                self.steps.extend(steps);
                go
            }
            Err(held) => {
                self.hold(held, desired.brought());
                false
            }
        }
    }
}
