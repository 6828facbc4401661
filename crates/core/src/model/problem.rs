//! Why something cannot be done, as data: the one value from which conditions, events and the
//! sentences of a plan are made.

use direct_upload_api::Reason;

use super::store::Unknown;

/// A reason with its message. The message names object and field and says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub reason: Reason,
    pub message: String,
}

impl Problem {
    /// A problem.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    /// Whether it says "I cannot see" rather than "it is not so".
    pub fn is_unknown(&self) -> bool {
        matches!(self.reason, Reason::ObservationPending | Reason::ObservationIncomplete | Reason::Undecodable)
    }
}

impl From<Unknown> for Problem {
    fn from(unknown: Unknown) -> Self {
        Self::new(if unknown.pending { Reason::ObservationPending } else { Reason::ObservationIncomplete }, unknown.why)
    }
}
