//! A preflight that is asked again and again, and the answers as they count.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::probe::Outcome;
use super::request::Endpoint;
use super::{Failure, Requirement, Rule, Unreachable, UnreachableKind};
use crate::derive::origin::Origin;

/// What is asked: from which dashboard, to which endpoint, and how the operator gets there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    pub origin: Origin,
    pub endpoint: Endpoint,
    pub reach: Arc<Reach>,
}

/// How the operator gets to an endpoint, where it does so otherwise than browsers do.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reach {
    /// Certificate authorities in PEM form, beside those that all browsers trust.
    pub ca: String,
    /// Host names in lower case and the address that stands for each.
    pub hosts: BTreeMap<String, IpAddr>,
}

/// One answer, as it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// A browser would send the upload; what is unwise all the same.
    Granted(Vec<String>),
    /// It would not.
    Refused(Reply),
    /// No answer: our own name resolution, route, proxy or CA, or a server that is down. Never a
    /// reason to change a mode.
    Unknown(Reply),
}

/// Why it was not granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The rule of the runbook; none where no answer came.
    pub rule: Option<Rule>,
    /// The [`Requirement`] or [`UnreachableKind`], as it is written in reports.
    pub requirement: String,
    pub message: String,
    pub received: String,
    pub fix: String,
}

impl Answered {
    /// What an outcome counts as.
    pub fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Objection(failure) => Self::Refused((*failure).into()),
            Outcome::Unreachable(why) => Self::Unknown(why.into()),
            Outcome::Judged { verdict, .. } => match verdict.failure {
                Some(failure) => Self::Refused(failure.into()),
                None => Self::Granted(verdict.advice.into_iter().map(|a| a.to_string()).collect()),
            },
        }
    }

    /// Whether two answers say the same, however they word it.
    pub fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Granted(_), Self::Granted(_)) => true,
            (Self::Refused(one), Self::Refused(two)) | (Self::Unknown(one), Self::Unknown(two)) => {
                (one.rule, &one.requirement) == (two.rule, &two.requirement)
            }
            _ => false,
        }
    }
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Self {
        let Failure { requirement, rule, received, message, fix, .. } = failure;
        Self { rule: Some(rule), requirement: written::<Requirement>(&requirement), message, received, fix }
    }
}

impl From<Unreachable> for Reply {
    fn from(why: Unreachable) -> Self {
        let requirement = written::<UnreachableKind>(&why.kind);
        Self { rule: None, requirement, message: why.message, received: String::new(), fix: why.fix }
    }
}

/// A unit variant's name as it is serialized.
fn written<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
