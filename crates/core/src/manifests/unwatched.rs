//! Objects that show what gateways do to uploads, and that are read from files only: settings of whole gateways, and the
//! workloads and Services to which they belong.
//!
//! In: each object of the files. Out: [`Unwatched`], which only keeps them.

use serde_json::Value;

use crate::model::{Key, Unread, Unwatched};

/// Kinds with settings of gateways, by the names that controllers give them.
const SETTINGS: [&str; 7] = [
    "AuthorizationPolicy",
    "ContourConfiguration",
    "EnvoyFilter",
    "GCPBackendPolicy",
    "LoadBalancerConfiguration",
    "RequestAuthentication",
    "TLSOption",
];

/// The kinds of workloads that Traefik runs as.
const WORKLOADS: [&str; 2] = ["Deployment", "DaemonSet"];

/// Keeps an object if it is one of them.
pub(super) fn insert(unwatched: &mut Unwatched, (api_version, kind): (&str, &str), key: &Key, spec: &Value) {
    // Istio's Gateways have the labels of their pods.
    let is_istios = || kind == "Gateway" && api_version.starts_with("networking.istio.io/");
    let is_gateways = SETTINGS.contains(&kind) || is_istios() || traefiks_container(kind, spec).is_some();
    if !is_gateways && kind != "Service" {
        return;
    }
    let object = Unread { api_version: api_version.into(), kind: kind.into(), key: key.clone(), spec: spec.clone() };
    if is_gateways { unwatched.add_anywhere(object) } else { unwatched.add_near(object) }
}

/// The position of Traefik's container in the pods of a workload.
pub fn traefiks_container(kind: &str, spec: &Value) -> Option<usize> {
    let containers = spec.pointer("/template/spec/containers")?.as_array()?;
    let is_it = |container: &Value| {
        let image = container["image"].as_str().unwrap_or_default();
        let name = image.split('@').next().unwrap_or(image).rsplit('/').next().unwrap_or_default();
        name.split(':').next() == Some("traefik")
    };
    WORKLOADS.contains(&kind).then(|| containers.iter().position(is_it)).flatten()
}
