//! The plan of a Glance or another API: take origins in at once, let them go late.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::change::{Options, Wanted, claimed, garbage, rfc3339};
use super::farewell::{copied, deadline};
use super::rollout::rolling;
use super::step::{Action, Step};
use super::{Plan, State};
use crate::api::{ConditionType, DOMAIN, GlanceSpec, Reason, seconds};
use crate::derive::service::Service;
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
        Err(why) => {
            return (Plan::unmet(ConditionType::Accepted, Problem::new(Reason::Undecodable, why.clone())), Vec::new());
        }
    };
    let retirement = Retirement::of(view, spec, now);
    let mut plan = match attempt(view, spec, &retirement, now, options) {
        Ok(plan) => plan,
        Err((condition, problem)) => Plan::unmet(condition, problem),
    };
    plan.adjust(view, now);
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
    let files = render::api(&settings, view.service)
        .map_err(|e| (ConditionType::ConfigRendered, Problem::new(Reason::InvalidSpec, e.to_string())))?;
    let stage = Stage { view, spec, target, applied, retirement, now, options };
    let mut plan = if files.is_empty() { stage.clear()? } else { stage.bring(files)? };
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
            meta: &self.view.object.meta,
            finalizer: self.view.object.finalizer,
            target: self.target,
            applied: self.applied,
            files,
            secrets: self.view.secrets(),
            annotations: self.retirement.annotation().into_iter().chain(self.granted()).collect(),
            note: None,
            rollout: &self.spec.rollout,
        };
        let service = self.view.service;
        let why = format!("{} shall accept {}", service.name, count(accepted));
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
        let nobody = if self.view.service.takes_uploads() {
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

fn ready(service: &Service, origins: usize, workload: &str) -> Problem {
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
        let in_effect = view.applied.as_ref().map(Applied::in_effect).unwrap_or_default();
        let pending = view.applied.as_ref().and_then(Applied::pending);
        let mut noted = BTreeMap::<String, Timestamp>::new();
        for config_map in in_effect.iter().copied().chain(pending) {
            let text = config_map.meta.ours.get(&retiring_annotation());
            let times = text.and_then(|text| serde_json::from_str::<BTreeMap<_, _>>(text).ok());
            noted.extend(times.unwrap_or_default());
        }
        let mut origins = BTreeSet::new();
        for config_map in in_effect {
            origins.extend(config_map.data.values().flat_map(|text| GlanceView::origins_in(text)));
        }
        let mut retirement = Self::default();
        for origin in origins {
            if view.wanted.contains_key(&origin) || view.carried.contains_key(&origin) {
                continue;
            }
            // Without consent it retires from the moment that its Horizon's pods are away; a tenant who
            // keeps them from going wins no more than the time that a safe deletion has, too.
            let since = noted.get(origin.as_str()).copied();
            let since = if view.grants.leaving.contains(&origin) {
                since.unwrap_or_else(|| deadline(Some(now), spec.deletion.timeout))
            } else {
                since.map_or(now, |since| since.min(now))
            };
            let until = since.saturating_add(SignedDuration::from_secs(after)).unwrap_or(Timestamp::MAX);
            if now < until || view.incomplete.is_some() || view.grants.is_frozen(&origin) {
                retirement.kept.insert(origin.clone(), until);
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
        if view.wanted.is_empty() && self.kept.is_empty() {
            return Vec::new();
        }
        let mut by = view.wanted.clone();
        for (origin, source) in &view.carried {
            by.entry(origin.clone()).or_default().extend(source.iter().cloned());
        }
        let wanted = by.iter().map(|(origin, by)| (origin, by.clone(), None));
        let kept = self.kept.iter().map(|(origin, until)| (origin, Vec::new(), Some(*until)));
        let mut all: Vec<_> = wanted
            .chain(kept)
            .map(|(origin, wanted_by, retires_at)| OriginPlan { origin: origin.clone(), wanted_by, retires_at })
            .collect();
        all.sort_by(|a, b| a.origin.cmp(&b.origin));
        all
    }
}
