//! What an outcome counts as.

use super::failure::{Failure, Requirement};
use super::outcome::Outcome;
use super::unreachable::{Unreachable, UnreachableKind};
use crate::model::{Cause, ProbeAnswer};

impl From<Outcome> for ProbeAnswer {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Objection(failure) => Self::Refused((*failure).into()),
            Outcome::Unreachable(why) => Self::Unknown(why.into()),
            Outcome::Judged { verdict, .. } => match verdict.failure {
                Some(failure) => Self::Refused(failure.into()),
                None => Self::Granted(verdict.advice.into_iter().map(|a| a.to_string()).collect()),
            },
        }
    }
}

impl From<Failure> for Cause {
    fn from(failure: Failure) -> Self {
        let Failure { requirement, rule, received, message, fix, .. } = failure;
        Self { rule: Some(rule), requirement: written::<Requirement>(&requirement), message, received, fix }
    }
}

impl From<Unreachable> for Cause {
    fn from(why: Unreachable) -> Self {
        let requirement = written::<UnreachableKind>(&why.kind);
        Self { rule: None, requirement, message: why.message, received: String::new(), fix: why.fix }
    }
}

/// A unit variant's name as it is serialized.
fn written<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
