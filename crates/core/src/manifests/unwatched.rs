//! Objects that show what gateways do to uploads, and that are read from files only: settings of whole gateways, and the
//! workloads and Services to which they belong.
//!
//! In: each object of the files. Out: [`Unwatched`], which only keeps them.

use serde_json::Value;

use crate::model::{FileObject, Key, PolicyKind, Unwatched};

/// Keeps an object if it is one of them.
pub(super) fn insert(unwatched: &mut Unwatched, kind: PolicyKind, key: &Key, spec: &Value) {
    let object = || FileObject { kind, key: key.clone(), spec: spec.clone() };
    match kind {
        PolicyKind::AuthorizationPolicy
        | PolicyKind::ContourConfiguration
        | PolicyKind::EnvoyFilter
        | PolicyKind::GCPBackendPolicy
        | PolicyKind::LoadBalancerConfiguration
        | PolicyKind::RequestAuthentication
        | PolicyKind::TLSOption
        // Istio's Gateways have the labels of their pods.
        | PolicyKind::IstioGateway => unwatched.add_anywhere(object()),
        PolicyKind::Deployment | PolicyKind::DaemonSet => {
            if traefiks_container(kind, spec).is_some() {
                unwatched.add_anywhere(object());
            }
        }
        PolicyKind::Service => unwatched.add_near(object()),
        // The snapshot has stores for these, and only `check` reads the last four.
        PolicyKind::Ingress
        | PolicyKind::HTTPRoute
        | PolicyKind::VirtualService
        | PolicyKind::HTTPProxy
        | PolicyKind::IngressRoute
        | PolicyKind::Route
        | PolicyKind::Gateway
        | PolicyKind::GatewayClass
        | PolicyKind::ListenerSet
        | PolicyKind::XListenerSet
        | PolicyKind::Middleware
        | PolicyKind::TraefikService
        | PolicyKind::ServersTransport
        | PolicyKind::SecurityPolicy
        | PolicyKind::ClientTrafficPolicy
        | PolicyKind::BackendTrafficPolicy
        | PolicyKind::ClientSettingsPolicy
        | PolicyKind::SnippetsPolicy
        | PolicyKind::SnippetsFilter
        | PolicyKind::HTTPRouteFilter
        | PolicyKind::Other => {}
    }
}

/// The position of Traefik's container in the pods of a workload. Traefik runs as a Deployment or a DaemonSet.
pub fn traefiks_container(kind: PolicyKind, spec: &Value) -> Option<usize> {
    if !matches!(kind, PolicyKind::Deployment | PolicyKind::DaemonSet) {
        return None;
    }
    let is_it = |container: &Value| {
        let image = container["image"].as_str().unwrap_or_default();
        let name = image.split('@').next().unwrap_or(image).rsplit('/').next().unwrap_or_default();
        name.split(':').next() == Some("traefik")
    };
    spec.pointer("/template/spec/containers")?.as_array()?.iter().position(is_it)
}
