//! DU012, DU015 for HAProxy in front of Glance.

use direct_upload_api::Rule;
use direct_upload_core::derive::exposure_issue::quantity;
use direct_upload_core::openstack::cors_request::CorsRequest;

use super::expanded::expanded;
use super::haproxy_header::response_header;
use super::proxy_headers::{LEAVE, is_written_anew, unless_it_stands_in};
use super::refused::applies::{Applies, applies};
use crate::classify::Kind;
use crate::facts::cloud::{Cloud, ExposedDashboard};
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::Finding;
use crate::unit::Program;
use direct_upload_core::openstack::needed::ALLOW_ORIGIN;
use regex::Regex;

/// A shorter allowed silence ends uploads while Glance stores their end. Deployment tools write 50 s by
/// default, and that works.
const USUAL: u64 = 50_000;

/// All rules for HAProxy.
pub fn haproxy(cloud: &Cloud<'_>) -> Vec<Finding> {
    let before_glance = |s: &&Server<'_>| s.kind == Kind::Haproxy && s.service == Program::Glance;
    let mut findings = Vec::new();
    for server in cloud.servers.iter().filter(before_glance) {
        findings.extend(timeouts(server));
        // Below HTTP, requests are not inspected.
        if server.last("mode").is_none_or(|item| item.directive.word() != "tcp") {
            findings.extend(rewritten(cloud, server).into_iter().filter(|_| !is_written_anew(cloud, server)));
            findings.extend(buffered(server));
        }
    }
    unless_it_stands_in(cloud, findings)
}

/// DU012: Glance's header.
fn rewritten(cloud: &Cloud<'_>, server: &Server<'_>) -> Vec<Finding> {
    let counts = |item: &ScopedDirective<'_>| {
        matches!(applies(cloud, server, item, &CorsRequest::BOTH), Applies::Always | Applies::Sometimes)
    };
    let actions: Vec<_> = server
        .items
        .iter()
        .filter_map(|item| Some((item, response_header(item, ALLOW_ORIGIN)?)))
        .filter(|(item, _)| counts(item))
        .collect();
    let deleted = actions.iter().any(|(_, (action, _))| *action == "del-header");
    let written_anew = actions.iter().any(|(_, (action, _))| *action != "del-header");
    let of_one = |(item, (action, value)): &(&ScopedDirective<'_>, (&str, &str))| {
        if keeps(item, action, value) {
            return None;
        }
        let written = format!("{} {}", item.directive.name, item.directive.text());
        let value = if matches!(*action, "replace-header" | "replace-value") {
            replaced(cloud, server, item)?
        } else {
            (*value).to_owned()
        };
        let other = cloud.dashboards_near(&server.scope).find(|d| !value.contains(['*', '%']) && !is_of(&value, d));
        let (fails, what) = match *action {
            "add-header" if !deleted => {
                (true, "a second value in addition to Glance's own; browsers accept only one".into())
            }
            "del-header" if written_anew => return None,
            "del-header" => (true, "Glance's answer never reaches the browser".into()),
            _ => match other {
                Some(d) => {
                    (true, format!("replaces Glance's answer with an origin that is not the dashboard's ({})", d.host))
                }
                None => (false, "replaces Glance's answer by one value for every dashboard".into()),
            },
        };
        let finding = if fails { Finding::error } else { Finding::warning };
        // Either alone would leave no value, or two.
        let fix = if deleted && written_anew {
            "remove it and the del-header rule: Glance's own [cors] answers the browser"
        } else {
            LEAVE
        };
        Some(finding(Rule::CorsOnTheWay, &item.place(), format!("{written}: {what}"), fix))
    };
    actions.iter().filter_map(of_one).collect()
}

/// Whether a value is the origin of a dashboard, on any port if its own is not known.
fn is_of(value: &str, dashboard: &ExposedDashboard) -> bool {
    let rest = value.split("://").nth(1).and_then(|rest| rest.strip_prefix(dashboard.host.as_str()));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', ' ', ',']))
}

/// `replace-header NAME PATTERN TEXT`: the new value, if it replaces the origin of a dashboard (a value that matches is
/// replaced as a whole; `replace-value` does so with each value between commas, and Glance writes one). `%`, if the new
/// value is not known.
fn replaced(cloud: &Cloud<'_>, server: &Server<'_>, item: &ScopedDirective<'_>) -> Option<String> {
    let unknown = || Some("%".to_owned());
    let (Some(pattern), Some(text)) = (item.directive.arg(2), item.directive.arg(3)) else { return unknown() };
    let Ok(pattern) = Regex::new(pattern) else { return unknown() };
    let page =
        |d: &ExposedDashboard| d.origin.as_ref().map_or_else(|| format!("https://{}", d.host), ToString::to_string);
    let mut pages: Vec<String> = cloud.dashboards_near(&server.scope).map(page).collect();
    if pages.is_empty() {
        pages.push("https://dashboard.example".to_owned());
    }
    let (page, groups) = pages.iter().find_map(|page| Some((page, pattern.captures(page)?)))?;
    match expanded(text, '\\', &groups) {
        Some(new) if new == *page => None,
        Some(new) => Some(new),
        None => unknown(),
    }
}

/// Whether a rule writes what Glance wrote, or only where Glance wrote nothing.
pub(super) fn keeps(item: &ScopedDirective<'_>, action: &str, value: &str) -> bool {
    let own = format!("res.hdr({ALLOW_ORIGIN})");
    let text = item.directive.text().to_lowercase();
    let condition = text.split_once(" unless ").or_else(|| text.split_once(" if !"));
    let without = condition.is_some_and(|(_, rest)| rest.contains(&own) && rest.contains("-m found"));
    (action == "set-header" && value.to_lowercase().contains(&own)) || (action != "del-header" && without)
}

/// DU015: the time for a request's headers also applies to its body, if HAProxy waits for it.
fn buffered(server: &Server<'_>) -> Option<Finding> {
    let option =
        server.of_name("option").filter(|item| item.directive.text().contains("http-buffer-request")).last()?;
    // `no option …` is read as another name.
    let found = "option http-buffer-request: HAProxy waits for the body, within timeout http-request, before it passes anything on";
    Some(Finding::warning(
        Rule::TooSlow,
        &option.place(),
        found,
        "remove option http-buffer-request in front of Glance",
    ))
}

/// DU015: how long HAProxy waits in silence.
fn timeouts(server: &Server<'_>) -> Vec<Finding> {
    let of_end = |end: &str| {
        let item = server.of_name("timeout").filter(|item| item.directive.arg(0) == Some(end)).last()?;
        let time = item.directive.arg(1)?;
        (1..USUAL).contains(&quantity::milliseconds(time, 1)?).then(|| {
            let fix = format!("timeout {end} 1h");
            // Measured with HAProxy 2.6: the client's timeout does not end a body that stalls, the server's does.
            if end == "client" {
                let found = format!(
                    "timeout client {time}: some HAProxy releases cut a browser that pauses for this time, others do not"
                );
                return Finding::note(Rule::TooSlow, &item.place(), found, fix);
            }
            let found = format!(
                "timeout server {time}: a pause of this length breaks the upload, for example while Glance stores the last part"
            );
            Finding::warning(Rule::TooSlow, &item.place(), found, fix)
        })
    };
    ["client", "server"].into_iter().filter_map(of_end).collect()
}
