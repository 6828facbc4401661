//! Gateway API HTTPRoute → URLs: where its host names and those of the listeners that take it meet.

use std::collections::BTreeSet;
use std::sync::Arc;

use direct_upload_api::web::{Origin, PublicUrl};

use super::attachment::{Attachment, attachments, gateway_of};
use super::backends::Backends;
use super::hostname::{Hostname, meeting};
use crate::derive::exposure::{Exposures, HostClaims, Notes};
use crate::derive::exposure_issue::ExposingObject;
use crate::model::{
    BackendRef, GrantTo, HttpRoute, HttpRule, Key, Listener, Needs, Problem, ReferenceGrant, RouteParentStatus,
    Snapshot, find_condition,
};

/// The URLs under which an HTTPRoute exposes any of the Services.
///
/// # Errors
/// [`Problem`] if a Gateway that the answer depends on cannot be seen, or its controller has not yet
/// looked at the route as it stands.
pub fn exposures(snapshot: &Snapshot, route: &Arc<HttpRoute>, backends: &Backends) -> Result<Exposures, Problem> {
    let mut notes = Notes::new(format!("HTTPRoute {}", route.meta.key));
    let mut rules = Vec::new();
    let mut positions = Vec::new();
    for (at, rule) in route.spec.rules.iter().enumerate() {
        if leads(snapshot, route, rule, backends)? {
            rules.push(rule);
            positions.push(at);
        }
    }
    let mut found = Exposures::default();
    if !rules.is_empty() {
        let paths = paths(&rules, &mut notes);
        for attachment in attachments(snapshot, route, &mut notes)? {
            for listener in &attachment.listeners {
                for origin in origins(route, &attachment, listener, &mut notes) {
                    found.add(&notes.source, paths.iter().map(|path| PublicUrl::with_path(origin.clone(), path)));
                }
            }
        }
    }
    Ok(found.finish(notes, || Some(ExposingObject::HttpRoute(route.clone(), positions))))
}

/// The hosts and paths that an accepted HTTPRoute serves; a redirect serves nothing.
pub(crate) fn claims(route: &HttpRoute, found: HostClaims<'_>) {
    let accepted = |parent: &RouteParentStatus| {
        find_condition(&parent.conditions, "Accepted").is_some_and(|condition| condition.status == "True")
    };
    if !route.parents.iter().any(accepted) {
        return;
    }
    for rule in route.spec.rules.iter().filter(|rule| !redirects(rule)) {
        let paths = rule.matches.iter().map(|m| m.path.value.as_deref().unwrap_or_default());
        for path in paths.chain(rule.matches.is_empty().then_some("")) {
            for host in &route.spec.hostnames {
                found(host, path, format_args!("HTTPRoute {}", route.meta.key));
            }
        }
    }
}

fn redirects(rule: &HttpRule) -> bool {
    rule.filters.iter().any(|filter| filter.type_ == "RequestRedirect")
}

/// Whether a rule sends requests to one of the Services.
fn leads(snapshot: &Snapshot, route: &HttpRoute, rule: &HttpRule, backends: &Backends) -> Result<bool, Problem> {
    if redirects(rule) {
        return Ok(false);
    }
    let own = &route.meta.key.namespace;
    for backend in &rule.backend_refs {
        let Some(service) = service_of(own, backend).filter(|service| backends.has(service)) else { continue };
        if service.namespace == *own || granted(snapshot, own, &service)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The Service that a backend is, if it gets anything at all.
fn service_of(namespace: &str, backend: &BackendRef) -> Option<Key> {
    let group = backend.group.as_deref().unwrap_or_default();
    let is_service = group.is_empty() && backend.kind.as_deref().unwrap_or("Service") == "Service";
    let namespace = backend.namespace.as_deref().unwrap_or(namespace);
    (is_service && backend.weight != Some(0)).then(|| Key::new(namespace, backend.name.clone()))
}

/// Whether the Service's namespace lets routes of another one lead to it.
fn granted(snapshot: &Snapshot, from: &str, service: &Key) -> Result<bool, Problem> {
    let grants = |grant: &ReferenceGrant| {
        let to = |to: &GrantTo| to.kind == "Service" && to.name.as_ref().is_none_or(|n| *n == service.name);
        routes_of(grant).any(|namespace| namespace == from) && grant.spec.to.iter().any(to)
    };
    Ok(snapshot.reference_grants.list(&service.namespace)?.any(|grant| grants(grant)))
}

fn routes_of(grant: &ReferenceGrant) -> impl Iterator<Item = &str> {
    grant.spec.from.iter().filter(|from| from.kind == "HTTPRoute").map(|from| from.namespace.as_str())
}

/// The prefixes under which the rules lead there; a match that is no prefix says nothing of it.
fn paths(rules: &[&HttpRule], notes: &mut Notes) -> Vec<String> {
    let mut paths = Vec::new();
    for rule in rules {
        if rule.matches.is_empty() {
            paths.push(String::new());
        }
        for path in rule.matches.iter().map(|m| &m.path) {
            let value = path.value.as_deref().unwrap_or("/");
            match path.type_.as_deref().unwrap_or("PathPrefix") {
                "PathPrefix" => paths.push(value.to_owned()),
                other => {
                    notes.add(format!("path {value:?} is of type {other} and so no prefix; / is assumed"));
                    paths.push(String::new());
                }
            }
        }
    }
    paths
}

/// The origins that come to the route through a listener.
fn origins(route: &HttpRoute, attachment: &Attachment, listener: &Listener, notes: &mut Notes) -> Vec<Origin> {
    let gateway = &attachment.gateway.meta.key;
    let name = &listener.name;
    let passes = listener.tls.mode.as_deref() == Some("Passthrough");
    let https = match listener.protocol.as_str() {
        "HTTP" => false,
        "HTTPS" | "TLS" if !passes => true,
        other => {
            let passes = if passes { ", which is passed through" } else { "" };
            notes
                .add(format!("listener {name} of Gateway {gateway} speaks {other}{passes}: no HTTPRoute can be there"));
            return Vec::new();
        }
    };
    let mut origins = Vec::new();
    for host in meeting(&Hostname::parse(listener.hostname.as_deref()), &route.spec.hostnames) {
        let Hostname::Exact(text) = &host else {
            notes
                .add(format!("through listener {name} of Gateway {gateway} comes host {host}, and an origin is exact"));
            continue;
        };
        if let Some(other) = attachment.shadow(listener, &host) {
            notes.add(format!(
                "host {host} goes to listener {} of Gateway {gateway}, which does not take it",
                other.name
            ));
            continue;
        }
        match Origin::from_parts(https, text, u16::try_from(listener.port).ok()) {
            Ok(origin) => origins.push(origin),
            Err(why) => notes.add(why),
        }
    }
    origins
}

/// Namespaces whose routes may lead into these, and the Gateways of all routes that do.
pub fn needs(snapshot: &Snapshot, namespaces: &BTreeSet<&str>) -> Needs {
    let grants = namespaces.iter().flat_map(|namespace| snapshot.reference_grants.seen(namespace));
    let routes_of = grants.flat_map(|grant| routes_of(grant)).map(str::to_owned).collect();
    let mut needs = Needs { routes_of, ..Needs::default() };
    let elsewhere = needs.routes_of.iter().map(String::as_str);
    let all: BTreeSet<&str> = namespaces.iter().copied().chain(elsewhere).collect();
    for route in all.iter().flat_map(|namespace| snapshot.http_routes.seen(namespace)) {
        let mut backends = route.spec.rules.iter().flat_map(|rule| &rule.backend_refs);
        let inside = |service: Key| namespaces.contains(service.namespace.as_str());
        if backends.any(|backend| service_of(&route.meta.key.namespace, backend).is_some_and(inside)) {
            needs.gateways.extend(route.spec.parent_refs.iter().filter_map(|parent| gateway_of(&route.meta, parent)));
        }
    }
    needs
}
