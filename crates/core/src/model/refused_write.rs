//! Writes that the API server refused.

use std::collections::BTreeMap;

use direct_upload_api::ExposureKind;
use jiff::Timestamp;

use super::key::Key;

/// A write that the API server refused. It is kept only in memory, so the next start tries again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedWrite {
    pub annotations: BTreeMap<String, String>,
    /// Why, and what to do.
    pub why: String,
    /// When to try again.
    pub until: Timestamp,
}

/// Recent refusals, by object.
pub(crate) type RefusedWrites = BTreeMap<(ExposureKind, Key), RefusedWrite>;
