//! The plan of a Glance or another API: take origins in at once, let them go late.

pub mod refusal;
pub mod retirement;

use std::collections::BTreeSet;

use direct_upload_api::web::Origin;
use direct_upload_api::{ConditionType, GlanceSpec, Reason};
use jiff::Timestamp;

use super::change::{Wanted, garbage};
use super::farewell::{copied, deadline};
use super::options::Options;
use super::outline::{Plan, State};
use super::step::{Action, Step};
use crate::derive::GlanceView;
use crate::model::Problem;
use crate::openstack::OpenStackService;
use crate::plan::glance::refusal::refuse;
use crate::plan::glance::retirement::Retirement;
use crate::render::{self, File};
use crate::workload::{Applied, Target, claimed, rfc3339, rolling};

/// An origin of the plan, for the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPlan {
    pub origin: Origin,
    pub wanted_by: Vec<String>,
    /// When it may leave, if nobody asks for it any more.
    pub retires_at: Option<Timestamp>,
}

/// Plans a Glance. The second value lists the origins that the plan leads to.
pub fn glance(view: &GlanceView, now: Timestamp, options: &Options) -> (Plan, Vec<OriginPlan>) {
    let meta = &view.object.meta;
    if meta.deleting.is_some() {
        return (farewell(view, now), Vec::new());
    }
    let spec = match &view.object.spec {
        Ok(spec) => spec,
        Err(why) => {
            return (Plan::unmet(ConditionType::Accepted, Problem::new(Reason::Undecodable, why.clone())), Vec::new());
        }
    };
    let retirement = Retirement::of(view, spec, now);
    let plan = |view, retirement| {
        let plan = attempt(view, spec, retirement, now, options);
        plan.unwrap_or_else(|(condition, problem)| Plan::unmet(condition, problem))
    };
    let mut own = plan(view, &retirement);
    own.adjust(view, now);
    if let Some(internal) = &view.internal {
        own.join("spec.apis.internal", plan(internal, &Retirement::default()));
    }
    let plan = own;
    (if spec.suspend { plan.suspend() } else { plan }, retirement.origins(view))
}

type Unmet = (ConditionType, Problem);

/// All that a living Glance's plan depends on.
struct Stage<'a> {
    view: &'a GlanceView,
    spec: &'a GlanceSpec,
    target: &'a Target,
    applied: &'a Applied,
    retirement: &'a Retirement,
    now: Timestamp,
    options: &'a Options,
}

fn attempt(
    view: &GlanceView,
    spec: &GlanceSpec,
    retirement: &Retirement,
    now: Timestamp,
    options: &Options,
) -> Result<Plan, Unmet> {
    let accepted = |p: &Problem| (ConditionType::Accepted, p.clone());
    if view.terminating {
        return Err((ConditionType::Accepted, Problem::new(Reason::Releasing, "the namespace is being deleted")));
    }
    let target = view.target.as_ref().map_err(accepted)?;
    let settings = view.settings.as_ref().map_err(accepted)?;
    let gone = || (ConditionType::Accepted, Problem::new(Reason::WorkloadNotFound, "the workload is gone"));
    let applied = view.applied.as_ref().ok_or_else(gone)?;
    let config_maps = applied.config_maps.as_ref().err().cloned().map(Problem::from);
    let unread = [view.incomplete.as_ref(), view.grants.pending(), view.exposures.as_ref().err(), config_maps.as_ref()];
    let unread = unread.into_iter().flatten();
    if let Some(problem) = unread.into_iter().find(|p| p.reason == Reason::ObservationPending) {
        return Err((ConditionType::OriginsResolved, problem.clone()));
    }
    let mut settings = settings.clone();
    let mut origins: BTreeSet<_> = view.wanted.keys().chain(retirement.kept.keys()).cloned().collect();
    if !origins.is_empty() {
        origins.extend(view.carried.keys().cloned());
    }
    settings.cors = settings.cors.filter(|_| !origins.is_empty());
    if let Some(cors) = &mut settings.cors {
        cors.origins = origins;
    }
    let early = if view.refuses_uploads() { refuse(view, retirement, &mut settings.policy.rules) } else { None };
    let files = render::api(&settings, view.service)
        .map_err(|e| (ConditionType::ConfigRendered, Problem::new(Reason::InvalidSpec, e.to_string())))?;
    let stage = Stage { view, spec, target, applied, retirement, now, options };
    let mut plan = if files.is_empty() { stage.clear()? } else { stage.bring(files)? };
    if let (Some(problem), State::Done(_)) = (early, &plan.state) {
        plan.state = State::Unmet(ConditionType::RolledOut, problem);
    }
    // What is kept beyond its time, because something cannot be seen, goes when that is seen again.
    for time in retirement.kept.values().filter(|time| **time > now) {
        plan.wake_at(*time);
    }
    Ok(plan)
}

impl Stage<'_> {
    /// Brings the files into the workload.
    fn bring(&self, files: Vec<File>) -> Result<Plan, Unmet> {
        let accepted = self.retirement.origins(self.view).len();
        let wanted = Wanted {
            kind: self.view.service.kind,
            // Two workloads with the same files: each has a ConfigMap of its own.
            name: format!("{}{}", self.view.object.meta.key.name, self.view.api.map_or("", |_| "-internal")),
            meta: &self.view.object.meta,
            finalizer: self.view.object.finalizer,
            target: self.target,
            applied: self.applied,
            files,
            secrets: self.view.secrets(),
            env: self.view.env(),
            annotations: self.retirement.annotation().into_iter().chain(self.granted()).collect(),
            note: None,
            rollout: &self.spec.rollout,
        };
        let service = self.view.service;
        let why = match self.view.api {
            Some(_) => "the internal API shall have its options".to_owned(),
            None => format!("{} shall accept {}", service.name, count(accepted)),
        };
        let change = wanted.change(self.options, self.now, &why).map_err(|p| (ConditionType::ConfigRendered, p))?;
        let mut plan = Plan::toward(&change, ready(service, accepted, &self.target.workload.meta.key.name));
        let roll = |workload, mount| vec![Step::new(Action::Mount { workload, mount }, why.clone())];
        if !plan.mount(&wanted, &change, self.now, roll) {
            return Ok(plan);
        }
        let rollout = if change.rolls { Err(rolling(self.target)) } else { self.applied.rollout.clone() };
        self.settle(&mut plan, rollout, Some(&change.config_map));
        Ok(plan)
    }

    /// For which namespaces the file is made.
    fn granted(&self) -> Option<(String, String)> {
        self.view.grants.annotation(|origin| self.retirement.kept.contains_key(origin))
    }

    /// Nothing is asked of Glance: nothing of ours stands in it.
    fn clear(&self) -> Result<Plan, Unmet> {
        if let Some(problem) = &self.view.incomplete {
            return Err((ConditionType::OriginsResolved, problem.clone()));
        }
        self.applied.config_maps.as_ref().map_err(|unknown| (ConditionType::ConfigRendered, unknown.clone().into()))?;
        let workload = &self.target.workload;
        let nobody = if self.view.api.is_some() {
            "nothing is asked of the internal API; nothing is configured"
        } else if self.view.service.takes_uploads() {
            "neither a Horizon resource nor spec.cors.allowedOrigins asks this Glance to accept an origin; nothing is configured"
        } else {
            "spec.cors names no origin, and no Horizon or dashboard that has one; nothing is configured"
        };
        let mut plan = Plan::idle(State::Done(Problem::new(Reason::NoOrigins, nobody)));
        let rollout = if self.applied.mount.is_some() && claimed(workload, &self.view.object.meta) {
            plan.steps.push(Step::new(Action::Release { workload: workload.clone() }, "no origin is left"));
            Err(rolling(self.target))
        } else if let Some(problem) = copied(self.target, self.applied) {
            return Err((ConditionType::RolledOut, problem));
        } else if self.applied.running.is_empty() {
            Ok(())
        } else {
            self.applied.rollout.clone()
        };
        self.settle(&mut plan, rollout, None);
        Ok(plan)
    }

    /// Once every pod is new, what is no longer needed goes.
    fn settle(&self, plan: &mut Plan, rollout: Result<(), Problem>, keep: Option<&str>) {
        if let Err(problem) = rollout {
            return plan.await_rollout(self.target, problem);
        }
        plan.leave(&self.view.strays);
        plan.steps.extend(garbage(self.view.service.kind, &self.target.workload, self.applied, keep));
    }
}

fn count(origins: usize) -> String {
    if origins == 1 { "1 origin".to_owned() } else { format!("{origins} origins") }
}

fn ready(service: &OpenStackService, origins: usize, workload: &str) -> Problem {
    let message = if origins == 0 {
        format!("{workload} runs with the settings of this resource; no origin is accepted yet")
    } else if !service.takes_uploads() {
        format!("{workload} accepts {}", count(origins))
    } else {
        format!("{workload} accepts {}; each Horizon's own status tells what its preflights show", count(origins))
    };
    Problem::new(Reason::RolledOut, message)
}

/// The resource is being deleted: Horizons leave first, then our fields, then the finalizer.
fn farewell(view: &GlanceView, now: Timestamp) -> Plan {
    let meta = &view.object.meta;
    let mut plan = Plan::idle(State::Gone);
    if !view.object.finalizer {
        return plan;
    }
    let deadline = deadline(meta.deleting, view.object.spec.as_ref().map(|s| s.deletion.timeout).unwrap_or_default());
    let free = view.terminating || now >= deadline;
    if !view.holders.is_empty() && !free {
        let names = view.holders.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        plan.steps.push(Step::new(Action::AwaitHorizons, format!("Horizon {names} may still upload directly")));
        let message = format!(
            "deletion waits until Horizon {names} no longer uploads directly, at most until {}",
            rfc3339(deadline)
        );
        plan.state = State::Unmet(ConditionType::RolledOut, Problem::new(Reason::WaitingForHorizons, message));
        plan.wake_at(deadline);
        return plan;
    }
    if plan.give_back(view, now) {
        return plan;
    }
    plan.release_all(view.terminating, meta, view.target.as_ref().ok(), view.heir, &view.strays);
    if let (Ok(target), Some(applied)) = (&view.target, &view.applied) {
        plan.steps.extend(garbage(view.service.kind, &target.workload, applied, None));
    }
    let why = if view.holders.is_empty() { "all is given back" } else { "spec.deletion.timeout has passed" };
    plan.steps.push(Step::new(Action::RemoveFinalizer, why));
    plan
}
