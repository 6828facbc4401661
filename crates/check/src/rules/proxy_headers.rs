//! DU012: what stands before Glance leaves its answers alone.

use direct_upload_api::{Rule, Severity};

use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::Finding;
use crate::unit::Program;

pub const ALLOW_ORIGIN: &str = "access-control-allow-origin";

pub(crate) const LEAVE: &str = "remove it: Glance's own [cors] answers the browser";

/// DU012: nobody but Glance writes CORS headers.
pub fn cors(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for server in &cloud.servers {
        match (server.service, server.kind) {
            (_, Kind::Haproxy) => {}
            (Program::Glance, Kind::Nginx) => findings.extend(nginx_cors(server)),
            (Program::Glance, _) => findings.extend(httpd_cors(cloud, server)),
            (Program::Horizon, _) => findings.extend(horizons_own(server)),
        }
    }
    unless_it_stands_in(cloud, findings)
}

/// Whether a server before Glance writes CORS headers and Glance, which is seen whole, none: then it
/// stands in for Glance's filter, which can work.
pub(crate) fn stands_in(cloud: &Cloud<'_>) -> bool {
    let writes = |item: &ScopedDirective<'_>| match item.directive.name.as_str() {
        "header" => header(item, ALLOW_ORIGIN).is_some_and(|(_, action, _)| action != "unset"),
        "add_header" => item.directive.word() == ALLOW_ORIGIN,
        _ => super::haproxy::response_header(item, ALLOW_ORIGIN).is_some_and(|(action, _)| action != "del-header"),
    };
    let mut servers = cloud.servers.iter().filter(|s| s.service == Program::Glance);
    let silent = cloud.glances.iter().all(|g| g.is_whole() && g.cors_in_effect("allowed_origin").is_none());
    silent && !cloud.glances.is_empty() && servers.any(|server| server.items.iter().any(writes))
}

/// A server that stands in for Glance's filter may work: what would be wrong elsewhere is unwise here.
pub(crate) fn unless_it_stands_in(cloud: &Cloud<'_>, mut findings: Vec<Finding>) -> Vec<Finding> {
    if stands_in(cloud) {
        for finding in findings.iter_mut().filter(|f| f.severity == Severity::Error) {
            finding.severity = Severity::Warning;
            finding.found.push_str(
                " (Glance has no [cors]: this server answers browsers in its place, for every dashboard alike)",
            );
        }
    }
    findings
}

/// Action and value of a `Header` directive for one response header.
fn header<'a>(item: &'a ScopedDirective<'_>, name: &str) -> Option<(bool, String, &'a str)> {
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
    let adds = matches!(action, "add" | "append" | "merge") || (always && action == "set");
    if adds && !unset {
        let found = format!("{written}: a second value beside Glance's own; browsers accept only one");
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
    let other = cloud
        .dashboards_near(&server.scope)
        .find(|d| !value.contains(['*', '%', '$']) && !value.contains(&format!("://{}", d.host)));
    let found = match other {
        Some(d) => format!("{written} replaces Glance's answer, and is not where the dashboard is ({})", d.host),
        None => format!("{written} replaces Glance's answer by one fixed value for every dashboard"),
    };
    let finding = if other.is_some() { Finding::error } else { Finding::warning };
    Some(finding(Rule::CorsOnTheWay, &place, found, LEAVE))
}

fn nginx_cors(server: &Server<'_>) -> Vec<Finding> {
    let hidden = |item: &ScopedDirective<'_>| {
        matches!(item.directive.name.as_str(), "proxy_hide_header" | "uwsgi_hide_header")
            && item.directive.word() == ALLOW_ORIGIN
    };
    let is_hidden = server.items.iter().any(hidden);
    let mut findings = Vec::new();
    for item in server.of_name("more_set_headers") {
        if item.directive.args.iter().any(|a| a.to_ascii_lowercase().starts_with(ALLOW_ORIGIN)) {
            let found = format!(
                "more_set_headers {} replaces Glance's answer by one fixed value for every dashboard",
                item.directive.text()
            );
            findings.push(Finding::warning(Rule::CorsOnTheWay, &item.place(), found, LEAVE));
        }
    }
    for item in server.of_name("add_header").filter(|item| item.directive.word() == ALLOW_ORIGIN) {
        let written = format!("add_header {}", item.directive.text());
        let answers = item.within.iter().any(super::options::is_options);
        if answers || is_hidden {
            let found = format!(
                "{written}: nginx answers the browser in Glance's place, and must be kept in step with every dashboard"
            );
            findings.push(Finding::warning(Rule::CorsOnTheWay, &item.place(), found, LEAVE));
        } else {
            let found = format!("{written}: a second value beside Glance's own; browsers accept only one");
            findings.push(Finding::error(Rule::CorsOnTheWay, &item.place(), found, LEAVE));
        }
    }
    findings
}

/// What older guides put before Horizon.
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
