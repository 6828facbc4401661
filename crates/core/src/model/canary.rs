//! The operator's own uploads: which ones to make, and their results.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use direct_upload_api::Panel;
use direct_upload_api::web::{Endpoint, Origin};
use jiff::Timestamp;

use super::key::Key;
use super::probe::Cause;

/// An upload to make repeatedly. It names no URL: Keystone's is in the Secret, and Glance's in the catalog
/// of the token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CanaryQuery {
    pub horizon: Key,
    /// The Horizon's uid, which identifies our images.
    pub uid: String,
    /// The region, if the spec names regions.
    pub region: Option<String>,
    /// The Secret with the application credential.
    pub secret: Key,
    /// The origin of the dashboard's page.
    pub origin: Origin,
    pub panel: Panel,
    pub size: u64,
    /// How long the upload takes.
    pub pace: Duration,
    pub interval: Duration,
    /// The Secret whose credential lists stuck images of other projects, too.
    pub stuck_secret: Option<Key>,
    /// For how long an image must not have changed to be stuck.
    pub stuck_after: Duration,
    /// Host names in lower case, and the address for each.
    pub hosts: BTreeMap<String, IpAddr>,
}

/// Images that stay `queued` or `saving`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StuckImages {
    pub queued: u32,
    pub saving: u32,
    /// There are more. Only one list of each is read.
    pub more: bool,
    /// When the oldest of them last changed.
    pub oldest: Option<Timestamp>,
}

/// The result of a list of stuck images; or why there is none.
pub type StuckReading = Result<StuckImages, String>;

impl StuckImages {
    /// How many in all.
    pub fn count(&self) -> u32 {
        self.queued.saturating_add(self.saving)
    }
}

/// What a canary's failure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum CanaryClass {
    /// Something in front of Glance refuses this number of bytes (DU014).
    Size,
    /// Something in front of Glance ends requests of this duration (DU015).
    Time,
    /// Anything else in front of Glance: a filter, a login, CORS headers.
    Path,
    /// Glance does not accept the token.
    Auth,
    /// Glance's policy.
    Policy,
    /// A quota or limit of Glance.
    Quota,
    /// Glance, or its store, fails on the data.
    Store,
    /// The image does not contain what was sent.
    Content,
}

/// How one upload ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CanaryOutcome {
    Passed(Endpoint),
    Failed(Endpoint, CanaryFailure),
    /// It was not made, or says nothing about uploads; and why.
    Unknown(String),
}

impl CanaryQuery {
    /// The value that identifies the images of this canary.
    pub fn mark(&self) -> String {
        match &self.region {
            Some(region) => format!("{} {region}", self.uid),
            None => self.uid.clone(),
        }
    }
}

impl CanaryOutcome {
    /// One word for metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed(_) => "passed",
            Self::Failed(_, failure) => failure.class.into(),
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Why an upload failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryFailure {
    pub class: CanaryClass,
    pub cause: Cause,
}

/// The joint result of the uploads of one query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CanaryStanding {
    /// Nothing yet; also after a single failure.
    Pending,
    Passed(Endpoint),
    Failed(Endpoint, CanaryFailure),
    /// Why none is made.
    Unknown(String),
}

/// How often in a row something must be seen before it counts.
const SEEN: u8 = 2;

/// What is known about one query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryRecord {
    pub standing: CanaryStanding,
    /// The stuck images, if a list was requested.
    pub stuck: Option<StuckReading>,
    /// Failed uploads in a row, up to [`SEEN`], without those that say nothing.
    failures: u8,
    /// The same for those that say nothing.
    unknowns: u8,
}

impl CanaryRecord {
    /// What is known after a further upload. A single failure does not count. One that says nothing removes
    /// no failure; the second in a row removes an earlier pass.
    #[must_use]
    pub fn then(before: Option<&Self>, outcome: CanaryOutcome) -> Self {
        let standing = before.map_or(CanaryStanding::Pending, |record| record.standing.clone());
        let failures = before.map_or(0, |record| record.failures);
        let unknowns = before.map_or(0, |record| record.unknowns);
        let stuck = before.and_then(|record| record.stuck.clone());
        let one_more = |count: u8| count.saturating_add(1).min(SEEN);
        match outcome {
            CanaryOutcome::Passed(endpoint) => {
                Self { standing: CanaryStanding::Passed(endpoint), stuck, failures: 0, unknowns: 0 }
            }
            CanaryOutcome::Failed(endpoint, failure) => {
                let failures = one_more(failures);
                let standing = match standing {
                    // The same result with other numbers.
                    CanaryStanding::Failed(to, known) if to == endpoint && known.agrees(&failure) => {
                        CanaryStanding::Failed(to, known)
                    }
                    _ if failures >= SEEN => CanaryStanding::Failed(endpoint, failure),
                    CanaryStanding::Unknown(_) => CanaryStanding::Pending,
                    standing => standing,
                };
                Self { standing, stuck, failures, unknowns: 0 }
            }
            CanaryOutcome::Unknown(why) => {
                let unknowns = one_more(unknowns);
                let standing = match standing {
                    failed @ CanaryStanding::Failed(..) => failed,
                    passed @ CanaryStanding::Passed(_) if unknowns < SEEN => passed,
                    _ => CanaryStanding::Unknown(why),
                };
                Self { standing, stuck, failures, unknowns }
            }
        }
    }
}

impl CanaryRecord {
    /// The same with the images that were stuck then. Without a list, the last one says most.
    #[must_use]
    pub fn counted(self, stuck: Option<StuckReading>) -> Self {
        Self { stuck: stuck.or(self.stuck), ..self }
    }
}

impl CanaryFailure {
    fn agrees(&self, other: &Self) -> bool {
        (self.class, self.cause.rule) == (other.class, other.cause.rule)
    }
}
