//! What came of one preflight.

use std::net::SocketAddr;

use super::failure::Failure;
use super::response::{Answer, Verdict};
use super::unreachable::Unreachable;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The upload fails whatever the answer; nothing was sent.
    Objection(Box<Failure>),
    /// No answer: nothing is known about what a browser elsewhere would get.
    Unreachable(Unreachable),
    /// An answer, judged.
    Judged { address: SocketAddr, answer: Answer, verdict: Box<Verdict> },
}

impl Outcome {
    /// Whether the upload would be let through.
    pub fn granted(&self) -> bool {
        matches!(self, Self::Judged { verdict, .. } if verdict.granted())
    }
}
