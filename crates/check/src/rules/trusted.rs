//! DU002: origins that Django trusts, next to one that Glance allows.
//!
//! Django needs each origin from which a page sends forms (`CSRF_TRUSTED_ORIGINS`), so somebody may load the dashboard
//! from it. It may also be an old or an internal name.

use direct_upload_api::Rule;

use crate::facts::cloud::{Cloud, ExposedDashboard};
use crate::facts::filter::Reading;
use crate::facts::glance::GlanceFacts;
use crate::finding::Finding;

/// Those that no other rule has named.
pub(crate) fn origins(cloud: &Cloud<'_>, found: &[Finding]) -> Vec<Finding> {
    cloud.glances.iter().flat_map(|glance| of_glance(cloud, glance, found)).collect()
}

fn of_glance(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>, found: &[Finding]) -> Vec<Finding> {
    let (Reading::Runs(options), Some(setting)) = (&glance.reading, glance.cors_in_effect("allowed_origin")) else {
        return Vec::new();
    };
    let allowed = &options.allowed_origin;
    let is_allowed = |d: &ExposedDashboard| match &d.origin {
        Some(origin) => allowed.iter().any(|own| own == "*" || own == origin.as_str()),
        None => allowed.iter().any(|own| own == "*" || own.ends_with(&format!("://{}", d.host))),
    };
    let near: Vec<&ExposedDashboard> = cloud.dashboards_near(&glance.unit.scope).collect();
    if !near.iter().any(|d| is_allowed(d)) {
        return Vec::new();
    }
    let is_trusted = |d: &&&ExposedDashboard| d.source == "CSRF_TRUSTED_ORIGINS" && !is_allowed(d);
    let of_one = |d: &&ExposedDashboard| {
        let origin = d.origin.as_ref()?;
        let is_told = |own: &Finding| own.rule == Rule::OriginMissing && own.found.contains(origin.as_str());
        let what = format!("allowed_origin lacks {origin}, which Django trusts ({}: {})", d.source, d.place);
        let fix = format!("add {origin} to allowed_origin, if users load the dashboard from it");
        (!found.iter().any(is_told)).then(|| Finding::note(Rule::OriginMissing, &setting.place, what, fix))
    };
    near.iter().filter(is_trusted).filter_map(of_one).collect()
}
