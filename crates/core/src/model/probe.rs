//! What is probed again and again, and the answers as they count.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_api::{Panel, Rule};

/// What is asked: from which dashboard, to which endpoint, and how the operator gets there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeTarget {
    pub origin: Origin,
    pub endpoint: Endpoint,
    /// Whose upload is judged.
    pub panel: Panel,
    /// After a granted preflight, ask for uploads without a token, too: the second announces so many bytes.
    pub uploads: Option<u64>,
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum ProbeAnswer {
    /// A browser would send the upload; what is unwise all the same.
    Granted(Vec<String>),
    /// It would not.
    Refused(Cause),
    /// No answer: our own name resolution, route, proxy or CA, or a server that is down. Never a
    /// reason to change a mode.
    Unknown(Cause),
}

/// Why it was not granted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// The rule of the runbook; none where no answer came.
    pub rule: Option<Rule>,
    /// What was not met, or how far the probe came, as reports write it.
    pub requirement: String,
    pub message: String,
    pub received: String,
    pub fix: String,
}

impl ProbeAnswer {
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

/// What one round of questions showed: the preflight, and where that is granted two uploads without a token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observation {
    /// Whose upload was judged.
    pub panel: Panel,
    pub preflight: ProbeAnswer,
    /// Whether a PUT comes through to Glance, and its answer to the page; none where that was not asked.
    pub put: Option<ProbeAnswer>,
    /// Whether a PUT is refused that announces the size which uploads may have; none where that was not
    /// asked.
    pub size: Option<ProbeAnswer>,
}

impl Observation {
    /// What is known where only the preflight is asked.
    pub fn of_preflight(panel: Panel, preflight: ProbeAnswer) -> Self {
        Self { panel, preflight, put: None, size: None }
    }

    /// All of it as one answer. A refusal counts, whichever; that the uploads show nothing does not, for
    /// that is an [assumption](Self::assumptions).
    pub fn verdict(&self) -> ProbeAnswer {
        let all = [Some(&self.preflight), self.put.as_ref(), self.size.as_ref()];
        if let Some(refused) = all.into_iter().flatten().find(|answer| matches!(answer, ProbeAnswer::Refused(_))) {
            return refused.clone();
        }
        if let ProbeAnswer::Unknown(_) = self.preflight {
            return self.preflight.clone();
        }
        let advice = all.into_iter().flatten().flat_map(|answer| match answer {
            ProbeAnswer::Granted(advice) => advice.as_slice(),
            ProbeAnswer::Refused(_) | ProbeAnswer::Unknown(_) => &[],
        });
        ProbeAnswer::Granted(advice.cloned().collect())
    }

    /// Whether the preflight passed, and an upload without a token did not.
    pub fn refuses_upload(&self) -> bool {
        let refused = |answer: &ProbeAnswer| matches!(answer, ProbeAnswer::Refused(_));
        !refused(&self.preflight) && refused(&self.verdict())
    }

    /// Whether two observations say the same, however they word it: what they refuse, and what they leave
    /// open.
    pub fn agrees(&self, other: &Self) -> bool {
        let kind = |answer: &Option<ProbeAnswer>| answer.as_ref().map(std::mem::discriminant);
        self.panel == other.panel
            && self.verdict().agrees(&other.verdict())
            && kind(&self.put) == kind(&other.put)
            && kind(&self.size) == kind(&other.size)
    }

    /// What a granted verdict rests on without having been seen, as sentences.
    pub fn assumptions(&self) -> Vec<String> {
        if !matches!(self.verdict(), ProbeAnswer::Granted(_)) {
            return vec![];
        }
        let put = assumption(self.put.as_ref(), "a PUT comes through to Glance and its answer to the page");
        let size =
            assumption(self.size.as_ref(), "no limit before Glance refuses uploads of the size that they may have");
        put.into_iter().chain(size).collect()
    }
}

fn assumption(answer: Option<&ProbeAnswer>, what: &str) -> Option<String> {
    match answer {
        Some(ProbeAnswer::Granted(_) | ProbeAnswer::Refused(_)) => None,
        Some(ProbeAnswer::Unknown(why)) => Some(format!("it is assumed that {what}: {}", why.message)),
        None => Some(format!("it is assumed that {what}: that was not asked")),
    }
}

/// What is known of one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeRecord {
    pub observation: Observation,
    /// The state of the server that it speaks of: Glance's configuration.
    pub epoch: String,
    /// Whether the verdict has lasted.
    pub firm: bool,
    /// An upload without a token has come through to Glance before: that it no longer does is a change.
    pub came_through: bool,
}

/// The state of the server that answers: the configuration that all its pods run with, or none
/// while pods are replaced, when an answer says nothing that lasts.
pub type Epoch = Option<String>;
