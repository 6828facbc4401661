//! The policies in a snapshot, and the routes to which they apply.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::PolicyObject;
use crate::derive::exposure::backends::Backends;
use crate::derive::exposure::parent::{ParentKind, parent_of};
use crate::model::{IstioServer, Key, Policy, PolicyKind, Snapshot, Store};

/// The objects that may matter to workloads behind these Services: those of their namespace, and policies
/// next to a Gateway. An object that the operator cannot see gives no advice.
pub(crate) fn objects<'a>(snapshot: &'a Snapshot, backends: &Backends) -> Vec<PolicyObject<'a>> {
    let own = backends.namespace.as_str();
    let mut found = routes(snapshot, own);
    let parents = parents(snapshot, own);
    let mut namespaces = BTreeSet::from([own.to_owned()]);
    namespaces.extend(parents.iter().map(|parent| parent.key.namespace.clone()));
    for route in snapshot.http_routes.seen(own) {
        namespaces.extend(route.spec.parent_refs.iter().filter_map(|parent| parent.namespace.clone()));
    }
    found.extend(parents);
    found.extend(policies(snapshot, &namespaces));
    found.extend(gateways_of_all(snapshot));
    let others = snapshot.unwatched.near(own);
    found.extend(others.map(|other| object(other.kind, &other.key, Cow::Borrowed(&other.spec))));
    found
}

/// An object of which only the spec counts.
fn object<'a>(kind: PolicyKind, key: &Key, spec: Cow<'a, Value>) -> PolicyObject<'a> {
    let (annotations, labels) = (BTreeMap::new(), BTreeMap::new());
    PolicyObject { kind, key: key.clone(), annotations, labels, controllers: Vec::new(), spec }
}

/// What leads requests into a namespace.
fn routes<'a>(snapshot: &'a Snapshot, namespace: &str) -> Vec<PolicyObject<'a>> {
    let annotated = |own: PolicyObject<'a>, annotations: &'a BTreeMap<String, String>| PolicyObject {
        annotations: annotations.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        ..own
    };
    let mut found = Vec::new();
    for ingress in snapshot.ingresses.seen(namespace) {
        let own = object(PolicyKind::Ingress, &ingress.meta.key, Cow::Owned(ingress.written()));
        found.push(annotated(own, &ingress.annotations));
    }
    for route in snapshot.routes.seen(namespace) {
        let own = object(PolicyKind::Route, &route.meta.key, Cow::Borrowed(&route.written));
        found.push(annotated(own, &route.annotations));
    }
    for route in snapshot.http_routes.seen(namespace) {
        let controllers = route.parents.iter().map(|parent| parent.controller_name.as_str()).collect();
        let own = object(PolicyKind::HTTPRoute, &route.meta.key, Cow::Borrowed(&route.written));
        found.push(PolicyObject { labels: route.labels.clone(), controllers, ..own });
    }
    let services = snapshot.virtual_services.seen(namespace);
    found.extend(services.map(|o| object(PolicyKind::VirtualService, &o.meta.key, Cow::Borrowed(&o.written))));
    let proxies = snapshot.http_proxies.seen(namespace);
    found.extend(proxies.map(|o| object(PolicyKind::HTTPProxy, &o.meta.key, Cow::Borrowed(&o.written))));
    let routes = snapshot.ingress_routes.seen(namespace);
    found.extend(routes.map(|o| object(PolicyKind::IngressRoute, &o.meta.key, Cow::Borrowed(&o.written))));
    found
}

/// The policies of these namespaces that their controllers accept.
fn policies<'a>(snapshot: &'a Snapshot, namespaces: &BTreeSet<String>) -> Vec<PolicyObject<'a>> {
    let stores: [(PolicyKind, &Store<Policy>); 6] = [
        (PolicyKind::Middleware, &snapshot.middlewares),
        (PolicyKind::ServersTransport, &snapshot.servers_transports),
        (PolicyKind::SecurityPolicy, &snapshot.security_policies),
        (PolicyKind::ClientTrafficPolicy, &snapshot.client_traffic_policies),
        (PolicyKind::BackendTrafficPolicy, &snapshot.backend_traffic_policies),
        (PolicyKind::ClientSettingsPolicy, &snapshot.client_settings_policies),
    ];
    let mut found = Vec::new();
    for (kind, store) in stores {
        for policy in namespaces.iter().flat_map(|namespace| store.seen(namespace)).filter(|policy| !policy.refused) {
            found.push(object(kind, &policy.meta.key, Cow::Borrowed(&policy.spec)));
        }
    }
    found
}

/// Istio's Gateways and the classes of Gateways, wherever they are.
fn gateways_of_all(snapshot: &Snapshot) -> Vec<PolicyObject<'_>> {
    let mut found = Vec::new();
    let is_file = |key: &Key| {
        snapshot.unwatched.near(&key.namespace).any(|o| o.kind == PolicyKind::IstioGateway && o.key == *key)
    };
    for (key, gateway) in snapshot.istio_gateways.all().filter(|(key, _)| !is_file(key)) {
        let mode = |server: &IstioServer| server.tls.as_ref().and_then(|tls| tls.mode.clone());
        let servers = gateway.servers.iter().map(|own| json!({"hosts": own.hosts, "tls": {"mode": mode(own)}}));
        let spec = json!({"servers": servers.collect::<Vec<_>>()});
        found.push(object(PolicyKind::IstioGateway, key, Cow::Owned(spec)));
    }
    for (key, class) in snapshot.gateway_classes.all() {
        found.push(object(PolicyKind::GatewayClass, key, Cow::Owned(json!({"controllerName": class.controller}))));
    }
    found
}

/// The Gateways and ListenerSets of a namespace's HTTPRoutes, as far as they are seen, with what is known of the spec.
fn parents<'a>(snapshot: &Snapshot, namespace: &str) -> Vec<PolicyObject<'a>> {
    let seen = |kind: PolicyKind, key: &Key, labels: &BTreeMap<String, String>, spec: Value| PolicyObject {
        labels: labels.clone(),
        ..object(kind, key, Cow::Owned(spec))
    };
    let mut found = Vec::new();
    let mut gateways = BTreeSet::new();
    let mut sets = BTreeSet::new();
    for route in snapshot.http_routes.seen(namespace) {
        for parent in &route.spec.parent_refs {
            match parent_of(&route.meta, parent) {
                Some((ParentKind::Gateway, key)) => gateways.insert(key),
                Some((ParentKind::Set(kind), key)) => sets.insert((kind, key)),
                None => continue,
            };
        }
    }
    for (kind, key) in sets {
        let Ok(Some(set)) = kind.get(snapshot, &key) else { continue };
        let parent = &set.spec.parent_ref;
        let of = Key::new(parent.namespace.as_ref().unwrap_or(&key.namespace).clone(), parent.name.clone());
        let spec = json!({"parentRef": {"namespace": of.namespace, "name": of.name}});
        gateways.insert(of);
        found.push(seen(ParentKind::Set(kind).into(), &key, &set.labels, spec));
    }
    for key in gateways {
        let Ok(Some(gateway)) = snapshot.gateways.get_named(&key) else { continue };
        let spec = json!({"gatewayClassName": gateway.class, "tls": gateway.tls});
        found.push(seen(PolicyKind::Gateway, &key, &gateway.labels, spec));
    }
    found
}
