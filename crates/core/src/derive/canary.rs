//! The uploads that the operator makes itself, and what they say about a destination. Pure.

use direct_upload_api::{Duration, HorizonSpec, Rule};

use super::destination::Destination;
use super::evidence::{Evidence, Failed, Weight};
use super::horizon::Dashboard;
use crate::model::{Advice, CanaryQuery, CanaryStanding, Epoch, FieldPath, Key, Snapshot, StuckReading, UploadCheck};
use crate::workload::rfc3339;

/// The canary of one destination.
#[derive(Clone, Debug, PartialEq)]
pub struct CanaryView {
    pub query: CanaryQuery,
    pub standing: CanaryStanding,
    pub stuck: Option<StuckReading>,
}

impl CanaryView {
    /// The canary of a destination; none if nobody requested one, or nobody can be asked.
    pub fn derive(snapshot: &Snapshot, dashboard: &Dashboard, spec: &HorizonSpec, to: &Destination) -> Option<Self> {
        let canary = spec.direct_upload.canary.as_ref().filter(|_| !snapshot.answers.are_assumed())?;
        let meta = &dashboard.object.meta;
        let exposures = dashboard.exposures.as_ref().ok()?;
        let query = CanaryQuery {
            horizon: meta.key.clone(),
            // Without a uid, nothing would show which images are ours.
            uid: Some(meta.uid.clone()).filter(|uid| !uid.is_empty())?,
            region: to.region.clone(),
            secret: Key::new(meta.key.namespace.clone(), canary.credential_secret_ref.name.clone()),
            origin: exposures.primary()?.origin().clone(),
            panel: dashboard.panel,
            size: canary.size(),
            pace: canary.pace(),
            interval: canary.interval(),
            stuck_secret: {
                let named = canary.stuck_images.credential_secret_ref.as_ref();
                named.map(|named| Key::new(meta.key.namespace.clone(), named.name.clone()))
            },
            stuck_after: canary.stuck_images.older_than(),
            hosts: dashboard.hosts.clone(),
        };
        let record = snapshot.canaries.get(&query);
        let standing = record.map_or(CanaryStanding::Pending, |record| record.standing.clone());
        let stuck = record.and_then(|record| record.stuck.clone());
        Some(Self { query, standing, stuck })
    }

    /// What it adds to the evidence of preflights. A failure counts, but changes no mode. A pass or an
    /// unknown result changes nothing.
    pub fn evidence(&self, to: &Destination, epoch: &Epoch) -> Evidence {
        match &self.standing {
            CanaryStanding::Pending if epoch.is_some() => Evidence::Pending,
            CanaryStanding::Failed(endpoint, failure) if to.endpoint.as_ref() == Ok(endpoint) => {
                let failed = Failed {
                    region: to.region.clone(),
                    origin: self.query.origin.to_string(),
                    check: Some(UploadCheck::Put),
                    reply: failure.cause.clone(),
                };
                Evidence::Refused(Weight { fresh: false, firm: false }, vec![failed])
            }
            CanaryStanding::Pending
            | CanaryStanding::Passed(_)
            | CanaryStanding::Failed(..)
            | CanaryStanding::Unknown(_) => Evidence::None,
        }
    }

    /// Whether a whole upload passes to the place where users upload.
    pub fn shows(&self, to: &Destination) -> bool {
        matches!(&self.standing, CanaryStanding::Passed(endpoint) if to.endpoint.as_ref() == Ok(endpoint))
    }

    /// What to report about stuck images.
    pub fn stuck_advice(&self) -> Option<Advice> {
        let whose = match &self.query.region {
            Some(region) => format!(" in region {region}"),
            None => String::new(),
        };
        match self.stuck.as_ref()? {
            Ok(stuck) if stuck.count() == 0 => None,
            Ok(stuck) => {
                let since = stuck.oldest.map(|at| format!(", the first since {}", rfc3339(at))).unwrap_or_default();
                let least = if stuck.more { "at least " } else { "" };
                let found = format!(
                    "{least}{} images{whose} stay queued and {} saving, unchanged for more than {}{since}: their uploads failed, or never started",
                    stuck.queued,
                    stuck.saving,
                    Duration::from(self.query.stuck_after),
                );
                let fix = "to list them, run openstack image list --status queued (and saving); Glance's log says whose upload failed; docs/canary.md has more";
                Some(Advice::new(found).fix(fix))
            }
            Err(why) => {
                let found = format!("stuck images{whose} are not counted: {why}");
                Some(
                    Advice::new(found)
                        .field(FieldPath::new(&["spec", "directUpload", "canary", "stuckImages"]))
                        .fix("docs/canary.md"),
                )
            }
        }
    }

    /// What to report about it.
    pub fn advice(&self, to: &Destination) -> Option<Advice> {
        let found = match &self.standing {
            CanaryStanding::Unknown(why) => format!("the canary makes no upload, so it proves nothing: {why}"),
            CanaryStanding::Passed(endpoint) | CanaryStanding::Failed(endpoint, _) => {
                let users = to.endpoint.as_ref().ok().filter(|users| *users != endpoint)?;
                let found = format!(
                    "the catalog of the canary's Keystone publishes {endpoint}, but the operator expects users to upload to {users}, so the canary's result does not count"
                );
                return Some(Advice::new(found).rule(Rule::WrongEndpoint).fix(
                    "find out which of the two Horizon's own Keystone publishes, and correct the Secret's authURL or the spec",
                ));
            }
            CanaryStanding::Pending => return None,
        };
        Some(Advice::new(found).fix("docs/canary.md"))
    }
}
