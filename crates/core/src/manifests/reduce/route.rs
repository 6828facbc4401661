//! OpenShift Routes.

use serde::Deserialize;
use serde_json::Value;

use super::annotations::{owners, proxies};
use super::decode::{foreign, meta};
use crate::model::{Kind, Meta, Observed, Route, RouteIngress};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    ingress: Vec<RouteIngress>,
}

impl Observed for Route {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, serde_json::Error> {
        let (metadata, spec, Status { ingress }) = foreign(object)?;
        let (annotations, owners) = (proxies(&metadata), owners(&metadata));
        Ok(Some(Self { annotations, owners, meta: meta(metadata), spec, ingress }))
    }

    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}
