//! `spec.rollout.rehearsal` and `spec.rehearsal.catalog`: a word or `Off`, however it is spelled.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// Whether new files are tried in a Job before a serving pod gets them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Rehearsing {
    /// No pod is replaced before a rehearsal has passed.
    #[default]
    Required,
    /// No Job is made.
    Off,
}

/// Whether Keystone's catalog is read with the account that Glance itself has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum CatalogRehearsal {
    /// A Job of Glance's own image asks, at most once a day for each edition of its pods.
    #[default]
    Ask,
    /// Nobody asks.
    Off,
}

/// kubectl reads YAML 1.1, in which an unquoted `Off` is the boolean `false`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Switch(bool),
    Word(String),
}

/// A switch of two words, the second of which is `Off`.
macro_rules! switch {
    ($type:ident, $on:ident) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match Written::deserialize(deserializer)? {
                    Written::Switch(true) => Ok(Self::$on),
                    Written::Switch(false) => Ok(Self::Off),
                    Written::Word(word) if word == stringify!($on) => Ok(Self::$on),
                    Written::Word(word) if word == "Off" => Ok(Self::Off),
                    Written::Word(word) => {
                        Err(serde::de::Error::unknown_variant(&word, &[stringify!($on), "Off"]))
                    }
                }
            }
        }

        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            /// Without a type, since there are two; the values are checked all the same.
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"x-kubernetes-preserve-unknown-fields": true, "enum": [stringify!($on), "Off", true, false]})
            }
        }
    };
}

switch!(Rehearsing, Required);
switch!(CatalogRehearsal, Ask);
