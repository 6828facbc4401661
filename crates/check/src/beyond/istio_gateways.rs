//! Gateways of Istio that a VirtualService to Glance names.
//!
//! In: objects. Out: one sentence if none of them is in the input, or if none of those that are has a host of the
//! VirtualService (networking.istio.io, VirtualService `gateways` and Gateway `servers[].hosts`). `mesh` is no way for browsers.

use direct_upload_core::model::PolicyKind;
use serde_json::Value;

use crate::glances::Objects;
use crate::objects::Object;

pub(super) fn missing(objects: Objects<'_>, route: &Object) -> Option<String> {
    if route.policy_kind() != PolicyKind::VirtualService || !objects.leads_to_glance(route) {
        return None;
    }
    let spec = &route.value["spec"];
    let named: Vec<&str> = texts(&spec["gateways"]).filter(|name| *name != "mesh").collect();
    let first = named.first()?;
    let is_it = |object: &&Object| {
        object.policy_kind() == PolicyKind::IstioGateway
            && named.iter().any(|name| {
                let (namespace, name) = name.split_once('/').unwrap_or((route.namespace(), name));
                (object.namespace(), object.name()) == (namespace, name)
            })
    };
    let gateways: Vec<&Object> = objects.iter().filter(is_it).collect();
    if gateways.is_empty() {
        return Some(format!("{}: Gateway {first}, which it names, is not in the input", route.id()));
    }
    let takes = |own: &str| texts(&spec["hosts"]).any(|host| fits(own.rsplit('/').next().unwrap_or(own), host));
    let mut hosts = gateways.iter().flat_map(|gateway| {
        let servers = gateway.value["spec"]["servers"].as_array().into_iter().flatten();
        servers.flat_map(|server| texts(&server["hosts"]))
    });
    (!hosts.any(takes)).then(|| format!("{}: no server of Gateway {first} has one of its hosts", route.id()))
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Whether hosts meet, of which each may start with `*`.
fn fits(a: &str, b: &str) -> bool {
    let covers = |wide: &str, other: &str| wide.strip_prefix('*').is_some_and(|end| other.ends_with(end));
    a == b || covers(a, b) || covers(b, a)
}
