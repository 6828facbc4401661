//! The statuses.

use std::collections::BTreeSet;

use direct_upload_api::{
    ConfiguredMode, ExposureStatus, GlanceStatus, GrantStatus, HorizonStatus, OriginStatus, ProbeVerdict,
};
use direct_upload_core::derive::{ApiView, Evidence, Exposures, GlanceView, HorizonView, Tenure};
use direct_upload_core::model::Problem;
use direct_upload_core::plan::{OriginPlan, Plan, State};
use direct_upload_core::workload::{Claim, Unfinished};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::conditions::{Facts, conditions};
use super::{regions, verification};

/// How many origins and namespaces a status lists at most.
const LISTED: usize = 100;

/// How many requesters of one origin, and objects that give it, a status names at most.
const NAMED: usize = 10;

/// The status of a Horizon; none if there is nothing to say.
pub fn horizon(view: &HorizonView, plan: &Plan, now: Timestamp) -> Option<HorizonStatus> {
    if matches!(plan.state, State::Pending | State::Gone) {
        return None;
    }
    let mut before = view.dashboard.object.status.as_deref().cloned().unwrap_or_default();
    if !view.dashboard.has_current_status() {
        before.verification = None;
    }
    let origins: Vec<String> =
        view.dashboard.origins().unwrap_or_default().into_iter().map(|origin| origin.to_string()).collect();
    // One status covers the path to direct. The preflights' results are in the status at its end.
    let evidence = if matches!(plan.state, State::Switching(_)) { &Evidence::Pending } else { &view.proof.evidence };
    let facts = Facts {
        generation: view.dashboard.object.meta.generation,
        config_map: plan.config_map.as_deref(),
        mounted: mounted(&view.dashboard.tenure),
        origins: sentence(&origins, "browsers load the dashboard from"),
        verified: verification::condition(view, evidence, &before),
        before: &before.conditions,
        now,
    };
    let single = view.proof.destinations.iter().find(|d| d.to.region.is_none());
    Some(HorizonStatus {
        observed_generation: Some(view.dashboard.object.meta.generation),
        public_url: primary(&view.dashboard.exposures),
        exposures: exposures(&view.dashboard.exposures),
        conditions: conditions(&plan.state, &facts),
        origins,
        upload_mode: mode(view, before.upload_mode),
        glance: single.and_then(regions::glance),
        glance_endpoint: single.and_then(regions::endpoint),
        regions: regions::status(view, &plan.regions, &before),
        panel: Some(view.dashboard.panel),
        verification: verification::status(evidence, &before, now),
        assumptions: match evidence {
            Evidence::Granted(..) => view.proof.assumptions.clone(),
            Evidence::Pending if before.verification.as_ref().is_some_and(|v| v.verdict == ProbeVerdict::Granted) => {
                view.proof.assumptions.clone()
            }
            _ => Vec::new(),
        },
        config_maps: plan.config_map.iter().cloned().collect(),
        advice: view.advice.iter().map(ToString::to_string).chain(verification::advice(evidence)).collect(),
    })
}

/// The status of a Glance; none if there is nothing to say.
pub fn glance(view: &GlanceView, plan: &Plan, origins: &[OriginPlan], now: Timestamp) -> Option<GlanceStatus> {
    let status = api(&view.public, plan, origins, now)?;
    let (public_url, exposures) = (primary(&view.service.exposures), exposures(&view.service.exposures));
    Some(GlanceStatus { public_url, exposures, ..status })
}

/// The status of an API to which nobody uploads; none if there is nothing to say.
pub fn api(view: &ApiView, plan: &Plan, origins: &[OriginPlan], now: Timestamp) -> Option<GlanceStatus> {
    if matches!(plan.state, State::Pending | State::Gone) {
        return None;
    }
    let before = view.api.resource.status.clone().unwrap_or_default();
    let names: Vec<String> = origins.iter().map(|o| o.origin.to_string()).collect();
    let facts = Facts {
        generation: view.api.resource.meta.generation,
        config_map: plan.config_map.as_deref(),
        mounted: mounted(&view.api.tenure),
        origins: sentence(&names, "to be accepted:"),
        verified: verification::of_accepting(view, plan),
        before: &before.conditions,
        now,
    };
    let mut listed: Vec<_> = origins.iter().map(origin_status).collect();
    // An origin that leaves with the next roll is still accepted, and that roll's event names its objects.
    let in_use: BTreeSet<String> = view.api.origins_in_use().iter().map(ToString::to_string).collect();
    let leaves = |origin: &&OriginStatus| in_use.contains(&origin.origin) && !names.contains(&origin.origin);
    listed.extend(before.origins.iter().filter(leaves).cloned());
    listed.sort_by(|a, b| a.origin.cmp(&b.origin));
    let origin_count = i64::try_from(listed.len()).ok();
    listed.truncate(LISTED);
    let given = &view.grants.given;
    let namespaces = given.iter().take(LISTED).map(|(namespace, origins)| GrantStatus {
        namespace: namespace.clone(),
        origins: i64::try_from(origins.len()).unwrap_or(i64::MAX),
    });
    Some(GlanceStatus {
        observed_generation: Some(view.api.resource.meta.generation),
        public_url: view.calls.as_ref().and_then(|calls| primary(&calls.exposures)),
        exposures: view.calls.as_ref().map(|calls| exposures(&calls.exposures)).unwrap_or_default(),
        origin_count,
        origins: listed,
        namespace_count: i64::try_from(given.len()).ok().filter(|count| *count > 0),
        namespaces: namespaces.collect(),
        config_maps: plan.config_map.iter().chain(&plan.internal).cloned().collect(),
        advice: view
            .advice
            .iter()
            .map(ToString::to_string)
            .chain(view.calls.iter().flat_map(|calls| verification::advice(&calls.evidence)))
            .collect(),
        conditions: conditions(&plan.state, &facts),
    })
}

fn origin_status(plan: &OriginPlan) -> OriginStatus {
    OriginStatus {
        origin: plan.origin.to_string(),
        wanted_by: plan.wanted_by.iter().take(NAMED).map(ToString::to_string).collect(),
        from: plan.from.iter().take(NAMED).map(ToString::to_string).collect(),
        retires_at: plan.retires_at.map(Time),
    }
}

fn mounted(tenure: &Tenure) -> Option<&str> {
    Some(tenure.applied.as_ref().ok()?.mount.as_ref()?.config_map.as_str())
}

fn primary(exposures: &Result<Exposures, Problem>) -> Option<String> {
    exposures.as_ref().ok()?.primary().map(ToString::to_string)
}

fn exposures(exposures: &Result<Exposures, Problem>) -> Vec<ExposureStatus> {
    let urls = exposures.iter().flat_map(|exposures| &exposures.urls).take(LISTED);
    urls.map(|exposure| ExposureStatus { url: exposure.url.to_string(), from: exposure.source.to_string() }).collect()
}

fn sentence(origins: &[String], lead: &str) -> String {
    match origins {
        [] => "no origin".to_owned(),
        many if many.len() > 5 => format!("{lead} {} and {} more", many[..5].join(", "), many.len() - 5),
        few => format!("{lead} {}", few.join(", ")),
    }
}

/// What every living pod is configured to. During a roll, or if pods differ or cannot be seen, the earlier
/// value stays. Pods that another resource manages do not count.
fn mode(view: &HorizonView, before: Option<ConfiguredMode>) -> Option<ConfiguredMode> {
    let target = match &view.dashboard.tenure.target {
        Err(problem) if problem.is_unknown() => return before,
        target => target.as_ref().ok()?,
    };
    let claim = Claim::on(&target.workload);
    if claim.is_some_and(|claim| !claim.is(&view.dashboard.object.meta)) {
        return None;
    }
    // If it cannot be seen, the last value is the best answer.
    let Ok(applied) = &view.dashboard.tenure.applied else { return before };
    if applied.mount.is_none() && applied.running.is_empty() {
        return Some(ConfiguredMode::Own);
    }
    // A roll is reported once, at its end.
    let goes_on = applied.rollout.as_ref().is_err_and(Unfinished::is_rolling);
    if let (true, Some(before)) = (goes_on, before) {
        return Some(before);
    }
    let is_direct = applied.all_direct().unwrap_or(before == Some(ConfiguredMode::Direct));
    Some(if is_direct { ConfiguredMode::Direct } else { ConfiguredMode::Own })
}
