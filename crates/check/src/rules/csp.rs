//! DU013: the dashboard's page must be allowed to connect to Glance.

use direct_upload_api::web::{Endpoint, Origin, PublicUrl};
use direct_upload_api::{Rule, Severity};
use direct_upload_core::judge::csp::{self, ConnectSources};

use crate::classify::Kind;
use crate::facts::cloud::{Cloud, ExposedDashboard};
use crate::facts::horizon::HorizonFacts;
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::{Finding, Location};
use crate::formats::python::Value;
use crate::unit::Program;

/// A policy that lacks Glance.
pub(crate) fn connect_src(cloud: &Cloud<'_>) -> Vec<Finding> {
    let of_servers = cloud.servers.iter().filter(|s| s.service == Program::Horizon).flat_map(policies);
    let of_settings = cloud.horizons.iter().filter_map(setting);
    of_servers.chain(of_settings).filter_map(|policy| judge(cloud, &policy)).collect()
}

struct Policy {
    sources: Vec<String>,
    place: Location,
    scope: Vec<String>,
}

fn policies(server: &Server<'_>) -> Vec<Policy> {
    let value = |item: &ScopedDirective<'_>| -> Option<String> {
        let args = &item.directive.args;
        let at = args.iter().position(|a| a.trim_end_matches(':').eq_ignore_ascii_case("content-security-policy"))?;
        let sets = item.directive.name == "add_header"
            || args[..at]
                .iter()
                .any(|a| matches!(a.trim_end_matches("-header"), "set" | "add" | "append" | "merge" | "setifempty"));
        sets.then(|| args.get(at + 1).cloned()).flatten()
    };
    let name = match server.kind {
        Kind::Nginx => "add_header",
        Kind::Haproxy => "http-response",
        _ => "header",
    };
    let found = server.of_name(name).filter_map(|item| Some((item, ConnectSources::parse(&value(item)?)?)));
    found
        .map(|(item, found)| Policy { sources: found.sources, place: item.place(), scope: server.scope.clone() })
        .collect()
}

/// django-csp's settings, those of its version 4, and Django's own since 6.
fn setting(horizon: &HorizonFacts<'_>) -> Option<Policy> {
    const NAMES: [&str; 4] = ["CSP_CONNECT_SRC", "CSP_DEFAULT_SRC", "CONTENT_SECURITY_POLICY", "SECURE_CSP"];
    let name = NAMES.into_iter().find(|name| horizon.value(name).is_some())?;
    let value = horizon.value(name)?;
    let directives = value.get("DIRECTIVES").unwrap_or(value);
    let listed = directives.get("connect-src").or_else(|| directives.get("default-src"));
    let sources = match listed.unwrap_or(value) {
        Value::Text(text) => vec![text.clone()],
        value => value.texts()?.into_iter().map(str::to_owned).collect(),
    };
    let (snippet, last) = horizon.assignments(name).pop()?;
    Some(Policy { sources, place: snippet.file.option(last.line, name), scope: horizon.unit.scope.clone() })
}

fn judge(cloud: &Cloud<'_>, policy: &Policy) -> Option<Finding> {
    let near = |scope: &[String]| scope == policy.scope || scope.is_empty() || policy.scope.is_empty();
    let glances: Vec<Origin> = cloud
        .published
        .iter()
        .filter(|p| near(&p.scope))
        .filter_map(|p| PublicUrl::parse(&p.url).ok())
        .map(|url| url.origin().clone())
        .collect();
    let closed = |s: &String| {
        matches!(s.trim_matches('\''), "self" | "none" | "unsafe-inline" | "unsafe-eval" | "report-sample")
            || matches!(s.as_str(), "data:" | "blob:" | "ws:" | "wss:")
    };
    let admitted = match glances.as_slice() {
        [] => !policy.sources.iter().all(closed),
        origins => origins.iter().all(|origin| is_admitted(cloud, origin, policy)),
    };
    let mut horizons = cloud.horizons.iter().filter(|h| near(&h.unit.scope)).peekable();
    let direct = horizons.peek().is_none() || horizons.any(HorizonFacts::wants_direct);
    let severity = if direct { Severity::Error } else { Severity::Warning };
    let glance = glances.first().map_or("Glance's public origin".to_owned(), Origin::to_string);
    (!admitted).then(|| {
        Finding::new(
            Rule::Csp,
            severity,
            &policy.place,
            format!("the dashboard's Content-Security-Policy lets it connect to {} only", shown(&policy.sources)),
            format!("add {glance} to connect-src"),
        )
    })
}

fn shown(sources: &[String]) -> String {
    if sources.is_empty() { "nothing".to_owned() } else { sources.join(" ") }
}

fn is_admitted(cloud: &Cloud<'_>, origin: &Origin, policy: &Policy) -> bool {
    let endpoint = Endpoint::from(PublicUrl::with_path(origin.clone(), ""));
    let port = endpoint.port();
    // 'self' has the dashboard's own port (CSP3, 6.7.2.8). Where that is not written, it is the usual one, or one on
    // which its server listens.
    let usual = || {
        let edges = cloud.edges(&policy.scope, Program::Horizon);
        matches!(port, 80 | 443) || edges.iter().any(|listen| listen.port == Some(port))
    };
    let is_own = |d: &ExposedDashboard| match &d.origin {
        Some(own) => own == origin,
        None => d.host == origin.host() && usual(),
    };
    let own = cloud.dashboards_near(&policy.scope).any(is_own);
    policy
        .sources
        .iter()
        .any(|source| (source.eq_ignore_ascii_case("'self'") && own) || csp::source_admits(source, None, &endpoint))
}
