//! Which listeners of which Gateways take an HTTPRoute, as Gateway API defines it and as far as the
//! controllers have spoken.

use std::sync::Arc;

use direct_upload_api::Reason;

use super::hostname::Hostname;
use crate::derive::consent;
use crate::derive::exposure::Notes;
use crate::model::{Condition, Gateway, HttpRoute, Key, Listener, Meta, ParentRef, Problem, Snapshot, find_condition};

/// A Gateway and those of its listeners that take the route.
pub(crate) struct Attachment {
    pub gateway: Arc<Gateway>,
    pub listeners: Vec<Listener>,
}

impl Attachment {
    /// A listener of the same port that the host belongs to more than to this one, and that does not
    /// take the route: at most one listener gets a request, the most specific.
    pub fn shadow(&self, listener: &Listener, host: &Hostname) -> Option<&Listener> {
        let rank = |l: &Listener| Some(Hostname::parse(l.hostname.as_deref())).filter(|h| h.meet(host).is_some());
        let best = self.gateway.listeners.iter().filter(|l| l.port == listener.port).max_by_key(|l| rank(l))?;
        (rank(best) > rank(listener) && !self.listeners.iter().any(|l| l.name == best.name)).then_some(best)
    }
}

/// The Gateway that a reference means; none if it means something else (a Service, in a mesh).
pub(crate) fn gateway_of(route: &Meta, parent: &ParentRef) -> Option<Key> {
    let group = parent.group.as_deref().unwrap_or("gateway.networking.k8s.io");
    let kind = parent.kind.as_deref().unwrap_or("Gateway");
    let namespace = parent.namespace.as_ref().unwrap_or(&route.key.namespace);
    (group == "gateway.networking.k8s.io" && kind == "Gateway")
        .then(|| Key::new(namespace.clone(), parent.name.clone()))
}

/// All attachments of a route. What keeps it from one is noted.
///
/// # Errors
/// A Gateway that cannot be seen, or a controller that has not yet judged the route as it stands.
pub(crate) fn attachments(
    snapshot: &Snapshot,
    route: &HttpRoute,
    notes: &mut Notes,
) -> Result<Vec<Attachment>, Problem> {
    let mut found: Vec<Attachment> = Vec::new();
    for parent in &route.spec.parent_refs {
        let Some(key) = gateway_of(&route.meta, parent) else {
            let kind = parent.kind.as_deref().unwrap_or_default();
            if kind != "Service" {
                notes.add(format!("its parent {kind} {} is of a kind that is not read", parent.name));
            }
            continue;
        };
        let gateway = snapshot.gateways.get_named(&key).map_err(|unknown| {
            let why = format!("{} is attached to Gateway {key}, which cannot be seen: {}", notes.source, unknown.why);
            Problem { found: why, ..unknown.into() }
        })?;
        let Some(gateway) = gateway else {
            notes.add(format!("there is no Gateway {key}"));
            continue;
        };
        let word = match acceptance(route, parent) {
            RouteAcceptance::Stale(generation) => {
                let why = format!(
                    "the controller of Gateway {key} has judged {} only up to generation {generation}, not {}",
                    notes.source, route.meta.generation
                );
                return Err(Problem::new(Reason::ObservationIncomplete, why));
            }
            RouteAcceptance::Silent if route.meta.is_stored() => {
                notes.add(format!("no controller has accepted it for Gateway {key}"));
                continue;
            }
            RouteAcceptance::Refused(condition) => {
                notes.add(format!("Gateway {key} does not accept it: {}: {}", condition.reason, condition.message));
                continue;
            }
            RouteAcceptance::Silent => false,
            RouteAcceptance::Accepted => true,
        };
        let mut listeners = Vec::new();
        for listener in gateway.listeners.iter().filter(|l| selects(parent, l)) {
            match takes(snapshot, route, gateway, listener, word)? {
                Ok(()) => {
                    notes_of_tls(gateway, listener, notes);
                    listeners.push(listener.clone());
                }
                Err(why) => notes.add(format!("listener {} of Gateway {key} {why}", listener.name)),
            }
        }
        match found.iter_mut().find(|a| a.gateway.meta.key == key) {
            Some(other) => {
                listeners.retain(|l| other.listeners.iter().all(|o| o.name != l.name));
                other.listeners.extend(listeners);
            }
            None => found.push(Attachment { gateway: gateway.clone(), listeners }),
        }
    }
    Ok(found)
}

/// A certificate that the Gateway cannot use.
fn notes_of_tls(gateway: &Gateway, listener: &Listener, notes: &mut Notes) {
    let status = gateway.listener_statuses.iter().find(|status| status.name == listener.name);
    let refs = status.and_then(|status| find_condition(&status.conditions, "ResolvedRefs"));
    if let Some(condition) = refs.filter(|condition| condition.status == "False") {
        let (name, key) = (&listener.name, &gateway.meta.key);
        notes.add(format!(
            "listener {name} of Gateway {key} has a problem: {}: {}",
            condition.reason, condition.message
        ));
    }
}

fn selects(parent: &ParentRef, listener: &Listener) -> bool {
    parent.section_name.as_ref().is_none_or(|name| *name == listener.name)
        && parent.port.is_none_or(|port| port == listener.port)
}

/// What the controllers say of the route at one parent.
enum RouteAcceptance<'a> {
    Accepted,
    Refused(&'a Condition),
    /// Of an earlier generation.
    Stale(i64),
    Silent,
}

fn acceptance<'a>(route: &'a HttpRoute, parent: &ParentRef) -> RouteAcceptance<'a> {
    let same = |other: &ParentRef| {
        gateway_of(&route.meta, other) == gateway_of(&route.meta, parent)
            && other.section_name == parent.section_name
            && other.port == parent.port
    };
    let entries = route.parents.iter().filter(|entry| same(&entry.parent_ref));
    let conditions: Vec<_> = entries.filter_map(|entry| find_condition(&entry.conditions, "Accepted")).collect();
    let current = |t: &&&Condition| is_current(t, &route.meta);
    if conditions.iter().filter(current).any(|t| t.status == "True") {
        return RouteAcceptance::Accepted;
    }
    match (conditions.iter().find(|t| !is_current(t, &route.meta)), conditions.first()) {
        (Some(stale), _) => RouteAcceptance::Stale(stale.observed_generation.unwrap_or_default()),
        (None, Some(refusal)) => RouteAcceptance::Refused(refusal),
        (None, None) => RouteAcceptance::Silent,
    }
}

fn is_current(condition: &Condition, of: &Meta) -> bool {
    // A file need not have a generation.
    of.generation == 0 || condition.observed_generation.is_none_or(|generation| generation >= of.generation)
}

/// Whether a listener takes the route, or why not. `word`: the controller accepted it at the parent,
/// which counts where the labels of namespaces cannot be seen.
fn takes(
    snapshot: &Snapshot,
    route: &HttpRoute,
    gateway: &Gateway,
    listener: &Listener,
    word: bool,
) -> Result<Result<(), String>, Problem> {
    let allowed = &listener.allowed_routes;
    if !allowed.kinds.is_empty() && allowed.kinds.iter().all(|k| k.kind != "HTTPRoute") {
        return Ok(Err("takes no HTTPRoute".into()));
    }
    let status = gateway.listener_statuses.iter().find(|status| status.name == listener.name);
    for (type_, bad) in [("Accepted", "False"), ("Conflicted", "True")] {
        let found = status.and_then(|status| find_condition(&status.conditions, type_));
        if let Some(condition) =
            found.filter(|condition| condition.status == bad && is_current(condition, &gateway.meta))
        {
            return Ok(Err(format!("is not in effect: {}: {}", condition.reason, condition.message)));
        }
    }
    let namespace = &route.meta.key.namespace;
    let granted = match allowed.namespaces.from.as_deref().unwrap_or("Same") {
        "All" => true,
        "Same" => gateway.meta.key.namespace == *namespace,
        "Selector" => match (snapshot.namespaces.get(&Key::new("", namespace.clone())), &allowed.namespaces.selector) {
            (Ok(Some(object)), Some(selector)) => consent::matches(selector, &object.labels),
            (Ok(None) | Err(_), _) if word => true,
            (Err(unknown), _) => return Err(unknown.into()),
            _ => false,
        },
        _ => false,
    };
    Ok(if granted { Ok(()) } else { Err(format!("takes no routes of namespace {namespace} (allowedRoutes)")) })
}
