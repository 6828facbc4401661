//! The operator's own uploads: which are to be made, and what they have shown.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use direct_upload_api::Panel;
use direct_upload_api::web::{Endpoint, Origin};
use jiff::Timestamp;

use super::key::Key;
use super::probe::Cause;

/// An upload that is to be made again and again. It names no URL: Keystone's stands in the Secret, and Glance's
/// in the catalog of the token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CanaryQuery {
    pub horizon: Key,
    /// The Horizon's uid, by which our images are known.
    pub uid: String,
    /// The region, where the spec names regions.
    pub region: Option<String>,
    /// The Secret with the application credential.
    pub secret: Key,
    /// Where the dashboard's page comes from.
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
    /// Host names in lower case and the address that stands for each.
    pub hosts: BTreeMap<String, IpAddr>,
}

/// Images that stay `queued` or `saving`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StuckImages {
    pub queued: u32,
    pub saving: u32,
    /// There are more: one list is all that is read of each.
    pub more: bool,
    /// When the one that has been so for longest last changed.
    pub oldest: Option<Timestamp>,
}

/// What a list of stuck images shows; why there is none.
pub type StuckReading = Result<StuckImages, String>;

impl StuckImages {
    /// How many in all.
    pub fn count(&self) -> u32 {
        self.queued.saturating_add(self.saving)
    }
}

/// What a canary's failure speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum CanaryClass {
    /// Something on the way refuses so many bytes (DU014).
    Size,
    /// Something on the way ends what takes so long (DU015).
    Time,
    /// Anything else on the way: a filter, a login, CORS headers.
    Path,
    /// Glance does not take the token.
    Auth,
    /// Glance's policy.
    Policy,
    /// A quota or limit of Glance.
    Quota,
    /// Glance, or its store, fails on the data.
    Store,
    /// The image does not hold what was sent.
    Content,
}

/// How one upload ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CanaryOutcome {
    Passed(Endpoint),
    Failed(Endpoint, CanaryFailure),
    /// It was not made, or says nothing of uploads: why.
    Unknown(String),
}

impl CanaryQuery {
    /// The value by which the images of this canary are known as its own.
    pub fn mark(&self) -> String {
        match &self.region {
            Some(region) => format!("{} {region}", self.uid),
            None => self.uid.clone(),
        }
    }
}

impl CanaryOutcome {
    /// In one word, as metrics have it.
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

/// What the uploads of one query show together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CanaryStanding {
    /// Nothing yet; also after one failure alone.
    Pending,
    Passed(Endpoint),
    Failed(Endpoint, CanaryFailure),
    /// Why none is made.
    Unknown(String),
}

/// How often in a row something is seen before it counts.
const SEEN: u8 = 2;

/// What is known of one query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryRecord {
    pub standing: CanaryStanding,
    /// The images that are stuck, as far as a list was asked for.
    pub stuck: Option<StuckReading>,
    /// Uploads in a row that failed, up to [`SEEN`]; those that say nothing left out.
    failures: u8,
    /// The same of those that say nothing.
    unknowns: u8,
}

impl CanaryRecord {
    /// What is known after a further upload. One failure alone counts nothing; one that says nothing takes away
    /// no failure, and the second in a row what had passed.
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
                    // The same again, in other numbers.
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
    /// The same with the images that were stuck then. Without a list, that of the last time says most.
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
