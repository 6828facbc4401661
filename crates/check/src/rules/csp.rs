//! DU013: the dashboard's page may connect to Glance.

use direct_upload_api::web::{Origin, PublicUrl};
use direct_upload_api::{Rule, Severity};

use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::facts::horizon::HorizonFacts;
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::{Finding, Location};
use crate::formats::python::Value;
use crate::unit::Program;

/// A policy that leaves Glance out.
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
    let found = server.of_name(name).filter_map(|item| Some((item, sources(&value(item)?)?)));
    found.map(|(item, sources)| Policy { sources, place: item.place(), scope: server.scope.clone() }).collect()
}

/// The sources that connections may go to; none if the policy does not speak of them.
fn sources(policy: &str) -> Option<Vec<String>> {
    let directives = policy.split(';').map(|d| d.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    let directives: Vec<_> = directives.filter(|d| !d.is_empty()).collect();
    let of = |name: &str| directives.iter().find(|d| d[0].eq_ignore_ascii_case(name)).map(|d| d[1..].to_vec());
    of("connect-src").or_else(|| of("default-src"))
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
    let own =
        cloud.dashboards_near(&policy.scope).any(|d| d.origin.as_ref() == Some(origin) || d.host == origin.host());
    policy.sources.iter().any(|source| {
        let source = source.trim_end_matches('/').to_lowercase();
        let (scheme, rest) = match source.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, source.as_str()),
        };
        let host = rest.split('/').next().unwrap_or_default();
        let (name, port) = host.rsplit_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
        let fits = name == origin.host()
            || name.strip_prefix('*').is_some_and(|tail| tail.starts_with('.') && origin.host().ends_with(tail));
        let authority = origin.as_str().rsplit("://").next().unwrap_or_default();
        let written = authority.rsplit_once(':').map(|(_, port)| port);
        let default = if origin.is_https() { "443" } else { "80" };
        let port_fits = port == Some("*") || port.unwrap_or(default) == written.unwrap_or(default);
        let scheme_fits =
            scheme.is_none_or(|s| origin.as_str().starts_with(&format!("{s}:")) || (s == "http" && origin.is_https()));
        source == "*"
            || (source == "https:" && origin.is_https())
            || source == "http:"
            || (source == "'self'" && own)
            || (fits && port_fits && scheme_fits)
    })
}
