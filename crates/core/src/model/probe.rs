//! What is probed again and again, and the answers as they count.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use direct_upload_api::Rule;
use direct_upload_api::web::{Endpoint, Origin};

/// What is asked: from which dashboard, to which endpoint, and how the operator gets there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeTarget {
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
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// What is known of one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub verdict: ProbeAnswer,
    /// The state of the server that it speaks of: Glance's configuration.
    pub epoch: String,
    /// Whether the verdict has lasted.
    pub firm: bool,
}

/// The state of the server that answers: the configuration that all its pods run with, or none
/// while pods are replaced, when an answer says nothing that lasts.
pub type Epoch = Option<String>;
