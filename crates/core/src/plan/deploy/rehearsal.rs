//! Before pods are replaced: do the new files work in this image?
//!
//! In: what is desired, and the results of earlier rehearsals. Out: continue, start a rehearsal, or wait. A
//! rehearsal is a Job. Its name covers everything that its answer depends on (the workload's pod, the
//! files, their paths, the script). The finished Job is the memory; Kubernetes deletes it after a while.

use direct_upload_api::{ConditionType, Panel, Reason, Rehearsing};

use super::Desired;
use super::compare::Change;
use crate::derive::HorizonView;
use crate::model::{Key, Problem, describe};
use crate::plan::outline::{Plan, State};
use crate::plan::step::{Action, Step};
use crate::workload::rehearsal::{Code, Rehearsal, RehearsalDraft};
use crate::workload::{Mount, Target, rolling};

/// Whether rehearsals allow pods to be replaced.
pub enum RehearsalDecision {
    /// It passed, or none is needed. Includes the image panel of Horizon that it found.
    Go(Option<Panel>),
    /// It must start.
    Begin(Box<RehearsalDraft>),
    /// It runs.
    Running(Key),
    /// Something forbids the roll.
    Wait(Key, ConditionType, Problem),
}

impl Desired<'_> {
    /// Has the roll been rehearsed?
    pub(super) fn rehearsed(&self, change: &Change, mount: &Mount) -> RehearsalDecision {
        if self.rollout.rehearsal == Rehearsing::Off || self.put_back(change) {
            return RehearsalDecision::Go(None);
        }
        let draft = RehearsalDraft::for_files(self.kind, &self.meta.key, self.target, mount, &self.files);
        if draft.args.is_empty() {
            return RehearsalDecision::Go(None);
        }
        decide(draft, self.target, &self.applied.rehearsals)
    }

    /// Pods run with exactly these files, which somebody has just removed from the workload. A rehearsal
    /// could not say more.
    fn put_back(&self, change: &Change) -> bool {
        let named = self.applied.mount.as_ref().is_some_and(|m| m.config_map == change.config_map);
        !named && self.applied.running.contains(&change.config_map)
    }
}

type Rehearsals = crate::model::Known<std::collections::BTreeMap<String, Rehearsal>>;

/// The result of a rehearsal, or that it must start.
pub fn decide(draft: RehearsalDraft, target: &Target, rehearsals: &Rehearsals) -> RehearsalDecision {
    let key = draft.key.clone();
    let rehearsal = match rehearsals {
        Ok(rehearsals) => rehearsals.get(&key.name),
        Err(unknown) => return RehearsalDecision::Wait(key, ConditionType::ConfigRendered, unseen(unknown)),
    };
    let name = describe(target.workload.kind, &target.workload.meta.key);
    let wait =
        |condition, reason, message| RehearsalDecision::Wait(key.clone(), condition, Problem::new(reason, message));
    let rendered = ConditionType::ConfigRendered;
    match rehearsal {
        None => RehearsalDecision::Begin(Box::new(draft)),
        Some(Rehearsal::Passed(answer)) => RehearsalDecision::Go(Some(answer.panel.unwrap_or_default())),
        Some(Rehearsal::Running) => RehearsalDecision::Running(key),
        Some(Rehearsal::Waiting(why)) => wait(
            rendered,
            Reason::RehearsalUnfinished,
            format!("no pod of {name} changes: the pod of its rehearsal, Job {key}, does not start: {why}"),
        ),
        Some(Rehearsal::Silent(why)) => wait(
            rendered,
            Reason::RehearsalUnfinished,
            format!(
                "no pod of {name} changes: its rehearsal, Job {key}, ended without a result: {why}; it is tried again within the hour, or when you delete the Job; spec.rollout.rehearsal: 'Off' skips rehearsals"
            ),
        ),
        Some(Rehearsal::Refused(why)) => wait(
            rendered,
            Reason::RehearsalRefused,
            format!(
                "no pod of {name} changes: the cluster refuses the pod of its rehearsal, Job {key}, and would refuse the workload's pods, too: {why}"
            ),
        ),
        Some(Rehearsal::Failed(objection)) => {
            let (condition, reason) = match objection.code {
                Code::NotRead => (ConditionType::Accepted, Reason::PathNotRead),
                Code::Overridden => (rendered, Reason::Overridden),
                Code::Other => (rendered, Reason::RehearsalFailed),
            };
            wait(condition, reason, format!("no pod of {name} changes: {} (Job {key})", objection.text))
        }
    }
}

/// Without access to Jobs there is no rehearsal.
fn unseen(unknown: &crate::model::Unknown) -> Problem {
    if unknown.pending {
        return unknown.clone().into();
    }
    let message = format!(
        "no pod changes: {unknown}; a rehearsal needs create, list and watch of jobs.batch, spec.rollout.rehearsal: 'Off' skips rehearsals"
    );
    Problem::new(Reason::RehearsalRefused, message)
}

impl Plan {
    /// Starts a rehearsal or waits for it. Returns true if pods may be replaced. Steps after one that waits
    /// are only for the reader.
    pub fn rehearse(&mut self, decision: RehearsalDecision, target: &Target) -> bool {
        let (job, state) = match decision {
            RehearsalDecision::Go(_) => return true,
            RehearsalDecision::Begin(draft) => {
                let job = draft.key.clone();
                self.steps.push(Step::new(Action::Rehearse(draft), "no serving pod changes yet"));
                (job, rolling(target).into())
            }
            RehearsalDecision::Running(job) => (job, rolling(target).into()),
            RehearsalDecision::Wait(job, condition, problem) => (job, State::unmet(condition, problem)),
        };
        self.steps.push(Step::new(Action::AwaitRehearsal { job }, "serving pods are replaced only after that"));
        self.state = state;
        false
    }

    /// Asks the image once which panel Horizon shows. If that was asked before, the answer exists or is
    /// awaited.
    pub fn look_for_panel(&mut self, view: &HorizonView) {
        let (Ok(target), Ok(applied)) = (&view.dashboard.tenure.target, &view.dashboard.tenure.applied) else {
            return;
        };
        let draft = RehearsalDraft::look(&view.dashboard.object.meta.key, target);
        if applied.rehearsals.as_ref().is_ok_and(|rehearsals| !rehearsals.contains_key(&draft.key.name)) {
            let why = "the dashboard's image panel decides what browsers send";
            self.steps.insert(0, Step::new(Action::Rehearse(Box::new(draft)), why));
        }
    }

    /// Asks the image where it reads snippets.
    pub fn look(view: &HorizonView, looking: Problem) -> Self {
        let (Ok(target), Ok(applied)) = (&view.dashboard.tenure.target, &view.dashboard.tenure.applied) else {
            return Self::idle(State::Looking(looking));
        };
        let decision =
            decide(RehearsalDraft::look(&view.dashboard.object.meta.key, target), target, &applied.rehearsals);
        let state = match &decision {
            RehearsalDecision::Wait(_, ConditionType::ConfigRendered, problem) => {
                State::unmet(ConditionType::Accepted, problem.clone())
            }
            RehearsalDecision::Go(_)
            | RehearsalDecision::Begin(_)
            | RehearsalDecision::Running(_)
            | RehearsalDecision::Wait(..) => State::Looking(looking),
        };
        let mut plan = Self::idle(State::Pending);
        plan.rehearse(decision, target);
        plan.state = state;
        plan
    }
}
