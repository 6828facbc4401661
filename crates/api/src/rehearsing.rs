//! `spec.rollout.rehearsal`: `Required` or `Off`, however it is spelled.

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

/// kubectl reads YAML 1.1, in which an unquoted `Off` is the boolean `false`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Switch(bool),
    Word(String),
}

impl<'de> Deserialize<'de> for Rehearsing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Switch(true) => Ok(Self::Required),
            Written::Switch(false) => Ok(Self::Off),
            Written::Word(word) if word == "Required" => Ok(Self::Required),
            Written::Word(word) if word == "Off" => Ok(Self::Off),
            Written::Word(word) => Err(serde::de::Error::unknown_variant(&word, &["Required", "Off"])),
        }
    }
}

impl JsonSchema for Rehearsing {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Rehearsing".into()
    }

    /// Without a type, since there are two; the values are checked all the same.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"x-kubernetes-preserve-unknown-fields": true, "enum": ["Required", "Off", true, false]})
    }
}
