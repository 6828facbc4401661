//! What a Job of Glance's own image says about the user's own `[cors]`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The output of a Job (`rehearse.py --own-cors`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum CorsAnswer {
    /// Why it cannot be read, in one word.
    Unread {
        unread: String,
    },
    Read(SeenCors),
}

/// `[cors]` as the user's own files set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenCors {
    /// The options, and what is known of each.
    pub set: BTreeMap<String, CorsValueSeen>,
    /// Options that another file than the main one sets.
    pub beside: BTreeSet<String>,
    /// How many values of an option are not reported.
    #[serde(default)]
    pub left: BTreeMap<String, u32>,
}

/// A value of an option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CorsValueSeen {
    Flag(bool),
    Number(u32),
    List(Vec<String>),
}
