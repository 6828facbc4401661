//! Gateway API HTTPRoutes.

use serde::Deserialize;
use serde_json::Value;

use super::decode::{foreign, meta};
use crate::model::{HttpRoute, Kind, Meta, Observed, RouteParentStatus};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    parents: Vec<RouteParentStatus>,
}

impl Observed for HttpRoute {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, serde_json::Error> {
        let (metadata, spec, Status { parents }) = foreign(object)?;
        Ok(Some(Self { meta: meta(metadata), spec, parents }))
    }

    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}
