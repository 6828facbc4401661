//! The plan of a Horizon: direct only after Glance accepts its origins, and back before Glance drops them.

pub mod acceptance;
pub mod finalize;
pub mod proxy;
pub mod regions;

use std::collections::BTreeMap;
use std::sync::Arc;

use direct_upload_api::{ConditionType, HorizonSpec, Reason};
use jiff::Timestamp;

use super::deploy::{Change, Desired, LastStatus, garbage};
use super::finalize::{copied, deadline};
use super::options::Options;
use super::outline::{Plan, State, Unmet};
use super::proof::{self, Proven};
use super::step::{Action, Step};
use crate::derive::{Evidence, HorizonView, Intent, OwnMode, Unplaced};
use crate::model::{Problem, ResourceKind, Workload};
use crate::plan::horizon::finalize::finalize;
use crate::render::{self, File, HorizonSettings};
use crate::workload::rehearsal::panel_note;
use crate::workload::{Applied, Mount, Secrets, Target, annotations, claimed, rfc3339, rolling};

/// Plans a Horizon.
pub fn horizon(view: &HorizonView, now: Timestamp, options: &Options) -> Plan {
    let plan = without_regions(view, now, options);
    Plan { regions: regions::regions(view, &plan.state), ..plan }
}

fn without_regions(view: &HorizonView, now: Timestamp, options: &Options) -> Plan {
    if view.dashboard.object.meta.deleting.is_some() {
        return retreat(view, now, options).unwrap_or_else(|| finalize(view, now));
    }
    let spec = match &view.dashboard.object.spec {
        Ok(spec) => spec,
        Err(why) => return Plan::unmet(ConditionType::Accepted, Problem::new(Reason::Undecodable, why.clone())),
    };
    let plan = match attempt(view, spec, now, options) {
        Ok(plan) => plan,
        // The other Job, for Keystone's catalog, belongs to Glance.
        Err((_, problem)) if matches!(view.dashboard.settings, Err(Unplaced::AskImage(_))) => Plan::look(view, problem),
        Err((condition, problem)) => Plan::unmet(condition, problem),
    };
    if spec.suspend { plan.suspend() } else { plan }
}

/// Toward what the spec and its context require; or the condition that keeps it from there.
fn attempt(view: &HorizonView, spec: &HorizonSpec, now: Timestamp, options: &Options) -> Result<Plan, Unmet> {
    if view.dashboard.terminating {
        return Err((ConditionType::Accepted, Problem::new(Reason::Releasing, "the namespace is being deleted")));
    }
    // Only a Horizon that is switched off on purpose keeps its other fragments. One that lost its Glance
    // gets its original pods back.
    let (direct, own, keeps_files) = match &view.intent {
        Intent::Hold(problem) => return Err((problem.reason.condition(), problem.clone())),
        Intent::Direct => (true, None, true),
        Intent::Own(why @ (OwnMode::Disabled | OwnMode::ImportOnly), problem) => (false, Some((*why, problem)), true),
        Intent::Own(why @ (OwnMode::Deleted | OwnMode::NoGlance), problem) => (false, Some((*why, problem)), false),
    };
    let accepted = |p: &Problem| (ConditionType::Accepted, p.clone());
    let target = view.dashboard.tenure.target.as_ref().map_err(accepted)?;
    let unseen = |p: &Problem| (p.reason.condition(), p.clone());
    let applied = view.dashboard.tenure.applied.as_ref().map_err(unseen)?;
    let planner = HorizonPlanner { view, spec, target, applied, direct, now, options, since: None };
    let mut files = Vec::new();
    if keeps_files {
        let settings = view.dashboard.settings.as_ref().map_err(|why| accepted(why.problem()))?;
        if let Some(plan) = planner.by_own_proxy(settings)? {
            return Ok(plan);
        }
        files = rendered(settings, direct)?;
    }
    let problem = own.map(|(_, problem)| problem);
    let mut plan =
        if files.is_empty() { back_out(view, target, applied, problem, now) } else { planner.bring(files)? };
    if let (Some((why, problem)), State::Done(_) | State::Off(_)) = (own, &plan.state) {
        plan.state = with_own_mode(why, problem);
    }
    Ok(plan)
}

fn rendered(settings: &HorizonSettings, direct: bool) -> Result<Vec<File>, Unmet> {
    let settings = HorizonSettings { direct, ..settings.clone() };
    render::horizon(&settings)
        .map_err(|e| (ConditionType::ConfigRendered, Problem::new(Reason::InvalidSpec, e.to_string())))
}

/// The state of a Horizon whose own setting is in effect.
fn with_own_mode(why: OwnMode, problem: &Problem) -> State {
    match why {
        OwnMode::Disabled => {
            let message = "direct upload is off; Horizon's own HORIZON_IMAGES_UPLOAD_MODE is in effect";
            State::Off(Problem::new(Reason::DirectDisabled, message))
        }
        OwnMode::Deleted | OwnMode::ImportOnly | OwnMode::NoGlance => {
            State::Unmet(problem.reason.condition(), problem.clone())
        }
    }
}

/// The workload should have nothing of ours.
fn back_out(view: &HorizonView, target: &Target, applied: &Applied, problem: Option<&Problem>, now: Timestamp) -> Plan {
    let workload = &target.workload;
    let why = problem.map_or_else(|| "the Horizon resource requests nothing of it".to_owned(), Problem::message);
    let mut plan = Plan::idle(State::Done(Problem::new(Reason::NothingToRoll, why.clone())));
    if applied.mount.is_some() && claimed(workload, &view.dashboard.object.meta) {
        plan.steps.push(Step::new(Action::Release { workload: workload.clone() }, why));
        plan.await_rollout(target, rolling(target));
    } else if let Some(problem) = copied(target, applied) {
        plan.state = State::Unmet(ConditionType::RolledOut, problem);
    } else if let (false, Err(unfinished)) = (applied.running.is_empty(), plan.rollout(target, applied, now)) {
        plan.await_rollout(target, unfinished);
    } else {
        plan.leave(&view.dashboard.tenure);
        plan.steps.extend(garbage(ResourceKind::Horizon, workload, applied, None));
    }
    plan
}

/// A resource that is being deleted, while there is time: first, no page may upload through its own pods
/// any more.
fn retreat(view: &HorizonView, now: Timestamp, options: &Options) -> Option<Plan> {
    let (spec, target, applied, handover) = (
        view.dashboard.object.spec.as_ref().ok()?,
        view.dashboard.tenure.target.as_ref().ok()?,
        view.dashboard.tenure.applied.as_ref().ok()?,
        view.dashboard.tenure.handover.as_ref().ok()?,
    );
    let in_time =
        now < deadline(view.dashboard.object.meta.deleting, spec.deletion.timeout) && !view.dashboard.terminating;
    if !in_time
        || handover.has_successor
        || !view.dashboard.object.finalizer
        || !claimed(&target.workload, &view.dashboard.object.meta)
    {
        return None;
    }
    let mut settings = view.dashboard.settings.as_ref().ok()?.clone();
    settings.httpd = None;
    let planner = HorizonPlanner { view, spec, target, applied, direct: false, now, options, since: None };
    let mut plan = planner.retreat(&settings).ok()??;
    plan.wake_at(deadline(view.dashboard.object.meta.deleting, spec.deletion.timeout));
    Some(plan)
}

/// Everything that bringing files into Horizon's pods depends on.
#[derive(Clone)]
struct HorizonPlanner<'a> {
    view: &'a HorizonView,
    spec: &'a HorizonSpec,
    target: &'a Target,
    applied: &'a Applied,
    direct: bool,
    now: Timestamp,
    options: &'a Options,
    /// Since when the mode is withdrawn although it is requested.
    since: Option<String>,
}

impl HorizonPlanner<'_> {
    fn bring(&self, files: Vec<File>) -> Result<Plan, Unmet> {
        let gate = self.gate();
        let proven = self.proven();
        let goes = gate.is_ok() && matches!(proven, Proven::Go);
        let seen = self.view.dashboard.seen.map(|panel| panel_note(self.target, panel));
        let desired = Desired {
            kind: ResourceKind::Horizon,
            name: self.view.dashboard.object.meta.key.name.clone(),
            meta: &self.view.dashboard.object.meta,
            finalizer: self.view.dashboard.object.finalizer,
            target: self.target,
            applied: self.applied,
            last_status: self.view.dashboard.object.status.as_ref().map_or_else(LastStatus::default, |status| {
                LastStatus::new(status.observed_generation, &status.config_maps, &status.conditions)
            }),
            files,
            secrets: Secrets::new(),
            env: BTreeMap::new(),
            annotations: self.partner(gate.is_ok()).into_iter().chain(self.backed_out(goes)).collect(),
            notes: self.view.dashboard.reads().into_iter().chain(seen).collect(),
            rollout: &self.spec.rollout,
        };
        let why =
            if self.direct { "Horizon must upload directly" } else { "the spec requests httpd and Django settings" };
        let change = desired.compare(self.options, self.now, why).map_err(|p| (ConditionType::ConfigRendered, p))?;
        let mut plan = Plan::toward(&change, Problem::new(Reason::Settled, why));
        plan.state = self.standing();
        if let Err(held) = &gate {
            self.wait_for_glance(&mut plan, held, change.rolls);
        } else if let Proven::Wait(state) = proven {
            let why = "a browser's upload must pass for each origin";
            plan.steps.push(Step::new(Action::AwaitProof, why));
            plan.state = state;
        } else if let Proven::Back(problem) = proven {
            self.fall_back(&mut plan, &desired, &change, problem);
        } else if plan.deploy(&desired, &change, self.now, |workload, mount| self.roll(workload, mount, why)) {
            self.settle(&mut plan, &change);
        }
        let settled = self.applied.sets_direct() && !change.rolls && self.applied.rollout.is_ok();
        if self.view.dashboard.panel_is_open && (settled || matches!(self.view.proof.evidence, Evidence::Refused(..))) {
            plan.look_for_panel(self.view);
        }
        // During the switch to direct, one sentence covers everything that goes well; events list the
        // steps.
        if self.direct && matches!(plan.state, State::Rolling(_)) {
            plan.state = State::Switching(self.switching());
        }
        Ok(plan)
    }

    /// The steps that replace Horizon's pods.
    fn roll(&self, workload: Arc<Workload>, mount: Box<Mount>, why: &str) -> Vec<Step> {
        if !self.direct {
            return vec![Step::new(Action::Mount { workload, mount }, why)];
        }
        let mut steps = Vec::new();
        if !self.applied.sets_direct() && self.view.proof.evidence.is_granted(false) {
            steps.push(Step::new(Action::Probe, "a browser's upload must pass at the rolled-out Glance"));
        }
        steps.push(Step::new(Action::SwitchMode { workload, mount }, why));
        steps
    }

    fn settle(&self, plan: &mut Plan, change: &Change) {
        let rollout =
            if change.rolls { Err(rolling(self.target)) } else { plan.rollout(self.target, self.applied, self.now) };
        match rollout {
            Ok(()) => {
                plan.leave(&self.view.dashboard.tenure);
                plan.steps.extend(garbage(
                    ResourceKind::Horizon,
                    &self.target.workload,
                    self.applied,
                    Some(&change.config_map),
                ));
            }
            Err(unfinished) => plan.await_rollout(self.target, unfinished),
        }
    }

    /// Whether preflights allow it to be direct.
    fn proven(&self) -> Proven {
        if self.direct { proof::proven(self.view, self.spec, self.switching()) } else { Proven::Go }
    }

    /// Preflights were refused for too long. Our snippet is removed, and the cause is recorded where the
    /// next start finds it.
    fn fall_back(&self, plan: &mut Plan, desired: &Desired<'_>, change: &Change, problem: Problem) {
        if let Err(held) = desired.may_roll(change, self.now) {
            return plan.hold(held, desired.brought());
        }
        plan.steps.clear();
        if let Some(copied) = copied(self.target, self.applied) {
            plan.state = State::Unmet(ConditionType::RolledOut, copied);
            return;
        }
        let workload = self.target.workload.clone();
        if let Some(in_use) = self.applied.in_use().filter(|_| self.view.dashboard.backed_out().is_none()) {
            let annotations = BTreeMap::from([(annotations::BACKED_OUT.to_owned(), Some(rfc3339(self.now)))]);
            let action = Action::Annotate { config_map: in_use.meta.key.clone(), annotations };
            plan.steps.push(Step::new(action, "to record when direct mode ended"));
        }
        plan.steps.push(Step::new(Action::Release { workload }, problem.message().clone()));
        plan.await_rollout(self.target, rolling(self.target));
        plan.state = State::Unmet(ConditionType::Verified, problem);
    }

    /// Its state when its pods run with the files.
    fn standing(&self) -> State {
        if !self.direct {
            let message = "direct upload is off; the requested files are in place";
            return State::Off(Problem::new(Reason::DirectDisabled, message));
        }
        let to = self.whereto();
        proof::standing(self.view, self.spec, &to)
    }
}
