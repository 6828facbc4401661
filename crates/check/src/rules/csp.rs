//! DU013: the dashboard's page must be allowed to connect to Glance.

use direct_upload_api::web::{Endpoint, PublicUrl};
use direct_upload_api::{Rule, Severity};
use direct_upload_core::judge::csp::{self, ConnectSources, Restriction};

use super::proxy_headers;
use crate::classify::Kind;
use crate::facts::cloud::{Cloud, ExposedDashboard};
use crate::facts::horizon::HorizonFacts;
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::{Finding, Location};
use crate::formats::python::Value;
use crate::unit::Program;

/// A policy that lacks Glance.
pub(crate) fn connect_src(cloud: &Cloud<'_>) -> Vec<Finding> {
    let serves = |server: &&Server<'_>| server.service == Program::Horizon && !is_refused(cloud, server);
    let of_servers = cloud.servers.iter().filter(serves).flat_map(policies);
    let of_settings = cloud.horizons.iter().flat_map(settings);
    let of_objects = cloud.page_policies.iter().map(|own| Policy {
        restrictions: read(&own.text),
        place: own.place.clone(),
        scope: own.scope.clone(),
    });
    of_servers.chain(of_settings).chain(of_objects).flat_map(|policy| judge(cloud, &policy)).collect()
}

struct Policy {
    restrictions: Vec<Restriction>,
    place: Location,
    scope: Vec<String>,
}

/// Whether Django refuses the names of a server (ALLOWED_HOSTS), while another server has a name that it serves.
fn is_refused(cloud: &Cloud<'_>, server: &Server<'_>) -> bool {
    let names = |server: &Server<'_>| -> Vec<String> {
        let is_name = |item: &&ScopedDirective<'_>| {
            matches!(item.directive.name.as_str(), "servername" | "serveralias" | "server_name")
        };
        let all = server.items.iter().filter(is_name).flat_map(|item| item.directive.args.clone());
        all.map(|name| name.split("://").last().unwrap_or(&name).split(':').next().unwrap_or_default().to_lowercase())
            .collect()
    };
    let near = || cloud.horizons.iter().filter(|horizon| horizon.unit.scope == server.scope);
    let hosts: Option<Vec<String>> = near()
        .map(|horizon| {
            let texts = horizon.value("ALLOWED_HOSTS").and_then(Value::texts)?;
            Some(texts.into_iter().map(str::to_lowercase).collect::<Vec<_>>())
        })
        .collect::<Option<Vec<_>>>()
        .map(|all| all.concat());
    let Some(hosts) = hosts.filter(|hosts| hosts.iter().all(|host| !host.contains('*') && !host.starts_with('.')))
    else {
        return false;
    };
    let is_served = |server: &Server<'_>| names(server).iter().any(|name| hosts.contains(name));
    let own = names(server);
    let is_plain = !own.is_empty() && own.iter().all(|name| !name.contains(['*', '~', '_']));
    let mut others =
        cloud.servers.iter().filter(|other| other.service == Program::Horizon && other.scope == server.scope);
    is_plain && !is_served(server) && others.any(is_served)
}

/// Whether a directive of httpd is about files that are no pages.
fn is_of_files(item: &ScopedDirective<'_>) -> bool {
    item.within.iter().any(|block| match block.name.as_str() {
        "location" | "locationmatch" | "directory" | "directorymatch" => {
            let path = block.text().to_lowercase();
            path.contains("/static") || path.contains("/media")
        }
        name => matches!(name, "files" | "filesmatch"),
    })
}

/// Whether a later `Header unset` takes back what a directive of httpd writes into the same table.
fn is_taken_back(server: &Server<'_>, item: &ScopedDirective<'_>) -> bool {
    const NAME: &str = "content-security-policy";
    let always =
        |item: &ScopedDirective<'_>| proxy_headers::header(item, NAME).map(|(always, action, _)| (always, action));
    let Some((own, _)) = always(item) else { return false };
    let later = server.of_name("header").skip_while(|other| !std::ptr::eq(*other, item)).skip(1);
    let unsets = |other: &ScopedDirective<'_>| {
        other.within == item.within && always(other).is_some_and(|(table, action)| table == own && action == "unset")
    };
    later.into_iter().any(|other| unsets(other) && other.directive.args.len() <= 3)
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
    let counts =
        |item: &&ScopedDirective<'_>| server.kind != Kind::Httpd || !(is_of_files(item) || is_taken_back(server, item));
    let found = server.of_name(name).filter(counts).filter_map(|item| Some((item, value(item)?)));
    let more = server.of_name("more_set_headers").filter_map(|item| Some((item, more_set(item)?)));
    found
        .chain(more)
        .map(|(item, text)| Policy { restrictions: read(&text), place: item.place(), scope: server.scope.clone() })
        .collect()
}

/// headers-more-nginx-module: `more_set_headers 'Name: value'`, also with `-s` and `-t`.
fn more_set(item: &ScopedDirective<'_>) -> Option<String> {
    let mut headers = item.directive.args.iter().filter_map(|word| word.split_once(':'));
    let own = headers.find(|(name, _)| name.trim().eq_ignore_ascii_case("content-security-policy"))?;
    Some(own.1.trim().to_owned())
}

/// A policy as the probe reads one.
fn read(text: &str) -> Vec<Restriction> {
    csp::enforced(&[("Content-Security-Policy".to_owned(), text.to_owned())])
}

/// django-csp's settings, those of its version 4, and Django's own since 6.
fn settings(horizon: &HorizonFacts<'_>) -> Vec<Policy> {
    const NAMES: [&str; 4] = ["CSP_CONNECT_SRC", "CSP_DEFAULT_SRC", "CONTENT_SECURITY_POLICY", "SECURE_CSP"];
    let texts = |value: &Value| match value {
        Value::Text(text) => Some(text.clone()),
        value => Some(value.texts()?.join(" ")),
    };
    let policy = |name: &str, text: &str| {
        let (snippet, last) = horizon.assignments(name).pop()?;
        let place = snippet.file.option(last.line, name);
        Some(Policy { restrictions: read(text), place, scope: horizon.unit.scope.clone() })
    };
    let name = NAMES.into_iter().find(|name| horizon.value(name).is_some());
    let main = name.and_then(|name| {
        let value = horizon.value(name)?;
        let directives = value.get("DIRECTIVES").unwrap_or(value);
        let listed = directives.get("connect-src").or_else(|| directives.get("default-src"));
        let sources = texts(listed.unwrap_or(value)).map(|sources| format!("connect-src {sources}"));
        let sandbox = directives.get("sandbox").and_then(texts).map(|flags| format!("sandbox {flags}"));
        policy(name, &sources.into_iter().chain(sandbox).collect::<Vec<_>>().join("; "))
    });
    let sandbox = horizon.value("CSP_SANDBOX").and_then(texts);
    let sandbox = sandbox.and_then(|flags| policy("CSP_SANDBOX", &format!("sandbox {flags}")));
    main.into_iter().chain(sandbox).collect()
}

fn judge(cloud: &Cloud<'_>, policy: &Policy) -> Vec<Finding> {
    let near = |scope: &[String]| scope == policy.scope || scope.is_empty() || policy.scope.is_empty();
    let published = cloud.published.iter().filter(|p| near(&p.scope));
    let glances: Vec<PublicUrl> = published.filter_map(|p| PublicUrl::parse(&p.url).ok()).collect();
    let mut horizons = cloud.horizons.iter().filter(|h| near(&h.unit.scope)).peekable();
    let direct = horizons.peek().is_none() || horizons.any(HorizonFacts::wants_direct);
    let severity = if direct { Severity::Error } else { Severity::Warning };
    let what = "the dashboard's Content-Security-Policy";
    let of_one = |restriction: &Restriction| {
        let (found, fix) = match restriction {
            Restriction::Connections(own) if admits(cloud, &glances, own, policy) => return None,
            Restriction::Connections(own) => {
                let glance = glances.first().map_or_else(|| unnamed(cloud, policy), |url| url.origin().to_string());
                let path = own.sources.iter().any(|source| is_of_host(source, &glance));
                let add = match () {
                    () if path => ", without a path or with one that ends in a slash",
                    () if glance.contains("://NAME") => ", with the host of Glance's public URL",
                    () => "",
                };
                (
                    format!("{what} lets it connect to {} only", shown(&own.sources)),
                    format!("add {glance} to connect-src{add}"),
                )
            }
            Restriction::Opaque => (
                format!("{what} has sandbox without allow-same-origin: its pages send Origin: null"),
                "add allow-same-origin to sandbox".to_owned(),
            ),
            Restriction::Scriptless => (
                format!("{what} has sandbox without allow-scripts: its pages run no script, and a script uploads"),
                "add allow-scripts to sandbox".to_owned(),
            ),
            // An http Glance of an https dashboard is DU009.
            Restriction::Upgrades => {
                let url = glances.iter().find(|url| !url.origin().is_https())?;
                (
                    format!("{what} has upgrade-insecure-requests: browsers request https instead of {url}"),
                    "serve Glance by https, or remove upgrade-insecure-requests".to_owned(),
                )
            }
        };
        Some(Finding::new(Rule::Csp, severity, &policy.place, found, fix))
    };
    policy.restrictions.iter().filter_map(of_one).collect()
}

/// Whether a source names a host, perhaps with a path of it.
fn is_of_host(source: &str, origin: &str) -> bool {
    source.strip_prefix(origin).is_some_and(|rest| rest.starts_with('/'))
}

fn admits(cloud: &Cloud<'_>, glances: &[PublicUrl], own: &ConnectSources, policy: &Policy) -> bool {
    let closed = |s: &String| {
        matches!(s.trim_matches('\''), "self" | "none" | "unsafe-inline" | "unsafe-eval" | "report-sample")
            || matches!(s.as_str(), "data:" | "blob:" | "ws:" | "wss:")
    };
    match glances {
        [] => {
            let ports = glances_ports(cloud, &policy.scope);
            own.sources.iter().any(|source| !closed(source) && (ports.is_empty() || may_have_port(source, &ports)))
        }
        urls => urls.iter().all(|url| is_admitted(cloud, url, &own.sources, policy)),
    }
}

/// Glance's origin, if nothing publishes its URL: NAME is for its host.
fn unnamed(cloud: &Cloud<'_>, policy: &Policy) -> String {
    let edges = cloud.edges(&policy.scope, Program::Glance);
    let scheme = if edges.iter().any(|listen| listen.tls == Some(false)) { "http" } else { "https" };
    match glances_ports(cloud, &policy.scope).first() {
        None | Some(80 | 443) => "Glance's public origin".to_owned(),
        Some(port) => format!("{scheme}://NAME:{port}"),
    }
}

/// The ports of the servers in front of Glance, if nothing publishes a URL.
fn glances_ports(cloud: &Cloud<'_>, scope: &[String]) -> Vec<u16> {
    let ports: Option<Vec<u16>> = cloud.edges(scope, Program::Glance).iter().map(|listen| listen.port).collect();
    ports.unwrap_or_default()
}

/// Whether a source may admit one of some ports, whatever the host is. A host without a port has the ports of its
/// scheme only (CSP3, 6.7.2.11).
fn may_have_port(source: &str, ports: &[u16]) -> bool {
    let host = source.split_once("://").map_or(source, |(_, rest)| rest).split('/').next().unwrap_or_default();
    let is_scheme = source.ends_with(':') || source == "*";
    match host.rsplit_once(':').map(|(_, port)| port) {
        _ if is_scheme || source.starts_with('\'') => true,
        Some(port) => port == "*" || port.parse().is_ok_and(|port| ports.contains(&port)),
        None => ports.iter().any(|port| matches!(port, 80 | 443)),
    }
}

fn shown(sources: &[String]) -> String {
    if sources.is_empty() { "nothing".to_owned() } else { sources.join(" ") }
}

fn is_admitted(cloud: &Cloud<'_>, url: &PublicUrl, sources: &[String], policy: &Policy) -> bool {
    let (origin, endpoint) = (url.origin(), Endpoint::from(url.clone()));
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
    sources
        .iter()
        .any(|source| (source.eq_ignore_ascii_case("'self'") && own) || csp::source_admits(source, None, &endpoint))
}
