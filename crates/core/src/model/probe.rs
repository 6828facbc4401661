//! What is probed again and again, and the answers as they count.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_api::{Panel, Reason, Rule};

/// What is asked: from which dashboard, to which endpoint, and how the operator gets there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeTarget {
    pub origin: Origin,
    pub endpoint: Endpoint,
    /// Whose upload is judged.
    pub panel: Panel,
    /// After a granted preflight, ask for uploads without a token, too: the second announces so many bytes.
    pub uploads: Option<u64>,
    /// The dashboard's page, where that is to be asked.
    pub page: Option<Page>,
    /// Whether the address spaces of dashboard and Glance are to be compared.
    pub address_spaces: bool,
    /// The call of an API that is judged in an upload's place.
    pub call: Option<ApiCall>,
    pub reach: Arc<Reach>,
}

/// Calls of an API other than Glance's, as a dashboard's pages make them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiCall {
    /// The service's name.
    pub service: &'static str,
    pub methods: Vec<&'static str>,
    /// Names of request headers in lower case, sorted.
    pub headers: Vec<String>,
    /// Whether the pages send cookies along.
    pub credentials: bool,
}

impl ProbeTarget {
    /// Whether more than the preflight is asked.
    pub fn has_parts(&self) -> bool {
        self.uploads.is_some() || self.page.is_some() || self.address_spaces
    }
}

/// A dashboard's page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Page {
    /// Below the origin, without a slash at its end.
    pub path: String,
    /// Nothing tells the origin's port: that a dashboard is there at all is what the page must show.
    pub assumed: bool,
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

/// What is asked beside the preflight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The dashboard's page: is it there, and does its Content-Security-Policy let it connect to Glance?
    Page,
    /// May a page from the dashboard's addresses connect to Glance's (local network access)?
    AddressSpace,
    /// A complete PUT without a token: does it come through to Glance, and its answer to the page?
    Put,
    /// A PUT that announces the size which uploads may have: is it refused?
    Size,
}

impl Part {
    /// What a condition calls a refusal of this part by this rule.
    fn reason(self, rule: Option<Rule>) -> Reason {
        match self {
            Self::Page if rule == Some(Rule::OriginForm) => Reason::DashboardNotFound,
            Self::Page | Self::AddressSpace => Reason::UploadBlocked,
            Self::Put | Self::Size => Reason::UploadRefused,
        }
    }

    /// What is assumed where it cannot be told.
    fn assumed(self) -> &'static str {
        match self {
            Self::Page => "the dashboard is there, and no Content-Security-Policy keeps its page from Glance",
            Self::AddressSpace => "browsers may connect from the dashboard's addresses to Glance's",
            Self::Put => "a PUT comes through to Glance and its answer to the page",
            Self::Size => "no limit before Glance refuses uploads of the size that they may have",
        }
    }
}

/// What one round of questions showed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observation {
    /// Whose upload was judged.
    pub panel: Panel,
    pub preflight: ProbeAnswer,
    /// What else was asked. A part that is missing was not.
    pub parts: BTreeMap<Part, ProbeAnswer>,
    /// The address that answered; none where nothing did, or a proxy led there.
    pub reached: Option<IpAddr>,
}

impl Observation {
    /// What is known where only the preflight is asked.
    pub fn of_preflight(panel: Panel, preflight: ProbeAnswer) -> Self {
        Self { panel, preflight, parts: BTreeMap::new(), reached: None }
    }

    /// The first refusal: of which part (none: the preflight), and why.
    pub fn refusal(&self) -> Option<(Option<Part>, &Cause)> {
        let all = self.parts.iter().map(|(part, answer)| (Some(*part), answer));
        [(None, &self.preflight)].into_iter().chain(all).find_map(|(part, answer)| match answer {
            ProbeAnswer::Refused(cause) => Some((part, cause)),
            ProbeAnswer::Granted(_) | ProbeAnswer::Unknown(_) => None,
        })
    }

    /// What a condition calls that refusal.
    pub fn reason(&self) -> Option<Reason> {
        let (part, cause) = self.refusal()?;
        Some(part.map_or(Reason::PreflightRefused, |part| part.reason(cause.rule)))
    }

    /// All of it as one answer. A refusal counts, whichever; that a part shows nothing does not, for that is
    /// an [assumption](Self::assumptions).
    pub fn verdict(&self) -> ProbeAnswer {
        if let Some((_, cause)) = self.refusal() {
            return ProbeAnswer::Refused(cause.clone());
        }
        if let ProbeAnswer::Unknown(_) = self.preflight {
            return self.preflight.clone();
        }
        let advice = [&self.preflight].into_iter().chain(self.parts.values()).flat_map(|answer| match answer {
            ProbeAnswer::Granted(advice) => advice.as_slice(),
            ProbeAnswer::Refused(_) | ProbeAnswer::Unknown(_) => &[],
        });
        ProbeAnswer::Granted(advice.cloned().collect())
    }

    /// Whether two observations say the same, however they word it: what they refuse, and what they leave
    /// open.
    pub fn agrees(&self, other: &Self) -> bool {
        let kinds = |observation: &Self| {
            observation.parts.iter().map(|(part, answer)| (*part, std::mem::discriminant(answer))).collect::<Vec<_>>()
        };
        self.panel == other.panel && self.verdict().agrees(&other.verdict()) && kinds(self) == kinds(other)
    }

    /// What a granted verdict rests on without having been seen, as sentences.
    pub fn assumptions(&self) -> Vec<String> {
        if !matches!(self.verdict(), ProbeAnswer::Granted(_)) {
            return vec![];
        }
        let assumption = |part: Part| match self.parts.get(&part) {
            Some(ProbeAnswer::Granted(_) | ProbeAnswer::Refused(_)) => None,
            Some(ProbeAnswer::Unknown(why)) => Some(format!("it is assumed that {}: {}", part.assumed(), why.message)),
            None => Some(format!("it is assumed that {}: that was not asked", part.assumed())),
        };
        [Part::Page, Part::AddressSpace, Part::Put, Part::Size].into_iter().filter_map(assumption).collect()
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
    /// The parts that have passed before: that one no longer does is a change.
    pub passed: BTreeSet<Part>,
}

/// The state of the server that answers: the configuration that all its pods run with, or none
/// while pods are replaced, when an answer says nothing that lasts.
pub type Epoch = Option<String>;
