//! The statuses.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::conditions::{Facts, conditions};
use crate::api::{ConfiguredMode, GlanceRef, GlanceStatus, HorizonStatus, OriginStatus};
use crate::derive::{Exposures, GlanceView, HorizonView, Partner, Problem};
use crate::plan::{OriginPlan, Plan, State};

/// How many origins a status lists.
const LISTED: usize = 100;

/// The status of a Horizon; none while there is nothing to say.
pub fn horizon(view: &HorizonView, plan: &Plan, now: Timestamp) -> Option<HorizonStatus> {
    if matches!(plan.state, State::Pending | State::Gone) {
        return None;
    }
    let before = view.object.status.clone().unwrap_or_default();
    let origins: Vec<String> =
        view.origins().unwrap_or_default().into_iter().map(|origin| origin.to_string()).collect();
    let facts = Facts {
        generation: view.object.meta.generation,
        config_map: plan.config_map.as_deref(),
        origins: sentence(&origins, "browsers load the dashboard from"),
        before: &before.conditions,
        now,
    };
    Some(HorizonStatus {
        observed_generation: Some(view.object.meta.generation),
        public_url: primary(&view.exposures),
        conditions: conditions(&plan.state, &facts),
        origins,
        upload_mode: mode(view, before.upload_mode),
        glance: match &view.partner {
            Ok(Partner::Glance(key)) => {
                Some(GlanceRef { name: key.name.clone(), namespace: Some(key.namespace.clone()) })
            }
            _ => None,
        },
        glance_endpoint: view.endpoint.as_ref().ok().map(ToString::to_string),
        config_maps: plan.config_map.iter().cloned().collect(),
        advice: view.advice.clone(),
    })
}

/// The status of a Glance; none while there is nothing to say.
pub fn glance(view: &GlanceView, plan: &Plan, origins: &[OriginPlan], now: Timestamp) -> Option<GlanceStatus> {
    if matches!(plan.state, State::Pending | State::Gone) {
        return None;
    }
    let before = view.object.status.clone().unwrap_or_default();
    let names: Vec<String> = origins.iter().map(|o| o.origin.to_string()).collect();
    let facts = Facts {
        generation: view.object.meta.generation,
        config_map: plan.config_map.as_deref(),
        origins: sentence(&names, "to be accepted:"),
        before: &before.conditions,
        now,
    };
    let listed = origins.iter().take(LISTED).map(|origin| OriginStatus {
        origin: origin.origin.to_string(),
        wanted_by: origin.wanted_by.clone(),
        retires_at: origin.retires_at.map(Time),
    });
    Some(GlanceStatus {
        observed_generation: Some(view.object.meta.generation),
        public_url: primary(&view.exposures),
        origin_count: i64::try_from(origins.len()).ok(),
        origins: listed.collect(),
        config_maps: plan.config_map.iter().cloned().collect(),
        advice: view.advice.clone(),
        conditions: conditions(&plan.state, &facts),
    })
}

fn primary(exposures: &Result<Exposures, Problem>) -> Option<String> {
    exposures.as_ref().ok()?.primary().map(ToString::to_string)
}

fn sentence(origins: &[String], lead: &str) -> String {
    match origins {
        [] => "no origin".to_owned(),
        many if many.len() > 5 => format!("{lead} {} and {} more", many[..5].join(", "), many.len() - 5),
        few => format!("{lead} {}", few.join(", ")),
    }
}

/// What every pod is configured to; while pods are replaced, what they were.
fn mode(view: &HorizonView, before: Option<ConfiguredMode>) -> Option<ConfiguredMode> {
    let applied = view.applied.as_ref()?;
    let seen = applied.rollout.as_ref().err().is_none_or(|problem| !problem.is_unknown());
    if seen && applied.mount.is_none() && applied.running.is_empty() {
        return Some(ConfiguredMode::Own);
    }
    if applied.rollout.is_err() {
        return Some(before.unwrap_or(ConfiguredMode::Own));
    }
    let direct = applied.in_use().is_some_and(|c| c.data.values().any(|text| text.contains(MODE)));
    Some(if direct { ConfiguredMode::Direct } else { ConfiguredMode::Own })
}

/// The setting that our snippet sets (`openstack_dashboard/settings.py`).
const MODE: &str = "HORIZON_IMAGES_UPLOAD_MODE";
