//! DU012, DU014, DU015, DU020: the Ingress, Route or HTTPRoute that leads to Glance.

use direct_upload_api::{Rule, Severity};

use crate::facts::cloud::{Cloud, PlacedIssue};
use crate::finding::Finding;

/// What the operator's own derivation finds blocking uploads. `before_glance`: on the objects that expose
/// Glance. `legacy`: what limits bodies on those that expose a dashboard in legacy mode.
pub fn issues(cloud: &Cloud<'_>, before_glance: &[PlacedIssue], legacy: &[PlacedIssue]) -> Vec<Finding> {
    let legacy = legacy.iter().map(|placed| {
        let mut finding = told(cloud, placed);
        finding.severity = if placed.issue.fails { Severity::Error } else { Severity::Warning };
        finding.found.push_str(" (Horizon is in legacy mode, so images pass through it)");
        finding
    });
    // A controller's default timeout is enough for legacy uploads to Glance, so there is nothing to report.
    let usual = |placed: &&PlacedIssue| {
        placed.issue.written || placed.issue.rule != Rule::TooSlow || placed.asked || cloud.is_direct_in(&placed.scope)
    };
    before_glance.iter().filter(usual).map(|placed| told(cloud, placed)).chain(legacy).collect()
}

fn told(cloud: &Cloud<'_>, placed: &PlacedIssue) -> Finding {
    let PlacedIssue { issue, place, scope, asked } = placed;
    let severity = issue.severity(*asked || cloud.is_direct_in(scope));
    let field = issue.field.annotation().map_or_else(|| issue.field.to_string(), str::to_owned);
    let found = format!("{field}: {}", issue.found);
    Finding::new(issue.rule, severity, place, found, issue.fix.clone())
}
