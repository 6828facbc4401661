//! DU012: nothing in front of Glance may change its answers.

use direct_upload_api::{Rule, Severity};
use direct_upload_core::openstack::cors_request::{CorsRequest, KnownText};
use regex::{NoExpand, Regex};

use super::refused::applies::{Applies, applies};
use super::refused::nginx;
use crate::classify::Kind;
use crate::facts::addressed;
use crate::facts::browser::Sent;
use crate::facts::cloud::{Cloud, ExposedDashboard};
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::Finding;
use crate::unit::Program;
use direct_upload_core::openstack::needed::{ALLOW_ORIGIN, LISTS, lacks};

pub(crate) const LEAVE: &str = "remove it: Glance's own [cors] answers the browser";

/// The same, if nginx answers OPTIONS.
const NO_IF: &str = "remove the if block: Glance's own [cors] answers preflights";

/// DU012: only Glance may write CORS headers.
pub fn cors(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for server in &cloud.servers {
        match (server.service, server.kind) {
            (_, Kind::Haproxy) => {}
            (Program::Glance, _) if is_written_anew(cloud, server) => {}
            (Program::Glance, Kind::Nginx) => findings.extend(nginx_cors(cloud, server)),
            (Program::Glance, _) => findings.extend(httpd_cors(cloud, server)),
            (Program::Horizon, _) => findings.extend(horizons_own(cloud, server)),
        }
    }
    unless_it_stands_in(cloud, findings)
}

/// Whether what a server writes about the grant never leaves those in front of it: each of them removes it, or writes another
/// one in its place.
pub(super) fn is_written_anew(cloud: &Cloud<'_>, server: &Server<'_>) -> bool {
    let takes_off = |item: &ScopedDirective<'_>| {
        let is_it = match item.directive.name.as_str() {
            "proxy_hide_header" | "uwsgi_hide_header" => item.directive.word() == ALLOW_ORIGIN,
            "header" => {
                header(item, ALLOW_ORIGIN).is_some_and(|(_, action, _)| matches!(action.as_str(), "set" | "unset"))
            }
            _ => super::haproxy_header::response_header(item, ALLOW_ORIGIN)
                .is_some_and(|(action, _)| matches!(action, "set-header" | "del-header")),
        };
        is_it && item.within.iter().all(|block| !matches!(block.name.as_str(), "if" | "elseif" | "else"))
    };
    let takes = |outer: &Server<'_>| {
        let of_outer = |item: &&ScopedDirective<'_>| {
            takes_off(item) && applies(cloud, outer, item, &CorsRequest::BOTH) == Applies::Always
        };
        outer.items.iter().any(|item| of_outer(&item))
    };
    let mut before = cloud.servers.iter().filter(|outer| addressed::leads_to(outer, server)).peekable();
    before.peek().is_some() && before.all(takes)
}

/// Whether a server in front of Glance writes CORS headers, and Glance, which is completely seen, writes
/// none. The server then replaces Glance's filter, which can work if it also allows the request's headers.
pub(crate) fn stands_in(cloud: &Cloud<'_>) -> bool {
    let writes = |item: &ScopedDirective<'_>| match item.directive.name.as_str() {
        "header" => header(item, ALLOW_ORIGIN).is_some_and(|(_, action, _)| action != "unset"),
        "add_header" => item.directive.word() == ALLOW_ORIGIN,
        _ => {
            super::haproxy_header::response_header(item, ALLOW_ORIGIN).is_some_and(|(action, _)| action != "del-header")
        }
    };
    // HAProxy's own answers are judged with their lists.
    let allows = |server: &Server<'_>| {
        LISTS.iter().all(|(name, needed)| {
            let named = |item: &&ScopedDirective<'_>| item.directive.text().to_ascii_lowercase().contains(name);
            let has = |item: &ScopedDirective<'_>| {
                let text = item.directive.text();
                text.contains(['$', '%', '*'])
                    || needed.iter().any(|own| text.to_lowercase().contains(&own.to_lowercase()))
            };
            server.items.iter().filter(named).any(has)
        })
    };
    let mut servers = cloud.servers.iter().filter(|s| s.service == Program::Glance);
    let silent = cloud.glances.iter().all(|g| g.is_whole() && g.cors_in_effect("allowed_origin").is_none());
    // What only an answer to a preflight has, the upload's answer lacks.
    let in_uploads = |server: &Server<'_>, item: &ScopedDirective<'_>| {
        item.directive.name != "add_header"
            || values(cloud, server, item, CorsRequest::Upload).iter().any(|value| value.written != KnownText::Missing)
    };
    let answers = |server: &Server<'_>| {
        server.items.iter().any(|item| writes(item) && in_uploads(server, item)) && allows(server)
    };
    silent && !cloud.glances.is_empty() && servers.any(answers)
}

/// A server that replaces Glance's filter may work. What would be wrong elsewhere is only unwise here.
pub(crate) fn unless_it_stands_in(cloud: &Cloud<'_>, mut findings: Vec<Finding>) -> Vec<Finding> {
    if stands_in(cloud) {
        for finding in &mut findings {
            finding.fix = format!("give Glance its own [cors] first; then {}", finding.fix);
        }
        for finding in findings.iter_mut().filter(|f| f.severity == Severity::Error) {
            finding.severity = Severity::Warning;
            finding.found.push_str(
                " (Glance has no [cors]: this server answers browsers instead, for every dashboard in the same way)",
            );
        }
    }
    findings
}

/// Action and value of a `Header` directive for one response header.
pub(crate) fn header<'a>(item: &'a ScopedDirective<'_>, name: &str) -> Option<(bool, String, &'a str)> {
    let args: Vec<&str> = item.directive.args.iter().map(String::as_str).collect();
    let (always, args) = match args.as_slice() {
        [first, rest @ ..] if first.eq_ignore_ascii_case("always") => (true, rest),
        [first, rest @ ..] if first.eq_ignore_ascii_case("onsuccess") => (false, rest),
        all => (false, all),
    };
    let (action, named) = (args.first()?, args.get(1)?);
    named
        .trim_end_matches(':')
        .eq_ignore_ascii_case(name)
        .then(|| (always, action.to_ascii_lowercase(), args.get(2).copied().unwrap_or_default()))
}

fn httpd_cors(cloud: &Cloud<'_>, server: &Server<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let unset =
        server.of_name("header").any(|i| header(i, ALLOW_ORIGIN).is_some_and(|(a, action, _)| !a && action == "unset"));
    for item in server.of_name("header") {
        let applies = applies(cloud, server, item, &CorsRequest::BOTH);
        if matches!(applies, Applies::Never | Applies::Unknown) {
            continue;
        }
        let from = findings.len();
        if let Some((always, action, value)) = header(item, ALLOW_ORIGIN) {
            findings.extend(allow_origin(cloud, server, item, always, &action, value, unset));
        }
        for (name, needed) in LISTS {
            let Some((false, action, value)) = header(item, name) else { continue };
            let lacks = if action == "set" { lacks(value, needed) } else { needed.to_vec() };
            if matches!(action.as_str(), "set" | "unset") && !lacks.is_empty() {
                let lacks = lacks.join(", ");
                let found = format!("Header {} replaces Glance's list by one without {lacks}", item.directive.text());
                findings.push(Finding::error(Rule::CorsOnTheWay, &item.place(), found, LEAVE));
            }
        }
        for finding in findings[from..].iter_mut().filter(|_| applies == Applies::Sometimes) {
            finding.severity = finding.severity.max(Severity::Warning);
        }
    }
    findings
}

/// Whether browsers get a second value, or a list. httpd has two tables of headers, and sends both.
/// Glance's headers are in the one without `always`.
///
/// | action | `always` | otherwise |
/// |---|---|---|
/// | set | two lines | one line |
/// | setifempty | two lines | Glance's |
/// | add | two lines | two lines |
/// | append | two lines | a list |
/// | merge | two lines | a list, unless the value is the same |
/// | edit | Glance's | edited |
/// | unset | Glance's | none |
///
/// Measured with httpd 2.4.71 in front of mod_proxy_http.
pub(crate) fn doubles(always: bool, action: &str, same: bool) -> bool {
    match (always, action) {
        (_, "add") | (true, "set" | "setifempty" | "append" | "merge") | (false, "append") => true,
        (false, "merge") => !same,
        _ => false,
    }
}

fn allow_origin(
    cloud: &Cloud<'_>,
    server: &Server<'_>,
    item: &ScopedDirective<'_>,
    always: bool,
    action: &str,
    value: &str,
    unset: bool,
) -> Option<Finding> {
    let place = item.place();
    let written = format!("Header {}", item.directive.text());
    let near: Vec<&ExposedDashboard> = cloud.dashboards_near(&server.scope).collect();
    // merge keeps an existing value.
    let same = near.iter().all(|d| value.contains(&format!("://{}", d.host)));
    if !always && matches!(action, "edit" | "edit*") {
        let page = near.iter().find_map(|d| {
            let page = d.origin.as_ref().map_or_else(|| format!("https://{}", d.host), ToString::to_string);
            (edited(&page, value, item)? != page).then_some(page)
        })?;
        let found = format!("{written} makes another value of the dashboard's origin ({page})");
        return Some(Finding::error(Rule::CorsOnTheWay, &place, found, LEAVE));
    }
    if !unset && doubles(always, action, same) {
        let found = format!("{written}: a second value in addition to Glance's own; browsers accept only one");
        return Some(Finding::error(Rule::CorsOnTheWay, &place, found, LEAVE));
    }
    if action == "unset" && !always {
        let replaced = server.of_name("header").any(|i| header(i, ALLOW_ORIGIN).is_some_and(|(_, a, _)| a != "unset"));
        let found = format!("{written}: Glance's answer never reaches the browser");
        return (!replaced).then(|| Finding::error(Rule::CorsOnTheWay, &place, found, LEAVE));
    }
    if !matches!(action, "set" | "add" | "append" | "merge") {
        return None;
    }
    let other = near.iter().find(|d| !value.contains(['*', '%', '$']) && !value.contains(&format!("://{}", d.host)));
    let found = match other {
        Some(d) => {
            format!("{written} replaces Glance's answer with an origin that is not the dashboard's ({})", d.host)
        }
        None => format!("{written} replaces Glance's answer by one fixed value for every dashboard"),
    };
    let finding = if other.is_some() { Finding::error } else { Finding::warning };
    Some(finding(Rule::CorsOnTheWay, &place, found, LEAVE))
}

/// `Header edit NAME PATTERN TEXT`: the new value, if it is certain.
fn edited(value: &str, pattern: &str, item: &ScopedDirective<'_>) -> Option<String> {
    let text = item.directive.args.iter().skip_while(|arg| *arg != pattern).nth(1)?;
    let pattern = Regex::new(pattern).ok()?;
    if text.contains(['$', '%', '\\']) {
        return None;
    }
    Some(pattern.replace(value, NoExpand(text)).into_owned())
}

fn nginx_cors(cloud: &Cloud<'_>, server: &Server<'_>) -> Vec<Finding> {
    let counts = |item: &&ScopedDirective<'_>| {
        matches!(applies(cloud, server, item, &CorsRequest::BOTH), Applies::Always | Applies::Sometimes)
    };
    let set = server.of_name("more_set_headers").filter(counts).filter_map(|item| set_by_more(cloud, server, item));
    let cleared = server.of_name("more_clear_headers").filter(counts).filter_map(cleared_by_more);
    let added = server.of_name("add_header").filter_map(|item| added(cloud, server, item));
    hidden_alone(server).into_iter().chain(set).chain(cleared).chain(added).collect()
}

fn hides(item: &ScopedDirective<'_>) -> bool {
    matches!(item.directive.name.as_str(), "proxy_hide_header" | "uwsgi_hide_header")
        && item.directive.word() == ALLOW_ORIGIN
}

/// A header of Glance that nginx hides, without another one in its place.
fn hidden_alone(server: &Server<'_>) -> Option<Finding> {
    let writes = |item: &ScopedDirective<'_>| {
        let name = item.directive.name.as_str();
        (name == "add_header" && item.directive.word() == ALLOW_ORIGIN) || name == "more_set_headers"
    };
    let item = server.items.iter().find(|item| hides(item)).filter(|_| !server.items.iter().any(writes))?;
    let found = format!("{} {}: Glance's answer never reaches the browser", item.directive.name, item.directive.text());
    Some(Finding::error(Rule::CorsOnTheWay, &item.place(), found, LEAVE))
}

/// `more_set_headers` (headers-more-nginx-module).
fn set_by_more(cloud: &Cloud<'_>, server: &Server<'_>, item: &ScopedDirective<'_>) -> Option<Finding> {
    let sets = |a: &&String| a.to_ascii_lowercase().starts_with(ALLOW_ORIGIN);
    let (_, value) = item.directive.args.iter().find(sets)?.split_once(':')?;
    let value = value.trim();
    let is_other = |d: &&ExposedDashboard| !value.contains(['*', '$']) && !value.contains(&format!("://{}", d.host));
    let written = format!("more_set_headers {}", item.directive.text());
    Some(if let Some(d) = cloud.dashboards_near(&server.scope).find(is_other) {
        let found =
            format!("{written} replaces Glance's answer with an origin that is not the dashboard's ({})", d.host);
        Finding::error(Rule::CorsOnTheWay, &item.place(), found, LEAVE)
    } else {
        let found = format!("{written} replaces Glance's answer by one fixed value for every dashboard");
        Finding::warning(Rule::CorsOnTheWay, &item.place(), found, LEAVE)
    })
}

/// `more_clear_headers`: a trailing star stands for any rest.
fn cleared_by_more(item: &ScopedDirective<'_>) -> Option<Finding> {
    let clears = |name: &String| {
        let name = name.to_ascii_lowercase();
        name.strip_suffix('*').map_or(name == ALLOW_ORIGIN, |start| ALLOW_ORIGIN.starts_with(start))
    };
    let found = "more_clear_headers Access-Control-Allow-Origin: Glance's answer never reaches the browser";
    let is_it = item.directive.args.iter().any(clears);
    is_it.then(|| Finding::error(Rule::CorsOnTheWay, &item.place(), found, LEAVE))
}

/// `add_header`: a second value, an answer of nginx's own, or a value in place of the hidden one.
fn added(cloud: &Cloud<'_>, server: &Server<'_>, item: &ScopedDirective<'_>) -> Option<Finding> {
    if item.directive.word() != ALLOW_ORIGIN {
        return None;
    }
    let written = format!("add_header {}", item.directive.text());
    let [preflights, uploads] = CorsRequest::BOTH.map(|request| values(cloud, server, item, request));
    let writes = |values: &[Value]| values.iter().any(|value| value.written != KnownText::Missing);
    let answers = item.within.iter().any(|block| block.name == "if")
        && server.of_name("return").any(|other| other.within == item.within);
    if !writes(&preflights) && !writes(&uploads) {
        return None;
    }
    let is_hidden = server.items.iter().any(hides);
    let lacks = if answers { answer_lacks(cloud, server, item) } else { Vec::new() };
    let fix = if answers { NO_IF } else { LEAVE };
    let error = |found, fix| Some(Finding::error(Rule::CorsOnTheWay, &item.place(), found, fix));
    if !is_hidden && (writes(&uploads) || (writes(&preflights) && !answers)) {
        error(format!("{written}: a second value in addition to Glance's own; browsers accept only one"), LEAVE)
    } else if answers && !lacks.is_empty() {
        error(format!("{written}: nginx answers preflights instead of Glance, without {}", lacks.join(", ")), fix)
    } else if let Some(page) = preflights.iter().chain(&uploads).find_map(Value::of_another) {
        error(format!("{written} replaces Glance's answer with an origin that is not the dashboard's ({page})"), fix)
    } else {
        let found =
            format!("{written}: nginx answers the browser instead of Glance, and must be updated for every dashboard");
        Some(Finding::warning(Rule::CorsOnTheWay, &item.place(), found, fix))
    }
}

/// What a directive of nginx writes into the answer to one request, and the page's origin.
struct Value {
    written: KnownText,
    page: KnownText,
}

impl Value {
    /// The page's origin, if the value is certainly that of another one.
    fn of_another(&self) -> Option<&str> {
        match (&self.written, &self.page) {
            (KnownText::Is(written), KnownText::Is(page)) if written != page && written != "*" => Some(page),
            _ => None,
        }
    }
}

fn values(cloud: &Cloud<'_>, server: &Server<'_>, item: &ScopedDirective<'_>, request: CorsRequest) -> Vec<Value> {
    let sent = Sent::all(cloud, server, request, None).into_iter();
    sent.map(|sent| Value { written: nginx::added(server, item, &sent), page: sent.header("origin") }).collect()
}

/// What an `if` block for OPTIONS does not grant for an upload.
fn answer_lacks(cloud: &Cloud<'_>, server: &Server<'_>, item: &ScopedDirective<'_>) -> Vec<String> {
    let beside = server.of_name("add_header").filter(|other| other.within == item.within);
    let headers = beside.filter_map(|i| Some((i.directive.arg(0)?.to_owned(), i.directive.arg(1)?.to_owned())));
    grant_lacks(cloud, &server.scope, &headers.collect::<Vec<_>>())
}

/// What an answer with these headers does not grant for an upload from the nearby dashboards.
pub(crate) fn grant_lacks(cloud: &Cloud<'_>, scope: &[String], headers: &[(String, String)]) -> Vec<String> {
    let value =
        |name: &str| headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
    let computed = |text: &str| text.contains(['$', '%']);
    let Some(origin) = value(ALLOW_ORIGIN) else { return vec!["Access-Control-Allow-Origin".to_owned()] };
    let mut missing = Vec::new();
    if origin != "*" && !computed(origin) {
        let missed = cloud.dashboards_near(scope).find(|d| !origin.contains(&format!("://{}", d.host)));
        missing.extend(missed.map(|d| d.origin.as_ref().map_or_else(|| d.host.clone(), ToString::to_string)));
    }
    let lists: [(&str, &[&str]); 2] = [
        ("access-control-allow-headers", &["X-Auth-Token", "Content-Type"]),
        ("access-control-allow-methods", &["PUT"]),
    ];
    for (name, needed) in lists {
        let listed = value(name).unwrap_or_default();
        if !computed(listed) {
            missing.extend(lacks(listed, needed).into_iter().map(str::to_owned));
        }
    }
    missing
}

/// What older guides put in front of Horizon.
fn horizons_own(cloud: &Cloud<'_>, server: &Server<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let sets = |item: &&ScopedDirective<'_>| match item.directive.name.as_str() {
        "header" => header(item, ALLOW_ORIGIN).is_some(),
        "add_header" => item.directive.word() == ALLOW_ORIGIN,
        _ => false,
    };
    if let Some(item) = server.items.iter().find(sets) {
        findings.push(Finding::note(
            Rule::CorsOnTheWay,
            &item.place(),
            "CORS headers on the dashboard's own answers do nothing for the upload: Glance's answer counts",
            "remove them, unless something else needs them",
        ));
    }
    let proxied = |item: &&ScopedDirective<'_>| {
        matches!(item.directive.name.as_str(), "proxypass" | "proxypassmatch")
            && item.directive.word().contains("/api/glance")
    };
    if let Some(item) = server.items.iter().find(proxied) {
        // The Angular panel's first request, which creates the image, goes there.
        let breaks = cloud.is_direct_in(&server.scope);
        let finding = if breaks { Finding::error } else { Finding::warning };
        findings.push(finding(
            Rule::CorsOnTheWay,
            &item.place(),
            "/api/glance is the dashboard's own REST API; passing it to Glance breaks the dashboard's image pages",
            "remove the ProxyPass; browsers reach Glance at its own public URL",
        ));
    }
    findings
}
