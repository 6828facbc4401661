//! Ingress → URLs. Rules with a host that lead to one of the Services count.

use std::collections::BTreeSet;
use std::sync::Arc;

use direct_upload_api::web::{Origin, PublicUrl};

use super::backends::Backends;
use crate::derive::exposure::{Exposure, Exposures, HostClaims, Notes};
use crate::derive::exposure_issue::ExposingObject;
use crate::model::{Ingress, IngressPath};

/// The URLs under which an Ingress exposes any of the Services.
///
/// An Ingress names hosts but no ports. The port comes from the controller's status if it is there, else it
/// is the scheme's default, and that is recorded.
pub fn exposures(ingress: &Arc<Ingress>, backends: &Backends) -> Exposures {
    let mut notes = Notes::new(format!("Ingress {}", ingress.meta.key));
    let mut found = Exposures::default();
    let default = ingress.default_service.as_ref().is_some_and(|service| backends.leads(service));
    let rest = IngressPath { path: "/".into(), ..IngressPath::default() };
    let no_rules = default && ingress.rules.iter().all(|rule| rule.host.is_none());
    for rule in &ingress.rules {
        let mut paths: Vec<_> = rule.paths.iter().filter(|p| backends.leads(&p.service)).collect();
        // What no path takes goes to the default backend.
        if default && !rule.paths.iter().any(|p| p.path == "/" && !p.exact) {
            paths.push(&rest);
        }
        if paths.is_empty() {
            continue;
        }
        match rule.host.as_deref() {
            Some(host) => found.urls.extend(urls(ingress, host, &paths, &mut notes)),
            None => notes.add("a rule without host gives no origin"),
        }
    }
    if no_rules {
        let hosts: Vec<&String> = ingress.tls.iter().flat_map(|tls| &tls.hosts).collect();
        if hosts.is_empty() {
            notes.add("its default backend has no host name, so it gives no origin");
        }
        for host in hosts {
            found.urls.extend(urls(ingress, host, &[&rest], &mut notes));
        }
    }
    found.finish(notes, || {
        let paths = ingress.rules.iter().flat_map(|rule| &rule.paths).map(|path| path.service.as_str());
        let mut others = backends.others(paths.chain(ingress.default_service.as_deref()));
        others.extend(ingress.other_backends.then(|| "a backend that is not a Service".to_owned()));
        Some(ExposingObject::Ingress(ingress.clone(), others))
    })
}

/// The hosts and paths that an Ingress claims.
pub(crate) fn claims(ingress: &Ingress, found: HostClaims<'_>) {
    for rule in &ingress.rules {
        let Some(host) = &rule.host else { continue };
        for path in rule.paths.iter().filter(|path| !path.exact) {
            found(host, &path.path, format_args!("Ingress {}", ingress.meta.key));
        }
    }
}

fn urls(ingress: &Ingress, host: &str, paths: &[&IngressPath], notes: &mut Notes) -> Vec<Exposure> {
    if host.contains('*') {
        notes.add(format!("host {host} is a wildcard, but an origin needs an exact host name"));
        return Vec::new();
    }
    let https = ingress.tls.iter().any(|t| t.hosts.is_empty() || t.hosts.iter().any(|h| covers(h, host)));
    if !https && !ingress.tls.is_empty() {
        notes.add(format!("none of its tls entries is for host {host}, so http is assumed"));
    }
    let (port, port_assumed) = port(https, &ingress.ports, notes);
    let source = notes.source.clone();
    let origin = match Origin::from_parts(https, host, port) {
        Ok(origin) => origin,
        Err(why) => {
            notes.add(why);
            return Vec::new();
        }
    };
    let url = |path: &&IngressPath| {
        // A regular expression (ingress-nginx, implementation-specific) says nothing about the prefix.
        if path.exact || path.path.contains(['(', '*', '[', '$', '^', '\\', '|']) {
            notes.add(format!("path {:?} is not a prefix; / is assumed", path.path));
            return PublicUrl::with_path(origin.clone(), "");
        }
        PublicUrl::with_path(origin.clone(), &path.path)
    };
    let urls = paths.iter().map(url);
    urls.map(|url| Exposure { url, source: source.clone(), port_assumed }).collect()
}

fn covers(tls_host: &str, host: &str) -> bool {
    match tls_host.strip_prefix("*.") {
        Some(domain) => host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(domain)),
        None => tls_host.eq_ignore_ascii_case(host),
    }
}

/// The port that the controller reports, if it is not the scheme's default; and whether that is assumed.
pub(super) fn port(https: bool, reported: &BTreeSet<i32>, notes: &mut Notes) -> (Option<u16>, bool) {
    let (default, other) = if https { (443, 80) } else { (80, 443) };
    let candidates: Vec<u16> =
        reported.iter().filter(|p| **p != other).filter_map(|p| u16::try_from(*p).ok()).collect();
    match candidates.as_slice() {
        [] => notes
            .add(format!("its status has no port, so port {default} is assumed; if that is wrong, set spec.publicURL")),
        _ if candidates.contains(&default) => return (None, false),
        [port] => return (Some(*port), false),
        _ => notes.add(format!("its status has the ports {candidates:?}; port {default} is assumed")),
    }
    (None, true)
}
