//! Why an object cannot be decoded.

use thiserror::Error;

/// Why an object does not have the shape of its kind, in the words of `serde_json`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// It lacks a field that its kind requires, as a patch does.
    #[error("{0}")]
    MissingField(String),
    /// Anything else.
    #[error("{0}")]
    Invalid(String),
}
