//! What preflights have shown, over one destination or several.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use direct_upload_api::Reason;

use crate::model::{Cause, Epoch, ProbeAnswer, ProbeTarget, Snapshot, UploadCheck};

/// The results of preflights over all origins: the worst counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Evidence {
    /// No preflight is needed.
    #[default]
    None,
    /// There is no verdict yet.
    Pending,
    /// A browser's upload would pass; with advice about what is unwise.
    Granted(Weight, Vec<String>),
    /// It would fail: origin and cause.
    Refused(Weight, Vec<Failed>),
    /// The operator gets no answer: origin and how far it got.
    Unknown(Vec<Failed>),
}

/// A preflight that was not granted, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The region, if regions have names.
    pub region: Option<String>,
    /// The origin.
    pub origin: String,
    /// What was refused; none: the preflight itself.
    pub check: Option<UploadCheck>,
    pub reply: Cause,
}

impl Failed {
    /// Its reason in a condition.
    pub fn reason(&self) -> Reason {
        self.check.map_or(Reason::PreflightRefused, |check| check.reason(self.reply.rule))
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { region, origin, reply, .. } = self;
        if let Some(rule) = reply.rule {
            write!(f, "{rule}: ")?;
        }
        write!(f, "from {origin}")?;
        if let Some(region) = region {
            write!(f, " to region {region}")?;
        }
        write!(f, ": {}", reply.message)
    }
}

/// How reliable a verdict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// It is about what Glance's pods run with now.
    pub fresh: bool,
    /// It has lasted ([`crate::judge::ProbeScheduler`]).
    pub firm: bool,
}

impl Evidence {
    /// The joint result of two destinations: the worse counts, and a grant counts as the lesser of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let both = |one: bool, other: bool| one && other;
        let either = |one: bool, other: bool| one || other;
        let joined = |one: Vec<Failed>, other: Vec<Failed>| one.into_iter().chain(other).collect();
        match (self, other) {
            (Self::None, evidence) | (evidence, Self::None) => evidence,
            (Self::Refused(a, one), Self::Refused(b, other)) => Self::Refused(a.join(b, either), joined(one, other)),
            (refused @ Self::Refused(..), _) | (_, refused @ Self::Refused(..)) => refused,
            (Self::Pending, _) | (_, Self::Pending) => Self::Pending,
            (Self::Unknown(one), Self::Unknown(other)) => Self::Unknown(joined(one, other)),
            (unknown @ Self::Unknown(_), _) | (_, unknown @ Self::Unknown(_)) => unknown,
            (Self::Granted(a, one), Self::Granted(b, other)) => {
                let advice: BTreeSet<_> = one.into_iter().chain(other).collect();
                Self::Granted(a.join(b, both), advice.into_iter().collect())
            }
        }
    }

    /// Whether the path was refused for so long, and so often, that falling back is due.
    pub fn is_broken(&self) -> bool {
        matches!(self, Self::Refused(Weight { fresh: true, firm: true }, _))
    }

    /// Whether the server in its current state grants it; `firm`: and has for long enough.
    pub fn is_granted(&self, firm: bool) -> bool {
        matches!(self, Self::Granted(weight, _) if weight.fresh && (weight.firm || !firm))
    }
}

impl Weight {
    fn join(self, other: Self, how: impl Fn(bool, bool) -> bool) -> Self {
        Self { fresh: how(self.fresh, other.fresh), firm: how(self.firm, other.firm) }
    }
}

/// What is known of these questions.
pub(super) fn evidence(
    snapshot: &Snapshot,
    region: Option<&String>,
    questions: &BTreeSet<Arc<ProbeTarget>>,
    epoch: &Epoch,
) -> Evidence {
    let (mut refused, mut unknown, mut advice) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut weight = Weight { fresh: true, firm: true };
    // A refusal counts as much as its own answers do, a grant as the least of all.
    let mut against = Weight { fresh: false, firm: false };
    let failed = |question: &ProbeTarget, check, reply| {
        let (region, origin) = (region.cloned(), question.origin.to_string());
        Failed { region, origin, check, reply }
    };
    let mut pending = questions.is_empty();
    for question in questions {
        let Some(standing) = snapshot.answers.get(question, epoch) else {
            pending = true;
            continue;
        };
        let fresh = epoch.as_ref() == Some(&standing.epoch);
        weight = Weight { fresh: weight.fresh && fresh, firm: weight.firm && standing.firm };
        let observation = &standing.observation;
        match observation.verdict() {
            ProbeAnswer::Granted(unwise) => advice.extend(unwise),
            ProbeAnswer::Refused(reply) => {
                // If it has never passed, our own requests may be the ones that are blocked.
                let check = observation.refusal().and_then(|(check, _)| check);
                let counts = standing.firm && check.is_none_or(|check| standing.passed.contains(&check));
                against = Weight { fresh: against.fresh || fresh, firm: against.firm || (fresh && counts) };
                refused.push(failed(question, check, reply));
            }
            ProbeAnswer::Unknown(reply) => unknown.push(failed(question, None, reply)),
        }
    }
    match (refused.is_empty(), pending, unknown.is_empty()) {
        (false, ..) => Evidence::Refused(against, refused),
        (_, true, _) => Evidence::Pending,
        (_, _, false) => Evidence::Unknown(unknown),
        _ => Evidence::Granted(weight, advice.into_iter().collect()),
    }
}
