//! The plan of a Glance: take origins in at once, let them go late.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::change::{Options, Wanted, claimed, garbage, rfc3339};
use super::step::{Action, Step};
use super::{Plan, State};
use crate::api::{ConditionType, DOMAIN, GlanceSpec, Reason, seconds};
use crate::derive::{Applied, GlanceView, Origin, Problem, Target};
use crate::render::{self, File};

/// An origin of the plan, for the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPlan {
    pub origin: Origin,
    pub wanted_by: Vec<String>,
    /// When it may leave, if nobody asks for it any more.
    pub retires_at: Option<Timestamp>,
}

/// Open tabs of a dashboard keep the mode that they loaded, in seconds.
const RETIRE_AFTER: u64 = 3600;
/// How long a deletion waits for the safe order, in seconds.
pub(super) const DELETION_TIMEOUT: u64 = 600;

/// Annotation of a ConfigMap: origin → since when nobody asks for it.
fn retiring_annotation() -> String {
    format!("{DOMAIN}/retiring")
}

/// Plans a Glance. The second value lists the origins that the plan leads to.
pub fn glance(view: &GlanceView, now: Timestamp, options: &Options) -> (Plan, Vec<OriginPlan>) {
    let meta = &view.object.meta;
    if meta.deleting.is_some() {
        return (farewell(view, now), Vec::new());
    }
    let spec = match &view.object.spec {
        Ok(spec) => spec,
        Err(why) => return (Plan::unmet(ConditionType::Accepted, Problem::new(Reason::Undecodable, why.clone())), Vec::new()),
    };
    let retirement = Retirement::of(view, spec, now);
    let plan = match attempt(view, spec, &retirement, now, options) {
        Ok(plan) => plan,
        Err((condition, problem)) => Plan::unmet(condition, problem),
    };
    (if spec.suspend { plan.suspend() } else { plan }, retirement.origins(view))
}

fn attempt(
    view: &GlanceView,
    spec: &GlanceSpec,
    retirement: &Retirement,
    now: Timestamp,
    options: &Options,
) -> Result<Plan, (ConditionType, Problem)> {
    let accepted = |p: &Problem| (ConditionType::Accepted, p.clone());
    if view.terminating {
        let problem = Problem::new(Reason::Releasing, "the namespace is being deleted");
        return Err((ConditionType::Accepted, problem));
    }
    let target = view.target.as_ref().map_err(accepted)?;
    let settings = view.settings.as_ref().map_err(accepted)?;
    let applied = view.applied.as_ref().ok_or_else(|| {
        (ConditionType::Accepted, Problem::new(Reason::WorkloadNotFound, "the workload is gone"))
    })?;
    if let Some(problem) = view.incomplete.as_ref().filter(|p| p.reason == Reason::ObservationPending) {
        return Err((ConditionType::OriginsResolved, problem.clone()));
    }

    let mut settings = settings.clone();
    let origins: BTreeSet<_> = view.wanted.keys().chain(retirement.kept.keys()).cloned().collect();
    settings.cors = settings.cors.filter(|_| !origins.is_empty());
    if let Some(cors) = &mut settings.cors {
        cors.origins = origins;
    }
    let files = render::glance(&settings)
        .map_err(|e| (ConditionType::ConfigRendered, Problem::new(Reason::InvalidSpec, e.to_string())))?;
    let mut plan = if files.is_empty() {
        empty(view, target, applied)
    } else {
        bring(view, spec, target, applied, files, retirement, now, options)?
    };
    for time in retirement.kept.values() {
        plan.wake_at(*time);
    }
    Ok(plan)
}

/// Brings the files into the workload.
#[allow(clippy::too_many_arguments)]
fn bring(
    view: &GlanceView,
    spec: &GlanceSpec,
    target: &Target,
    applied: &Applied,
    files: Vec<File>,
    retirement: &Retirement,
    now: Timestamp,
    options: &Options,
) -> Result<Plan, (ConditionType, Problem)> {
    let rendered = |p| (ConditionType::ConfigRendered, p);
    let accepted = view.wanted.len() + retirement.kept.len();
    let workload = &target.workload;
    let wanted = Wanted {
        kind: "Glance",
        meta: &view.object.meta,
        finalizer: view.object.finalizer,
        target,
        applied,
        files,
        tls: view.tls(),
        annotations: retirement.annotation(),
        rollout: &spec.rollout,
    };
    let why = format!("Glance shall accept {accepted} origins");
    let change = wanted.change(options, now, &why).map_err(rendered)?;
    let mut plan = Plan::idle(State::Done(ready(accepted, &target.workload.meta.key.name)));
    plan.config_map = Some(change.config_map.clone());
    plan.steps.extend(change.prepare.iter().cloned());
    if let Some(mount) = &change.mount {
        let mount = Box::new(mount.clone());
        if change.rolls {
            match wanted.may_roll(&change, now) {
                Ok(count) => plan.steps.extend(count),
                Err((problem, wake)) => return Ok(held(plan, problem, wake)),
            }
            plan.steps.push(Step::new(Action::Mount { workload: workload.clone(), mount }, why));
        } else {
            plan.steps.push(Step::new(Action::Claim { workload: workload.clone(), mount }, "the claim names another resource"));
        }
    }
    if change.rolls {
        await_rollout(&mut plan, target, Problem::new(Reason::RollingOut, "the workload is being rolled out"));
    } else if let Err(problem) = &applied.rollout {
        await_rollout(&mut plan, target, problem.clone());
    } else {
        leave_strays(&mut plan, view);
        plan.steps.extend(garbage("Glance", workload, applied, Some(&change.config_map)));
    }
    Ok(plan)
}

/// Nothing is asked of Glance: nothing of ours stands in it.
fn empty(view: &GlanceView, target: &Target, applied: &Applied) -> Plan {
    let workload = &target.workload;
    let mut plan = Plan::idle(State::Done(Problem::new(
        Reason::NoOrigins,
        "neither a Horizon resource nor spec.cors.allowedOrigins asks this Glance to accept an origin; nothing is configured",
    )));
    if let Some(problem) = &view.incomplete {
        return Plan::unmet(ConditionType::OriginsResolved, problem.clone());
    }
    if applied.mount.is_some() && claimed(workload, &view.object.meta) {
        plan.steps.push(Step::new(Action::Release { workload: workload.clone() }, "no origin is left"));
        await_rollout(&mut plan, target, Problem::new(Reason::RollingOut, "the workload is being rolled out"));
    } else if let Some(problem) = applied.rollout.as_ref().err().filter(|_| !applied.running.is_empty()) {
        await_rollout(&mut plan, target, problem.clone());
    } else {
        leave_strays(&mut plan, view);
        plan.steps.extend(garbage("Glance", workload, applied, None));
    }
    plan
}

fn ready(origins: usize, workload: &str) -> Problem {
    let message = if origins == 0 {
        format!("{workload} runs with the httpd settings; no origin is accepted yet")
    } else {
        format!("{workload} accepts {origins} origins; no preflight has proven it (this release makes none)")
    };
    Problem::new(Reason::ReadyUnverified, message)
}

fn held(mut plan: Plan, problem: Problem, wake: Option<Timestamp>) -> Plan {
    plan.state = State::Unmet(ConditionType::RolledOut, problem);
    if let Some(time) = wake {
        plan.wake_at(time);
    }
    plan
}

fn await_rollout(plan: &mut Plan, target: &Target, problem: Problem) {
    let workload = target.workload.clone();
    let problem = if problem.reason == Reason::RollingOut {
        let name = super::mount::describe(workload.kind, &workload.meta.key);
        Problem::new(Reason::RollingOut, format!("{name} is being rolled out"))
    } else {
        problem
    };
    plan.steps.push(Step::new(Action::AwaitRollout { workload }, "every pod must have the files"));
    plan.state = State::unmet(ConditionType::RolledOut, problem);
}

/// Workloads that the resource no longer means are released last.
fn leave_strays(plan: &mut Plan, view: &GlanceView) {
    for workload in &view.strays {
        let action = Action::Release { workload: workload.clone() };
        plan.steps.push(Step::new(action, "the resource names another workload now"));
    }
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
        let message = format!("deletion waits until Horizon {names} no longer uploads directly, at most until {}", rfc3339(deadline));
        plan.state = State::Unmet(ConditionType::RolledOut, Problem::new(Reason::WaitingForHorizons, message));
        plan.wake_at(deadline);
        return plan;
    }
    release_all(&mut plan, view.terminating, meta, view.target.as_ref().ok(), view.heir, &view.strays);
    if let (Ok(target), Some(applied)) = (&view.target, &view.applied) {
        plan.steps.extend(garbage("Glance", &target.workload, applied, None));
    }
    let why = if view.holders.is_empty() { "all is given back" } else { "spec.deletion.timeout has passed" };
    plan.steps.push(Step::new(Action::RemoveFinalizer, why));
    plan
}

/// When a deletion stops waiting.
pub(super) fn deadline(deleting: Option<Timestamp>, timeout: Option<crate::api::Duration>) -> Timestamp {
    let timeout = i64::try_from(seconds(timeout, DELETION_TIMEOUT)).unwrap_or(i64::MAX);
    let start = deleting.unwrap_or(Timestamp::MAX);
    start.saturating_add(SignedDuration::from_secs(timeout)).unwrap_or(Timestamp::MAX)
}

/// Gives back whatever carries the claim, unless somebody takes it over or all is going anyway.
pub(super) fn release_all(
    plan: &mut Plan,
    terminating: bool,
    meta: &crate::observe::Meta,
    target: Option<&Target>,
    heir: bool,
    strays: &[std::sync::Arc<crate::observe::Workload>],
) {
    if terminating {
        return;
    }
    let target = target.map(|t| &t.workload).filter(|w| claimed(w, meta) && !heir);
    for workload in target.into_iter().chain(strays) {
        plan.steps.push(Step::new(Action::Release { workload: workload.clone() }, "the resource is being deleted"));
    }
}

/// Which origins stay although nobody asks for them.
#[derive(Debug, Default)]
struct Retirement {
    /// Origin → when it may leave.
    kept: BTreeMap<Origin, Timestamp>,
    /// Origin → since when nobody asks for it.
    since: BTreeMap<Origin, Timestamp>,
}

impl Retirement {
    fn of(view: &GlanceView, spec: &GlanceSpec, now: Timestamp) -> Self {
        let after = i64::try_from(seconds(spec.cors.retire_after, RETIRE_AFTER)).unwrap_or(i64::MAX);
        let in_use = view.applied.as_ref().and_then(Applied::in_use);
        let noted: BTreeMap<String, Timestamp> = in_use
            .and_then(|c| c.meta.ours.get(&retiring_annotation()))
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let mut retirement = Self::default();
        for origin in view.origins_in_use() {
            if view.wanted.contains_key(&origin) {
                continue;
            }
            let since = noted.get(origin.as_str()).copied().unwrap_or(now);
            let until = since.saturating_add(SignedDuration::from_secs(after)).unwrap_or(Timestamp::MAX);
            if now < until || view.incomplete.is_some() {
                retirement.kept.insert(origin.clone(), until.max(now));
                retirement.since.insert(origin, since);
            }
        }
        retirement
    }

    fn annotation(&self) -> BTreeMap<String, String> {
        if self.since.is_empty() {
            return BTreeMap::new();
        }
        let since: BTreeMap<_, _> = self.since.iter().map(|(o, t)| (o.as_str(), rfc3339(*t))).collect();
        let text = serde_json::to_string(&since).unwrap_or_default();
        BTreeMap::from([(retiring_annotation(), text)])
    }

    fn origins(&self, view: &GlanceView) -> Vec<OriginPlan> {
        let wanted = view.wanted.iter().map(|(origin, by)| (origin, by.clone(), None));
        let kept = self.kept.iter().map(|(origin, until)| (origin, Vec::new(), Some(*until)));
        let mut all: Vec<_> = wanted
            .chain(kept)
            .map(|(origin, wanted_by, retires_at)| OriginPlan { origin: origin.clone(), wanted_by, retires_at })
            .collect();
        all.sort_by(|a, b| a.origin.cmp(&b.origin));
        all
    }
}

