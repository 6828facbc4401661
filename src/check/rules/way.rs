//! DU012, DU020: what stands before Glance leaves preflights and their answers alone.

use regex::Regex;

use crate::check::classify::Kind;
use crate::check::facts::{Cloud, Item, Server};
use crate::check::finding::{Finding, Place};
use crate::check::read::directives::Directive;
use crate::check::rule::{Rule, Severity};
use crate::check::unit::Service;

const ALLOW_ORIGIN: &str = "access-control-allow-origin";
const LEAVE: &str = "remove it: Glance's own [cors] answers the browser";

/// DU012: nobody but Glance writes CORS headers.
pub fn cors(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for server in &cloud.servers {
        match (server.service, server.kind) {
            (_, Kind::Haproxy) => {}
            (Service::Glance, Kind::Nginx) => findings.extend(nginx_cors(server)),
            (Service::Glance, _) => findings.extend(httpd_cors(cloud, server)),
            (Service::Horizon, _) => findings.extend(horizons_own(server)),
        }
    }
    unless_it_stands_in(cloud, findings)
}

/// Whether a server before Glance writes CORS headers and Glance, which is seen whole, none: then it
/// stands in for Glance's filter, which can work.
pub fn stands_in(cloud: &Cloud<'_>) -> bool {
    let writes = |item: &Item<'_>| match item.directive.name.as_str() {
        "header" => header(item, ALLOW_ORIGIN).is_some_and(|(_, action, _)| action != "unset"),
        "add_header" => item.directive.word() == ALLOW_ORIGIN,
        _ => super::haproxy::response_header(item, ALLOW_ORIGIN).is_some_and(|(action, _)| action != "del-header"),
    };
    let mut servers = cloud.servers.iter().filter(|s| s.service == Service::Glance);
    let silent = cloud.glances.iter().all(|g| g.is_whole() && g.cors_in_effect("allowed_origin").is_none());
    silent && !cloud.glances.is_empty() && servers.any(|server| server.items.iter().any(writes))
}

/// A server that stands in for Glance's filter may work: what would be wrong elsewhere is unwise here.
pub fn unless_it_stands_in(cloud: &Cloud<'_>, mut findings: Vec<Finding>) -> Vec<Finding> {
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
fn header<'a>(item: &'a Item<'_>, name: &str) -> Option<(bool, String, &'a str)> {
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
    item: &Item<'_>,
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
    let hidden = |item: &Item<'_>| {
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
        let answers = item.within.iter().any(is_options);
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

/// `if ($request_method = OPTIONS)`, and what else is surely true of a preflight.
fn is_options(block: &Directive) -> bool {
    let text = block.text();
    let test = text.trim().trim_start_matches('(').strip_suffix(')').unwrap_or_default();
    let mut words = test.trim().splitn(3, char::is_whitespace);
    let (Some("$request_method"), Some(operator), Some(pattern)) = (words.next(), words.next(), words.next()) else {
        return false;
    };
    let pattern = pattern.trim();
    let matches = |pattern: &str| Regex::new(pattern).is_ok_and(|regex| regex.is_match("OPTIONS"));
    block.name == "if"
        && match operator {
            "=" => pattern == "OPTIONS",
            "!=" => pattern != "OPTIONS",
            "~" => matches(pattern),
            "~*" => matches(&format!("(?i){pattern}")),
            "!~" => !matches(pattern),
            "!~*" => !matches(&format!("(?i){pattern}")),
            _ => false,
        }
}

/// What older guides put before Horizon.
fn horizons_own(server: &Server<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let sets = |item: &&Item<'_>| match item.directive.name.as_str() {
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
    let proxied = |item: &&Item<'_>| {
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

/// DU020: OPTIONS without a token reaches Glance.
pub fn options(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for server in cloud.servers.iter().filter(|s| s.service == Service::Glance) {
        findings.extend(server.items.iter().filter_map(|item| login(server, item)));
        findings.extend(rewritten(server));
        findings.extend(server.items.iter().filter_map(|item| answered(server, item)));
    }
    unless_it_stands_in(cloud, findings)
}

const PASS: &str = "let OPTIONS pass without a login, e.g. <LimitExcept OPTIONS> around the Require, or Require method OPTIONS beside it";

fn filtered(place: &Place, found: String) -> Finding {
    Finding::error(Rule::OptionsFiltered, place, found, PASS)
}

/// A login or a list of methods that OPTIONS is not exempt from.
fn login(server: &Server<'_>, item: &Item<'_>) -> Option<Finding> {
    let word = item.directive.word();
    let around = |name: &str, has: bool| {
        item.within.iter().any(|s| s.name == name && s.args.iter().any(|a| a.eq_ignore_ascii_case("OPTIONS")) == has)
    };
    match item.directive.name.as_str() {
        "require" if !around("limitexcept", true) => {
            let limited = item.within.iter().any(|s| s.name == "limit");
            if limited && !around("limit", true) {
                return None;
            }
            let asks = matches!(
                word.as_str(),
                "valid-user" | "user" | "group" | "ldap-user" | "ldap-group" | "claim" | "shibboleth"
            ) || word.starts_with("mellon");
            let denies = item.directive.text().eq_ignore_ascii_case("all denied")
                && (around("limitexcept", false) || around("limit", true));
            let exempt = server.of_name("require").any(|i| {
                i.directive.word() == "method" && i.directive.args.iter().any(|a| a.eq_ignore_ascii_case("OPTIONS"))
            });
            ((asks && !exempt) || denies).then(|| {
                filtered(
                    &item.place(),
                    format!("Require {} also holds for OPTIONS, which carries no credentials", item.directive.text()),
                )
            })
        }
        "deny" if item.directive.text().eq_ignore_ascii_case("from all") || word == "all" => {
            let refused = around("limitexcept", false) || around("limit_except", false) || around("limit", true);
            refused.then(|| filtered(&item.place(), "OPTIONS is not among the methods that are let through".into()))
        }
        "allowmethods" if word != "reset" => {
            let listed = item.directive.args.iter().any(|method| method.eq_ignore_ascii_case("OPTIONS"));
            (!listed).then(|| {
                let found = format!("AllowMethods {} lets no OPTIONS through", item.directive.text());
                Finding::error(Rule::OptionsFiltered, &item.place(), found, "add OPTIONS to it")
            })
        }
        "auth_basic" | "auth_request" if word != "off" => {
            server.last(&item.directive.name).filter(|last| last.directive.word() != "off").map(|_| {
                filtered(
                    &item.place(),
                    format!("{} also holds for OPTIONS, which carries no credentials", item.directive.name),
                )
            })
        }
        _ => None,
    }
}

/// A `RewriteCond` on the method and the rule behind it.
fn rewritten(server: &Server<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut conditions: Vec<&Item<'_>> = Vec::new();
    for item in &server.items {
        match item.directive.name.as_str() {
            "rewritecond" => conditions.push(item),
            "rewriterule" => {
                let taken = std::mem::take(&mut conditions);
                let about = taken.iter().any(|c| c.directive.word() == "%{request_method}");
                if about && taken.iter().all(|c| holds_for_options(c)) && answers(item) {
                    let found = format!("RewriteRule {} ends OPTIONS before Glance sees it", item.directive.text());
                    let place = item.place();
                    findings.push(Finding::error(
                        Rule::OptionsFiltered,
                        &place,
                        found,
                        "add OPTIONS to the methods that are let through",
                    ));
                }
            }
            _ => {}
        }
    }
    findings
}

/// Whether a condition is surely true of a preflight.
fn holds_for_options(condition: &Item<'_>) -> bool {
    let pattern = condition.directive.arg(1).unwrap_or_default();
    let (negated, pattern) = match pattern.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let nocase = condition.directive.arg(2).is_some_and(|flags| flags.contains("NC"));
    let pattern = if nocase { format!("(?i){pattern}") } else { pattern.to_owned() };
    let equals = pattern.strip_prefix('=').map(|text| text == "OPTIONS");
    let matches = equals.or_else(|| Regex::new(&pattern).ok().map(|regex| regex.is_match("OPTIONS")));
    condition.directive.word() == "%{request_method}" && matches.is_some_and(|matches| matches != negated)
}

/// Whether a rule for this path ends the request with a status.
fn answers(rule: &Item<'_>) -> bool {
    let path = Regex::new(rule.directive.arg(0).unwrap_or_default()).is_ok_and(|r| r.is_match("/v2/images/x/file"));
    let flags = rule.directive.arg(2).unwrap_or_default().trim_matches(['[', ']']).to_uppercase();
    path && flags.split(',').map(str::trim).any(|f| f == "F" || f == "G" || f.starts_with("R="))
}

/// nginx: `if ($request_method = OPTIONS) { return 204; }`. One that grants the upload itself is DU012's.
fn answered(server: &Server<'_>, item: &Item<'_>) -> Option<Finding> {
    let ends = item.directive.name == "return" && item.within.iter().any(is_options);
    let beside = || server.of_name("add_header").filter(|other| other.within == item.within);
    let token = |i: &Item<'_>| i.directive.text().to_ascii_lowercase().contains("x-auth-token");
    let grants = beside().any(|i| i.directive.word() == ALLOW_ORIGIN) && beside().any(token);
    (ends && !grants).then(|| {
        let found = format!("return {} answers OPTIONS in Glance's place", item.directive.text());
        Finding::error(
            Rule::OptionsFiltered,
            &item.place(),
            found,
            "remove the if block: Glance answers preflights itself",
        )
    })
}
