//! The manifest that lifts a limit of a policy. Nobody applies it but the user.

use serde_json::{Value, json};

use super::PolicyObject;
use super::path::{Path, targets};
use crate::model::{Key, Kind};

/// Limits that need a value to lift them, because without the field the gateway's own shorter limit applies (Envoy's 15 s
/// and 5 min, nginx's 1 MiB and 60 s). To lift any other limit, remove its field.
const VALUES: [(&str, &str); 5] = [
    ("timeout.http.requestTimeout", "0s"),
    ("timeout.http.streamIdleTimeout", "1h"),
    ("forwardingTimeouts.responseHeaderTimeout", "0s"),
    ("body.maxSize", "0"),
    ("body.timeout", "1h"),
];

/// Fields that their object requires.
const WITH_THE_OBJECT: [&str; 1] = ["requestBuffer.limit"];

/// A longer manifest is not readable in a status.
const LONGEST: usize = 2000;

/// The policy without a limit. If the policy is for a whole Gateway, the result is a copy for the route alone.
/// The copy then applies instead, so it repeats everything else that the policy says.
pub(super) fn lifting(policy: &PolicyObject<'_>, through: &Path<'_>, path: &[String]) -> Option<String> {
    // Routes belong to the user, and their limits are in lists.
    if path.iter().any(|step| step.parse::<usize>().is_ok()) {
        return None;
    }
    let is_it = |kind: &&Kind| kind.registration().name == policy.kind;
    let api_version = *Kind::ALL.iter().find(is_it)?.registration().api_versions.first()?;
    let mut spec = policy.spec.clone().into_owned();
    let steps: Vec<&str> = path.iter().skip(1).map(String::as_str).collect();
    let field = steps.join(".");
    match VALUES.iter().find(|(name, _)| *name == field) {
        Some((_, value)) => *spec.pointer_mut(&format!("/{}", steps.join("/")))? = (*value).into(),
        None if WITH_THE_OBJECT.contains(&field.as_str()) => remove(&mut spec, &steps[..1]),
        None => remove(&mut spec, &steps),
    }
    let of_gateway = targets(&policy.spec).any(|target| target["kind"] == "Gateway");
    let route = through.routes.iter().find(|route| route.kind == "HTTPRoute");
    let key = match route.filter(|_| of_gateway && policy.kind == "BackendTrafficPolicy") {
        None => policy.key.clone(),
        Some(route) => {
            let Key { namespace, name } = &route.key;
            let fields = spec.as_object_mut()?;
            fields.retain(|field, _| !field.starts_with("target"));
            let target = json!([{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": name}]);
            fields.insert("targetRefs".to_owned(), target);
            Key::new(namespace.clone(), format!("{name}-uploads"))
        }
    };
    let metadata = json!({"name": key.name, "namespace": key.namespace});
    let manifest = json!({"apiVersion": api_version, "kind": policy.kind, "metadata": metadata, "spec": spec});
    Some(manifest.to_string()).filter(|text| text.len() <= LONGEST)
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
