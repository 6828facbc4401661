//! `spec.directUpload.canary`: an upload that the operator makes repeatedly.

use std::time::Duration as Span;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::Duration;
use crate::shared::is_default;

/// An upload that the operator makes repeatedly: a small private image in a separate project. It sends the
/// image to Glance as the dashboard's page does, compares it, and deletes it. It finds what a request
/// without data cannot find: whatever cuts an upload after some bytes or some time. See docs/canary.md.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Canary {
    /// A Secret of this namespace with the keys `authURL`, `id` and `secret`: an application credential,
    /// and its Keystone (https). Optional key: `ca.crt`, certificate authorities for Keystone and Glance.
    /// The operator may read the Secret only if a Role allows it (deploy/canary).
    pub credential_secret_ref: SecretRef,
    /// Time between two uploads, at least one minute. Default `15m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// How many bytes each upload has. Default 1048576 (1 MiB).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub size: Option<i64>,
    /// How long each upload takes. The operator spreads the bytes over this time, so that the upload outlasts
    /// the usual timeouts in front of Glance. At most one hour. Default `90s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<Duration>,
    /// Images that stay `queued` or `saving`, as failed uploads leave them. The operator counts them with
    /// each upload of the canary, and deletes no image of others. Default: images of the canary's own
    /// project.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stuck_images: StuckImages,
}

/// Images that stay `queued` or `saving`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StuckImages {
    /// A Secret of this namespace with the same keys as the canary's. Its credential must be able to list
    /// images of all projects that matter. The operator uses it only for `GET /v2/images`. Default: the
    /// canary's own Secret, which lists only its project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_secret_ref: Option<SecretRef>,
    /// An image is stuck if it has not changed for this time. At least ten minutes. Default `6h`: longer
    /// than any upload takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older_than: Option<Duration>,
}

impl StuckImages {
    /// The time for which an image must not have changed.
    pub fn older_than(&self) -> Span {
        self.older_than.map_or(Span::from_secs(6 * 3600), Span::from).max(Span::from_secs(600))
    }
}

impl Canary {
    /// Time between two uploads.
    pub fn interval(&self) -> Span {
        self.interval.map_or(Span::from_secs(15 * 60), Span::from).max(Span::from_secs(60))
    }

    /// How many bytes the upload has.
    pub fn size(&self) -> u64 {
        self.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(1 << 20).clamp(1 << 10, 1 << 30)
    }

    /// How long the upload takes.
    pub fn pace(&self) -> Span {
        self.pace.map_or(Span::from_secs(90), Span::from).min(Span::from_secs(3600))
    }
}

/// Names a Secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}
