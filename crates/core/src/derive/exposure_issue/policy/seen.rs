//! The policies in a snapshot, and the routes to which they apply.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::PolicyObject;
use crate::derive::exposure::backends::Backends;
use crate::model::{IstioServer, Key, Policy, Snapshot, Store};

/// The objects that may matter to workloads behind these Services: those of their namespace, and policies
/// next to a Gateway. An object that the operator cannot see gives no advice.
pub(crate) fn objects<'a>(snapshot: &'a Snapshot, backends: &Backends) -> Vec<PolicyObject<'a>> {
    let own = backends.namespace.as_str();
    let none = || -> &'a BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        &NONE
    };
    let object =
        |kind: &'a str, key: &Key, annotations: &'a BTreeMap<String, String>, spec: Cow<'a, Value>| PolicyObject {
            kind,
            key: key.clone(),
            annotations: annotations.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            labels: BTreeMap::new(),
            controllers: Vec::new(),
            spec,
        };
    let mut found = Vec::new();
    let ingresses = snapshot.ingresses.seen(own);
    found.extend(ingresses.map(|o| object("Ingress", &o.meta.key, &o.annotations, Cow::Owned(o.written()))));
    let routes = snapshot.routes.seen(own);
    found.extend(routes.map(|o| object("Route", &o.meta.key, &o.annotations, Cow::Borrowed(&o.written))));
    for route in snapshot.http_routes.seen(own) {
        let controllers = route.parents.iter().map(|parent| parent.controller_name.as_str()).collect();
        let own = object("HTTPRoute", &route.meta.key, none(), Cow::Borrowed(&route.written));
        found.push(PolicyObject { labels: route.labels.clone(), controllers, ..own });
    }
    let services = snapshot.virtual_services.seen(own);
    found.extend(services.map(|o| object("VirtualService", &o.meta.key, none(), Cow::Borrowed(&o.written))));
    let proxies = snapshot.http_proxies.seen(own);
    found.extend(proxies.map(|o| object("HTTPProxy", &o.meta.key, none(), Cow::Borrowed(&o.written))));
    let routes = snapshot.ingress_routes.seen(own);
    found.extend(routes.map(|o| object("IngressRoute", &o.meta.key, none(), Cow::Borrowed(&o.written))));
    let parents = parents(snapshot, own);
    for (kind, key, labels, spec) in &parents {
        let own = object(kind, key, none(), Cow::Owned(spec.clone()));
        found.push(PolicyObject { labels: labels.clone(), ..own });
    }
    let mut namespaces = BTreeSet::from([own.to_owned()]);
    namespaces.extend(parents.into_iter().map(|(_, key, ..)| key.namespace));
    for route in snapshot.http_routes.seen(own) {
        namespaces.extend(route.spec.parent_refs.iter().filter_map(|parent| parent.namespace.clone()));
    }
    let stores: [(&str, &Store<Policy>); 6] = [
        ("Middleware", &snapshot.middlewares),
        ("ServersTransport", &snapshot.servers_transports),
        ("SecurityPolicy", &snapshot.security_policies),
        ("ClientTrafficPolicy", &snapshot.client_traffic_policies),
        ("BackendTrafficPolicy", &snapshot.backend_traffic_policies),
        ("ClientSettingsPolicy", &snapshot.client_settings_policies),
    ];
    for (kind, store) in stores {
        for policy in namespaces.iter().flat_map(|namespace| store.seen(namespace)).filter(|policy| !policy.refused) {
            found.push(object(kind, &policy.meta.key, none(), Cow::Borrowed(&policy.spec)));
        }
    }
    let is_file = |key: &Key| snapshot.unwatched.near(&key.namespace).any(|o| o.kind == "Gateway" && o.key == *key);
    for (key, gateway) in snapshot.istio_gateways.all().filter(|(key, _)| !is_file(key)) {
        let mode = |server: &IstioServer| server.tls.as_ref().and_then(|tls| tls.mode.clone());
        let servers = gateway.servers.iter().map(|own| json!({"hosts": own.hosts, "tls": {"mode": mode(own)}}));
        let spec = json!({"servers": servers.collect::<Vec<_>>()});
        found.push(object("Gateway", key, none(), Cow::Owned(spec)));
    }
    for (key, class) in snapshot.gateway_classes.all() {
        found.push(object("GatewayClass", key, none(), Cow::Owned(json!({"controllerName": class.controller}))));
    }
    found.extend(
        snapshot.unwatched.near(own).map(|other| object(&other.kind, &other.key, none(), Cow::Borrowed(&other.spec))),
    );
    found
}

/// The Gateways and ListenerSets of a namespace's HTTPRoutes, as far as they are seen: kind, name, labels, and what is
/// known of the spec.
fn parents(snapshot: &Snapshot, namespace: &str) -> Vec<(&'static str, Key, BTreeMap<String, String>, Value)> {
    let mut found = Vec::new();
    let mut gateways = BTreeSet::new();
    let mut sets = BTreeSet::new();
    for route in snapshot.http_routes.seen(namespace) {
        for parent in &route.spec.parent_refs {
            let namespace = parent.namespace.as_ref().unwrap_or(&route.meta.key.namespace);
            let key = Key::new(namespace.clone(), parent.name.clone());
            match parent.kind.as_deref().unwrap_or("Gateway") {
                "Gateway" => gateways.insert(key),
                kind => sets.insert((kind == "XListenerSet", key)),
            };
        }
    }
    for (is_old, key) in sets {
        let (kind, store) =
            if is_old { ("XListenerSet", &snapshot.x_listener_sets) } else { ("ListenerSet", &snapshot.listener_sets) };
        let Ok(Some(set)) = store.get_named(&key) else { continue };
        let parent = &set.spec.parent_ref;
        let of = Key::new(parent.namespace.as_ref().unwrap_or(&key.namespace).clone(), parent.name.clone());
        let spec = json!({"parentRef": {"namespace": of.namespace, "name": of.name}});
        gateways.insert(of);
        found.push((kind, key, set.labels.clone(), spec));
    }
    for key in gateways {
        let Ok(Some(gateway)) = snapshot.gateways.get_named(&key) else { continue };
        let spec = json!({"gatewayClassName": gateway.class, "tls": gateway.tls});
        found.push(("Gateway", key, gateway.labels.clone(), spec));
    }
    found
}
