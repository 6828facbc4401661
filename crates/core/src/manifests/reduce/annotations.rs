//! Annotations that configure proxies, and their owners.

use std::collections::BTreeMap;

use direct_upload_api::{DOMAIN, is_ours};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use crate::model::Owners;

/// Prefixes of the annotations that configure proxies.
const PROXIES: [&str; 14] = [
    "nginx.ingress.kubernetes.io/",
    "nginx.org/",
    "nginx.com/",
    "haproxy.router.openshift.io/",
    "haproxy-ingress.github.io/",
    "haproxy.org/",
    "traefik.ingress.kubernetes.io/",
    "projectcontour.io/",
    "alb.ingress.kubernetes.io/",
    "appgw.ingress.kubernetes.io/",
    "ingress.cilium.io/",
    "ingress.gcp.kubernetes.io/",
    "networking.gke.io/",
    "route.openshift.io/",
];

/// Those annotations of an object.
pub fn proxies(metadata: &ObjectMeta) -> BTreeMap<String, String> {
    let all = metadata.annotations.iter().flatten();
    let known = all.filter(|(name, _)| PROXIES.iter().any(|prefix| name.starts_with(prefix)));
    known.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The owners of those annotations and of our own; of several managers, one that is not us.
pub fn owners(metadata: &ObjectMeta) -> Owners {
    let mut owners = Owners::new();
    for entry in metadata.managed_fields.iter().flatten() {
        let (Some(manager), Some(fields)) = (&entry.manager, &entry.fields_v1) else { continue };
        let annotations = fields.0.pointer("/f:metadata/f:annotations").and_then(Value::as_object);
        let names = annotations.into_iter().flatten().filter_map(|(name, _)| name.strip_prefix("f:"));
        let told = |name: &&str| PROXIES.iter().any(|prefix| name.starts_with(prefix)) || name.starts_with(DOMAIN);
        for name in names.filter(told) {
            let owner = owners.entry(name.to_owned()).or_insert_with(|| manager.clone());
            if is_ours(owner) {
                owner.clone_from(manager);
            }
        }
    }
    owners
}
