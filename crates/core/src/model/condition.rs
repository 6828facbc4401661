//! Conditions of other projects' objects.

use direct_upload_api::ConditionStatus;
use serde::Deserialize;

/// A condition of another project's object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    #[serde(rename = "type")]
    pub type_: String,
    pub status: ConditionStatus,
    pub reason: String,
    pub message: String,
    pub observed_generation: Option<i64>,
}

impl Condition {
    /// Whether the controller has judged this generation of the object.
    pub fn is_current(&self, generation: i64) -> bool {
        // A file need not have a generation.
        generation == 0 || self.observed_generation.is_none_or(|observed| observed >= generation)
    }
}

/// The condition of that type.
pub fn find_condition<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.type_ == type_)
}
