//! What has listeners that routes may be attached to: a Gateway, or a ListenerSet of one, where its controller serves
//! it.

use direct_upload_api::{ConditionStatus, Reason};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::exposing::Notes;
use super::hostname::Hostname;
use super::parent::{ParentKind, SetKind, parent_of};
use crate::derive::consent;
use crate::model::{
    Condition, Gateway, Key, Kind, Listener, ListenerSet, ListenerStatus, Meta, Problem, RouteNamespaces, Snapshot,
    Unknown, find_condition,
};

/// What has listeners: a Gateway, or a ListenerSet of one.
pub(super) struct Parent<'a> {
    /// `Gateway infra/public`.
    pub name: String,
    pub meta: &'a Meta,
    pub listeners: Vec<Listener>,
    pub statuses: &'a [ListenerStatus],
    pub gateway: &'a Gateway,
}

impl Parent<'_> {
    /// All listeners that share its address, as far as they are seen.
    pub(super) fn neighbours(&self, kind: ParentKind) -> Vec<Listener> {
        let of_gateway: &[Listener] = match kind {
            ParentKind::Gateway => &[],
            ParentKind::Set(_) => &self.gateway.listeners,
        };
        self.listeners.iter().chain(of_gateway).cloned().collect()
    }
}

/// The parent, if it has listeners that are in effect.
pub(super) fn parent<'a>(
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
    if let Some(condition) = accepted.filter(|condition| !condition.is_current(set.meta.generation)) {
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
    let refusal = accepted.filter(|condition| {
        condition.status == ConditionStatus::False && condition.is_current(gateway.meta.generation)
    });
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
    let accepted = find_condition(&class.conditions, "Accepted").filter(|own| own.is_current(class.meta.generation));
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

fn unseen(name: &str, notes: &Notes<'_>, unknown: Unknown) -> Problem {
    let why = format!("{} is attached to {name}, which cannot be seen: {}", notes.object(), unknown.why);
    Problem { found: why.into(), ..unknown.into() }
}

/// Whether objects of a namespace may be attached to one in `own`; or what else to say about it.
pub(super) fn allows(
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
