//! DU012: nothing in front of Glance may change its answers.

use direct_upload_api::{Rule, Severity};

use super::options::method_is;
use crate::classify::Kind;
use crate::facts::cloud::{Cloud, ExposedDashboard};
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::Finding;
use crate::formats::directives::Directive;
use crate::unit::Program;

pub const ALLOW_ORIGIN: &str = "access-control-allow-origin";

const ALLOW_HEADERS: &str = "access-control-allow-headers";

pub(crate) const LEAVE: &str = "remove it: Glance's own [cors] answers the browser";

/// The same, if nginx answers OPTIONS.
const NO_IF: &str = "remove the if block: Glance's own [cors] answers preflights";

/// DU012: only Glance may write CORS headers.
pub fn cors(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for server in &cloud.servers {
        match (server.service, server.kind) {
            (_, Kind::Haproxy) => {}
            (Program::Glance, Kind::Nginx) => findings.extend(nginx_cors(cloud, server)),
            (Program::Glance, _) => findings.extend(httpd_cors(cloud, server)),
            (Program::Horizon, _) => findings.extend(horizons_own(server)),
        }
    }
    unless_it_stands_in(cloud, findings)
}

/// Whether a server in front of Glance writes CORS headers, and Glance, which is completely seen, writes
/// none. The server then replaces Glance's filter, which can work if it also allows the request's headers.
pub(crate) fn stands_in(cloud: &Cloud<'_>) -> bool {
    let writes = |item: &ScopedDirective<'_>| match item.directive.name.as_str() {
        "header" => header(item, ALLOW_ORIGIN).is_some_and(|(_, action, _)| action != "unset"),
        "add_header" => item.directive.word() == ALLOW_ORIGIN,
        _ => super::haproxy::response_header(item, ALLOW_ORIGIN).is_some_and(|(action, _)| action != "del-header"),
    };
    let allows_headers =
        |item: &ScopedDirective<'_>| item.directive.text().to_ascii_lowercase().contains(ALLOW_HEADERS);
    let mut servers = cloud.servers.iter().filter(|s| s.service == Program::Glance);
    let silent = cloud.glances.iter().all(|g| g.is_whole() && g.cors_in_effect("allowed_origin").is_none());
    let answers = |server: &Server<'_>| server.items.iter().any(writes) && server.items.iter().any(allows_headers);
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
        if let Some((always, action, value)) = header(item, ALLOW_ORIGIN) {
            findings.extend(allow_origin(cloud, server, item, always, &action, value, unset));
        }
        for (name, needed) in
            [("access-control-allow-headers", "x-auth-token"), ("access-control-allow-methods", "put")]
        {
            let Some((false, action, value)) = header(item, name) else { continue };
            let listed = value.split(',').any(|v| v.trim() == "*" || v.trim().eq_ignore_ascii_case(needed));
            if action == "unset" || (action == "set" && !listed) {
                let found = format!("Header {} replaces Glance's list by one without {needed}", item.directive.text());
                findings.push(Finding::error(Rule::CorsOnTheWay, &item.place(), found, LEAVE));
            }
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

fn nginx_cors(cloud: &Cloud<'_>, server: &Server<'_>) -> Vec<Finding> {
    let hidden = |item: &ScopedDirective<'_>| {
        matches!(item.directive.name.as_str(), "proxy_hide_header" | "uwsgi_hide_header")
            && item.directive.word() == ALLOW_ORIGIN
    };
    let is_hidden = server.items.iter().any(hidden);
    let mut findings = Vec::new();
    let writes = |item: &ScopedDirective<'_>| {
        let name = item.directive.name.as_str();
        (name == "add_header" && item.directive.word() == ALLOW_ORIGIN) || name == "more_set_headers"
    };
    if let Some(item) = server.items.iter().find(|item| hidden(item)).filter(|_| !server.items.iter().any(writes)) {
        let found =
            format!("{} {}: Glance's answer never reaches the browser", item.directive.name, item.directive.text());
        findings.push(Finding::error(Rule::CorsOnTheWay, &item.place(), found, LEAVE));
    }
    for item in server.of_name("more_set_headers") {
        let sets = |a: &&String| a.to_ascii_lowercase().starts_with(ALLOW_ORIGIN);
        let Some(value) = item.directive.args.iter().find(sets).and_then(|a| a.split_once(':')) else { continue };
        let value = value.1.trim();
        let other = cloud
            .dashboards_near(&server.scope)
            .find(|d| !value.contains(['*', '$']) && !value.contains(&format!("://{}", d.host)));
        let written = format!("more_set_headers {}", item.directive.text());
        findings.push(if let Some(d) = other {
            let found =
                format!("{written} replaces Glance's answer with an origin that is not the dashboard's ({})", d.host);
            Finding::error(Rule::CorsOnTheWay, &item.place(), found, LEAVE)
        } else {
            let found = format!("{written} replaces Glance's answer by one fixed value for every dashboard");
            Finding::warning(Rule::CorsOnTheWay, &item.place(), found, LEAVE)
        });
    }
    for item in server.of_name("more_clear_headers") {
        if item.directive.args.iter().any(|a| a.eq_ignore_ascii_case(ALLOW_ORIGIN)) {
            let found = "more_clear_headers Access-Control-Allow-Origin: Glance's answer never reaches the browser";
            findings.push(Finding::error(Rule::CorsOnTheWay, &item.place(), found, LEAVE));
        }
    }
    // `if ($request_method = GET)` does not apply to an upload.
    let is_met = |item: &&ScopedDirective<'_>| {
        let never = |block: &Directive| ["OPTIONS", "PUT"].iter().all(|m| method_is(block, m) == Some(false));
        !item.within.iter().any(never)
    };
    for item in server.of_name("add_header").filter(|item| item.directive.word() == ALLOW_ORIGIN).filter(is_met) {
        let written = format!("add_header {}", item.directive.text());
        let answers = item.within.iter().any(super::options::is_options);
        let lacks = if answers { answer_lacks(cloud, server, item) } else { Vec::new() };
        let refuses = !lacks.is_empty();
        let fix = if answers { NO_IF } else { LEAVE };
        if refuses {
            let found = format!("{written}: nginx answers preflights instead of Glance, without {}", lacks.join(", "));
            findings.push(Finding::error(Rule::CorsOnTheWay, &item.place(), found, fix));
        } else if answers || is_hidden {
            let found = format!(
                "{written}: nginx answers the browser instead of Glance, and must be updated for every dashboard"
            );
            findings.push(Finding::warning(Rule::CorsOnTheWay, &item.place(), found, fix));
        } else {
            let found = format!("{written}: a second value in addition to Glance's own; browsers accept only one");
            findings.push(Finding::error(Rule::CorsOnTheWay, &item.place(), found, LEAVE));
        }
    }
    findings
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
    let mut lacks = Vec::new();
    if origin != "*" && !computed(origin) {
        let missed = cloud.dashboards_near(scope).find(|d| !origin.contains(&format!("://{}", d.host)));
        lacks.extend(missed.map(|d| d.origin.as_ref().map_or_else(|| d.host.clone(), ToString::to_string)));
    }
    let lists = [("access-control-allow-headers", "X-Auth-Token"), ("access-control-allow-methods", "PUT")];
    for (name, needed) in lists {
        let listed = value(name).unwrap_or_default();
        let has = listed.split(',').map(str::trim).any(|item| item == "*" || item.eq_ignore_ascii_case(needed));
        if !has && !computed(listed) {
            lacks.push(needed.to_owned());
        }
    }
    lacks
}

/// What older guides put in front of Horizon.
fn horizons_own(server: &Server<'_>) -> Vec<Finding> {
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
        findings.push(Finding::warning(
            Rule::CorsOnTheWay,
            &item.place(),
            "/api/glance is the dashboard's own REST API; passing it to Glance breaks the dashboard's image pages",
            "remove the ProxyPass; browsers reach Glance at its own public URL",
        ));
    }
    findings
}
