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
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Sample {
        count: i32,
        #[serde(default)]
        more: BTreeMap<String, Vec<Entry>>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Entry {
        size: i32,
    }

    /// A missing field and a wrong one are different errors, at any depth.
    #[rstest]
    #[case::at_the_root(json!({}), Ok("missing field `count`"))]
    #[case::below(json!({"count": 1, "more": {"a": [{"size": 1}, {}]}}), Ok("more.a[1]: missing field `size`"))]
    #[case::wrong(json!({"count": "1"}), Err("count: invalid type: string \"1\", expected i32"))]
    #[case::wrong_below(json!({"count": 1, "more": {"a": 3}}), Err("more.a: invalid type: integer `3`, expected a sequence"))]
    #[case::no_object(json!(7), Err("invalid type: integer `7`, expected struct Sample"))]
    fn an_error_names_the_field(#[case] object: Value, #[case] told: Result<&str, &str>) {
        let expected = match told {
            Ok(missing) => DecodeError::MissingField(missing.to_owned()),
            Err(invalid) => DecodeError::Invalid(invalid.to_owned()),
        };
        assert_eq!(decode::<Sample>(object), Err(expected));
    }
}
