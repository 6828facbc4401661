//! DU012: what a server makes of the lists in Glance's answer to a preflight, which methods and headers it allows.
//!
//! Browsers join the lists of several headers of one name (Fetch standard, extract header list values), so only what
//! removes Glance's own list, or replaces it, can take something away.

use direct_upload_api::{Rule, Severity};
use direct_upload_core::openstack::cors_request::{CorsRequest, KnownText};

use super::proxy_headers::{LEAVE, unless_it_stands_in};
use super::refused::{haproxy, nginx};
use crate::classify::Kind;
use crate::facts::browser::Sent;
use crate::facts::cloud::Cloud;
use crate::facts::glance::GlanceFacts;
use crate::facts::server::{ScopedDirective, Server};
use crate::facts::uwsgi::{self, Routed};
use crate::facts::uwsgi_options::UwsgiOption;
use crate::finding::Finding;
use crate::unit::Program;
use direct_upload_core::openstack::needed::{ALLOW_ORIGIN, LISTS, lacks};

/// All of them.
pub(crate) fn lists(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for server in cloud.servers.iter().filter(|server| server.service == Program::Glance) {
        // A page of the same origin sends no preflight.
        if cloud.glances.iter().filter(|g| g.unit.scope == server.scope).any(|g| cloud.is_same_origin(g.unit)) {
            continue;
        }
        for (name, needed) in LISTS {
            let lacks = |sent: &Sent| match server.kind {
                Kind::Nginx => of_nginx(server, name, needed, sent),
                Kind::Haproxy => of_haproxy(server, name, needed, sent),
                _ => None,
            };
            let all = Sent::all(cloud, server, CorsRequest::Preflight, None);
            let lacking: Vec<_> = all.iter().filter_map(lacks).collect();
            if let Some((item, lacks)) = lacking.first().filter(|_| lacking.len() == all.len()) {
                let written = format!("{} {}", item.directive.written, item.directive.text());
                let found = format!("{written}: Glance's list never reaches the browser, and {lacks} is not allowed");
                findings.push(Finding::error(Rule::CorsOnTheWay, &item.place(), found, LEAVE));
            }
        }
    }
    unless_it_stands_in(cloud, findings)
}

/// DU012: uWSGI, in which Glance runs, adds the grant to each answer once more, or removes it.
pub(crate) fn added_by_uwsgi(cloud: &Cloud<'_>) -> Vec<Finding> {
    let of_one = |glance: &GlanceFacts<'_>| {
        let own = glance.uwsgi()?;
        let is_removed = |own: &&UwsgiOption| {
            own.name == "del-header" && own.value.trim().trim_end_matches(':').eq_ignore_ascii_case(ALLOW_ORIGIN)
        };
        if let Some(removed) = own.options.iter().find(is_removed) {
            let found = format!("del-header = {}: Glance's answer never reaches the browser", removed.value.trim());
            return Some(Finding::error(Rule::CorsOnTheWay, &removed.place, found, LEAVE));
        }
        let is_added = |own: &&UwsgiOption| {
            own.name == "add-header" && own.value.trim().to_lowercase().starts_with(&format!("{ALLOW_ORIGIN}:"))
        };
        let by_route = || CorsRequest::BOTH.into_iter().find_map(|request| uwsgi::adds_grant(&own, request));
        let added = own.options.iter().find(is_added).or_else(by_route)?;
        let found = format!(
            "{} = {}: a second value in addition to Glance's own; browsers accept only one",
            added.name,
            added.value.trim()
        );
        Some(Finding::error(Rule::CorsOnTheWay, &added.place, found, LEAVE))
    };
    unless_it_stands_in(cloud, cloud.glances.iter().filter_map(of_one).collect())
}

/// DU020: uWSGI, in which Glance runs, answers a request by its own routes.
pub(crate) fn routes(cloud: &Cloud<'_>) -> Vec<Finding> {
    let of_one = |(at, glance): (usize, &GlanceFacts<'_>)| {
        let own = glance.uwsgi()?;
        // A page of the same origin sends no preflight.
        let same = cloud.is_same_origin(glance.unit);
        let sent = CorsRequest::BOTH.into_iter().filter(|request| !same || *request == CorsRequest::Upload);
        let (request, route) = sent.into_iter().find_map(|request| match uwsgi::routed(&own, request) {
            Routed::Ends(route) => Some((request, route)),
            Routed::Passes | Routed::Unknown(_) => None,
        })?;
        let found = format!("{} = {}: uWSGI answers {} itself", route.name, route.value.trim(), request.method());
        let severity = if same { Severity::Error } else { super::refused(cloud, at) };
        Some(Finding::new(
            Rule::OptionsFiltered,
            severity,
            &route.place,
            found,
            "remove it: Glance must see OPTIONS and PUT",
        ))
    };
    unless_it_stands_in(cloud, cloud.glances.iter().enumerate().filter_map(of_one).collect())
}

type Lacking<'s, 'a> = Option<(&'s ScopedDirective<'a>, String)>;

/// `proxy_hide_header`, with what `add_header` writes instead.
fn of_nginx<'s, 'a>(server: &'s Server<'a>, name: &str, needed: &[&str], sent: &Sent) -> Lacking<'s, 'a> {
    let hides = |item: &&ScopedDirective<'_>| {
        matches!(item.directive.name.as_str(), "proxy_hide_header" | "uwsgi_hide_header")
            && item.directive.word() == name
    };
    let hidden = server.items.iter().find(hides)?;
    // nginx itself answers: DU012 or DU020 judges that answer.
    if nginx::ends(server, sent).is_some() || nginx::answers(server, sent) {
        return None;
    }
    let mut listed = Vec::new();
    for item in server.of_name("add_header").filter(|item| item.directive.word() == name) {
        match nginx::added(server, item, sent) {
            KnownText::Missing => {}
            KnownText::Is(text) => listed.push(text),
            KnownText::Filled | KnownText::Unknown => return None,
        }
    }
    let lacks = lacks(&listed.join(","), needed);
    (!lacks.is_empty()).then(|| (hidden, lacks.join(", ")))
}

/// `http-response`, in the order of HAProxy: first the backend's rules, then the frontend's
/// (http_process_res_common in src/http_ana.c).
fn of_haproxy<'s, 'a>(server: &'s Server<'a>, name: &str, needed: &[&str], sent: &Sent) -> Lacking<'s, 'a> {
    if haproxy::ends(server, sent).is_some() {
        return None;
    }
    let is_front = |item: &&ScopedDirective<'_>| item.within.iter().any(|section| section.name == "frontend");
    let (front, back): (Vec<_>, Vec<_>) = server.items.iter().partition(is_front);
    let mut listed: Option<(&ScopedDirective<'_>, Vec<String>)> = None;
    for item in back.into_iter().chain(front) {
        let Some((action, value)) = super::haproxy_header::response_header(item, name) else { continue };
        match haproxy::acl::condition(server, item, sent) {
            Some(false) => continue,
            Some(true) => {}
            // Perhaps Glance's list stays.
            None => return None,
        }
        let value = if action.starts_with("replace-") { item.directive.arg(3).unwrap_or_default() } else { value };
        if value.contains('%') || value.contains('\\') {
            return None;
        }
        match action {
            "del-header" => listed = Some((item, Vec::new())),
            "set-header" => listed = Some((item, vec![value.to_owned()])),
            "add-header" => {
                if let Some((_, values)) = &mut listed {
                    values.push(value.to_owned());
                }
            }
            "replace-header" | "replace-value"
                if matches!(item.directive.arg(2), Some(".*" | "^.*$" | ".+" | "^.+$")) =>
            {
                let replaced = listed.as_ref().is_none_or(|(_, values)| !values.is_empty());
                if replaced {
                    listed = Some((item, vec![value.to_owned()]));
                }
            }
            _ => return None,
        }
    }
    let (item, values) = listed?;
    let lacks = lacks(&values.join(","), needed);
    (!lacks.is_empty()).then(|| (item, lacks.join(", ")))
}
