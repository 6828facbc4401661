//! Traefik IngressRoute → URLs: the hosts of the rules that lead to one of the Services.
//!
//! Traefik writes no status, and the ports of its entry points are in its own configuration.

use std::collections::BTreeSet;
use std::sync::Arc;

use direct_upload_api::ExposureKind;
use direct_upload_api::web::{Origin, PublicUrl};

use super::backends::Backends;
use super::traefik_rule::{Alternative, alternatives, both};
use crate::derive::exposure::{Exposure, Exposures, HostClaims, Notes};
use crate::derive::exposure_issue::ExposingObject;
use crate::model::{
    IngressRoute, IngressRouteRef, IngressRouteRule, IngressRouteService, Key, Kind, Needs, Problem, Snapshot,
};

/// The URLs under which an IngressRoute exposes any of the Services.
///
/// # Errors
/// [`Problem`] if one that it names as its parent cannot be seen.
pub fn exposures(snapshot: &Snapshot, route: &Arc<IngressRoute>, backends: &Backends) -> Result<Exposures, Problem> {
    let mut notes = Notes::new(format!("IngressRoute {}", route.meta.key));
    let mut found = Exposures::default();
    let own = &route.meta.key.namespace;
    let rules: Vec<Alternative> = route
        .spec
        .routes
        .iter()
        .filter(|rule| leads(own, rule, backends))
        .flat_map(|rule| read(rule, &mut notes))
        .collect();
    if !rules.is_empty() {
        for entry in entries(snapshot, route, rules, &mut Vec::new(), &mut notes)? {
            for one in &entry.rules {
                urls(entry.https, one, &mut found, &mut notes);
            }
        }
    }
    let object = || Some(ExposingObject::Other(ExposureKind::IngressRoute, route.meta.key.clone()));
    Ok(found.finish(notes, object))
}

/// The hosts and paths of all rules of an IngressRoute that has no parent.
pub(crate) fn claims(route: &IngressRoute, found: HostClaims<'_>) {
    for rule in route.spec.routes.iter().filter(|_| route.spec.parent_refs.is_empty()) {
        for one in alternatives(&rule.matches).unwrap_or_default() {
            for host in one.hosts.iter().flatten() {
                let path = one.prefix.as_deref().unwrap_or_default();
                found(host, path, format_args!("IngressRoute {}", route.meta.key));
            }
        }
    }
}

/// The namespaces of the parents of those that lead into these namespaces.
pub fn needs(snapshot: &Snapshot, namespaces: &BTreeSet<&str>, needs: &mut Needs) {
    let all: Vec<&str> = needs.namespaces_of(Kind::IngressRoute, namespaces).collect();
    let mut parents = BTreeSet::new();
    for route in all.into_iter().flat_map(|namespace| snapshot.ingress_routes.seen(namespace)) {
        let own = &route.meta.key.namespace;
        let inside = |service: &IngressRouteService| {
            service_of(own, service).is_some_and(|service| namespaces.contains(service.namespace.as_str()))
        };
        let leads = route.spec.routes.iter().flat_map(|rule| &rule.services).any(inside);
        let elsewhere = route.spec.parent_refs.iter().filter_map(|parent| parent.namespace.as_deref());
        if leads {
            parents.extend(elsewhere.filter(|namespace| !namespaces.contains(namespace)));
        }
    }
    for namespace in parents {
        needs.add_routes_of(Kind::IngressRoute, namespace);
    }
}

fn service_of(own: &str, service: &IngressRouteService) -> Option<Key> {
    let is_service = service.kind.as_deref().is_none_or(|kind| kind.is_empty() || kind == "Service");
    is_service.then(|| Key::new(service.namespace.as_deref().unwrap_or(own), service.name.clone()))
}

fn leads(own: &str, rule: &IngressRouteRule, backends: &Backends) -> bool {
    let gets = |service: &&IngressRouteService| rule.services.len() == 1 || service.weight != Some(0);
    let ours = |service: &IngressRouteService| service_of(own, service).is_some_and(|service| backends.has(&service));
    rule.services.iter().filter(gets).any(ours)
}

fn read(rule: &IngressRouteRule, notes: &mut Notes) -> Vec<Alternative> {
    alternatives(&rule.matches).unwrap_or_else(|why| {
        notes.add(format!("its rule {:?} cannot be read: {why}", rule.matches));
        Vec::new()
    })
}

/// Rules at an entry point.
struct Entry {
    https: bool,
    rules: Vec<Alternative>,
}

/// The rules together with those of the parents, up to those that have entry points.
fn entries(
    snapshot: &Snapshot,
    route: &IngressRoute,
    rules: Vec<Alternative>,
    path: &mut Vec<Key>,
    notes: &mut Notes,
) -> Result<Vec<Entry>, Problem> {
    let key = &route.meta.key;
    if route.spec.parent_refs.is_empty() {
        return Ok(vec![Entry { https: route.spec.tls.is_some(), rules }]);
    }
    let mut entries = Vec::new();
    path.push(key.clone());
    for IngressRouteRef { name, namespace } in &route.spec.parent_refs {
        let parent = Key::new(namespace.as_deref().unwrap_or(&key.namespace), name.clone());
        if path.contains(&parent) {
            continue;
        }
        let Some(parent) = snapshot.ingress_routes.get(&parent)? else {
            notes.add(format!("its parent IngressRoute {parent} does not exist"));
            continue;
        };
        let of_parent: Vec<_> = parent.spec.routes.iter().flat_map(|rule| read(rule, notes)).collect();
        match both(&of_parent, &rules) {
            Ok(rules) => entries.extend(self::entries(snapshot, parent, rules, path, notes)?),
            Err(why) => notes.add(format!(
                "its rules, combined with those of IngressRoute {}, are too many: {why}",
                parent.meta.key
            )),
        }
    }
    path.pop();
    Ok(entries)
}

fn urls(https: bool, rule: &Alternative, found: &mut Exposures, notes: &mut Notes) {
    let Some(hosts) = &rule.hosts else {
        match &rule.host_pattern {
            Some(pattern) => {
                notes.add(format!("hosts {pattern:?} are a pattern, but an origin needs an exact host name"));
            }
            None => notes.add("a rule without Host gives no origin"),
        }
        return;
    };
    if let Some(path) = &rule.path {
        notes.add(format!("path {path:?} is not a prefix; / is assumed"));
    }
    let path = if rule.path.is_some() { "" } else { rule.prefix.as_deref().unwrap_or_default() };
    let port = if https { 443 } else { 80 };
    for host in hosts {
        match Origin::from_parts(https, host, None) {
            Ok(origin) => {
                let url = PublicUrl::with_path(origin, path);
                found.urls.push(Exposure { url, source: notes.source.clone(), port_assumed: true });
            }
            Err(why) => {
                notes.add(why);
                continue;
            }
        }
        notes.add(format!("it does not state the port of its entry points, so port {port} is assumed; if that is wrong, set spec.publicURL"));
        if !https {
            notes.add("it has no tls, so http is assumed; if its entry point has its own TLS, set spec.publicURL");
        }
    }
}
