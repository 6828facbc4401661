//! Ingress → URLs. Rules with a host that lead to one of the Services count.

use std::collections::BTreeSet;
use std::iter;
use std::sync::Arc;

use direct_upload_api::ExposureKind;
use direct_upload_api::web::{Origin, PublicUrl};

use super::backends::Backends;
use super::exposing::{Exposing, Exposures, HostClaims, Notes};
use super::ingress_tls::{ServedScheme, stated_schemes};
use super::traefik_middleware::{annotated, annotation_redirects_http, without_redirected};
use crate::derive::exposing_object::ExposingObject;
use crate::model::{Ingress, IngressPath, Problem, Snapshot, Store};

/// Traefik's annotation.
const MIDDLEWARES: &str = "traefik.ingress.kubernetes.io/router.middlewares";

impl Exposing for Ingress {
    fn store(snapshot: &Snapshot) -> &Store<Self> {
        &snapshot.ingresses
    }

    /// The URLs under which an Ingress exposes any of the Services.
    ///
    /// An Ingress names hosts but no ports. The port comes from the controller's status if it is there, else it
    /// is the scheme's default, and that is recorded.
    fn exposures(snapshot: &Snapshot, ingress: &Arc<Self>, backends: &Backends) -> Result<Exposures, Problem> {
        let default = ingress.default_service.as_ref().is_some_and(|service| backends.leads(service));
        if !default && !ingress.rules.iter().flat_map(|rule| &rule.paths).any(|path| backends.leads(&path.service)) {
            return Ok(Exposures::default());
        }
        let mut notes = Notes::new(ExposureKind::Ingress, &ingress.meta.key);
        let mut found = Exposures::default();
        let rest = IngressPath { path: "/".into(), ..IngressPath::default() };
        if let Some((name, to)) = redirect(ingress) {
            notes.add(format!("annotation {name} sends all its requests to {to:?}, so it leads nowhere else"));
            return Ok(found.finish(notes, || None));
        }
        let redirects = redirects_http(snapshot, ingress);
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
                Some(host) => {
                    let has_tls = has_tls(ingress, host);
                    for host in iter::once(host).chain(aliases(ingress)) {
                        urls(ingress, host, (has_tls, redirects), &paths, &mut found, &mut notes);
                    }
                }
                None => notes.add("a rule without host gives no origin"),
            }
        }
        if no_rules {
            let hosts: Vec<&String> = ingress.tls.iter().flat_map(|tls| &tls.hosts).collect();
            if hosts.is_empty() {
                notes.add("its default backend has no host name, so it gives no origin");
            }
            for host in hosts {
                urls(ingress, host, (true, redirects), &[&rest], &mut found, &mut notes);
            }
        }
        if let Some(named) = ingress.annotations.get(MIDDLEWARES) {
            without_redirected(snapshot, &annotated(snapshot, named), &mut found, &mut notes);
        }
        Ok(found.finish(notes, || {
            let paths = ingress.rules.iter().flat_map(|rule| &rule.paths).map(|path| path.service.as_str());
            let mut others = backends.others(paths.chain(ingress.default_service.as_deref()));
            others.extend(ingress.other_backends.then(|| "a backend that is not a Service".to_owned()));
            Some(ExposingObject::Ingress(ingress.clone(), others))
        }))
    }

    /// The hosts and paths that an Ingress claims.
    fn claims(&self, snapshot: &Snapshot, found: HostClaims<'_>) {
        let mut notes = Notes::new(ExposureKind::Ingress, &self.meta.key);
        let mut is_secure =
            |host: &str| schemes_of(self, host, has_tls(self, host), &mut notes).iter().any(|scheme| scheme.https);
        let redirects = redirects_http(snapshot, self);
        for rule in self.rules.iter().filter(|_| redirect(self).is_none()) {
            let Some(host) = rule.host.as_ref().filter(|host| !redirects || is_secure(host)) else { continue };
            for path in rule.paths.iter().filter(|path| !path.exact) {
                found(host, &path.path, ExposureKind::Ingress, &self.meta.key);
            }
        }
    }
}

/// Whether one of Traefik's middlewares sends its requests of plain http to https.
fn redirects_http(snapshot: &Snapshot, ingress: &Ingress) -> bool {
    let named = ingress.annotations.get(MIDDLEWARES);
    named.is_some_and(|named| annotation_redirects_http(snapshot, named))
}

/// Where annotations send all requests of an Ingress instead: the annotation and its value.
fn redirect(ingress: &Ingress) -> Option<(&str, &str)> {
    // kubernetes/ingress-nginx, annotations.md: both return at once, whatever the backend. The same of
    // haproxytech/kubernetes-ingress and jcmoraisjr/haproxy-ingress.
    const NAMES: [&str; 4] = [
        "nginx.ingress.kubernetes.io/permanent-redirect",
        "nginx.ingress.kubernetes.io/temporal-redirect",
        "haproxy.org/request-redirect",
        "haproxy-ingress.github.io/redirect-to",
    ];
    NAMES.into_iter().find_map(|name| Some((name, ingress.annotations.get(name)?.as_str())))
}

/// More hosts of ingress-nginx's server: `server_name` gets them too, so they have the same TLS.
fn aliases(ingress: &Ingress) -> impl Iterator<Item = &str> {
    let written = ingress.annotations.get("nginx.ingress.kubernetes.io/server-alias");
    written.into_iter().flat_map(|text| text.split(',')).map(str::trim).filter(|host| !host.is_empty())
}

fn has_tls(ingress: &Ingress, host: &str) -> bool {
    ingress.tls.iter().any(|t| t.hosts.is_empty() || t.hosts.iter().any(|h| covers(h, host)))
}

/// Adds the URLs of a host. `redirects`: Traefik answers plain http itself.
fn urls(
    ingress: &Ingress,
    host: &str,
    (has_tls, redirects): (bool, bool),
    paths: &[&IngressPath],
    found: &mut Exposures,
    notes: &mut Notes<'_>,
) {
    if host.contains(['*', '~']) {
        return notes.add(format!("host {host} is a wildcard, but an origin needs an exact host name"));
    }
    let schemes = schemes_of(ingress, host, has_tls, notes).into_iter().filter(|scheme| scheme.https || !redirects);
    for ServedScheme { https, port: stated } in schemes {
        let (port, port_assumed) = match stated {
            Some(port) => (Some(port), false),
            None => port(https, &ingress.ports, notes),
        };
        match Origin::from_parts(https, host, port) {
            Ok(origin) => below(&origin, paths, port_assumed, found, notes),
            Err(why) => notes.add(why),
        }
    }
}

/// How browsers come to a host: as annotations say, else by `spec.tls`.
fn schemes_of(ingress: &Ingress, host: &str, has_tls: bool, notes: &mut Notes<'_>) -> Vec<ServedScheme> {
    stated_schemes(ingress, has_tls, notes).unwrap_or_else(|| {
        if !has_tls && !ingress.tls.is_empty() {
            notes.add(format!("none of its tls entries is for host {host}, so http is assumed"));
        }
        vec![ServedScheme { https: has_tls, port: None }]
    })
}

/// Adds the URLs of paths below an origin.
fn below(origin: &Origin, paths: &[&IngressPath], port_assumed: bool, found: &mut Exposures, notes: &mut Notes<'_>) {
    for path in paths {
        let prefix = prefix(path);
        if prefix.is_none() {
            notes.add(format!("path {:?} is not a prefix; / is assumed", path.path));
        }
        found.add(notes, PublicUrl::with_path(origin.clone(), prefix.unwrap_or_default()), port_assumed);
    }
}

/// The prefix that a path means; none if it is not one.
fn prefix(path: &IngressPath) -> Option<&str> {
    // The usual ends of regular expressions that take everything below a prefix (ingress-nginx, "Rewrite"),
    // and the wildcard of load balancers (GKE, AWS).
    const ENDS: [&str; 6] = ["(/|$)(.*)", "/(.*)", "(/.*)?", "/?(.*)", "(.*)", "/*"];
    let text = path.path.as_str();
    let text = ENDS.iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text);
    // Any other regular expression says nothing about the prefix.
    (!path.exact && !text.contains(['(', '*', '[', '$', '^', '\\', '|'])).then_some(text)
}

fn covers(tls_host: &str, host: &str) -> bool {
    match tls_host.strip_prefix("*.") {
        Some(domain) => host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(domain)),
        None => tls_host.eq_ignore_ascii_case(host),
    }
}

/// The port that the controller reports, if it is not the scheme's default; and whether that is assumed.
pub(super) fn port(https: bool, reported: &BTreeSet<i32>, notes: &mut Notes<'_>) -> (Option<u16>, bool) {
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
