//! Which listeners accept a route, of Gateways and of ListenerSets, as Gateway API defines it and as far as
//! the controllers have decided.

use std::collections::BTreeSet;

use direct_upload_api::ConditionStatus;

use super::exposing::Notes;
use super::hostname::Hostname;
use super::outer_port::Ports;
use super::parent::{ParentKind, parent_of};
use super::route_acceptance::{Attaching, notes_of_refs, word};
use super::route_parent::{Parent, allows, parent};
use super::traefik_middleware;
use crate::model::{Gateway, Listener, Meta, Needs, ParentRef, Problem, Snapshot, find_condition};

/// A Gateway or ListenerSet, and its listeners that accept the route.
pub(crate) struct Attachment {
    /// `Gateway infra/public`.
    pub parent: String,
    pub listeners: Vec<Listener>,
    /// All listeners that share its address, as far as they are seen.
    all: Vec<Listener>,
    /// The outer ports of its listeners.
    ports: Ports,
}

impl Attachment {
    /// The port on which browsers reach a listener, and whether that is assumed.
    pub fn port(&self, listener: &Listener, notes: &mut Notes<'_>) -> (Option<u16>, bool) {
        let (port, assumed) = self.ports.of(listener.port);
        if let (Some(why), true) = (assumed, listener.port != 0) {
            let (name, parent) = (&listener.name, &self.parent);
            notes.add(format!("listener {name} of {parent} has port {}, {why}; port {port} is assumed; if that is wrong, set spec.publicURL", listener.port));
        }
        (u16::try_from(port).ok(), assumed.is_some())
    }

    /// Adds listeners that another reference means.
    fn add(&mut self, listeners: Vec<Listener>) {
        let new: Vec<_> =
            listeners.into_iter().filter(|l| self.listeners.iter().all(|own| own.name != l.name)).collect();
        self.listeners.extend(new);
    }

    /// A listener of the same port that matches the host more specifically, and does not accept the route.
    /// At most one listener gets a request: the most specific.
    pub(super) fn shadow(&self, listener: &Listener, host: &Hostname) -> Option<&Listener> {
        let rank = |l: &Listener| Some(Hostname::parse(l.hostname.as_deref())).filter(|h| h.meet(host).is_some());
        let best = self.all.iter().filter(|l| l.port == listener.port).max_by_key(|l| rank(l))?;
        (rank(best) > rank(listener) && !self.listeners.iter().any(|l| l.name == best.name)).then_some(best)
    }
}

/// What must be watched for routes with these parents.
pub(crate) fn needs<'a>(
    snapshot: &Snapshot,
    routes: impl Iterator<Item = (&'a Meta, &'a [ParentRef])>,
    needs: &mut Needs,
) {
    let parents: BTreeSet<_> =
        routes.flat_map(|(meta, parents)| parents.iter().filter_map(|parent| parent_of(meta, parent))).collect();
    for (kind, key) in parents {
        // The Gateway of a ListenerSet, as soon as that is seen.
        if let ParentKind::Set(kind) = kind
            && let Ok(Some(set)) = kind.get(snapshot, &key)
            && let Some((kind, gateway)) = parent_of(&set.meta, &set.spec.parent_ref)
        {
            needs.add_named(kind.into(), gateway);
        }
        needs.add_named(kind.into(), key);
    }
}

/// All attachments of a route. What prevents one is recorded.
///
/// # Errors
/// A Gateway or ListenerSet that cannot be seen, or a controller that has not yet judged one of them or the
/// route as it stands.
pub(crate) fn attachments(
    snapshot: &Snapshot,
    route: Attaching<'_>,
    notes: &mut Notes<'_>,
) -> Result<Vec<Attachment>, Problem> {
    let mut found: Vec<Attachment> = Vec::new();
    if route.parents.is_empty() {
        notes.add("it names no Gateway (parentRefs)");
    }
    for reference in route.parents {
        let Some((kind, key)) = parent_of(route.meta, reference) else {
            notes.add(unread(reference));
            continue;
        };
        let Some(parent) = parent(snapshot, kind, &key, notes)? else { continue };
        let Some(word) = word(route, reference, &parent.name, notes)? else { continue };
        notes_of_refs(route, reference, notes);
        let listeners = accepting(snapshot, route, reference, &parent, word, notes)?;
        if let Some(attachment) = found.iter_mut().find(|attachment| attachment.parent == parent.name) {
            attachment.add(listeners);
        } else {
            let ports = Ports::new(snapshot, parent.gateway, is_traefiks(route, reference, parent.gateway));
            found.push(Attachment { listeners, all: parent.neighbours(kind), parent: parent.name, ports });
        }
    }
    Ok(found)
}

/// What to say about a parent of a kind that is not read.
fn unread(parent: &ParentRef) -> String {
    let (kind, name) = (parent.kind.as_deref().unwrap_or_default(), &parent.name);
    if kind == "Service" {
        format!("its parent is Service {name}: that is for requests inside a mesh, not of browsers")
    } else {
        format!("its parent {kind} {name} is of a kind that is not supported")
    }
}

/// Those listeners of a parent that the reference means and that accept the route.
fn accepting(
    snapshot: &Snapshot,
    route: Attaching<'_>,
    reference: &ParentRef,
    parent: &Parent<'_>,
    word: bool,
    notes: &mut Notes<'_>,
) -> Result<Vec<Listener>, Problem> {
    let name = &parent.name;
    let selected: Vec<_> = parent.listeners.iter().filter(|listener| selects(reference, listener)).collect();
    if selected.is_empty() {
        let section = reference.section_name.as_ref().map(|name| format!(" of name {name}"));
        let port = reference.port.map(|port| format!(" on port {port}"));
        let which: String = section.into_iter().chain(port).collect();
        if !which.is_empty() {
            notes.add(format!("{name} has no listener{which}"));
        }
    }
    let mut listeners = Vec::new();
    for listener in selected {
        match takes(snapshot, route, parent, listener, word)? {
            Ok(()) => {
                notes_of_tls(parent, listener, notes);
                listeners.push(listener.clone());
            }
            Err(why) => notes.add(format!("listener {} of {name} {why}", listener.name)),
        }
    }
    Ok(listeners)
}

/// A certificate that the Gateway cannot use.
fn notes_of_tls(parent: &Parent<'_>, listener: &Listener, notes: &mut Notes<'_>) {
    let status = parent.statuses.iter().find(|status| status.name == listener.name);
    let refs = status.and_then(|status| find_condition(&status.conditions, "ResolvedRefs"));
    if let Some(condition) = refs.filter(|condition| condition.status == ConditionStatus::False) {
        let (name, of) = (&listener.name, &parent.name);
        notes.add(format!("listener {name} of {of} has a problem: {}: {}", condition.reason, condition.message));
    }
}

fn selects(parent: &ParentRef, listener: &Listener) -> bool {
    parent.section_name.as_ref().is_none_or(|name| *name == listener.name)
        && parent.port.is_none_or(|port| port == listener.port)
}

/// Whether a listener accepts the route, or why not. `word`: the controller accepted it at the parent,
/// which counts if the labels of namespaces cannot be seen.
fn takes(
    snapshot: &Snapshot,
    route: Attaching<'_>,
    parent: &Parent<'_>,
    listener: &Listener,
    word: bool,
) -> Result<Result<(), String>, Problem> {
    let allowed = &listener.allowed_routes;
    if !allowed.kinds.is_empty() && allowed.kinds.iter().all(|k| k.kind != route.kind) {
        return Ok(Err(format!("accepts no {}", route.kind)));
    }
    let status = parent.statuses.iter().find(|status| status.name == listener.name);
    for (type_, bad) in [("Accepted", ConditionStatus::False), ("Conflicted", ConditionStatus::True)] {
        let found = status.and_then(|status| find_condition(&status.conditions, type_));
        if let Some(condition) =
            found.filter(|condition| condition.status == bad && condition.is_current(parent.meta.generation))
        {
            return Ok(Err(format!("is not in effect: {}: {}", condition.reason, condition.message)));
        }
    }
    let namespace = &route.meta.key.namespace;
    let granted = allows(snapshot, &allowed.namespaces, "Same", &parent.meta.key.namespace, namespace, word)?;
    Ok(granted.map_err(|why| format!("accepts no routes of namespace {namespace} (allowedRoutes){why}")))
}

/// Whether Traefik serves a Gateway: its controller's name, or that of its class.
fn is_traefiks(route: Attaching<'_>, parent: &ParentRef, gateway: &Gateway) -> bool {
    let entries =
        route.judged.iter().filter(|entry| parent_of(route.meta, &entry.parent_ref) == parent_of(route.meta, parent));
    let mut names = entries.map(|entry| entry.controller_name.as_str()).filter(|name| !name.is_empty()).peekable();
    if names.peek().is_some() {
        names.any(|name| name == "traefik.io/gateway-controller")
    } else {
        traefik_middleware::is_class(&gateway.class)
    }
}
