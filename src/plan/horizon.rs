//! The plan of a Horizon: direct only after Glance accepts, and back before Glance lets go.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::change::{Change, Options, Wanted, claimed, garbage, rfc3339};
use super::farewell::deadline;
use super::mount::{Mount, describe};
use super::proof::{self, Proven};
use super::rollout::rolling;
use super::step::{Action, Step};
use super::{Plan, State};
use crate::api::{ConditionType, HorizonSpec, Reason};
use crate::derive::{
    Applied, HorizonView, Intent, Partner, Problem, Target, backed_out_annotation, partner_annotation,
};
use crate::observe::{Key, Workload};
use crate::render::{self, File, HorizonSettings};

/// Plans a Horizon.
pub fn horizon(view: &HorizonView, now: Timestamp, options: &Options) -> Plan {
    if view.object.meta.deleting.is_some() {
        return farewell(view, now);
    }
    let spec = match &view.object.spec {
        Ok(spec) => spec,
        Err(why) => return Plan::unmet(ConditionType::Accepted, Problem::new(Reason::Undecodable, why.clone())),
    };
    let plan = match attempt(view, spec, now, options) {
        Ok(plan) => plan,
        Err((_, problem)) if problem.reason == Reason::Looking => Plan::look(view, problem),
        Err((condition, problem)) => Plan::unmet(condition, problem),
    };
    if spec.suspend { plan.suspend() } else { plan }
}

type Unmet = (ConditionType, Problem);

fn attempt(view: &HorizonView, spec: &HorizonSpec, now: Timestamp, options: &Options) -> Result<Plan, Unmet> {
    if view.terminating {
        return Err((ConditionType::Accepted, Problem::new(Reason::Releasing, "the namespace is being deleted")));
    }
    let (direct, problem) = match &view.intent {
        Intent::Hold(problem) => return Err((condition(problem.reason), problem.clone())),
        Intent::Direct => (true, None),
        Intent::Own(problem) => (false, Some(problem)),
    };
    let accepted = |p: &Problem| (ConditionType::Accepted, p.clone());
    let target = view.target.as_ref().map_err(accepted)?;
    let gone = || (ConditionType::Accepted, Problem::new(Reason::WorkloadNotFound, "the workload is gone"));
    let applied = view.applied.as_ref().ok_or_else(gone)?;
    // Only a Horizon that is switched off on purpose keeps its other fragments; one that lost its
    // Glance gets its pods back as they were.
    let files = match (direct, problem.map(|p| p.reason)) {
        (false, Some(reason)) if reason != Reason::DirectDisabled => Vec::new(),
        _ => files(view.settings.as_ref().map_err(accepted)?, direct)?,
    };
    let mut plan = if files.is_empty() {
        back_out(view, target, applied, problem)
    } else {
        let stage = Stage { view, spec, target, applied, direct, now, options };
        stage.bring(files)?
    };
    if let (false, Some(problem), State::Done(_)) = (direct, problem, &plan.state) {
        plan.state = own(problem);
    }
    Ok(plan)
}

fn files(settings: &HorizonSettings, direct: bool) -> Result<Vec<File>, Unmet> {
    let settings = HorizonSettings { direct, ..settings.clone() };
    render::horizon(&settings)
        .map_err(|e| (ConditionType::ConfigRendered, Problem::new(Reason::InvalidSpec, e.to_string())))
}

/// Where a Horizon stands whose own setting is in force.
fn own(problem: &Problem) -> State {
    if problem.reason == Reason::DirectDisabled {
        let message = "direct upload is switched off; Horizon's own HORIZON_IMAGES_UPLOAD_MODE is in force";
        return State::Done(Problem::new(Reason::DirectDisabled, message));
    }
    State::Unmet(condition(problem.reason), problem.clone())
}

/// The condition that a reason belongs to.
fn condition(reason: Reason) -> ConditionType {
    match reason {
        Reason::NotExposed
        | Reason::PlainHttp
        | Reason::OriginNotAllowed
        | Reason::GlanceNotFound
        | Reason::GlanceAmbiguous
        | Reason::GlanceNotAllowed
        | Reason::EndpointUnknown
        | Reason::ObservationPending
        | Reason::ObservationIncomplete => ConditionType::OriginsResolved,
        _ => ConditionType::Accepted,
    }
}

/// Nothing of ours shall stand in the workload.
fn back_out(view: &HorizonView, target: &Target, applied: &Applied, problem: Option<&Problem>) -> Plan {
    let workload = &target.workload;
    let why = problem.map_or("nothing is asked of it", |p| p.message.as_str());
    let mut plan = Plan::idle(State::Done(Problem::new(Reason::NothingToRoll, why)));
    if applied.mount.is_some() && claimed(workload, &view.object.meta) {
        plan.steps.push(Step::new(Action::Release { workload: workload.clone() }, why));
        plan.await_rollout(target, rolling(target));
    } else if let Some(problem) = applied.rollout.as_ref().err().filter(|_| !applied.running.is_empty()) {
        plan.await_rollout(target, problem.clone());
    } else {
        plan.leave(&view.strays);
        plan.steps.extend(garbage("Horizon", workload, applied, None));
    }
    plan
}

/// All that bringing files into Horizon's pods depends on.
struct Stage<'a> {
    view: &'a HorizonView,
    spec: &'a HorizonSpec,
    target: &'a Target,
    applied: &'a Applied,
    direct: bool,
    now: Timestamp,
    options: &'a Options,
}

impl Stage<'_> {
    fn bring(&self, files: Vec<File>) -> Result<Plan, Unmet> {
        let gate = self.gate();
        let proven = self.proven();
        let goes = gate.is_ok() && matches!(proven, Proven::Go);
        let wanted = Wanted {
            kind: "Horizon",
            meta: &self.view.object.meta,
            finalizer: self.view.object.finalizer,
            target: self.target,
            applied: self.applied,
            files,
            tls: None,
            annotations: self.partner(gate.is_ok()).into_iter().chain(self.backed_out(goes)).collect(),
            note: self.view.reads(),
            rollout: &self.spec.rollout,
        };
        let why = if self.direct { "Horizon shall upload directly" } else { "httpd and Django settings are asked for" };
        let change = wanted.change(self.options, self.now, why).map_err(|p| (ConditionType::ConfigRendered, p))?;
        let mut plan = Plan::toward(&change, Problem::new(Reason::Settled, why));
        plan.state = self.standing();
        if let (Err(problem), true) = (&gate, self.direct) {
            self.wait_for_glance(&mut plan, problem, change.rolls);
        } else if let Proven::Wait(state) = proven {
            let why = "a browser's upload must be let through for each origin";
            plan.steps.push(Step::new(Action::AwaitProof, why));
            plan.state = state;
        } else if let Proven::Back(problem) = proven {
            self.fall_back(&mut plan, &wanted, &change, problem);
        } else if plan.mount(&wanted, &change, self.now, |workload, mount| self.roll(workload, mount, why)) {
            self.settle(&mut plan, &change);
        }
        // On the way to direct one sentence covers all that goes well; events tell the steps.
        if self.direct && matches!(&plan.state, State::Unmet(_, problem) if problem.reason == Reason::RollingOut) {
            plan.state = State::Unmet(ConditionType::RolledOut, self.switching());
        }
        Ok(plan)
    }

    /// The steps that replace Horizon's pods.
    fn roll(&self, workload: Arc<Workload>, mount: Box<Mount>, why: &str) -> Vec<Step> {
        if !self.direct {
            return vec![Step::new(Action::Mount { workload, mount }, why)];
        }
        let mut steps = Vec::new();
        if !self.applied.sets_direct() && self.view.proof.is_granted(false) {
            steps.push(Step::new(Action::Probe, "the rolled-out Glance must let the browser's upload through"));
        }
        steps.push(Step::new(Action::SwitchMode { workload, mount }, why));
        steps
    }

    fn settle(&self, plan: &mut Plan, change: &Change) {
        let rollout = if change.rolls { Err(rolling(self.target)) } else { self.applied.rollout.clone() };
        match rollout {
            Ok(()) => {
                plan.leave(&self.view.strays);
                plan.steps.extend(garbage("Horizon", &self.target.workload, self.applied, Some(&change.config_map)));
            }
            Err(problem) => plan.await_rollout(self.target, problem),
        }
    }

    /// Whether preflights let it be direct.
    fn proven(&self) -> Proven {
        if self.direct { proof::proven(self.view, self.spec, self.switching()) } else { Proven::Go }
    }

    /// Preflights were refused for too long: our snippet leaves, and why is noted where the next
    /// start finds it.
    fn fall_back(&self, plan: &mut Plan, wanted: &Wanted<'_>, change: &Change, problem: Problem) {
        if let Err(held) = wanted.may_roll(change, self.now) {
            return plan.hold(held, self.applied);
        }
        plan.steps.clear();
        let workload = self.target.workload.clone();
        if let Some(in_use) = self.applied.in_use().filter(|_| self.view.backed_out().is_none()) {
            let annotations = BTreeMap::from([(backed_out_annotation(), Some(rfc3339(self.now)))]);
            let action = Action::Annotate { config_map: in_use.meta.key.clone(), annotations };
            plan.steps.push(Step::new(action, "so that direct returns with the same patience"));
        }
        plan.steps.push(Step::new(Action::Release { workload }, problem.message.clone()));
        plan.await_rollout(self.target, rolling(self.target));
        plan.state = State::Unmet(ConditionType::Verified, problem);
    }

    /// Where it stands once its pods run with the files.
    fn standing(&self) -> State {
        if !self.direct {
            let message = "direct upload is switched off; the files that are asked for are in place";
            return State::Done(Problem::new(Reason::DirectDisabled, message));
        }
        let to = match (&self.view.endpoint, self.glance()) {
            (Ok(url), _) => format!(" to {url}"),
            (Err(_), Some(glance)) => format!(" to Glance {glance}"),
            (Err(_), None) => String::new(),
        };
        proof::standing(self.view, self.spec, &to)
    }

    fn wait_for_glance(&self, plan: &mut Plan, problem: &Problem, rolls: bool) {
        if let Some(glance) = self.glance() {
            let action = Action::AwaitGlance { glance };
            plan.steps.push(Step::new(action, "an origin must be accepted before a browser uses it"));
        }
        let problem =
            if problem.reason == Reason::WaitingForGlance && rolls { self.switching() } else { problem.clone() };
        plan.state = State::unmet(ConditionType::RolledOut, problem);
    }

    /// Does every Glance pod accept every origin of this Horizon? A Horizon that is direct already
    /// needs no more than that, whatever rolls at Glance; one that switches needs a rollout that is
    /// complete.
    fn gate(&self) -> Result<(), Problem> {
        let Some(glance) = self.view.glance.as_ref().filter(|_| self.direct) else { return Ok(()) };
        let trouble = |problem: &Problem| {
            if problem.reason == Reason::ObservationPending {
                return Err(problem.clone());
            }
            Err(Problem::new(Reason::GlanceNotReady, format!("Glance {}: {}", glance.key, problem.message)))
        };
        let origins = self.view.origins()?;
        let accepted = match &glance.accepts {
            Ok(accepted) => origins.is_subset(accepted),
            Err(problem) => return trouble(problem),
        };
        if accepted && (self.applied.sets_direct() || glance.rolled_out.is_ok()) {
            return Ok(());
        }
        match (&glance.blocked, &glance.rolled_out) {
            (Some(problem), _) => trouble(problem),
            (None, Err(problem)) if problem.reason != Reason::RollingOut => trouble(problem),
            _ => {
                let message = format!("waiting until every pod of Glance {} accepts {}", glance.key, self.origins());
                Err(Problem::new(Reason::WaitingForGlance, message))
            }
        }
    }

    fn glance(&self) -> Option<Key> {
        match &self.view.partner {
            Ok(Partner::Glance(key)) => Some(key.clone()),
            _ => None,
        }
    }

    /// The Glance that the pods upload to: a new one is noted only once it accepts.
    fn partner(&self, accepted: bool) -> BTreeMap<String, String> {
        if !self.direct {
            return BTreeMap::new();
        }
        let noted = self.applied.in_use().and_then(|c| c.meta.ours.get(&partner_annotation()).cloned());
        let wanted = self.glance().map(|key| key.to_string());
        let partner = if accepted { wanted } else { noted.or(wanted) };
        partner.map(|key| (partner_annotation(), key)).into_iter().collect()
    }

    /// Since when it is not direct because preflights were refused: noted until it is again.
    fn backed_out(&self, goes: bool) -> Option<(String, String)> {
        let since = self.view.backed_out().filter(|_| self.direct && !goes)?;
        Some((backed_out_annotation(), since.to_owned()))
    }

    fn origins(&self) -> String {
        let origins = self.view.origins().unwrap_or_default();
        origins.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    fn switching(&self) -> Problem {
        let workload = describe(self.target.workload.kind, &self.target.workload.meta.key);
        let first = match &self.glance() {
            Some(glance) => format!("first Glance {glance} accepts {}, then ", self.origins()),
            None => String::new(),
        };
        let message = format!("on the way to direct: {first}{workload} is rolled; events tell the steps");
        Problem::new(Reason::SwitchingToDirect, message)
    }
}

/// The resource is being deleted: our fields leave, the pods roll, then the finalizer goes.
fn farewell(view: &HorizonView, now: Timestamp) -> Plan {
    let meta = &view.object.meta;
    let mut plan = Plan::idle(State::Gone);
    if !view.object.finalizer {
        return plan;
    }
    let deadline = deadline(meta.deleting, view.object.spec.as_ref().map(|s| s.deletion.timeout).unwrap_or_default());
    let free = view.terminating || now >= deadline;
    plan.release_all(view.terminating, meta, view.target.as_ref().ok(), view.heir, &view.strays);
    let released = plan.steps.is_empty();
    let rolled = view.applied.as_ref().is_none_or(|a| a.running.is_empty() || view.heir);
    let unseen = view.target.as_ref().err().is_some_and(Problem::is_unknown);
    if (!released || !rolled || unseen) && !free {
        let message = "deletion waits until no pod uploads directly any more";
        plan.state = State::Unmet(ConditionType::RolledOut, Problem::new(Reason::Releasing, message));
        if let Ok(target) = &view.target {
            let action = Action::AwaitRollout { workload: target.workload.clone() };
            plan.steps.push(Step::new(action, "Glance lets the origins go only afterwards"));
        }
        plan.wake_at(deadline);
        return plan;
    }
    if let (Ok(target), Some(applied)) = (&view.target, &view.applied) {
        plan.steps.extend(garbage("Horizon", &target.workload, applied, None));
    }
    let why = if rolled { "all is given back" } else { "spec.deletion.timeout has passed" };
    plan.steps.push(Step::new(Action::RemoveFinalizer, why));
    plan
}
