//! Objects of kinds whose types are not in k8s-openapi: the reduced type of each is what their `spec`
//! decodes to.

use serde::Deserialize;
use serde_json::Value;

use super::annotations::{owners, proxies};
use super::decode::{foreign, meta};
use crate::model::{
    Gateway, HttpRoute, Kind, Listener, ListenerStatus, Meta, Observed, ReferenceGrant, Route, RouteIngress,
    RouteParentStatus,
};

#[derive(Default, Deserialize)]
struct NoStatus {}

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
#[serde(default)]
struct GatewayStatus {
    listeners: Vec<ListenerStatus>,
    addresses: Vec<GatewayAddress>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GatewayAddress {
    value: String,
}

impl Observed for Gateway {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, serde_json::Error> {
        let (metadata, spec, status): (_, Listeners<Listener>, GatewayStatus) = foreign(object)?;
        let addresses = status.addresses.iter().filter_map(|address| address.value.parse().ok()).collect();
        Ok(Some(Self {
            meta: meta(metadata),
            listeners: spec.listeners,
            listener_statuses: status.listeners,
            addresses,
        }))
    }

    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parents {
    parents: Vec<RouteParentStatus>,
}

impl Observed for HttpRoute {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, serde_json::Error> {
        let (metadata, spec, Parents { parents }) = foreign(object)?;
        Ok(Some(Self { meta: meta(metadata), spec, parents }))
    }

    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

impl Observed for ReferenceGrant {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, serde_json::Error> {
        let (metadata, spec, NoStatus {}) = foreign(object)?;
        Ok(Some(Self { meta: meta(metadata), spec }))
    }

    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Admissions {
    ingress: Vec<RouteIngress>,
}

impl Observed for Route {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, serde_json::Error> {
        let (metadata, spec, Admissions { ingress }) = foreign(object)?;
        let (annotations, owners) = (proxies(&metadata), owners(&metadata));
        Ok(Some(Self { annotations, owners, meta: meta(metadata), spec, ingress }))
    }

    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}
