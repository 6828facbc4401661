//! DU009, DU010, DU011: the URL that the catalog publishes.

use direct_upload_api::web::{Origin, PublicUrl};
use direct_upload_api::{Rule, Severity};

use crate::facts::catalog::Published;
use crate::facts::cloud::{Cloud, ExposedDashboard};
use crate::finding::Finding;

const FIX: &str =
    "publish the URL that browsers reach, by https and without a version, as public endpoint of service type image";

/// Each published URL is one that a browser can upload to.
pub fn published(cloud: &Cloud<'_>) -> Vec<Finding> {
    cloud.published.iter().flat_map(|published| judge(cloud, published)).collect()
}

fn judge(cloud: &Cloud<'_>, published: &Published) -> Vec<Finding> {
    let Ok(url) = PublicUrl::parse(&published.url) else { return Vec::new() };
    let severity =
        if cloud.is_direct_in(&published.scope) && published.stated { Severity::Error } else { Severity::Warning };
    let new = |rule, severity, found: String| Finding::new(rule, severity, &published.place, found, FIX);
    let mut findings = Vec::new();
    if let Some(why) = url.origin().unreachable() {
        findings.push(new(Rule::NotPublic, severity, format!("the public image endpoint is {url}: {why}")));
    }
    let last = url.path().rsplit('/').next().unwrap_or_default();
    let digits = last.strip_prefix('v').unwrap_or_default();
    if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.') {
        findings.push(new(
            Rule::WrongEndpoint,
            severity,
            format!(
                "the public image endpoint ends in /{last}; Horizon makes /{last}/v2/images/… of it, which is a 404"
            ),
        ));
    }
    let https = |d: &&ExposedDashboard| d.origin.as_ref().is_some_and(Origin::is_https);
    let dashboard = cloud.dashboards_near(&published.scope).find(https);
    if let (Some(dashboard), false) = (dashboard, url.origin().is_https()) {
        let origin = dashboard.origin.as_ref().map(ToString::to_string).unwrap_or_default();
        findings.push(new(
            Rule::MixedContent,
            severity,
            format!("the dashboard is {origin} ({}) and Glance's public URL {url}", dashboard.source),
        ));
    }
    findings
}
