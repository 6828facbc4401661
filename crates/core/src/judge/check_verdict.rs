//! The verdict of a check of the upload path other than preflight and PUT.

use super::failure::Failure;
use super::unreachable::Unreachable;
use crate::model::Advice;

/// The result of a check other than preflight and PUT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckVerdict {
    /// Nothing prevents uploads.
    Passed(Vec<Advice>),
    /// No upload from there can work.
    Refused(Box<Failure>),
    /// Unknown. This is not a failure, but an assumption in words.
    Unknown(Unreachable),
}
