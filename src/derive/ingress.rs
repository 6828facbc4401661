//! Ingress → URLs. Rules with a host that lead to one of the Services count.

use std::collections::BTreeSet;

use super::exposure::{Exposure, Exposures};
use super::origin::{Origin, PublicUrl};
use crate::observe::{Ingress, IngressRule};

/// The URLs under which an Ingress exposes any of the Services.
///
/// An Ingress names hosts but no ports: the port is taken from the controller's status where it
/// tells, else it is the scheme's default, and that assumption is noted where the status has ports
/// that contradict it.
pub fn exposures(ingress: &Ingress, services: &[String]) -> Exposures {
    let source = format!("Ingress {}", ingress.meta.key);
    let mut found = Exposures::default();
    let leads = |service: &str| services.iter().any(|s| s == service);
    if ingress.default_service.as_deref().is_some_and(leads) {
        found.notes.push(format!("{source}: its default backend has no host name, so no origin follows from it"));
    }
    for rule in &ingress.rules {
        for path in rule.paths.iter().filter(|p| leads(&p.service)) {
            match url(ingress, rule, &path.path) {
                Ok((url, note)) => {
                    found.urls.push(Exposure { url, source: source.clone() });
                    found.notes.extend(note.map(|n| format!("{source}: {n}")));
                }
                Err(why) => found.notes.push(format!("{source}: {why}")),
            }
        }
    }
    found
}

fn url(ingress: &Ingress, rule: &IngressRule, path: &str) -> Result<(PublicUrl, Option<String>), String> {
    let host = rule.host.as_deref().ok_or("a rule without host gives no origin")?;
    if host.contains('*') {
        return Err(format!("host {host} is a wildcard, and an origin is exact"));
    }
    let https = ingress.tls.iter().any(|t| t.hosts.is_empty() || t.hosts.iter().any(|h| covers(h, host)));
    let (port, note) = port(https, &ingress.ports);
    let origin = Origin::from_parts(https, host, port).map_err(|e| e.to_string())?;
    // A regular expression (ingress-nginx, implementation-specific) says nothing about the prefix.
    if path.contains(['(', '*', '[', '$', '^', '\\', '|']) {
        return Ok((PublicUrl::with_path(origin, ""), Some(format!("path {path:?} is a pattern; / is assumed"))));
    }
    Ok((PublicUrl::with_path(origin, path), note))
}

fn covers(tls_host: &str, host: &str) -> bool {
    match tls_host.strip_prefix("*.") {
        Some(domain) => host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(domain)),
        None => tls_host.eq_ignore_ascii_case(host),
    }
}

/// The port that the controller reports, if it is not the scheme's default.
fn port(https: bool, reported: &BTreeSet<i32>) -> (Option<u16>, Option<String>) {
    let (default, other) = if https { (443, 80) } else { (80, 443) };
    let candidates: Vec<u16> =
        reported.iter().filter(|p| **p != other).filter_map(|p| u16::try_from(*p).ok()).collect();
    match candidates.as_slice() {
        [] => (None, None),
        _ if candidates.contains(&default) => (None, None),
        [port] => (Some(*port), None),
        _ => (None, Some(format!("its status has the ports {candidates:?}; port {default} is assumed"))),
    }
}
