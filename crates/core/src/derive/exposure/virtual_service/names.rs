//! What the names in a VirtualService mean.

use crate::model::{IstioRouted, Key, VirtualService};

/// The Gateway that a name means (`resolveGatewayName` of istio/istio); none if it is the mesh.
pub(super) fn gateway_of(own: &str, name: &str) -> Option<Key> {
    match name.split_once('/') {
        Some((".", name)) => Some(Key::new(own, name)),
        Some((namespace, name)) => Some(Key::new(namespace, name)),
        None if name == "mesh" => None,
        // The old way, `name.namespace.svc.cluster.local`.
        None => match name.split_once('.') {
            Some((name, rest)) => Some(Key::new(rest.split('.').next().unwrap_or_default(), name)),
            None => Some(Key::new(own, name)),
        },
    }
}

/// All Gateways that it names, deduplicated.
pub(super) fn gateways_of(service: &VirtualService) -> Vec<Key> {
    let spec = &service.spec;
    let of_http = spec.http.iter().flat_map(|rule| &rule.matches).flat_map(|found| &found.gateways);
    let of_rest = spec.tls.iter().chain(&spec.tcp).flat_map(|rule| &rule.matches).flat_map(|found| &found.gateways);
    let mut gateways = Vec::new();
    for name in spec.gateways.iter().chain(of_http).chain(of_rest) {
        if let Some(key) = gateway_of(&service.meta.key.namespace, name).filter(|key| !gateways.contains(key)) {
            gateways.push(key);
        }
    }
    gateways
}

/// The Service that a share goes to: a short name is one of the rule's own namespace, a long one stands
/// for itself (`ResolveShortnameToFQDN`).
pub(super) fn service_of(own: &str, routed: &IstioRouted) -> Option<Key> {
    let mut labels = routed.destination.host.split('.');
    let name = labels.next()?;
    let Some(namespace) = labels.next() else { return Some(Key::new(own, name)) };
    (labels.next() == Some("svc") && labels.next().is_some()).then(|| Key::new(namespace, name))
}

/// Whether a namespace sees the VirtualService; without `exportTo` all do.
pub(super) fn is_exported(service: &VirtualService, to: &str) -> bool {
    let exported = &service.spec.export_to;
    let own = &service.meta.key.namespace;
    exported.is_empty() || exported.iter().any(|entry| entry == "*" || entry == to || (entry == "." && own == to))
}
