//! Objects of kinds whose types are not in k8s-openapi. The reduced type of each is the decoded `spec`.

use serde::Deserialize;
use serde_json::Value;

use super::annotations::{owners, proxies};
use super::decode::{foreign, labels, meta};
use crate::model::{
    AllowedListeners, Condition, DecodeError, Gateway, GatewayClass, HttpProxy, HttpRoute, IngressRoute, IstioGateway,
    IstioServer, Kind, Lead, Listener, ListenerSet, ListenerStatus, Observed, Policy, ReferenceGrant, Route,
    RouteIngress, RouteParentStatus, TlsRoute, VirtualService, is_refused,
};

#[derive(Default, Deserialize)]
struct NoStatus {}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Listeners {
    conditions: Vec<Condition>,
    listeners: Vec<ListenerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GatewaySpec {
    #[serde(default)]
    gateway_class_name: String,
    #[serde(default)]
    listeners: Vec<Listener>,
    #[serde(default)]
    tls: Value,
    #[serde(default)]
    allowed_listeners: AllowedListeners,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GatewayStatus {
    conditions: Vec<Condition>,
    listeners: Vec<ListenerStatus>,
    addresses: Vec<GatewayAddress>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GatewayAddress {
    value: String,
}

impl Observed for Gateway {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        let (mut metadata, spec, status): (_, GatewaySpec, GatewayStatus) = foreign(object)?;
        let GatewaySpec { gateway_class_name: class, listeners, tls, allowed_listeners } = spec;
        let addresses = status.addresses.iter().filter_map(|address| address.value.parse().ok()).collect();
        Ok(Some(Self {
            labels: labels(&mut metadata),
            meta: meta(metadata),
            class,
            listeners,
            tls,
            allowed_listeners,
            conditions: status.conditions,
            listener_statuses: status.listeners,
            addresses,
        }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GatewayClassSpec {
    #[serde(default)]
    controller_name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Conditions {
    conditions: Vec<Condition>,
}

impl Observed for GatewayClass {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        let (metadata, spec, Conditions { conditions }) = foreign(object)?;
        let GatewayClassSpec { controller_name: controller } = spec;
        Ok(Some(Self { meta: meta(metadata), controller, conditions }))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parents {
    parents: Vec<RouteParentStatus>,
}

impl Observed for HttpRoute {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        let written = object["spec"].clone();
        let (mut metadata, spec, Parents { parents }) = foreign(object)?;
        let labels = labels(&mut metadata);
        Ok(Some(Self { meta: meta(metadata), labels, written, spec, parents }))
    }

    fn leads(&self, to: &mut dyn FnMut(Lead<'_>)) {
        let backends = self.spec.rules.iter().flat_map(|rule| &rule.backend_refs);
        backends.for_each(|backend| to(Lead::Service(&backend.name)));
    }
}

impl Observed for ReferenceGrant {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        let (metadata, spec, NoStatus {}) = foreign(object)?;
        Ok(Some(Self { meta: meta(metadata), spec }))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Admissions {
    ingress: Vec<RouteIngress>,
}

impl Observed for Route {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        let written = object["spec"].clone();
        let (metadata, spec, Admissions { ingress }) = foreign(object)?;
        let (annotations, owners) = (proxies(&metadata), owners(&metadata));
        Ok(Some(Self { annotations, owners, meta: meta(metadata), written, spec, ingress }))
    }

    fn leads(&self, to: &mut dyn FnMut(Lead<'_>)) {
        let targets = self.spec.alternate_backends.iter().chain([&self.spec.to]);
        targets.for_each(|target| to(Lead::Service(&target.name)));
    }
}

impl Observed for VirtualService {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        let written = object["spec"].clone();
        let (metadata, spec, NoStatus {}) = foreign(object)?;
        Ok(Some(Self { meta: meta(metadata), written, spec }))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Servers {
    servers: Vec<IstioServer>,
}

impl Observed for IstioGateway {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        let (metadata, Servers { servers }, NoStatus {}) = foreign(object)?;
        Ok(Some(Self { meta: meta(metadata), servers }))
    }
}

impl Observed for ListenerSet {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        let (mut metadata, spec, Listeners { conditions, listeners }) = foreign(object)?;
        let labels = labels(&mut metadata);
        Ok(Some(Self { meta: meta(metadata), labels, spec, conditions, listener_statuses: listeners }))
    }
}

impl Observed for TlsRoute {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        let (metadata, spec, Parents { parents }) = foreign(object)?;
        Ok(Some(Self { meta: meta(metadata), spec, parents }))
    }

    fn leads(&self, to: &mut dyn FnMut(Lead<'_>)) {
        let backends = self.spec.rules.iter().flat_map(|rule| &rule.backend_refs);
        backends.for_each(|backend| to(Lead::Service(&backend.name)));
    }
}

impl Observed for IngressRoute {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        let written = object["spec"].clone();
        let (metadata, spec, NoStatus {}) = foreign(object)?;
        Ok(Some(Self { meta: meta(metadata), written, spec }))
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ProxyStatus {
    current_status: String,
    description: String,
    conditions: Vec<Condition>,
    load_balancer: LoadBalancer,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LoadBalancer {
    ingress: Vec<LoadBalancerIngress>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LoadBalancerIngress {
    ports: Vec<LoadBalancerPort>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LoadBalancerPort {
    port: i32,
}

impl Observed for HttpProxy {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        let written = object["spec"].clone();
        let (metadata, spec, status) = foreign(object)?;
        let ProxyStatus { current_status, description, conditions, load_balancer } = status;
        let ports = load_balancer.ingress.iter().flat_map(|ingress| &ingress.ports).map(|port| port.port).collect();
        Ok(Some(Self { meta: meta(metadata), written, spec, current_status, description, conditions, ports }))
    }
}

impl Observed for Policy {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        let status = object["status"].clone();
        let (metadata, spec, NoStatus {}) = foreign(object)?;
        let meta = meta(metadata);
        Ok(Some(Self { refused: is_refused(&status, meta.generation), meta, spec }))
    }
}
