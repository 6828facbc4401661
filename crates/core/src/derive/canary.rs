//! The uploads that the operator makes itself, and what they say of a destination. Pure.

use direct_upload_api::{HorizonSpec, Reason, Rule};

use super::destination::Destination;
use super::horizon::Dashboard;
use super::proof::{Evidence, Failed, Weight};
use crate::model::{Advice, CanaryQuery, CanaryStanding, Epoch, Key, Snapshot};

/// The canary of one destination.
#[derive(Clone, Debug, PartialEq)]
pub struct CanaryView {
    pub query: CanaryQuery,
    pub standing: CanaryStanding,
}

impl CanaryView {
    /// That of a destination; none where nobody asked for one, or nobody can be asked.
    pub fn derive(snapshot: &Snapshot, dashboard: &Dashboard, spec: &HorizonSpec, to: &Destination) -> Option<Self> {
        let canary = spec.direct_upload.canary.as_ref().filter(|_| !snapshot.answers.are_assumed())?;
        let meta = &dashboard.object.meta;
        let exposures = dashboard.exposures.as_ref().ok()?;
        let query = CanaryQuery {
            horizon: meta.key.clone(),
            // Without one, nothing would tell whose our images are.
            uid: Some(meta.uid.clone()).filter(|uid| !uid.is_empty())?,
            region: to.region.clone(),
            secret: Key::new(meta.key.namespace.clone(), canary.credential_secret_ref.name.clone()),
            origin: exposures.primary()?.origin().clone(),
            panel: dashboard.panel,
            size: canary.size(),
            pace: canary.pace(),
            interval: canary.interval(),
            hosts: dashboard.hosts.clone(),
        };
        let standing = snapshot.canaries.get(&query).map_or(CanaryStanding::Pending, |record| record.standing.clone());
        Some(Self { query, standing })
    }

    /// What it adds to the evidence of preflights: a failure counts, but moves no mode; what passed, and what is
    /// not known, changes nothing.
    pub fn evidence(&self, to: &Destination, epoch: &Epoch) -> Evidence {
        match &self.standing {
            CanaryStanding::Pending if epoch.is_some() => Evidence::Pending,
            CanaryStanding::Failed(endpoint, failure) if to.endpoint.as_ref() == Ok(endpoint) => {
                let failed = Failed {
                    region: to.region.clone(),
                    origin: self.query.origin.to_string(),
                    reason: Reason::UploadRefused,
                    reply: failure.cause.clone(),
                };
                Evidence::Refused(Weight { fresh: false, firm: false }, vec![failed])
            }
            _ => Evidence::None,
        }
    }

    /// Whether a whole upload passes where users upload to.
    pub fn shows(&self, to: &Destination) -> bool {
        matches!(&self.standing, CanaryStanding::Passed(endpoint) if to.endpoint.as_ref() == Ok(endpoint))
    }

    /// What is to be said of it.
    pub fn advice(&self, to: &Destination) -> Option<Advice> {
        let found = match &self.standing {
            CanaryStanding::Unknown(why) => format!("the canary makes no upload, so that nothing follows: {why}"),
            CanaryStanding::Passed(endpoint) | CanaryStanding::Failed(endpoint, _) => {
                let users = to.endpoint.as_ref().ok().filter(|users| *users != endpoint)?;
                let found = format!(
                    "the catalog of the canary's Keystone publishes {endpoint}, but users are taken to upload to {users}: what the canary shows does not count"
                );
                return Some(Advice::new(found).rule(Rule::WrongEndpoint).fix(
                    "see which of both Horizon's own Keystone publishes, and correct the Secret's authURL or the spec",
                ));
            }
            CanaryStanding::Pending => return None,
        };
        Some(Advice::new(found).fix("docs/canary.md"))
    }
}
