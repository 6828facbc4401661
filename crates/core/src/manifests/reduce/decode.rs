//! Functions that the reduction of all kinds shares.

use std::collections::BTreeMap;

use direct_upload_api::DOMAIN;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error, IntoDeserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

use crate::model::{DecodeError, Key, Meta, Owner};

/// Decodes an object; an error names the field.
pub(crate) fn decode<T: DeserializeOwned>(object: Value) -> Result<T, DecodeError> {
    serde_path_to_error::deserialize(Written(object)).map_err(|e| {
        let what = e.to_string();
        // At the root the decoder's own words already name the field.
        if e.path().iter().next().is_none() { e.into_inner() } else { e.into_inner().reworded(what) }
    })
}

/// Reads a value as `serde_json` does. It has its own error, because that of `serde_json` does not say which kind it
/// is.
struct Written(Value);

impl IntoDeserializer<'_, DecodeError> for Written {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Written {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => {
                let mut items = SeqDeserializer::new(items.into_iter().map(Self));
                let value = visitor.visit_seq(&mut items)?;
                items.end().map(|()| value)
            }
            Value::Object(fields) => visitor.visit_map(map(fields)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Object(fields) if fields.len() == 1 => visitor.visit_enum(MapAccessDeserializer::new(map(fields))),
            Value::String(text) => visitor.visit_enum(text.into_deserializer()),
            // It fails, and `serde_json` says why.
            other => other.deserialize_enum(name, variants, visitor).map_err(DecodeError::custom),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// The fields of an object. Also names may be values of a type of their own.
fn map<'de>(fields: Map<String, Value>) -> impl MapAccess<'de, Error = DecodeError> {
    MapDeserializer::new(fields.into_iter().map(|(name, value)| (Written(Value::String(name)), Written(value))))
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
