//! The manifest that lifts all limits of a policy. Nobody applies it but the user.

use serde_json::{Value, json};

use super::PolicyObject;
use super::attached::Effective;
use super::path::{kind_of, targets};
use super::route::Route;
use crate::derive::exposure::parent::ParentKind;
use crate::model::{FieldPath, Key, PolicyKind, RouteKind};

/// Limits that need a value to lift them, because without the field the gateway's own shorter limit applies (Envoy's 15 s
/// and 5 min, nginx's 1 MiB and 60 s). To lift any other limit, remove its field.
const VALUES: [(&[&str], &str); 5] = [
    (&["timeout", "http", "requestTimeout"], "0s"),
    (&["timeout", "http", "streamIdleTimeout"], "1h"),
    (&["forwardingTimeouts", "responseHeaderTimeout"], "0s"),
    (&["body", "maxSize"], "0"),
    (&["body", "timeout"], "1h"),
];

/// Values that lift a limit of a policy into which another one is merged.
const INHERITED: [(&[&str], &str); 1] = [(&["timeout", "http", "maxStreamDuration"], "0s")];

/// Fields that their object requires.
const WITH_THE_OBJECT: [&[&str]; 1] = [&["requestBuffer", "limit"]];

/// A longer manifest is not readable in a status.
const LONGEST: usize = 2000;

/// The policy without these limits. If the policy is for a whole Gateway, the result is a copy for the routes alone.
/// The copy then applies instead, so it repeats everything else that the policy says.
pub(super) fn lifting(own: &Effective<'_>, fields: &[&FieldPath]) -> Option<String> {
    let policy = own.policy;
    // Routes belong to the user, and their limits are in lists.
    let is_listed = |field: &&FieldPath| field.elements().iter().any(|element| element.position().is_some());
    if fields.is_empty() || fields.iter().any(is_listed) {
        return None;
    }
    let api_version = *policy.kind.watched()?.registration().api_versions.first()?;
    let mut spec = policy.spec.clone().into_owned();
    for field in fields {
        lift(&mut spec, field, std::ptr::eq(own.writer(field), policy))?;
    }
    let routes = || own.routes.iter().filter(|route| route.kind == RouteKind::HTTPRoute);
    let first = routes().next().filter(|_| is_of_gateway(policy) && policy.kind == PolicyKind::BackendTrafficPolicy);
    let key = match first {
        None => policy.key.clone(),
        Some(route) => {
            let Key { namespace, name } = &route.key;
            let spec = spec.as_object_mut()?;
            spec.retain(|field, _| !field.starts_with("target"));
            let target = |route: &Route<'_>| json!({"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": route.key.name});
            spec.insert("targetRefs".to_owned(), routes().map(target).collect());
            Key::new(namespace.clone(), format!("{name}-uploads"))
        }
    };
    let metadata = json!({"name": key.name, "namespace": key.namespace});
    let manifest = json!({"apiVersion": api_version, "kind": policy.kind.name(), "metadata": metadata, "spec": spec});
    Some(manifest.to_string()).filter(|text| text.len() <= LONGEST)
}

/// Lifts one limit; none if it is written elsewhere, and nothing written here lifts it.
fn lift(spec: &mut Value, path: &FieldPath, is_own: bool) -> Option<()> {
    let steps: Vec<&str> = path.names().skip(1).collect();
    let is_it = |(field, _): &&(&[&str], &str)| *field == steps;
    match VALUES.iter().find(is_it).or_else(|| INHERITED.iter().find(is_it).filter(|_| !is_own)) {
        Some((_, value)) => set(spec, &steps, value),
        None if !is_own => return None,
        None if WITH_THE_OBJECT.contains(&steps.as_slice()) => remove(spec, &steps[..1]),
        None => remove(spec, &steps),
    }
    Some(())
}

/// Whether a policy is for whatever a Gateway, or a ListenerSet, serves.
fn is_of_gateway(policy: &PolicyObject<'_>) -> bool {
    let selectors = policy.spec["targetSelectors"].as_array().into_iter().flatten();
    let mut kinds = targets(&policy.spec).chain(selectors).map(kind_of);
    kinds.any(|kind| ParentKind::of(kind).is_some())
}

fn set(value: &mut Value, path: &[&str], text: &str) {
    match path.split_first() {
        Some((name, rest)) => {
            if !value.is_object() {
                *value = json!({});
            }
            set(&mut value[*name], rest, text);
        }
        None => *value = text.into(),
    }
}

/// Removes a field, and each object that becomes empty.
fn remove(value: &mut Value, path: &[&str]) {
    let (Some((name, rest)), Some(fields)) = (path.split_first(), value.as_object_mut()) else { return };
    if let Some(inner) = fields.get_mut(*name).filter(|_| !rest.is_empty()) {
        remove(inner, rest);
        if inner.as_object().is_none_or(|inner| !inner.is_empty()) {
            return;
        }
    }
    fields.remove(*name);
}
