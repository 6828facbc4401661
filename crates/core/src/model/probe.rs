//! What is probed repeatedly, and what the answers count as.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_api::{Panel, Reason, Rule};

/// The request: from which dashboard, to which endpoint, and how the operator connects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeTarget {
    pub origin: Origin,
    pub endpoint: Endpoint,
    /// The panel whose upload is judged.
    pub panel: Panel,
    /// After a granted preflight, also send uploads without a token. The second announces this many bytes.
    pub uploads: Option<u64>,
    /// The dashboard's page, if it is to be requested.
    pub page: Option<Page>,
    /// Whether to compare the address spaces of dashboard and Glance.
    pub address_spaces: bool,
    /// The call of an API to judge, in place of an upload.
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
    /// Whether there is more than the preflight.
    pub fn has_checks(&self) -> bool {
        self.uploads.is_some() || self.page.is_some() || self.address_spaces
    }
}

/// A dashboard's page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Page {
    /// Its path below the origin, without a slash at its end.
    pub path: String,
    /// Nothing states the origin's port. The page must show that a dashboard is there at all.
    pub assumed: bool,
}

/// How the operator connects to an endpoint, if this differs from browsers.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reach {
    /// Certificate authorities in PEM form, in addition to those that all browsers trust.
    pub ca: String,
    /// Host names in lower case, and the address for each.
    pub hosts: BTreeMap<String, IpAddr>,
}

/// One answer, reduced to what counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum ProbeAnswer {
    /// A browser would send the upload; with advice about what is unwise.
    Granted(Vec<String>),
    /// A browser would not send it.
    Refused(Cause),
    /// No answer: our own name resolution, route, proxy or CA, or a server that is down. It never changes a
    /// mode.
    Unknown(Cause),
}

/// Why it was not granted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// The rule of the runbook; none without an answer.
    pub rule: Option<Rule>,
    /// What was not met, or how far the probe got, in the words of reports.
    pub requirement: String,
    pub message: String,
    pub received: String,
    pub fix: String,
}

impl ProbeAnswer {
    /// Whether two answers mean the same, whatever their words.
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

/// The checks in addition to the preflight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UploadCheck {
    /// The dashboard's page: does it exist, and does its Content-Security-Policy allow it to connect to
    /// Glance?
    Page,
    /// Whether a page from the dashboard's addresses may connect to Glance's (local network access).
    AddressSpace,
    /// A complete PUT without a token: does it reach Glance, and does its answer reach the page?
    Put,
    /// A PUT that announces the size of uploads: is it refused?
    Size,
}

impl UploadCheck {
    /// The reason in a condition if this rule refuses this check.
    pub(crate) fn reason(self, rule: Option<Rule>) -> Reason {
        match self {
            Self::Page if rule == Some(Rule::OriginForm) => Reason::DashboardNotFound,
            Self::Page | Self::AddressSpace => Reason::UploadBlocked,
            Self::Put | Self::Size => Reason::UploadRefused,
        }
    }

    /// The assumption if the result is unknown.
    fn assumed(self) -> &'static str {
        match self {
            Self::Page => "the dashboard is there, and no Content-Security-Policy keeps its page from Glance",
            Self::AddressSpace => "browsers may connect from the dashboard's addresses to Glance's",
            Self::Put => "a PUT comes through to Glance and its answer to the page",
            Self::Size => "no limit in front of Glance refuses uploads of the allowed size",
        }
    }
}

/// The results of one round of requests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observation {
    /// The panel whose upload was judged.
    pub panel: Panel,
    pub preflight: ProbeAnswer,
    /// The other checks. A missing check was not requested.
    pub checks: BTreeMap<UploadCheck, ProbeAnswer>,
    /// The address that answered; none without an answer, or behind a proxy.
    pub reached: Option<IpAddr>,
}

impl Observation {
    /// What is known if only the preflight is sent.
    pub fn of_preflight(panel: Panel, preflight: ProbeAnswer) -> Self {
        Self { panel, preflight, checks: BTreeMap::new(), reached: None }
    }

    /// The first refusal: the check (none: the preflight), and why.
    pub fn refusal(&self) -> Option<(Option<UploadCheck>, &Cause)> {
        let all = self.checks.iter().map(|(check, answer)| (Some(*check), answer));
        [(None, &self.preflight)].into_iter().chain(all).find_map(|(check, answer)| match answer {
            ProbeAnswer::Refused(cause) => Some((check, cause)),
            ProbeAnswer::Granted(_) | ProbeAnswer::Unknown(_) => None,
        })
    }

    /// The same, as the refusal of some requests, while others pass.
    pub(crate) fn by_turns(mut self) -> Self {
        let answers = [&mut self.preflight].into_iter().chain(self.checks.values_mut());
        for answer in answers {
            if let ProbeAnswer::Refused(cause) = answer {
                cause.message = format!("some requests pass, and some do not: {}", cause.message);
                cause.fix =
                    format!("{}; or, if several servers share this address, do so on the one that refuses", cause.fix);
            }
        }
        self
    }

    /// All of it as one answer. Any refusal counts. A check without a result does not count, because it is
    /// an [assumption](Self::assumptions).
    pub fn verdict(&self) -> ProbeAnswer {
        if let Some((_, cause)) = self.refusal() {
            return ProbeAnswer::Refused(cause.clone());
        }
        if let ProbeAnswer::Unknown(_) = self.preflight {
            return self.preflight.clone();
        }
        let advice = [&self.preflight].into_iter().chain(self.checks.values()).flat_map(|answer| match answer {
            ProbeAnswer::Granted(advice) => advice.as_slice(),
            ProbeAnswer::Refused(_) | ProbeAnswer::Unknown(_) => &[],
        });
        ProbeAnswer::Granted(advice.cloned().collect())
    }

    /// Whether two observations mean the same, whatever their words: what they refuse, and what they leave
    /// open.
    pub fn agrees(&self, other: &Self) -> bool {
        let kinds = |observation: &Self| {
            observation
                .checks
                .iter()
                .map(|(check, answer)| (*check, std::mem::discriminant(answer)))
                .collect::<Vec<_>>()
        };
        self.panel == other.panel && self.verdict().agrees(&other.verdict()) && kinds(self) == kinds(other)
    }

    /// What a granted verdict assumes, because no request could check it, as sentences.
    pub fn assumptions(&self) -> Vec<String> {
        if !matches!(self.verdict(), ProbeAnswer::Granted(_)) {
            return vec![];
        }
        let assumption = |check: UploadCheck| match self.checks.get(&check) {
            Some(ProbeAnswer::Granted(_) | ProbeAnswer::Refused(_)) => None,
            Some(ProbeAnswer::Unknown(why)) => Some(format!("it is assumed that {}: {}", check.assumed(), why.message)),
            None => Some(format!("it is assumed that {}: no request checked this", check.assumed())),
        };
        [UploadCheck::Page, UploadCheck::AddressSpace, UploadCheck::Put, UploadCheck::Size]
            .into_iter()
            .filter_map(assumption)
            .collect()
    }
}

/// What no request without data can show.
pub const WHOLE: &str = "it is assumed that nothing in front of Glance ends an upload while its data is sent (a time limit, a limit that counts bytes, a filter that reads the data), or treats a real token, cookies or a successful answer in another way; only a whole upload shows this";

/// What is known about one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeRecord {
    pub observation: Observation,
    /// The state of the server to which it belongs: Glance's configuration.
    pub epoch: String,
    /// Whether the verdict has lasted.
    pub firm: bool,
    /// The checks that have passed before. If one fails later, that is a change.
    pub passed: BTreeSet<UploadCheck>,
}

/// The state of the server: the configuration of all its pods. None while pods are replaced, because
/// answers do not last then.
pub type Epoch = Option<String>;
