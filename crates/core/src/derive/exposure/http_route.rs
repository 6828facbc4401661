//! Gateway API HTTPRoute → URLs: where its host names and those of the listeners that take it meet.

use std::collections::BTreeSet;
use std::sync::Arc;

use direct_upload_api::web::{Origin, PublicUrl};
use direct_upload_api::{ConditionStatus, ExposureKind};

use super::attachment::{self, Attachment, attachments};
use super::backends::Backends;
use super::exposing::{Exposing, Exposures, HostClaims, Notes};
use super::hostname::{Hostname, meeting};
use super::route_acceptance::Attaching;
use crate::derive::exposing_object::ExposingObject;
use crate::model::{
    BackendRef, GrantTo, HttpMatch, HttpRoute, HttpRule, Key, Kind, Listener, Meta, Needs, Problem, ReferenceGrant,
    RouteParentStatus, Snapshot, Store, find_condition,
};

impl Exposing for HttpRoute {
    fn store(snapshot: &Snapshot) -> &Store<Self> {
        &snapshot.http_routes
    }

    fn other_namespaces(snapshot: &Snapshot, namespace: &str) -> BTreeSet<String> {
        granting(snapshot, "HTTPRoute", namespace)
    }

    /// The URLs under which an HTTPRoute exposes any of the Services.
    ///
    /// # Errors
    /// [`Problem`] if a Gateway that the answer depends on cannot be seen, or its controller has not yet
    /// looked at the route as it stands.
    fn exposures(snapshot: &Snapshot, route: &Arc<Self>, backends: &Backends) -> Result<Exposures, Problem> {
        let mut notes = Notes::new(ExposureKind::HTTPRoute, &route.meta.key);
        let mut rules = Vec::new();
        let mut positions = Vec::new();
        for (at, rule) in route.spec.rules.iter().enumerate() {
            if leads(snapshot, route, rule, backends, &mut notes)? {
                rules.push((at, rule));
                positions.push(at);
            }
        }
        let mut found = Exposures::default();
        let paths = paths(&route.spec.rules, &rules, &mut notes);
        if !paths.is_empty() {
            let HttpRoute { meta, spec, parents, .. } = &**route;
            let attaching = Attaching { kind: "HTTPRoute", meta, parents: &spec.parent_refs, judged: parents };
            for attachment in attachments(snapshot, attaching, &mut notes)? {
                for listener in &attachment.listeners {
                    let https = match (listener.protocol.as_str(), listener.tls.mode.as_deref()) {
                        ("HTTP", _) => Some(false),
                        ("HTTPS" | "TLS", mode) if mode != Some("Passthrough") => Some(true),
                        _ => None,
                    };
                    for (origin, assumed) in
                        origins("HTTPRoute", &spec.hostnames, https, &attachment, listener, &mut notes)
                    {
                        for path in &paths {
                            found.add(&notes, PublicUrl::with_path(origin.clone(), path), assumed);
                        }
                    }
                }
            }
        }
        Ok(found.finish(notes, || Some(ExposingObject::HttpRoute(route.clone(), positions))))
    }

    /// The hosts and paths that an accepted HTTPRoute serves; a redirect serves nothing.
    fn claims(&self, _: &Snapshot, found: HostClaims<'_>) {
        if !is_accepted(&self.meta, &self.parents) {
            return;
        }
        for rule in self.spec.rules.iter().filter(|rule| !redirects(rule)) {
            let matches = rule.matches.iter().filter(|m| demand(m).is_none());
            let paths = matches.map(|m| m.path.value.as_deref().unwrap_or_default());
            for path in paths.chain(rule.matches.is_empty().then_some("")) {
                for host in &self.spec.hostnames {
                    found(host, path, ExposureKind::HTTPRoute, &self.meta.key);
                }
            }
        }
    }

    /// Namespaces whose routes may lead into these, and the parents of all routes that do.
    fn needs(snapshot: &Snapshot, namespaces: &BTreeSet<&str>, needs: &mut Needs) {
        for namespace in namespaces.iter().flat_map(|namespace| granting(snapshot, "HTTPRoute", namespace)) {
            needs.add_routes_of(Kind::HTTPRoute, namespace);
        }
        let all: Vec<String> = needs.namespaces_of(Kind::HTTPRoute, namespaces).map(str::to_owned).collect();
        let leads = |route: &&Arc<HttpRoute>| {
            let mut backends = route.spec.rules.iter().flat_map(|rule| &rule.backend_refs);
            backends.any(|backend| is_inside(&route.meta.key.namespace, backend, namespaces))
        };
        let routes = all.iter().flat_map(|namespace| snapshot.http_routes.seen(namespace)).filter(leads);
        attachment::needs(snapshot, routes.map(|route| (&route.meta, route.spec.parent_refs.as_slice())), needs);
    }
}

/// A controller has accepted a route, or none has seen it: it is in a file.
pub(crate) fn is_accepted(meta: &Meta, parents: &[RouteParentStatus]) -> bool {
    let accepted = |parent: &RouteParentStatus| {
        find_condition(&parent.conditions, "Accepted")
            .is_some_and(|condition| condition.status == ConditionStatus::True)
    };
    parents.iter().any(accepted) || (parents.is_empty() && !meta.is_stored())
}

fn redirects(rule: &HttpRule) -> bool {
    rule.filters.iter().any(|filter| filter.type_ == "RequestRedirect")
}

/// Whether a rule sends requests to one of the Services.
fn leads(
    snapshot: &Snapshot,
    route: &HttpRoute,
    rule: &HttpRule,
    backends: &Backends,
    notes: &mut Notes<'_>,
) -> Result<bool, Problem> {
    if redirects(rule) {
        return Ok(false);
    }
    any_leads(snapshot, "HTTPRoute", &route.meta.key.namespace, &rule.backend_refs, backends, notes)
}

/// Whether any of the backends of a route is one of the Services, and may be named by it.
pub(crate) fn any_leads(
    snapshot: &Snapshot,
    kind: &str,
    own: &str,
    named: &[BackendRef],
    backends: &Backends,
    notes: &mut Notes<'_>,
) -> Result<bool, Problem> {
    let mut refused = None;
    for backend in named {
        let Some(service) = service_of(own, backend).filter(|service| backends.has(service)) else { continue };
        if service.namespace == *own || granted(snapshot, kind, own, &service)? {
            return Ok(true);
        }
        refused = Some(service);
    }
    if let Some(Key { namespace, name }) = refused {
        notes.add(format!("it names Service {name} of namespace {namespace}, where no ReferenceGrant permits kind {kind} of namespace {own} to do so"));
    }
    Ok(false)
}

/// The backend's Service, unless its weight is zero.
fn service_of(namespace: &str, backend: &BackendRef) -> Option<Key> {
    let group = backend.group.as_deref().unwrap_or_default();
    let is_service = group.is_empty() && backend.kind.as_deref().unwrap_or("Service") == "Service";
    let namespace = backend.namespace.as_deref().unwrap_or(namespace);
    (is_service && backend.weight != Some(0)).then(|| Key::new(namespace, backend.name.clone()))
}

/// Whether the Service's namespace lets routes of another one lead to it.
fn granted(snapshot: &Snapshot, kind: &str, from: &str, service: &Key) -> Result<bool, Problem> {
    let grants = |grant: &ReferenceGrant| {
        let to = |to: &GrantTo| to.kind == "Service" && to.name.as_ref().is_none_or(|n| *n == service.name);
        routes_of(grant, kind).any(|namespace| namespace == from) && grant.spec.to.iter().any(to)
    };
    Ok(snapshot.reference_grants.list(&service.namespace)?.any(|grant| grants(grant)))
}

fn routes_of<'a>(grant: &'a ReferenceGrant, kind: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let kind = kind.to_owned();
    grant.spec.from.iter().filter(move |from| from.kind == kind).map(|from| from.namespace.as_str())
}

/// A header or a query that a request must have, and that browsers do not send.
fn demand(one: &HttpMatch) -> Option<String> {
    let header = one.headers.iter().find(|header| !is_sent(&header.name));
    let query = || one.query_params.first().map(|query| format!("query {}", query.name));
    header.map(|header| format!("header {}", header.name)).or_else(query)
}

/// Whether a rule has a match of the same weight: of equal matches in a route, the first rule's counts
/// (HTTPRouteRule, `matches`).
fn takes_before(rule: &HttpRule, one: &HttpMatch) -> bool {
    fn path(m: &HttpMatch) -> (&str, &str) {
        let value = m.path.value.as_deref().unwrap_or("/");
        match m.path.type_.as_deref().unwrap_or("PathPrefix") {
            "PathPrefix" => ("PathPrefix", value.trim_end_matches('/')),
            other => (other, value),
        }
    }
    let plain = |m: &HttpMatch| m.headers.is_empty() && m.query_params.is_empty() && m.method.is_none();
    let same = |m: &HttpMatch| plain(m) && path(m) == path(one);
    plain(one) && (rule.matches.iter().any(same) || (rule.matches.is_empty() && same(&HttpMatch::default())))
}

/// Whether requests of pages or of uploads have a header, or may have it.
pub(crate) fn is_sent(header: &str) -> bool {
    const SENT: [&str; 12] = [
        "accept",
        "accept-encoding",
        "accept-language",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "origin",
        "referer",
        "user-agent",
        "x-auth-token",
    ];
    // Names that start with a colon are parts of the request itself (Contour, Istio).
    header.starts_with(':') || SENT.iter().any(|name| header.eq_ignore_ascii_case(name))
}

/// The prefixes under which the rules lead there. A path that is not a prefix is no part of the URL. A match
/// that demands a header or a query takes no page or upload: browsers send neither.
fn paths(all: &[HttpRule], rules: &[(usize, &HttpRule)], notes: &mut Notes<'_>) -> Vec<String> {
    let mut paths = Vec::new();
    for (at, rule) in rules {
        let any = [HttpMatch::default()];
        let matches = if rule.matches.is_empty() { any.as_slice() } else { rule.matches.as_slice() };
        for one in matches {
            if let Some(demand) = demand(one) {
                notes.add(format!("a match with {demand} does not count: browsers send requests without it"));
                continue;
            }
            let first = all[..*at].iter().position(|other| takes_before(other, one));
            if let Some(first) = first.filter(|first| rules.iter().all(|(own, _)| own != first)) {
                notes.add(format!("spec.rules[{at}] gets no request: spec.rules[{first}] has the same match, and the first of two wins"));
                continue;
            }
            let path = &one.path;
            let value = path.value.as_deref().unwrap_or("/");
            match path.type_.as_deref().unwrap_or("PathPrefix") {
                "PathPrefix" => paths.push(value.to_owned()),
                other => {
                    notes.add(format!("path {value:?} is of type {other}, so it is not a prefix; / is assumed"));
                    paths.push(String::new());
                }
            }
        }
    }
    paths
}

/// The origins under which a listener serves a route with these host names, and whether their port is
/// assumed. `https` is none if the listener accepts no route of that kind.
pub(crate) fn origins(
    kind: &str,
    hostnames: &[String],
    https: Option<bool>,
    attachment: &Attachment,
    listener: &Listener,
    notes: &mut Notes<'_>,
) -> Vec<(Origin, bool)> {
    let (parent, name) = (&attachment.parent, &listener.name);
    let Some(https) = https else {
        let passes = if listener.tls.mode.as_deref() == Some("Passthrough") { ", which is passed through" } else { "" };
        let protocol = &listener.protocol;
        notes.add(format!("listener {name} of {parent} has protocol {protocol}{passes}, which no {kind} can use"));
        return Vec::new();
    };
    let mut origins = Vec::new();
    let met = meeting(&Hostname::parse(listener.hostname.as_deref()), hostnames);
    if let (true, Some(own)) = (met.is_empty(), &listener.hostname) {
        notes.add(format!("listener {name} of {parent} is for host {own}, which none of its hostnames matches"));
    }
    for host in met {
        let Hostname::Exact(text) = &host else {
            notes
                .add(format!("listener {name} of {parent} is for host {host}, but an origin needs an exact host name"));
            continue;
        };
        if let Some(other) = attachment.shadow(listener, &host) {
            notes.add(format!(
                "host {host} goes to listener {} of {parent}, which does not accept the route",
                other.name
            ));
            continue;
        }
        let (port, assumed) = attachment.port(listener, notes);
        match Origin::from_parts(https, text, port) {
            Ok(origin) => origins.push((origin, assumed)),
            Err(why) => notes.add(why),
        }
    }
    origins
}

/// Namespaces whose routes of a kind may lead into this one.
pub(crate) fn granting(snapshot: &Snapshot, kind: &str, namespace: &str) -> BTreeSet<String> {
    let grants = snapshot.reference_grants.seen(namespace);
    grants.flat_map(|grant| routes_of(grant, kind)).map(str::to_owned).collect()
}

/// Whether a backend is a Service of one of these namespaces.
pub(crate) fn is_inside(own: &str, backend: &BackendRef, namespaces: &BTreeSet<&str>) -> bool {
    service_of(own, backend).is_some_and(|service| namespaces.contains(service.namespace.as_str()))
}
