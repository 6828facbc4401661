//! Our own resources.

use std::sync::Arc;

use direct_upload_api::FINALIZER;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::decode::{decode, meta};
use crate::model::{Custom, DecodeError, Kind, Observed};

impl<Spec, Status> Observed for Custom<Spec, Status>
where
    Spec: DeserializeOwned + PartialEq,
    Status: DeserializeOwned + PartialEq,
{
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        custom(&object).map(Some)
    }
}

fn custom<Spec, Status>(object: &Value) -> Result<Custom<Spec, Status>, DecodeError>
where
    Spec: DeserializeOwned,
    Status: DeserializeOwned,
{
    let metadata: ObjectMeta = decode(object.get("metadata").cloned().unwrap_or_default())?;
    let finalizer = metadata.finalizers.iter().flatten().any(|f| f == FINALIZER);
    let spec = match object.get("spec") {
        None | Some(Value::Null) => decode(serde_json::json!({})),
        Some(spec) => decode(spec.clone()),
    };
    let spec = spec.map_err(|e| format!("spec: {e}"));
    let status = object.get("status").cloned().and_then(|s| decode(s).ok()).map(Arc::new);
    Ok(Custom { meta: meta(metadata), finalizer, spec, status })
}
