//! ConfigMaps: ours, and those that a workload refers to.

use direct_upload_api::{MANAGED_BY, OPERATOR};
use k8s_openapi::api::core::v1 as core;
use serde_json::Value;

use super::decode::{decode, meta};
use crate::model::{ConfigMap, DecodeError, Effects, Kind, Observed};
use crate::render::effects;

impl Observed for ConfigMap {
    fn reduce(kind: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        let object: core::ConfigMap = decode(object)?;
        let managed = object.metadata.labels.iter().flatten().any(|(k, v)| k == MANAGED_BY && v == OPERATOR);
        if kind == Kind::ConfigMap && !managed {
            return Ok(None);
        }
        let data = object.data.unwrap_or_default();
        let effects = if managed { effects(&data) } else { Effects::default() };
        Ok(Some(Self { meta: meta(object.metadata), managed, data, effects }))
    }
}
