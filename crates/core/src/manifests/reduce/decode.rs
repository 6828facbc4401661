//! Functions that the reduction of all kinds shares.

use std::collections::BTreeMap;

use direct_upload_api::DOMAIN;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::{Key, Meta, Owner};

/// Decodes an object; an error names the field.
pub(crate) fn decode<T: DeserializeOwned>(object: Value) -> Result<T, serde_json::Error> {
    serde_path_to_error::deserialize(object).map_err(|e| {
        use serde::de::Error;
        // At the root the decoder's own words already name the field.
        if e.path().iter().next().is_none() { e.into_inner() } else { Error::custom(e) }
    })
}

/// The part of `metadata` that is kept.
pub fn meta(metadata: ObjectMeta) -> Meta {
    Meta {
        key: Key::new(metadata.namespace.unwrap_or_default(), metadata.name.unwrap_or_default()),
        uid: metadata.uid.unwrap_or_default(),
        created: metadata.creation_timestamp.map(|t| t.0),
        deleting: metadata.deletion_timestamp.map(|t| t.0),
        generation: metadata.generation.unwrap_or_default(),
        ours: metadata
            .annotations
            .into_iter()
            .flatten()
            .filter(|(name, _)| name.strip_prefix(DOMAIN).is_some_and(|rest| rest.starts_with('/')))
            .collect(),
    }
}

/// Its labels.
pub(super) fn labels(metadata: &mut ObjectMeta) -> BTreeMap<String, String> {
    metadata.labels.take().unwrap_or_default()
}

/// The controller of an object.
pub(super) fn owner(metadata: &ObjectMeta) -> Option<Owner> {
    let owner = metadata.owner_references.iter().flatten().find(|o| o.controller == Some(true))?;
    Some(Owner { kind: owner.kind.clone(), uid: owner.uid.clone() })
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

/// Decodes an object of such a kind: its metadata, spec and status.
pub fn foreign<Spec, Status>(mut object: Value) -> Result<(ObjectMeta, Spec, Status), serde_json::Error>
where
    Spec: DeserializeOwned,
    Status: DeserializeOwned + Default,
{
    without_nulls(&mut object);
    decode(object).map(|Foreign { metadata, spec, status }| (metadata, spec, status))
}

/// For the API server, a null field is a missing field.
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
