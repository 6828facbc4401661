//! What leads browsers to a workload, reduced.

use std::collections::BTreeMap;

use direct_upload_api::{DOMAIN, is_ours};
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::networking::v1 as networking;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::manifests::reduce::{decode, meta};
use crate::model::{
    Gateway, HttpRoute, Ingress, IngressPath, IngressRule, IngressTls, Listener, ListenerStatus, Meta, Owners,
    ReferenceGrant, Route, RouteIngress, RouteParentStatus, Service,
};

/// Prefixes of the annotations by which proxies are configured.
const PROXIES: [&str; 7] = [
    "nginx.ingress.kubernetes.io/",
    "nginx.org/",
    "haproxy.router.openshift.io/",
    "haproxy-ingress.github.io/",
    "haproxy.org/",
    "traefik.ingress.kubernetes.io/",
    "projectcontour.io/",
];

/// The name that external-dns publishes for a Service; several are separated by commas.
const EXTERNAL_DNS: &str = "external-dns.alpha.kubernetes.io/hostname";

fn proxies(metadata: &ObjectMeta) -> BTreeMap<String, String> {
    let all = metadata.annotations.iter().flatten();
    let known = all.filter(|(name, _)| PROXIES.iter().any(|prefix| name.starts_with(prefix)));
    known.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Who owns those annotations and our own; of several managers one that is not us.
fn owners(metadata: &ObjectMeta) -> Owners {
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

pub fn service(object: core::Service) -> Service {
    let spec = object.spec.unwrap_or_default();
    let named = object.metadata.annotations.iter().flatten().find(|(name, _)| *name == EXTERNAL_DNS);
    let named = named.into_iter().flat_map(|(_, hosts)| hosts.split(','));
    let mut addresses: Vec<String> = named.map(|h| h.trim().to_owned()).filter(|h| !h.is_empty()).collect();
    if addresses.is_empty() {
        let balancer = object.status.and_then(|s| s.load_balancer).and_then(|l| l.ingress).unwrap_or_default();
        addresses.extend(balancer.into_iter().filter_map(|i| i.hostname.filter(|h| !h.is_empty()).or(i.ip)));
    }
    Service {
        meta: meta(object.metadata),
        selector: spec.selector.unwrap_or_default(),
        type_: spec.type_.unwrap_or_default(),
        external_name: spec.external_name,
        ports: spec.ports.into_iter().flatten().map(|p| p.port).collect(),
        addresses,
    }
}

pub fn ingress(object: networking::Ingress) -> Ingress {
    let spec = object.spec.unwrap_or_default();
    let service = |backend: networking::IngressBackend| backend.service.map(|s| s.name);
    let paths = spec.rules.iter().flatten().filter_map(|rule| rule.http.as_ref()).flat_map(|http| &http.paths);
    let mut backends = paths.map(|path| &path.backend).chain(&spec.default_backend);
    let other_backends = backends.any(|backend| backend.service.is_none());
    let path = |p: networking::HTTPIngressPath| {
        let exact = p.path_type == "Exact";
        Some(IngressPath { service: service(p.backend)?, path: p.path.unwrap_or_default(), exact })
    };
    let rule = |rule: networking::IngressRule| IngressRule {
        host: rule.host.filter(|h| !h.is_empty()),
        paths: rule.http.into_iter().flat_map(|http| http.paths).filter_map(path).collect(),
    };
    // The annotation is older, and some controllers still prefer it.
    let class = object.metadata.annotations.as_ref().and_then(|a| a.get("kubernetes.io/ingress.class").cloned());
    Ingress {
        class: class.or(spec.ingress_class_name),
        annotations: proxies(&object.metadata),
        owners: owners(&object.metadata),
        other_backends,
        meta: meta(object.metadata),
        rules: spec.rules.into_iter().flatten().map(rule).collect(),
        default_service: spec.default_backend.and_then(service),
        tls: spec.tls.into_iter().flatten().map(|t| IngressTls { hosts: t.hosts.unwrap_or_default() }).collect(),
        ports: object
            .status
            .and_then(|s| s.load_balancer)
            .and_then(|l| l.ingress)
            .into_iter()
            .flatten()
            .flat_map(|i| i.ports.unwrap_or_default())
            .map(|p| p.port)
            .collect(),
    }
}

/// An object of a kind whose types are not in k8s-openapi.
#[derive(Deserialize)]
struct Foreign<Spec, Status> {
    #[serde(default)]
    metadata: ObjectMeta,
    spec: Spec,
    #[serde(default)]
    status: Status,
}

fn foreign<Spec, Status>(mut object: Value) -> Result<(ObjectMeta, Spec, Status), serde_json::Error>
where
    Spec: DeserializeOwned,
    Status: DeserializeOwned + Default,
{
    without_nulls(&mut object);
    decode(object).map(|Foreign { metadata, spec, status }| (metadata, spec, status))
}

/// To the API server a field that is null is a field that is not there.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(without_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parents {
    parents: Vec<RouteParentStatus>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Routers {
    ingress: Vec<RouteIngress>,
}

#[derive(Deserialize)]
struct Listeners<T> {
    #[serde(default = "Vec::new")]
    listeners: Vec<T>,
}

impl<T> Default for Listeners<T> {
    fn default() -> Self {
        Self { listeners: Vec::new() }
    }
}

#[derive(Default, Deserialize)]
struct Nothing {}

pub fn http_route(object: Value) -> Result<HttpRoute, serde_json::Error> {
    let (metadata, spec, Parents { parents }) = foreign(object)?;
    Ok(HttpRoute { meta: meta(metadata), spec, parents })
}

pub fn gateway(object: Value) -> Result<Gateway, serde_json::Error> {
    let (metadata, spec, status): (_, Listeners<Listener>, Listeners<ListenerStatus>) = foreign(object)?;
    Ok(Gateway { meta: meta(metadata), listeners: spec.listeners, told: status.listeners })
}

pub fn reference_grant(object: Value) -> Result<ReferenceGrant, serde_json::Error> {
    let (metadata, spec, Nothing {}) = foreign(object)?;
    let meta: Meta = meta(metadata);
    Ok(ReferenceGrant { meta, spec })
}

pub fn route(object: Value) -> Result<Route, serde_json::Error> {
    let (metadata, spec, Routers { ingress }) = foreign(object)?;
    Ok(Route { annotations: proxies(&metadata), owners: owners(&metadata), meta: meta(metadata), spec, ingress })
}
