//! Why a step failed.

use direct_upload_api::Rule;

use crate::judge::failure::Failure;
use crate::judge::unreachable::Unreachable;

/// What ended the attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// The likeliest rule of the runbook, if one is known.
    pub rule: Option<Rule>,
    pub also: Vec<Rule>,
    /// What decided; one line, without secrets.
    pub received: String,
    pub message: String,
    /// What to change, and where.
    pub fix: String,
}

impl Break {
    pub fn new(received: impl Into<String>, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { rule: None, also: vec![], received: received.into(), message: message.into(), fix: fix.into() }
    }

    /// With these rules, the likeliest first.
    #[must_use]
    pub fn by(mut self, rules: &[Rule]) -> Self {
        self.rule = rules.first().copied();
        self.also = rules.iter().skip(1).copied().collect();
        self
    }
}

impl From<Failure> for Break {
    fn from(failure: Failure) -> Self {
        let Failure { rule, also, received, message, fix, .. } = failure;
        Self { rule: Some(rule), also, received, message, fix }
    }
}

impl From<Unreachable> for Break {
    fn from(why: Unreachable) -> Self {
        Self::new("no answer", why.message, why.fix)
    }
}
