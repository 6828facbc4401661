//! The plan of an API: accept origins immediately, drop them late. A Glance's plan also covers a second
//! API, and the objects that lead browsers to it.

mod called;
mod origins;
mod retirement;
mod upload_policy;

use std::collections::BTreeSet;

use direct_upload_api::web::Origin;
use direct_upload_api::{ConditionType, CorsValues, Reason};
use jiff::Timestamp;

use super::deploy::{Desired, LastStatus, garbage};
use super::finalize::{Finalization, blind, copied, deadline};
use super::options::Options;
use super::outline::{Plan, State, Unmet};
use super::step::{Action, Step};
use crate::derive::{ApiView, GlanceView, Requester, Terms};
use crate::model::{Id, Problem};
use crate::openstack::OpenStackService;
use crate::render::{self, File};
use crate::workload::{Applied, Target, Unfinished, claimed, means, rfc3339, rolling};
use retirement::Retirement;
use upload_policy::refuse;

/// An origin of the plan, for the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPlan {
    pub origin: Origin,
    pub wanted_by: Vec<Requester>,
    /// The objects that give it. Of a retiring origin: those that gave it.
    pub from: Vec<Id>,
    /// When it may leave, if nobody requests it any more.
    pub retires_at: Option<Timestamp>,
}

/// Plans a Glance. The second value lists the origins after the plan.
pub fn glance(view: &GlanceView, now: Timestamp, options: &Options) -> (Plan, Vec<OriginPlan>) {
    if view.service.object.meta.deleting.is_some() {
        return (finalize(&view.public, now, |plan| plan.give_back(view, now)), Vec::new());
    }
    living(&view.public, now, options, |mut plan| {
        let goes_on = !plan.steps.is_empty() || matches!(plan.state, State::Done(_));
        if let Some(problem) = view.awaited.as_ref().filter(|_| goes_on) {
            plan = Plan::unmet(ConditionType::Accepted, problem.clone());
        }
        plan.adjust(view, now);
        if let Some(draft) = &view.look {
            let why = if draft.asks_keystone() {
                "browsers upload to the URL in Keystone's catalog, which Glance's own account may read"
            } else {
                "the operator's file repeats [cors] of the user's own files, which are in a Secret"
            };
            plan.steps.insert(0, Step::new(Action::Rehearse(draft.clone()), why));
        }
        if let Some(internal) = &view.internal {
            plan.join("spec.apis.internal", of_one_api(internal, &Retirement::default(), now, options));
        }
        plan
    })
}

/// Plans an API to which nobody uploads, in the same way.
pub fn api(view: &ApiView, now: Timestamp, options: &Options) -> (Plan, Vec<OriginPlan>) {
    if view.api.resource.meta.deleting.is_some() {
        return (finalize(view, now, |_| false), Vec::new());
    }
    living(view, now, options, |plan| plan.proven(view))
}

/// For a resource that stays: its API's plan, with what `more` adds.
fn living(
    view: &ApiView,
    now: Timestamp,
    options: &Options,
    more: impl FnOnce(Plan) -> Plan,
) -> (Plan, Vec<OriginPlan>) {
    let terms = match &view.api.resource.terms {
        Ok(terms) => terms,
        Err(problem) => return (Plan::unmet(ConditionType::Accepted, problem.clone()), Vec::new()),
    };
    let retirement = Retirement::derive(view, terms, now);
    let plan = more(of_one_api(view, &retirement, now, options));
    (if terms.suspend { plan.suspend() } else { plan }, retirement.origins(view))
}

/// Everything that the plan of a living API depends on, if nothing blocks it.
struct ApiPlanner<'a> {
    view: &'a ApiView,
    service: &'static OpenStackService,
    terms: &'a Terms,
    target: &'a Target,
    applied: &'a Applied,
    retirement: &'a Retirement,
    now: Timestamp,
    options: &'a Options,
}

/// The plan of one of its APIs, whatever keeps it from what the spec requests.
fn of_one_api(view: &ApiView, retirement: &Retirement, now: Timestamp, options: &Options) -> Plan {
    let plan = attempt(view, retirement, now, options);
    plan.unwrap_or_else(|(condition, problem)| Plan::unmet(condition, problem))
}

/// Toward what the spec requests; or the condition that keeps it from there.
fn attempt(view: &ApiView, retirement: &Retirement, now: Timestamp, options: &Options) -> Result<Plan, Unmet> {
    let accepted = |p: &Problem| (ConditionType::Accepted, p.clone());
    let (resource, tenure, asked) = (&view.api.resource, &view.api.tenure, &view.api.asked);
    if resource.terminating {
        return Err((ConditionType::Accepted, Problem::new(Reason::Releasing, "the namespace is being deleted")));
    }
    let target = tenure.target.as_ref().map_err(accepted)?;
    let service = *view.api.service.as_ref().map_err(accepted)?;
    let settings = asked.settings.as_ref().map_err(accepted)?;
    let terms = resource.terms.as_ref().map_err(accepted)?;
    let applied = tenure.applied.as_ref().map_err(|problem| (problem.reason.condition(), problem.clone()))?;
    let unread = [view.incomplete.as_ref(), view.grants.pending(), view.pending.as_ref()];
    let unread = unread.into_iter().flatten();
    if let Some(problem) = unread.into_iter().find(|problem| problem.is_pending()) {
        return Err((ConditionType::OriginsResolved, problem.clone()));
    }
    let mut settings = settings.clone();
    let origins: BTreeSet<_> = view.wanted.keys().chain(retirement.kept.keys()).cloned().collect();
    settings.cors = settings.cors.filter(|_| !origins.is_empty());
    let early = if asked.refuses_uploads { refuse(view, retirement, &mut settings.policy.rules) } else { None };
    let files = |carried: &BTreeSet<Origin>, options: Option<&CorsValues>| {
        let mut settings = settings.clone();
        if let Some(cors) = &mut settings.cors {
            cors.origins = origins.union(carried).cloned().collect();
            cors.options = options.unwrap_or(&cors.options).clone();
        }
        render::api(&settings, service)
            .map_err(|e| (ConditionType::ConfigRendered, Problem::new(Reason::InvalidSpec, e.to_string())))
    };
    let earlier = asked.without_late.as_ref().map(|known| files(&known.carried, Some(&known.options)));
    let stays = |files: &Vec<File>| applied.in_use().is_some_and(|in_use| means(in_use, files));
    let files = match earlier.transpose()?.filter(stays) {
        Some(files) => files,
        None => files(&asked.carried.keys().cloned().collect(), None)?,
    };
    let planner = ApiPlanner { view, service, terms, target, applied, retirement, now, options };
    let mut plan = if files.is_empty() { planner.clear()? } else { planner.bring(files)? };
    if let (Some(problem), State::Done(_)) = (early, &plan.state) {
        plan.state = State::Unmet(ConditionType::RolledOut, problem);
    }
    // An origin that stays too long because something cannot be seen is removed when that is seen again.
    for time in retirement.kept.values().filter(|time| **time > now) {
        plan.wake_at(*time);
    }
    Ok(plan)
}

impl ApiPlanner<'_> {
    /// Brings the files into the workload.
    fn bring(&self, files: Vec<File>) -> Result<Plan, Unmet> {
        let accepted = self.retirement.origins(self.view).len();
        let desired = Desired {
            kind: self.view.api.resource.kind,
            // Two workloads with the same files each have their own ConfigMap.
            name: format!("{}{}", self.view.api.resource.meta.key.name, self.view.api.part.map_or("", |_| "-internal")),
            meta: &self.view.api.resource.meta,
            finalizer: self.view.api.resource.finalizer,
            target: self.target,
            applied: self.applied,
            last_status: self.view.api.resource.status.as_ref().map_or_else(LastStatus::default, |status| {
                LastStatus::new(status.observed_generation, &status.config_maps, &status.conditions)
            }),
            files,
            secrets: self.view.api.asked.secrets.clone(),
            env: self.view.api.asked.env.clone(),
            annotations: self.retirement.annotation().into_iter().chain(self.granted()).collect(),
            notes: self.view.api.asked.notes.clone(),
            rollout: &self.terms.rollout,
        };
        let why = match self.view.api.part {
            Some(_) => "the internal API gets its options".to_owned(),
            None => format!("{} must accept {}", self.service.name, count(accepted)),
        };
        let change = desired.compare(self.options, self.now, &why).map_err(|p| (ConditionType::ConfigRendered, p))?;
        let mut plan = Plan::toward(&change, ready(self.service, accepted, &self.target.workload.meta.key.name));
        let roll = |workload, mount| {
            let step = Step::new(Action::Mount { workload, mount }, why.clone());
            vec![step.changes(origins::of_roll(self.view, self.retirement))]
        };
        let retired = origins::of_retirement(self.view, self.retirement);
        if let Some(step) = plan.steps.iter_mut().find(|step| step.action.notes()) {
            step.origins = retired;
        }
        let goes_on = plan.deploy(&desired, &change, self.now, roll);
        let corrections = self.retirement.corrections(&plan.steps);
        plan.steps.splice(0..0, corrections);
        if !goes_on {
            return Ok(plan);
        }
        let rollout =
            if change.rolls { Err(rolling(self.target)) } else { plan.rollout(self.target, self.applied, self.now) };
        self.settle(&mut plan, rollout, Some(&change.config_map));
        Ok(plan)
    }

    /// The namespaces for which the file is made.
    fn granted(&self) -> Option<(String, String)> {
        self.view.grants.annotation(|origin| self.retirement.kept.contains_key(origin))
    }

    /// Nobody uses Glance, so it has nothing of ours.
    fn clear(&self) -> Result<Plan, Unmet> {
        if let Some(problem) = &self.view.incomplete {
            return Err((ConditionType::OriginsResolved, problem.clone()));
        }
        let workload = &self.target.workload;
        let nobody = if self.view.api.part.is_some() {
            "no option for the internal API is set; nothing is configured"
        } else if self.service.takes_uploads() {
            "no Horizon resource and no spec.cors.allowedOrigins requests an origin here; nothing is configured"
        } else {
            "spec.cors names no origin, and no Horizon or dashboard that has one; nothing is configured"
        };
        let mut plan = Plan::idle(State::Done(Problem::new(Reason::NoOrigins, nobody)));
        let rollout = if self.applied.mount.is_some() && claimed(workload, &self.view.api.resource.meta) {
            let step = Step::new(Action::Release { workload: workload.clone() }, "no origin is left");
            plan.steps.push(step.changes(origins::of_roll(self.view, self.retirement)));
            Err(rolling(self.target))
        } else if let Some(problem) = copied(self.target, self.applied) {
            return Err((ConditionType::RolledOut, problem));
        } else if self.applied.running.is_empty() {
            Ok(())
        } else {
            plan.rollout(self.target, self.applied, self.now)
        };
        self.settle(&mut plan, rollout, None);
        Ok(plan)
    }

    /// When every pod is new, removes what is not needed any more.
    fn settle(&self, plan: &mut Plan, rollout: Result<(), Unfinished>, keep: Option<&str>) {
        if let Err(unfinished) = rollout {
            return plan.await_rollout(self.target, unfinished);
        }
        plan.leave(&self.view.api.tenure);
        plan.steps.extend(garbage(self.view.api.resource.kind, &self.target.workload, self.applied, keep));
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
        format!("{workload} accepts {}; each Horizon's own status has the results of its preflights", count(origins))
    };
    Problem::new(Reason::RolledOut, message)
}

/// The resource is being deleted: Horizons leave first, then our fields are removed, then the finalizer.
fn finalize(view: &ApiView, now: Timestamp, give_back: impl FnOnce(&mut Plan) -> bool) -> Plan {
    let (resource, tenure) = (&view.api.resource, &view.api.tenure);
    let (meta, holders) = (&resource.meta, &view.grants.holders);
    let mut plan = Plan::idle(State::Gone);
    if !resource.finalizer {
        return plan;
    }
    if resource.terminating {
        plan.steps.push(Step::new(Action::RemoveFinalizer, "the namespace is being deleted"));
        return plan;
    }
    let deadline =
        deadline(meta.deleting, resource.terms.as_ref().map(|terms| terms.deletion.timeout).unwrap_or_default());
    if now < deadline
        && let Some(problem) = awaited(view, deadline)
    {
        plan.steps.push(Step::new(Action::AwaitHorizons, problem.message()));
        plan.state = State::unmet(ConditionType::RolledOut, problem);
        plan.wake_at(deadline);
        return plan;
    }
    let finalization = match Finalization::of(meta, tenure) {
        Ok(finalization) => finalization,
        Err(problem) => return Plan::unmet(ConditionType::RolledOut, blind(&problem)),
    };
    if give_back(&mut plan) {
        return plan;
    }
    let release = finalization.release_all();
    if !release.is_empty() {
        plan.steps.extend(release);
        return plan;
    }
    plan.steps.extend(finalization.collect(view.api.resource.kind));
    let why = if holders.is_empty() { "everything is released" } else { "spec.deletion.timeout has passed" };
    plan.steps.push(Step::new(Action::RemoveFinalizer, why));
    plan
}

/// The Horizons that may still upload, or why that is unknown. They leave first.
fn awaited(view: &ApiView, deadline: Timestamp) -> Option<Problem> {
    let until = rfc3339(deadline);
    if !view.grants.holders.is_empty() {
        let names = view.grants.holders.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let message = format!("deletion waits until Horizon {names} no longer uploads directly, at most until {until}");
        return Some(Problem::new(Reason::WaitingForHorizons, message));
    }
    let problem = view.incomplete.as_ref().or_else(|| view.grants.unseen.values().next())?;
    let message = format!(
        "deletion waits until the operator can see whether a Horizon uploads directly, at most until {until}: {problem}"
    );
    Some(Problem::new(problem.reason, message))
}
