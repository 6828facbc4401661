//! Functions that the reduction of all kinds shares.

use std::collections::BTreeMap;

use direct_upload_api::DOMAIN;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::{DecodeError, Key, Meta, Owner};

/// Decodes an object; an error names the field.
pub(crate) fn decode<T: DeserializeOwned>(object: Value) -> Result<T, DecodeError> {
    serde_path_to_error::deserialize(object).map_err(|e| {
        let is_root = e.path().iter().next().is_none();
        let what = e.to_string();
        let inner = e.into_inner().to_string();
        // serde_json has no other sign of the kind (`serde::de::Error::missing_field`).
        let kind = if inner.starts_with("missing field `") { DecodeError::MissingField } else { DecodeError::Invalid };
        // At the root the decoder's own words already name the field.
        kind(if is_root { inner } else { what })
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
pub fn foreign<Spec, Status>(mut object: Value) -> Result<(ObjectMeta, Spec, Status), DecodeError>
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Sample {
        name: Name,
        count: i32,
        sort: Option<Sort>,
        #[serde(default)]
        more: BTreeMap<Name, Vec<f64>>,
    }

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
    struct Name(String);

    #[derive(Debug, PartialEq, Deserialize)]
    enum Sort {
        One,
        Other(bool),
    }

    /// Values and words are those of `serde_json`. In addition, a missing field is known as that.
    #[rstest]
    #[case::whole(json!({"name": "a", "count": -1, "sort": "One", "more": {"b": [1, 2.5]}, "unknown": {}}), false)]
    #[case::nulls(json!({"name": "a", "count": 1, "sort": null}), false)]
    #[case::variant(json!({"name": "a", "count": 1, "sort": {"Other": true}}), false)]
    #[case::no_variant(json!({"name": "a", "count": 1, "sort": "Two"}), false)]
    #[case::bad_variant(json!({"name": "a", "count": 1, "sort": {"Other": 3}}), false)]
    #[case::no_name_of_a_variant(json!({"name": "a", "count": 1, "sort": 3}), false)]
    #[case::missing(json!({"name": "a"}), true)]
    #[case::text(json!({"name": "a", "count": "1"}), false)]
    #[case::null(json!({"name": null, "count": 1}), false)]
    #[case::too_large(json!({"name": "a", "count": 5_000_000_000_u64}), false)]
    #[case::deep(json!({"name": "a", "count": 1, "more": {"b": [1, "c"]}}), false)]
    #[case::no_object(json!(7), false)]
    fn is_read_as_by_serde_json(#[case] object: Value, #[case] lacks_a_field: bool) {
        let theirs = serde_path_to_error::deserialize::<_, Sample>(object.clone()).map_err(|e| e.to_string());
        let ours = decode::<Sample>(object);
        assert_eq!(matches!(ours, Err(DecodeError::MissingField(_))), lacks_a_field);
        assert_eq!(ours.map_err(|e| e.to_string()), theirs);
    }
}
