//! Why an object cannot be decoded.

use std::fmt;

use serde::de::{self, Expected, Unexpected};
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

impl DecodeError {
    /// The same kind of error, in other words.
    #[must_use]
    pub fn reworded(self, what: String) -> Self {
        match self {
            Self::MissingField(_) => Self::MissingField(what),
            Self::Invalid(_) => Self::Invalid(what),
        }
    }
}

fn invalid(error: &serde_json::Error) -> DecodeError {
    DecodeError::Invalid(error.to_string())
}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(what: T) -> Self {
        invalid(&de::Error::custom(what))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        invalid(&de::Error::invalid_type(unexpected, expected))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        invalid(&de::Error::invalid_value(unexpected, expected))
    }

    fn missing_field(field: &'static str) -> Self {
        let error: serde_json::Error = de::Error::missing_field(field);
        Self::MissingField(error.to_string())
    }
}
