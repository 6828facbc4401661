//! DU012, DU020: what a server in front of Glance removes from a request.

use direct_upload_api::Rule;
use direct_upload_core::openstack::cors_request::{CorsRequest, UPLOAD_PATH};
use regex::Regex;

use super::expanded::expanded;
use super::haproxy::keeps;
use super::haproxy_header::response_header;
use super::proxy_headers::{header, unless_it_stands_in};
use super::refused::applies::{Applies, applies};
use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::Finding;
use crate::unit::Program;
use direct_upload_core::openstack::needed::ALLOW_ORIGIN;
use direct_upload_core::openstack::needed::{self, NEEDED};

/// All of them.
pub(crate) fn requests(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for server in cloud.servers.iter().filter(|server| server.service == Program::Glance) {
        findings.extend(server.items.iter().flat_map(|item| taken_off(cloud, server, item)));
        findings.extend(server.items.iter().filter_map(|item| replaced(cloud, server, item)));
    }
    unless_it_stands_in(cloud, findings)
}

/// A server that answers for CORS itself needs no Origin at Glance.
fn writes_cors(server: &Server<'_>) -> bool {
    server.items.iter().any(|item| item.directive.text().to_lowercase().contains(ALLOW_ORIGIN))
}

/// A header of the request that a directive changes: its name, and the new value; none where it is removed.
type Rewritten<'a> = (String, Option<&'a str>);

/// What a directive does to the headers that Glance needs.
fn rewrites<'a>(server: &Server<'_>, item: &'a ScopedDirective<'_>) -> Vec<Rewritten<'a>> {
    let args = &item.directive.args;
    let arg = |at: usize| args.get(at).map(String::as_str);
    let one = |name: Option<&'a str>, value: Option<&'a str>| name.map(|name| (name.to_owned(), value));
    let filled = |value: Option<&'a str>| value.filter(|value| !value.is_empty());
    let first = match (server.kind, item.directive.name.as_str()) {
        (Kind::Nginx, "proxy_set_header") => one(arg(0), filled(arg(1))),
        (Kind::Nginx, "uwsgi_param") => {
            return arg(0)
                .and_then(|name| name.strip_prefix("HTTP_"))
                .map_or_else(Vec::new, |name| vec![(name.replace('_', "-").to_lowercase(), filled(arg(1)))]);
        }
        (Kind::Nginx, "proxy_pass_request_headers") if item.directive.word() == "off" => one(Some("Origin"), None),
        (Kind::Nginx, "more_clear_input_headers") => return args.iter().map(|name| (lower(name), None)).collect(),
        (Kind::Nginx, "more_set_input_headers") => {
            let pairs = args.iter().filter_map(|pair| pair.split_once(':'));
            return pairs.map(|(name, value)| (lower(name), filled(Some(value.trim())))).collect();
        }
        (Kind::Haproxy, "http-request") => match arg(0) {
            Some("del-header") if arg(2) == Some("-m") => return matched(arg(1), arg(3)),
            Some("del-header") => one(arg(1), None),
            Some("set-header") => one(arg(1), arg(2)),
            // Only what replaces every value.
            Some("replace-header" | "replace-value") if matches!(arg(2), Some(".*" | "^.*$" | "^.+$" | ".+")) => {
                one(arg(1), filled(arg(3)))
            }
            _ => None,
        },
        // Removed in HAProxy 2.1.
        (Kind::Haproxy, "reqdel" | "reqidel") => {
            let pattern = arg(0).map(|pattern| format!("(?i){pattern}")).and_then(|own| Regex::new(&own).ok());
            let names = NEEDED.iter().map(|needed| needed.name);
            let gone = |name: &&str| pattern.as_ref().is_some_and(|own| own.is_match(&format!("{name}: x")));
            return names.filter(gone).map(|name| (name.to_owned(), None)).collect();
        }
        (Kind::Haproxy, "reqrep" | "reqirep") => return replaced_lines(arg(0), arg(1)),
        (Kind::Httpd, "requestheader") => match arg(0).map(str::to_ascii_lowercase).as_deref() {
            Some("unset") => one(arg(1), None),
            Some("set") => one(arg(1), filled(arg(2))),
            Some("edit" | "edit*") => return edited(arg(1), arg(2), arg(3)),
            _ => None,
        },
        _ => None,
    };
    first.into_iter().map(|(name, value)| (lower(&name), value)).collect()
}

/// `RequestHeader edit NAME PATTERN TEXT`, if it changes a token.
fn edited<'a>(name: Option<&str>, pattern: Option<&str>, text: Option<&'a str>) -> Vec<Rewritten<'a>> {
    // As Keystone's Fernet tokens are.
    const TOKEN: &str = "gAAAAABobm9uZS1vZi15b3VyLXRva2Vucw-_ZXhhbXBsZQ";
    let (Some(name), Some(pattern), Some(text)) = (name, pattern.and_then(|own| Regex::new(own).ok()), text) else {
        return Vec::new();
    };
    let changes =
        pattern.captures(TOKEN).is_some_and(|groups| expanded(text, '$', &groups).is_none_or(|new| new != groups[0]));
    let is_token = lower(name) == "x-auth-token";
    if is_token && changes { vec![(lower(name), Some(text))] } else { Vec::new() }
}

/// `reqrep PATTERN LINE`: the needed headers whose line is replaced. HAProxy gives no part of the old line that
/// the pattern does not name.
fn replaced_lines<'a>(pattern: Option<&'a str>, line: Option<&'a str>) -> Vec<Rewritten<'a>> {
    let regex = pattern.and_then(|own| Regex::new(&format!("(?i){own}")).ok());
    let (Some(regex), Some(line)) = (regex, line.filter(|line| !line.contains('\\'))) else { return Vec::new() };
    let (written, value) = line.split_once(':').unwrap_or_default();
    let names = NEEDED.iter().map(|needed| needed.name).filter(|name| regex.is_match(&format!("{name}: x")));
    names.map(|name| (name.to_owned(), written.eq_ignore_ascii_case(name).then_some(value.trim()))).collect()
}

fn lower(name: &str) -> String {
    name.trim().trim_end_matches(':').to_lowercase()
}

/// `del-header NAME -m METHOD`: those of the needed headers that it matches.
fn matched<'a>(name: Option<&str>, method: Option<&str>) -> Vec<Rewritten<'a>> {
    let (Some(name), Some(method)) = (name.map(str::to_lowercase), method) else { return Vec::new() };
    let is = |own: &&str| match method {
        "str" => *own == name,
        "beg" => own.starts_with(&name),
        "end" => own.ends_with(&name),
        "sub" => own.contains(&name),
        "reg" => Regex::new(&format!("(?i){name}")).is_ok_and(|pattern| pattern.is_match(own)),
        _ => false,
    };
    NEEDED.iter().map(|needed| needed.name).filter(is).map(|own| (own.to_owned(), None)).collect()
}

/// DU012, DU020: Glance does not see which page asks, for what, or for whom.
fn taken_off(cloud: &Cloud<'_>, server: &Server<'_>, item: &ScopedDirective<'_>) -> Vec<Finding> {
    let is_restored = |name: &str| {
        let later = server.items.iter().skip_while(|other| !std::ptr::eq(*other, item)).skip(1);
        later.flat_map(|other| rewrites(server, other)).any(|(own, value)| own == name && value.is_some())
    };
    let of_one = |(name, value): Rewritten<'_>| {
        let needed = needed::of(&name)?;
        let own = name.replace('-', "_");
        let passes_on = value.map(str::to_lowercase).is_some_and(|value| {
            value.contains(&format!("http_{own}"))
                || value.contains(&format!("hdr({name})"))
                || value.contains("{http:")
        });
        let fits = name == "origin"
            && value.is_some_and(|value| {
                let mut dashboards = cloud.dashboards_near(&server.scope);
                dashboards.any(|dashboard| value.ends_with(&format!("://{}", dashboard.host)))
            });
        let judged_here = needed.rule == Rule::CorsOnTheWay && writes_cors(server);
        let applies = applies(cloud, server, item, requests_with(&name));
        if matches!(applies, Applies::Never | Applies::Unknown)
            || passes_on
            || fits
            || judged_here
            || (value.is_none() && is_restored(&name))
        {
            return None;
        }
        let what = match value {
            Some(_) => "replaces the browser's",
            None => "removes the browser's",
        };
        // A token's own value may be written there.
        let written = match needed.rule {
            Rule::CorsOnTheWay => format!("{} {}:", item.directive.written, item.directive.text()),
            _ if server.kind == Kind::Nginx => item.directive.written.clone(),
            _ => format!("{} {}", item.directive.written, item.directive.arg(0).unwrap_or_default()),
        };
        let found = format!("{written} {what} {name}, {}", needed.without);
        let finding = if applies == Applies::Always { Finding::error } else { Finding::warning };
        Some(finding(needed.rule, &item.place(), found, needed.fix))
    };
    rewrites(server, item).into_iter().filter_map(of_one).collect()
}

/// The requests in which a needed header is.
fn requests_with(name: &str) -> &'static [CorsRequest] {
    match name {
        "x-auth-token" | "content-type" => &[CorsRequest::Upload],
        name if name.starts_with("access-control-") => &[CorsRequest::Preflight],
        _ => &CorsRequest::BOTH,
    }
}

/// What changes the headers of an answer or a request that uploads need, under a condition whose value the input does not
/// show.
pub(crate) fn open(cloud: &Cloud<'_>) -> Vec<String> {
    let of_server = |server| {
        let changes = move |item: &&ScopedDirective<'_>| {
            let mut needed = rewrites(server, item).into_iter().filter(|(name, _)| needed::of(name).is_some());
            let of_httpd = server.kind == Kind::Httpd && header(item, ALLOW_ORIGIN).is_some();
            let of_haproxy = server.kind == Kind::Haproxy
                && response_header(item, ALLOW_ORIGIN).is_some_and(|(action, value)| !keeps(item, action, value));
            needed.next().is_some() || of_httpd || of_haproxy
        };
        let is_open =
            move |item: &&ScopedDirective<'_>| applies(cloud, server, item, &CorsRequest::BOTH) == Applies::Unknown;
        server.items.iter().filter(changes).filter(is_open)
    };
    let before_glance = cloud.servers.iter().filter(|server| server.service == Program::Glance);
    let told = |item: &ScopedDirective<'_>| {
        let name = &item.directive.written;
        format!("{}: the input does not show whether the condition of {name} is met by uploads", item.place())
    };
    before_glance.flat_map(of_server).map(told).collect()
}

/// `reqrep PATTERN LINE`: whether the first line gets another method.
fn changes_the_method(item: &ScopedDirective<'_>) -> bool {
    let (Some(pattern), Some(line)) = (item.directive.arg(0), item.directive.arg(1)) else { return false };
    let nocase = if item.directive.name == "reqirep" { "(?i)" } else { "" };
    let Ok(regex) = Regex::new(&format!("{nocase}{pattern}")) else { return false };
    let method = line.split(' ').next().unwrap_or_default();
    let is_one = method.chars().all(|c| c.is_ascii_uppercase()) && !method.is_empty();
    let changes = |request: CorsRequest| {
        request.method() != method && regex.is_match(&format!("{} {UPLOAD_PATH} HTTP/1.1", request.method()))
    };
    is_one && item.directive.args.len() == 2 && CorsRequest::BOTH.into_iter().any(changes)
}

/// DU020: a server gives Glance another method than the browser's, or no image.
fn replaced(cloud: &Cloud<'_>, server: &Server<'_>, item: &ScopedDirective<'_>) -> Option<Finding> {
    let arg = |at: usize| item.directive.arg(at).unwrap_or_default();
    let what = match (server.kind, item.directive.name.as_str()) {
        (Kind::Nginx, "proxy_method") if !arg(0).contains("$request_method") => {
            "gives Glance one method for each request"
        }
        (Kind::Nginx, "proxy_pass_request_body" | "uwsgi_pass_request_body") if item.directive.word() == "off" => {
            "keeps the image from Glance"
        }
        (Kind::Nginx, "proxy_set_body") if !arg(0).contains("$request_body") => "replaces the image",
        (Kind::Haproxy, "http-request") if arg(0) == "set-method" => {
            let changed = CorsRequest::BOTH.into_iter().filter(|request| request.method() != arg(1));
            let is_met = |request| applies(cloud, server, item, &[request]) == Applies::Always;
            changed.into_iter().any(is_met).then_some("gives Glance another method")?
        }
        (Kind::Haproxy, "reqrep" | "reqirep") if changes_the_method(item) => "gives Glance another method",
        _ => return None,
    };
    let found = format!("{} {} {what}", item.directive.written, item.directive.text());
    Some(Finding::error(Rule::OptionsFiltered, &item.place(), found, "remove it: Glance needs the browser's request"))
}
