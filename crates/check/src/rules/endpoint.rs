//! DU009, DU010, DU011: the URL that the catalog publishes.

use direct_upload_api::web::PublicUrl;
use direct_upload_api::{Rule, Severity};

use crate::facts::catalog::{Published, UrlSource, version_of};
use crate::facts::cloud::Cloud;
use crate::facts::glance::GlanceFacts;
use crate::finding::Finding;
use crate::unit::Program;

const FIX: &str =
    "publish the URL that browsers reach, by https and without a version, as public endpoint of service type image";

/// The same, if the published data shows the URL.
fn publish(url: &str) -> String {
    format!("publish {url} as public endpoint of service type image")
}

/// Browsers must be able to upload to each published URL.
pub fn published(cloud: &Cloud<'_>) -> Vec<Finding> {
    let stated = cloud.published.iter().flat_map(|published| judge(cloud, published));
    stated.chain(cloud.glances.iter().filter_map(|glance| plain(cloud, glance))).collect()
}

fn judge(cloud: &Cloud<'_>, published: &Published) -> Vec<Finding> {
    let Ok(url) = PublicUrl::parse(&published.url) else { return Vec::new() };
    let direct = cloud.is_direct_in(&published.scope);
    let severity = if direct && published.source == UrlSource::Catalog { Severity::Error } else { Severity::Warning };
    let new = |rule, severity, found: String, fix: String| Finding::new(rule, severity, &published.place, found, fix);
    let text = published.url.trim_end_matches('/');
    let mut findings = Vec::new();
    if let Some(why) = url.origin().unreachable() {
        findings.push(new(
            Rule::NotPublic,
            severity,
            format!("the public image endpoint is {url}: {why}"),
            FIX.to_owned(),
        ));
    }
    if let Some(last) = version_of(url.path()) {
        let found = format!(
            "the public image endpoint ends in /{last}; Horizon makes /{last}/v2/images/… of it, which is a 404"
        );
        let fix = publish(text.rsplit_once('/').map_or(text, |(before, _)| before));
        findings.push(new(Rule::WrongEndpoint, severity, found, fix));
    }
    // The same Glance may also be exposed with https.
    let secure = |p: &Published| p.scope == published.scope && p.url.starts_with("https://");
    let also_https = published.source != UrlSource::Catalog && cloud.published.iter().any(secure);
    if !url.origin().is_https()
        && !also_https
        && let Some(dashboard) = cloud.https_dashboard(&published.scope)
    {
        let severity = if direct && has_dashboard(cloud, published) { Severity::Error } else { Severity::Warning };
        let found = format!("the dashboard is {dashboard} and Glance's public URL {url}");
        let fix = format!("end TLS before Glance, and {}", publish(&text.replacen("http://", "https://", 1)));
        findings.push(new(Rule::MixedContent, severity, found, fix));
    }
    findings
}

/// Whether a dashboard uploads to the Glance of a URL, as far as their folders or namespaces show: one next to another Glance
/// does not.
fn has_dashboard(cloud: &Cloud<'_>, published: &Published) -> bool {
    let near = cloud.glances.iter().enumerate().filter(|(_, glance)| glance.unit.scope == published.scope);
    let mut near = near.map(|(at, _)| cloud.horizons_of(at).next().is_some()).peekable();
    cloud.horizons.is_empty() || near.peek().is_none() || near.any(|has| has)
}

/// DU009: no server in front of Glance ends TLS, but one in front of the dashboard does.
fn plain(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<Finding> {
    let scope = &glance.unit.scope;
    if cloud.published.iter().any(|p| &p.scope == scope) || cloud.is_same_origin(glance.unit) {
        return None;
    }
    let edges = cloud.edges(scope, Program::Glance);
    let first = edges.first().filter(|_| edges.iter().all(|listen| listen.tls == Some(false)))?;
    let dashboards = cloud.edges(scope, Program::Horizon);
    let dashboard = dashboards.iter().find(|listen| listen.tls == Some(true))?;
    let severity = if cloud.is_direct_in(scope) { Severity::Error } else { Severity::Warning };
    let found = format!(
        "{}: Glance is served without TLS, and the dashboard with it ({}: {})",
        first.written, dashboard.place, dashboard.written
    );
    let fix = "end TLS before Glance, too, and publish its https URL as public endpoint of service type image";
    Some(Finding::new(Rule::MixedContent, severity, &first.place, found, fix))
}
