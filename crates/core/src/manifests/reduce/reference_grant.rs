//! Gateway API ReferenceGrants.

use serde::Deserialize;
use serde_json::Value;

use super::decode::{foreign, meta};
use crate::model::{Kind, Meta, Observed, ReferenceGrant};

#[derive(Default, Deserialize)]
struct Nothing {}

impl Observed for ReferenceGrant {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, serde_json::Error> {
        let (metadata, spec, Nothing {}) = foreign(object)?;
        Ok(Some(Self { meta: meta(metadata), spec }))
    }

    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}
