//! Which listeners accept a route, of Gateways and of ListenerSets, as Gateway API defines it and as far as
//! the controllers have decided.

use std::collections::BTreeSet;

use direct_upload_api::{ConditionStatus, Reason};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::exposing::Notes;
use super::hostname::Hostname;
use super::outer_port::Ports;
use super::parent::{ParentKind, SetKind, parent_of};
use super::traefik_middleware;
use crate::derive::consent;
use crate::model::{
    Condition, Gateway, Key, Kind, Listener, ListenerSet, ListenerStatus, Meta, Needs, ParentRef, Problem,
    RouteNamespaces, RouteParentStatus, Snapshot, find_condition,
};

/// A route that wants to be attached.
#[derive(Clone, Copy)]
pub(crate) struct Attaching<'a> {
    pub kind: &'static str,
    pub meta: &'a Meta,
    pub parents: &'a [ParentRef],
    /// What the parents' controllers say.
    pub judged: &'a [RouteParentStatus],
}

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

/// What has listeners: a Gateway, or a ListenerSet of one.
struct Parent<'a> {
    /// `Gateway infra/public`.
    name: String,
    meta: &'a Meta,
    listeners: Vec<Listener>,
    statuses: &'a [ListenerStatus],
    gateway: &'a Gateway,
}

impl Parent<'_> {
    /// All listeners that share its address, as far as they are seen.
    fn neighbours(&self, kind: ParentKind) -> Vec<Listener> {
        let of_gateway: &[Listener] = match kind {
            ParentKind::Gateway => &[],
            ParentKind::Set(_) => &self.gateway.listeners,
        };
        self.listeners.iter().chain(of_gateway).cloned().collect()
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

/// Whether a controller has accepted the route for a parent; none if the route is not attached there.
///
/// # Errors
/// The controller has not yet processed the route as it stands.
fn word(
    route: Attaching<'_>,
    reference: &ParentRef,
    parent: &str,
    notes: &mut Notes<'_>,
) -> Result<Option<bool>, Problem> {
    match acceptance(route, reference) {
        RouteAcceptance::Stale(generation) => {
            let why = format!(
                "the controller of {parent} has processed {} only up to generation {generation}, not {}",
                notes.object(),
                route.meta.generation
            );
            Err(Problem::new(Reason::ObservationIncomplete, why))
        }
        RouteAcceptance::Silent if route.meta.is_stored() => {
            notes.add(format!("no controller has accepted it for {parent}"));
            Ok(None)
        }
        RouteAcceptance::Refused(condition) => {
            notes.add(format!("{parent} does not accept it: {}: {}", condition.reason, condition.message));
            Ok(None)
        }
        RouteAcceptance::Silent => Ok(Some(false)),
        RouteAcceptance::Accepted => Ok(Some(true)),
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

/// The parent, if it has listeners that are in effect.
fn parent<'a>(
    snapshot: &'a Snapshot,
    kind: ParentKind,
    key: &Key,
    notes: &mut Notes<'_>,
) -> Result<Option<Parent<'a>>, Problem> {
    let name = format!("{} {key}", Kind::from(kind).registration().name);
    match kind {
        ParentKind::Gateway => {
            let Some(gateway) = gateway(snapshot, key, notes)? else { return Ok(None) };
            let (listeners, statuses) = (gateway.listeners.clone(), gateway.listener_statuses.as_slice());
            Ok(Some(Parent { name, meta: &gateway.meta, listeners, statuses, gateway }))
        }
        ParentKind::Set(kind) => of_set(snapshot, kind, key, name, notes),
    }
}

/// A ListenerSet of that name, if it has listeners that are in effect.
fn of_set<'a>(
    snapshot: &'a Snapshot,
    kind: SetKind,
    key: &Key,
    name: String,
    notes: &mut Notes<'_>,
) -> Result<Option<Parent<'a>>, Problem> {
    let Some(set) = kind.get(snapshot, key).map_err(|unknown| unseen(&name, notes, unknown))? else {
        notes.add(format!("there is no {name}"));
        return Ok(None);
    };
    let Some((ParentKind::Gateway, of)) = parent_of(&set.meta, &set.spec.parent_ref) else {
        notes.add(format!("{name} belongs to something other than a Gateway"));
        return Ok(None);
    };
    let Some(word) = word_on_set(set, &name, &of, notes)? else { return Ok(None) };
    let Some(gateway) = gateway(snapshot, &of, notes)? else { return Ok(None) };
    let allowed = &gateway.allowed_listeners.namespaces;
    let namespace = &set.meta.key.namespace;
    if let Err(why) = allows(snapshot, allowed, "None", &gateway.meta.key.namespace, namespace, word)? {
        notes.add(format!("Gateway {of} accepts no ListenerSets of namespace {namespace} (allowedListeners){why}"));
        return Ok(None);
    }
    let listeners = in_effect(set, &name, gateway, notes);
    Ok(Some(Parent { name, meta: &set.meta, listeners, statuses: &set.listener_statuses, gateway }))
}

/// Whether the controller of a Gateway has accepted a ListenerSet of that name; none if it has no listeners there.
///
/// # Errors
/// The controller has not yet processed the ListenerSet as it stands.
fn word_on_set(set: &ListenerSet, name: &str, gateway: &Key, notes: &mut Notes<'_>) -> Result<Option<bool>, Problem> {
    let accepted = find_condition(&set.conditions, "Accepted");
    if let Some(condition) = accepted.filter(|condition| !is_current(condition, &set.meta)) {
        let (judged, generation) = (condition.observed_generation.unwrap_or_default(), set.meta.generation);
        let why = format!(
            "the controller of Gateway {gateway} has processed {name} only up to generation {judged}, not {generation}"
        );
        return Err(Problem::new(Reason::ObservationIncomplete, why));
    }
    Ok(match accepted.map(|condition| (condition.status, condition)) {
        Some((ConditionStatus::True, _)) => Some(true),
        Some((ConditionStatus::False, condition)) => {
            notes.add(format!("Gateway {gateway} does not accept {name}: {}: {}", condition.reason, condition.message));
            None
        }
        _ if set.meta.is_stored() => {
            notes.add(format!("no controller has accepted {name} for Gateway {gateway}"));
            None
        }
        _ => Some(false),
    })
}

/// The listeners of a ListenerSet of that name, with their ports, without those that conflict with the Gateway's own.
fn in_effect(set: &ListenerSet, name: &str, gateway: &Gateway, notes: &mut Notes<'_>) -> Vec<Listener> {
    let mut listeners = set.spec.listeners.clone();
    for listener in listeners.iter_mut().filter(|listener| listener.port == 0) {
        // An XListenerSet may leave the port to the controller.
        let status = set.listener_statuses.iter().find(|status| status.name == listener.name);
        listener.port = status.map_or(0, |status| status.port);
    }
    // Without a status: a Gateway's own listeners come first (GEP-1713, conflicts).
    if set.listener_statuses.is_empty() {
        let host = |listener: &Listener| Hostname::parse(listener.hostname.as_deref());
        listeners.retain(|listener| {
            let own = gateway.listeners.iter().find(|own| own.port == listener.port && host(own) == host(listener));
            if let Some(own) = own {
                let (one, other, of) = (&listener.name, &own.name, &gateway.meta.key);
                notes.add(format!(
                    "listener {one} of {name} is not in effect: listener {other} of Gateway {of} has its port and host"
                ));
            }
            own.is_none()
        });
    }
    listeners
}

fn gateway<'a>(snapshot: &'a Snapshot, key: &Key, notes: &mut Notes<'_>) -> Result<Option<&'a Gateway>, Problem> {
    let name = format!("Gateway {key}");
    let found = snapshot.gateways.get_named(key).map_err(|unknown| unseen(&name, notes, unknown))?;
    let Some(gateway) = found else {
        notes.add(format!("there is no {name}"));
        return Ok(None);
    };
    if let Some(why) = without_controller(snapshot, gateway) {
        notes.add(format!("{name} has no listener in effect: {why}"));
        return Ok(None);
    }
    let accepted = find_condition(&gateway.conditions, "Accepted");
    let refusal =
        accepted.filter(|condition| condition.status == ConditionStatus::False && is_current(condition, &gateway.meta));
    if let Some(condition) = refusal {
        notes.add(format!("{name} is not in effect: {}: {}", condition.reason, condition.message));
        // It may serve those of its listeners that are valid.
        if condition.reason != "ListenersNotValid" {
            return Ok(None);
        }
    }
    Ok(Some(gateway))
}

/// Why nothing shows that a controller serves a Gateway, if so. The CRDs' own default of `Accepted` is Unknown, until a
/// controller has decided (Gateway API, GatewayStatus and GatewayClassStatus).
fn without_controller(snapshot: &Snapshot, gateway: &Gateway) -> Option<String> {
    let waits = |conditions: &[Condition]| {
        find_condition(conditions, "Accepted").is_some_and(|condition| condition.status == ConditionStatus::Unknown)
    };
    if gateway.meta.is_stored() && waits(&gateway.conditions) {
        return Some("no controller has accepted it".to_owned());
    }
    let name = &gateway.class;
    // A class that is not seen says nothing: few files have it.
    let class = snapshot.gateway_classes.get_named(&Key::new("", name.clone())).ok()??;
    let accepted = find_condition(&class.conditions, "Accepted").filter(|own| is_current(own, &class.meta));
    match accepted.map(|condition| (condition.status, condition)) {
        Some((ConditionStatus::False, own)) => {
            Some(format!("GatewayClass {name} is not accepted: {}: {}", own.reason, own.message))
        }
        Some((ConditionStatus::Unknown, _)) => {
            class.meta.is_stored().then(|| format!("no controller has accepted GatewayClass {name}"))
        }
        // A status of an earlier generation, or none at all, takes no URL away.
        _ => None,
    }
}

fn unseen(name: &str, notes: &Notes<'_>, unknown: crate::model::Unknown) -> Problem {
    let why = format!("{} is attached to {name}, which cannot be seen: {}", notes.object(), unknown.why);
    Problem { found: why.into(), ..unknown.into() }
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

/// What the controllers say about the route at one parent.
enum RouteAcceptance<'a> {
    Accepted,
    Refused(&'a Condition),
    /// A condition of an earlier generation.
    Stale(i64),
    Silent,
}

fn acceptance<'a>(route: Attaching<'a>, parent: &ParentRef) -> RouteAcceptance<'a> {
    let same = |other: &ParentRef| {
        parent_of(route.meta, other) == parent_of(route.meta, parent)
            && other.section_name == parent.section_name
            && other.port == parent.port
    };
    let entries = route.judged.iter().filter(|entry| same(&entry.parent_ref));
    let conditions: Vec<_> = entries.filter_map(|entry| find_condition(&entry.conditions, "Accepted")).collect();
    let current = |t: &&&Condition| is_current(t, route.meta);
    if conditions.iter().filter(current).any(|t| t.status == ConditionStatus::True) {
        return RouteAcceptance::Accepted;
    }
    match (conditions.iter().find(|t| !is_current(t, route.meta)), conditions.first()) {
        (Some(stale), _) => RouteAcceptance::Stale(stale.observed_generation.unwrap_or_default()),
        (None, Some(refusal)) => RouteAcceptance::Refused(refusal),
        (None, None) => RouteAcceptance::Silent,
    }
}

/// Whether a controller has judged the present version of an object.
pub(crate) fn is_current(condition: &Condition, of: &Meta) -> bool {
    // A file need not have a generation.
    of.generation == 0 || condition.observed_generation.is_none_or(|generation| generation >= of.generation)
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
        if let Some(condition) = found.filter(|condition| condition.status == bad && is_current(condition, parent.meta))
        {
            return Ok(Err(format!("is not in effect: {}: {}", condition.reason, condition.message)));
        }
    }
    let namespace = &route.meta.key.namespace;
    let granted = allows(snapshot, &allowed.namespaces, "Same", &parent.meta.key.namespace, namespace, word)?;
    Ok(granted.map_err(|why| format!("accepts no routes of namespace {namespace} (allowedRoutes){why}")))
}

/// Whether objects of a namespace may be attached to one in `own`; or what else to say about it.
fn allows(
    snapshot: &Snapshot,
    allowed: &RouteNamespaces,
    default: &str,
    own: &str,
    namespace: &str,
    word: bool,
) -> Result<Result<(), String>, Problem> {
    let granted = match allowed.from.as_deref().unwrap_or(default) {
        "All" => true,
        "Same" => own == namespace,
        "Selector" => {
            let Some(selector) = &allowed.selector else { return Ok(Err(": its selector is missing".to_owned())) };
            // It takes all namespaces.
            if *selector == LabelSelector::default() {
                return Ok(Ok(()));
            }
            match consent::selects(snapshot, selector, namespace) {
                Ok(Some(selected)) => selected,
                Ok(None) | Err(_) if word => true,
                Ok(None) => {
                    let why = format!(" as far as is seen: there is no Namespace {namespace}, whose labels decide");
                    return Ok(Err(why));
                }
                Err(unknown) => return Err(unknown.into()),
            }
        }
        _ => false,
    };
    Ok(if granted { Ok(()) } else { Err(String::new()) })
}

/// Backends or other objects of a route that its controller cannot use.
fn notes_of_refs(route: Attaching<'_>, parent: &ParentRef, notes: &mut Notes<'_>) {
    let entries =
        route.judged.iter().filter(|entry| parent_of(route.meta, &entry.parent_ref) == parent_of(route.meta, parent));
    let conditions = entries.filter_map(|entry| find_condition(&entry.conditions, "ResolvedRefs"));
    for condition in
        conditions.filter(|condition| condition.status == ConditionStatus::False && is_current(condition, route.meta))
    {
        notes.add(format!(
            "it names something that its controller cannot use: {}: {}",
            condition.reason, condition.message
        ));
    }
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
