//! Gateway API Gateways.

use serde::Deserialize;
use serde_json::Value;

use super::decode::{foreign, meta};
use crate::model::{Gateway, Kind, Listener, ListenerStatus, Meta, Observed};

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

impl Observed for Gateway {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, serde_json::Error> {
        let (metadata, spec, status): (_, Listeners<Listener>, Listeners<ListenerStatus>) = foreign(object)?;
        Ok(Some(Self { meta: meta(metadata), listeners: spec.listeners, told: status.listeners }))
    }

    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}
