//! Why something cannot be done, as data.

use std::fmt;

use direct_upload_api::{Reason, Rule};

use super::sentence::{Named, Names, Sentence};
use super::store::Unknown;

/// A reason, and what a person should know. Conditions, events and the sentences of a plan come from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub reason: Reason,
    /// The part of the resource, if there are several.
    pub part: Option<String>,
    /// The entry of the runbook with more details.
    pub rule: Option<Rule>,
    /// The fact. It names object and field.
    pub found: Sentence,
    /// What to change.
    pub fix: Option<String>,
}

impl Problem {
    /// A problem.
    pub fn new(reason: Reason, found: impl Into<Sentence>) -> Self {
        Self { reason, part: None, rule: None, found: found.into(), fix: None }
    }

    /// The same, with the runbook's rule.
    #[must_use]
    pub fn rule(self, rule: Rule) -> Self {
        Self { rule: Some(rule), ..self }
    }

    /// The same, with what to change.
    #[must_use]
    pub fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }

    /// The same, for a part of the resource.
    #[must_use]
    pub fn within(&self, part: impl Into<String>) -> Self {
        Self { part: Some(part.into()), ..self.clone() }
    }

    /// The sentence.
    pub fn message(&self) -> String {
        self.to_string()
    }

    /// Whether something is still being read for the first time.
    pub fn is_pending(&self) -> bool {
        self.reason == Reason::ObservationPending
    }

    /// Whether it means "I cannot see" and not "there is none".
    pub fn is_unknown(&self) -> bool {
        self.is_unseen() || self.reason == Reason::Undecodable
    }

    /// Whether something is not observed, as opposed to observed and not readable by this version.
    pub fn is_unseen(&self) -> bool {
        matches!(self.reason, Reason::ObservationPending | Reason::ObservationIncomplete)
    }
}

/// `part: rule: found; fix`, without what is unknown.
impl fmt::Display for Named<'_, Problem> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(problem, names) = self;
        if let Some(part) = &problem.part {
            write!(f, "{part}: ")?;
        }
        if let Some(rule) = problem.rule {
            write!(f, "{rule}: ")?;
        }
        names.of(&problem.found).fmt(f)?;
        match &problem.fix {
            Some(fix) => write!(f, "; {fix}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Names::default().of(self).fmt(f)
    }
}

impl From<Unknown> for Problem {
    fn from(unknown: Unknown) -> Self {
        Self::new(if unknown.pending { Reason::ObservationPending } else { Reason::ObservationIncomplete }, unknown.why)
    }
}
