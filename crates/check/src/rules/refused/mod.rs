//! DU012, DU014, DU020: what ends a request of an upload before Glance sees it.
//!
//! Each server has its own words for conditions: [`nginx`], [`httpd`] (with its authorization, [`access`]) and
//! [`haproxy`]. Each asks them of the requests that browsers send ([`Sent`]): what a condition is for a request is
//! true, false or not known. Only what certainly ends a request is reported: for each browser and dashboard it is an
//! error, for some of them a warning.

mod access;
pub(super) mod applies;
mod expression;
pub(super) mod haproxy;
mod httpd;
pub(super) mod nginx;

pub(crate) use access::is_login;
use direct_upload_api::{Rule, Severity};
use direct_upload_core::openstack::cors_request::CorsRequest;

use self::haproxy::choice::Choice;
use super::proxy_headers::{LEAVE, grant_lacks, header, stands_in, unless_it_stands_in};
use crate::classify::Kind;
use crate::facts::addressed;
use crate::facts::browser::{COMMON, LARGE, Sent};
use crate::facts::cloud::Cloud;
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::Finding;
use crate::formats::directives::Directive;
use crate::unit::Program;
use direct_upload_core::openstack::needed::ALLOW_ORIGIN;

/// All of them.
pub(crate) fn refused(cloud: &Cloud<'_>) -> Vec<Finding> {
    let before_glance = cloud.servers.iter().filter(|server| server.service == Program::Glance);
    unless_it_stands_in(cloud, before_glance.flat_map(|server| of_server(cloud, server)).collect())
}

fn of_server(cloud: &Cloud<'_>, server: &Server<'_>) -> Vec<Finding> {
    // A page of the same origin sends no preflight.
    let same = cloud.glances.iter().filter(|g| g.unit.scope == server.scope).any(|g| cloud.is_same_origin(g.unit));
    let mut findings = Vec::new();
    let mut before: Option<Met<'_, '_>> = None;
    let mut refuses_uploads = false;
    for request in CorsRequest::BOTH.into_iter().filter(|request| !same || *request == CorsRequest::Upload) {
        let Some(met) = met(cloud, server, request, None) else { continue };
        // One directive that ends both gives one finding, the worse one.
        let told_before = |own: &Met<'_, '_>| std::ptr::eq(own.item, met.item) && (own.every || !met.every);
        if !before.as_ref().is_some_and(told_before) {
            findings.push(told(cloud, server, &met));
        }
        refuses_uploads = met.every && request == CorsRequest::Upload;
        before = Some(met);
    }
    if !refuses_uploads {
        findings.extend(by_length(cloud, server));
    }
    findings
}

/// Rules in front of Glance that end a request of an upload under a condition whose value the input does not show.
pub(crate) fn open(cloud: &Cloud<'_>) -> Vec<String> {
    let before_glance = cloud.servers.iter().filter(|server| server.service == Program::Glance);
    let of_request = |server: &Server<'_>, request| {
        let sent = Sent::all(cloud, server, request, None);
        let may_end = |sent: &Sent| match server.kind {
            Kind::Nginx => nginx::may_end(server, sent),
            Kind::Haproxy => haproxy::may_end(server, sent),
            Kind::Stream => None,
            _ => httpd::may_end(server, sent),
        };
        let item = sent.iter().find_map(may_end)?;
        Some(format!("{}: {}: the input does not show whether this ends uploads", item.place(), written(item)))
    };
    let of_server = |server| CorsRequest::BOTH.into_iter().find_map(|request| of_request(server, request));
    before_glance.filter_map(of_server).collect()
}

/// Published URLs whose requests HAProxy leads to another backend than Glance's, or to none.
pub(crate) fn led_elsewhere(cloud: &Cloud<'_>) -> Vec<String> {
    let fronts: Vec<&Server<'_>> = cloud
        .servers
        .iter()
        .filter(|server| server.kind == Kind::Haproxy && server.service == Program::Glance)
        .filter(|server| haproxy::choice::backend(server).is_some())
        .collect();
    let of_server = |server: &&Server<'_>| {
        let own: Vec<&str> = fronts.iter().filter_map(|other| haproxy::choice::backend(other)).collect();
        let published =
            cloud.published.iter().find(|url| addressed::fit(server, std::slice::from_ref(url)).is_some())?;
        let elsewhere = |request: CorsRequest| {
            let all = Sent::all(cloud, server, request, None);
            let mut places = all.iter().map(|sent| match haproxy::choice::chosen(server, sent) {
                Choice::Backend(name, item) if !own.contains(&name.as_str()) => {
                    Some(format!("{}: {name}", item.place()))
                }
                Choice::Nowhere => Some(format!("{}: no backend", server.place())),
                Choice::Backend(..) | Choice::Unknown => None,
            });
            let first = places.next()??;
            places.all(|place| place.is_some()).then(|| {
                format!(
                    "{} ({}): HAProxy leads {} there to another backend than Glance's ({first})",
                    published.url,
                    published.place,
                    request.method()
                )
            })
        };
        CorsRequest::BOTH.into_iter().find_map(elsewhere)
    };
    fronts.iter().filter_map(of_server).collect()
}

/// DU014: an upload of a common size, or of a large one.
fn by_length(cloud: &Cloud<'_>, server: &Server<'_>) -> Option<Finding> {
    [(COMMON, Severity::Error), (LARGE, Severity::Warning)].into_iter().find_map(|(size, severity)| {
        let met = met(cloud, server, CorsRequest::Upload, Some(size)).filter(|met| met.every)?;
        Some(too_large(server, &met, severity))
    })
}

/// DU014: conditions on the length of bodies in front of a dashboard in legacy mode, through which images pass.
pub(crate) fn legacy(cloud: &Cloud<'_>) -> Vec<Finding> {
    let before = cloud.servers.iter().filter(|server| server.service == Program::Horizon);
    let forwards = before.filter(|server| cloud.is_legacy_in(&server.scope));
    // What refuses a request of any length is not about images.
    let any_length = |server: &&Server<'_>| met(cloud, server, CorsRequest::Upload, None).is_none();
    let found = forwards.filter(any_length).filter_map(|server| by_length(cloud, server));
    found.map(|finding| Finding { found: finding.found.clone() + LEGACY, ..finding }).collect()
}

/// Why a server in front of the dashboard matters for the data of images.
pub(crate) const LEGACY: &str = " (Horizon is in legacy mode, so images pass through it)";

/// What a request meets.
struct Met<'s, 'a> {
    item: &'s ScopedDirective<'a>,
    request: Sent,
    /// Whether it ends the request of each browser, from each dashboard.
    every: bool,
}

fn met<'s, 'a>(
    cloud: &Cloud<'_>,
    server: &'s Server<'a>,
    request: CorsRequest,
    size: Option<u64>,
) -> Option<Met<'s, 'a>> {
    let all = Sent::all(cloud, server, request, size);
    let ends = |sent: &Sent| match server.kind {
        Kind::Nginx => nginx::ends(server, sent),
        Kind::Haproxy => haproxy::ends(server, sent),
        _ => httpd::ends(server, sent),
    };
    let ended: Vec<_> = all.iter().filter_map(|sent| Some((ends(sent)?, sent))).collect();
    let (item, request) = ended.first()?;
    Some(Met { item, request: (*request).clone(), every: ended.len() == all.len() })
}

/// A directive as it is written, after nginx's `if` around it.
fn written(item: &ScopedDirective<'_>) -> String {
    let blocks = item.within.iter().filter(|block| block.name == "if").map(|block| format!("if {} ", block.text()));
    let own = format!("{} {}", item.directive.written, item.directive.text());
    blocks.collect::<String>() + own.trim_end()
}

/// Headers that conditions are about, and what browsers write there.
fn shown(server: &Server<'_>, met: &Met<'_, '_>) -> String {
    const NAMES: [&str; 5] = ["referer", "user-agent", "sec-fetch-site", "sec-fetch-mode", "content-type"];
    let about = conditions(server, met.item).to_lowercase().replace('_', "-");
    let value = |name: &&str| {
        let named = about.contains(*name) && !about.contains(&format!("set-header {name}"));
        let value = met.request.header(name);
        named.then(|| value.text().filter(|text| !text.is_empty()).map(|text| format!(" ({name}: {text})"))).flatten()
    };
    NAMES.iter().find_map(value).unwrap_or_default()
}

/// What decides about a directive, as one text.
fn conditions(server: &Server<'_>, item: &ScopedDirective<'_>) -> String {
    let blocks = item.within.iter().map(|block| format!("{} {}", block.name, block.text()));
    let before = server.items.iter().take_while(|other| !std::ptr::eq(*other, item));
    let before: Vec<String> = match server.kind {
        Kind::Httpd => {
            let before: Vec<_> = before.collect();
            let own = before.iter().rev().take_while(|other| other.directive.name == "rewritecond");
            own.map(|other| other.directive.text()).collect()
        }
        Kind::Haproxy => {
            let named = |acl: &&ScopedDirective<'_>| {
                let name = acl.directive.arg(0).unwrap_or_default();
                item.directive.args.iter().any(|word| word.trim_start_matches('!') == name)
            };
            server.of_name("acl").filter(named).map(|acl| acl.directive.text()).collect()
        }
        // Variables that other directives fill.
        _ => {
            let used = item.within.iter().map(Directive::text).collect::<String>();
            let sets = |other: &&ScopedDirective<'_>| {
                other.directive.name == "set" && other.directive.arg(0).is_some_and(|name| used.contains(name))
            };
            let sets = before.filter(sets).flat_map(|other| &other.within).map(Directive::text);
            let maps = server.of_name("map").filter(|map| map.directive.arg(1).is_some_and(|name| used.contains(name)));
            sets.chain(maps.map(|map| map.directive.text())).collect()
        }
    };
    blocks.chain([item.directive.text()]).chain(before).collect::<Vec<_>>().join(" ")
}

/// DU020, DU012: what ends a preflight, or what lets it pass and ends the upload.
fn told(cloud: &Cloud<'_>, server: &Server<'_>, met: &Met<'_, '_>) -> Finding {
    let item = met.item;
    let what = match server.kind {
        Kind::Haproxy => format!("{} {}", item.directive.name, item.directive.text()),
        _ => written(item),
    };
    let is_preflight = met.request.request == CorsRequest::Preflight;
    if is_preflight && server.kind == Kind::Haproxy && item.directive.text().to_lowercase().contains(ALLOW_ORIGIN) {
        return granted(cloud, server, item, &what, &haproxy::returned(item));
    }
    if is_preflight
        && server.kind == Kind::Httpd
        && (stands_in(cloud) || replaces(server))
        && let Some(headers) = httpd::granted(server, item)
        && grant_lacks(cloud, &server.scope, &headers).is_empty()
    {
        return granted(cloud, server, item, &what, &headers);
    }
    let seen = shown(server, met);
    let found = match (is_preflight, met.every) {
        (true, true) if asks_login(item) => {
            format!("{what} ends OPTIONS, which has no credentials, before Glance sees it")
        }
        (true, true) => format!("{what} ends OPTIONS before Glance sees it{seen}"),
        (true, false) => format!("{what} ends OPTIONS of some browsers or dashboards before Glance sees it{seen}"),
        (false, true) => format!("{what} ends PUT, which is the upload{seen}"),
        (false, false) => format!("{what} ends PUT, which is the upload, of some browsers or dashboards{seen}"),
    };
    let upload = is_preflight.then(|| self::met(cloud, server, CorsRequest::Upload, None)).flatten();
    let both = upload.is_some_and(|own| std::ptr::eq(own.item, item));
    let fix = match server.kind {
        Kind::Nginx => nginx::fix(server, item, &met.request),
        Kind::Haproxy => haproxy::fix(item, met.request.request, both),
        _ => httpd::fix(server, item, &met.request, if both { "OPTIONS PUT" } else { met.request.method() }),
    };
    let fails = met.every && cloud.is_direct_in(&server.scope);
    let finding = if fails { Finding::error } else { Finding::warning };
    finding(Rule::OptionsFiltered, &item.place(), found, fix)
}

/// Whether a directive refuses because it asks for a login.
fn asks_login(item: &ScopedDirective<'_>) -> bool {
    match item.directive.name.as_str() {
        "require" => is_login(&item.directive.word()),
        "http-request" => item.directive.arg(0) == Some("auth"),
        name => name.starts_with("auth_"),
    }
}

/// Whether httpd removes Glance's grant from each answer, so that its own is the only one.
fn replaces(server: &Server<'_>) -> bool {
    let removes = |item| header(item, ALLOW_ORIGIN).is_some_and(|(_, action, _)| action == "unset");
    server.items.iter().any(removes)
}

/// DU012: a server answers preflights itself, and grants something.
fn granted(
    cloud: &Cloud<'_>,
    server: &Server<'_>,
    item: &ScopedDirective<'_>,
    what: &str,
    headers: &[(String, String)],
) -> Finding {
    let lacks = grant_lacks(cloud, &server.scope, headers);
    let (who, fix) = match server.kind {
        Kind::Httpd => ("httpd", "remove the rule and its conditions: Glance's own [cors] answers preflights"),
        _ => ("HAProxy", LEAVE),
    };
    if lacks.is_empty() {
        let found =
            format!("{what}: {who} answers the browser instead of Glance, and must be updated for every dashboard");
        return Finding::warning(Rule::CorsOnTheWay, &item.place(), found, fix);
    }
    let found = format!("{what}: {who} answers preflights instead of Glance, without {}", lacks.join(", "));
    Finding::error(Rule::CorsOnTheWay, &item.place(), found, fix)
}

/// DU014: a condition on the body's length.
fn too_large(server: &Server<'_>, met: &Met<'_, '_>, severity: Severity) -> Finding {
    let fix = match server.kind {
        Kind::Nginx if met.item.within.iter().any(|block| block.name == "if") => {
            "remove the if block: it refuses images by their length"
        }
        Kind::Httpd => "remove the rule and its conditions",
        _ => "remove the rule",
    };
    let found = format!("{}: larger images are refused", written(met.item));
    Finding::new(Rule::BodyLimit, severity, &met.item.place(), found, fix)
}
