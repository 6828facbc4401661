//! `spec.rollout.rehearsal` and `spec.rehearsal.catalog`: a word or `Off`, in any spelling.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// Whether a Job tries new files before a serving pod gets them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Rehearsing {
    /// The operator replaces no pod before a rehearsal has passed.
    #[default]
    Required,
    /// The operator creates no Job.
    Off,
}

/// Whether a Job reads Keystone's catalog with Glance's own account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum CatalogRehearsal {
    /// A Job of Glance's own image reads it, at most once a day for each version of its pods.
    #[default]
    Ask,
    /// No Job reads it.
    Off,
}

/// kubectl reads YAML 1.1, in which an unquoted `Off` is the boolean `false`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Switch(bool),
    Word(String),
}

/// A switch with two words, the second of which is `Off`.
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

            /// The schema has no type, because there are two. The values are checked anyway.
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"x-kubernetes-preserve-unknown-fields": true, "enum": [stringify!($on), "Off", true, false]})
            }
        }
    };
}

switch!(Rehearsing, Required);
switch!(CatalogRehearsal, Ask);
