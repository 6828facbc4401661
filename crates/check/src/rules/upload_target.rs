//! DU020: the path on which Glance gets an upload. It stores images at its own path only.
//!
//! In: servers in front of Glance, and published URLs. Out: a finding for what makes another path of it. What the servers do:
//! mod_proxy (ProxyPass: the target takes the place of the prefix, as text), ngx_http_proxy_module (a URI in proxy_pass takes
//! the place of the location's prefix), ngx_http_rewrite_module, HAProxy's configuration.txt (set-path, replace-path).

use std::collections::BTreeSet;

use direct_upload_api::{Rule, Severity};
use direct_upload_core::openstack::cors_request::{CorsRequest, KnownText, UPLOAD_PATH};
use regex::Regex;

use super::expanded::expanded;
use super::refused::haproxy::choice::{self, Choice};
use crate::classify::Kind;
use crate::facts::browser::Sent;
use crate::facts::catalog::Published;
use crate::facts::cloud::{Cloud, shared};
use crate::facts::server::{ScopedDirective, Server};
use crate::facts::upload_path;
use crate::finding::Finding;
use crate::unit::Program;

/// What becomes of a path.
struct Made<'s, 'a> {
    path: String,
    /// What changes it, or leads it on.
    by: Option<&'s ScopedDirective<'a>>,
}

/// Servers that lead uploads to another path than Glance's.
pub(crate) fn changed(cloud: &Cloud<'_>) -> Vec<Finding> {
    let scopes: BTreeSet<&[String]> = cloud.servers.iter().map(|own| own.scope.as_slice()).collect();
    scopes.into_iter().flat_map(|scope| in_scope(cloud, scope)).collect()
}

fn in_scope(cloud: &Cloud<'_>, scope: &[String]) -> Vec<Finding> {
    let is_near = |other: &[String]| other == scope || shared(other, scope) > 0;
    let published = cloud.published.iter().find(|own| is_near(&own.scope));
    let prefix = published.and_then(Published::prefix).unwrap_or_default();
    let prefix = prefix.as_str();
    let path = format!("{prefix}{UPLOAD_PATH}");
    let leads = |server: &&Server<'_>| {
        server.scope == scope && (server.service == Program::Glance || server.glance_below().is_some())
    };
    let servers: Vec<&Server<'_>> = cloud.servers.iter().filter(leads).collect();
    let made: Vec<Option<Made<'_, '_>>> = servers.iter().map(|server| of_server(cloud, server, &path)).collect();
    // What is behind may take a prefix away. In Kubernetes something before these servers may.
    let is_last = cloud.glances.iter().all(|glance| glance.unit.workload.is_none());
    let is_known =
        |own: &Option<Made<'_, '_>>| own.as_ref().is_some_and(|own| prefix.is_empty() || own.path != UPLOAD_PATH);
    let is_kept = is_last && made.iter().all(is_known);
    let is_wrong = |path: &str| match path.strip_suffix(UPLOAD_PATH) {
        // Paste joins slashes.
        Some(rest) => !rest.trim_matches('/').is_empty() && is_kept && !cloud.is_mounted(rest),
        None => true,
    };
    let severity = if cloud.is_direct_in(scope) { Severity::Error } else { Severity::Warning };
    let told = |server: &Server<'_>, own: &Made<'_, '_>| {
        let by = own.by.filter(|_| is_wrong(&own.path))?;
        let found = format!("Glance gets {path} as {}: it stores no image there", own.path);
        Some(Finding::new(Rule::OptionsFiltered, severity, &by.place(), found, fix(server, by, prefix)))
    };
    servers.iter().zip(&made).filter_map(|(&server, own)| told(server, own.as_ref()?)).collect()
}

/// What a person writes instead. `prefix`: the path of the published URL.
fn fix(server: &Server<'_>, by: &ScopedDirective<'_>, prefix: &str) -> String {
    let remove = || "remove it: Glance's paths start at the root".to_owned();
    let arg = |at: usize| by.directive.arg(at).unwrap_or_default();
    // The scheme and the address of a target.
    let host = |url: &str| {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        format!("{scheme}://{}", rest.split('/').next().unwrap_or_default())
    };
    // What is left of a place below the published path.
    let rest = |own: &str| own.strip_prefix(prefix).filter(|rest| rest.starts_with('/')).map(str::to_owned);
    match by.directive.name.as_str() {
        "proxypass" if by.within.iter().any(|block| block.name == "location") => {
            format!("ProxyPass {}/ in <Location {prefix}/>", host(arg(0)))
        }
        "proxypass" => match rest(arg(0)) {
            Some(rest) => format!("ProxyPass {} {}{rest}", arg(0), host(arg(1))),
            None => format!("ProxyPass {prefix}/ {}/", host(arg(1))),
        },
        "proxy_pass" => {
            let own = server.location.as_ref().and_then(upload_path::location).map_or("/", |(_, text)| text);
            match rest(own) {
                Some(rest) => format!("proxy_pass {}{rest};", host(arg(0))),
                None => format!("rewrite ^{prefix}/(.*)$ /$1 break;"),
            }
        }
        "uwsgi_pass" | "rewrite" if !prefix.is_empty() => format!("rewrite ^{prefix}/(.*)$ /$1 break;"),
        "http-request" | "use_backend" | "default_backend" if !prefix.is_empty() => {
            format!("http-request replace-path ^{prefix}/(.*) /\\1")
        }
        _ => remove(),
    }
}

fn of_server<'s, 'a>(cloud: &Cloud<'_>, server: &'s Server<'a>, path: &str) -> Option<Made<'s, 'a>> {
    match server.kind {
        Kind::Httpd => of_httpd(server, path),
        Kind::Nginx => of_nginx(server, path),
        Kind::Haproxy => of_haproxy(cloud, server, path),
        _ => None,
    }
}

/// The first `ProxyPass` that takes the path; one in a `<Location>` comes before.
fn of_httpd<'s, 'a>(server: &'s Server<'a>, path: &str) -> Option<Made<'s, 'a>> {
    const OTHERS: [&str; 2] = ["proxypassmatch", "sethandler"];
    if server.items.iter().any(|item| OTHERS.contains(&item.directive.name.as_str())) {
        return None;
    }
    if server.of_name("rewriterule").next().is_some() {
        return rewritten(server, path);
    }
    let of_one = |item: &'s ScopedDirective<'a>| {
        let sections: Vec<_> = item.within.iter().filter(|block| block.name != "ifmodule").collect();
        let (prefix, target, depth) = match sections.as_slice() {
            [] => (item.directive.arg(0)?, item.directive.arg(1)?, 0),
            [block] if block.name == "location" && block.args.len() == 1 => {
                (block.arg(0)?, item.directive.arg(0)?, block.arg(0)?.len())
            }
            _ => return None,
        };
        let rest = path.strip_prefix(prefix)?;
        let is_whole = prefix.ends_with('/') || rest.is_empty() || rest.starts_with('/');
        is_whole.then_some((depth, item, target, rest))
    };
    let mut all: Vec<_> = server.of_name("proxypass").filter_map(of_one).collect();
    all.sort_by_key(|(depth, ..)| std::cmp::Reverse(*depth));
    let (_, by, target, rest) = all.into_iter().next()?;
    // After `unix:SOCKET|`.
    let url = target.rsplit('|').next()?;
    let schemes = ["http://", "https://", "balancer://"];
    let own = schemes.iter().find_map(|scheme| url.strip_prefix(scheme)).filter(|own| !own.contains('$'))?;
    let url = format!("{own}{rest}");
    // Without the slash the host has a wrong name.
    let path = if own.contains('/') || rest.starts_with('/') { url[url.find('/')?..].to_owned() } else { url };
    Some(Made { path, by: Some(by) })
}

/// The first `RewriteRule … [P]` that takes the path, if each rule before it, too, is without conditions.
fn rewritten<'s, 'a>(server: &'s Server<'a>, path: &str) -> Option<Made<'s, 'a>> {
    let rules =
        server.items.iter().filter(|item| matches!(item.directive.name.as_str(), "rewriterule" | "rewritecond"));
    for item in rules {
        let (pattern, target, flags) = (item.directive.arg(0)?, item.directive.arg(1)?, item.directive.arg(2)?);
        let mut flags = flags.trim_matches(['[', ']']).split(',').map(str::trim);
        if item.directive.name == "rewritecond" || !item.within.is_empty() || !flags.any(|flag| flag == "P") {
            return None;
        }
        if let Some(groups) = Regex::new(pattern).ok()?.captures(path) {
            let url = expanded(target, '$', &groups)?;
            let rest = url.split_once("://")?.1;
            return Some(Made { path: rest.find('/').map_or("/", |at| &rest[at..]).to_owned(), by: Some(item) });
        }
    }
    None
}

fn of_nginx<'s, 'a>(server: &'s Server<'a>, path: &str) -> Option<Made<'s, 'a>> {
    let location = server.location.as_ref();
    let (modifier, text) = match location {
        Some(location) => upload_path::location(location)?,
        None => ("", "/"),
    };
    let takes = match modifier {
        "=" => path == text,
        "" | "^~" => path.starts_with(text),
        _ => Regex::new(text).ok()?.is_match(path),
    };
    if !takes {
        return None;
    }
    let by = server.items.iter().find(|item| {
        item.directive.line == server.line
            && std::ptr::eq(item.file, server.file)
            && matches!(item.directive.name.as_str(), "proxy_pass" | "uwsgi_pass")
    })?;
    let (mut now, mut changed) = (path.to_owned(), None);
    for item in server.of_name("rewrite") {
        let (pattern, target) = (item.directive.arg(0)?, item.directive.arg(1)?);
        let is_redirect = matches!(item.directive.arg(2), Some("redirect" | "permanent")) || target.contains("://");
        if !item.within.is_empty() || is_redirect {
            return None;
        }
        let found = Regex::new(pattern).ok()?;
        let Some(groups) = found.captures(&now) else { continue };
        now = expanded(target.split('?').next()?, '$', &groups)?;
        changed = Some(item);
        if matches!(item.directive.arg(2), Some("last" | "break")) {
            break;
        }
    }
    if let Some(by) = changed {
        return Some(Made { path: now, by: Some(by) });
    }
    let target = by.directive.arg(0)?.split_once("://").map(|(_, rest)| rest);
    let Some(rest) = target.filter(|_| by.directive.name == "proxy_pass") else {
        return Some(Made { path: now, by: Some(by) });
    };
    let Some(at) = rest.find('/') else { return Some(Made { path: now, by: Some(by) }) };
    if rest.contains('$') || rest.starts_with("unix:") || !matches!(modifier, "" | "^~" | "=") {
        return None;
    }
    Some(Made { path: format!("{}{}", &rest[at..], path.strip_prefix(text)?), by: Some(by) })
}

/// What changes the path of an upload, or leads it on.
fn of_haproxy<'s, 'a>(cloud: &Cloud<'_>, server: &'s Server<'a>, path: &str) -> Option<Made<'s, 'a>> {
    let mut sent = Sent::all(cloud, server, CorsRequest::Upload, None).into_iter().next()?;
    sent.set_path(KnownText::is(path));
    let mut changed = match choice::chosen(server, &sent) {
        Choice::Backend(name, item) if choice::backend(server) == Some(&name) => Some(item),
        _ if choice::backend(server).is_none() => None,
        _ => return None,
    };
    for item in &server.items {
        let before = sent.path();
        choice::rewrite(server, item, &mut sent);
        if sent.path() != before {
            changed = Some(item);
        }
    }
    Some(Made { path: sent.path().text()?.to_owned(), by: changed })
}
