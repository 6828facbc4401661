//! `spec.directUpload.canary`: an upload of the operator's own, again and again.

use std::time::Duration as Span;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::direct_upload::SecretRef;
use crate::duration::Duration;
use crate::shared::is_default;

/// An upload that the operator makes itself, again and again: a small private image in a project of its own,
/// sent to Glance as the dashboard's page sends it, compared, and deleted. It finds what no request without
/// data can: what cuts an upload off after some bytes or some time. See docs/canary.md.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Canary {
    /// A Secret of this namespace with the keys `authURL`, `id` and `secret`: an application credential, and the
    /// Keystone (https) that it is for. Optional keys: `ca.crt`, certificate authorities for Keystone and
    /// Glance. The operator may read it only where a Role says so (deploy/canary).
    pub credential_secret_ref: SecretRef,
    /// Time between two uploads. At least a minute. Default `15m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// How many bytes are sent. Default 1048576 (1 MiB).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub size: Option<i64>,
    /// How long the upload takes: the bytes are spread over this time, so that it outlasts the usual time-outs
    /// of what stands before Glance. At most an hour. Default `90s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<Duration>,
    /// Images that stay `queued` or `saving`, as failed uploads leave them: they are counted with each upload of the
    /// canary, and nothing of others is deleted. Default: those of the canary's own project.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stuck_images: StuckImages,
}

/// Images that stay `queued` or `saving`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StuckImages {
    /// A Secret of this namespace with the same keys as the canary's, whose credential lists images of other
    /// projects, too. It is used for `GET /v2/images` and for nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_secret_ref: Option<SecretRef>,
    /// An image is stuck once it has not changed for so long. At least ten minutes. Default `6h`: longer than
    /// any upload takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older_than: Option<Duration>,
}

impl StuckImages {
    /// How long an image must not have changed.
    pub fn older_than(&self) -> Span {
        self.older_than.map_or(Span::from_secs(6 * 3600), Span::from).max(Span::from_secs(600))
    }
}

impl Canary {
    /// Time between two uploads.
    pub fn interval(&self) -> Span {
        self.interval.map_or(Span::from_secs(15 * 60), Span::from).max(Span::from_secs(60))
    }

    /// How many bytes are sent.
    pub fn size(&self) -> u64 {
        self.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(1 << 20).clamp(1 << 10, 1 << 30)
    }

    /// How long the upload takes.
    pub fn pace(&self) -> Span {
        self.pace.map_or(Span::from_secs(90), Span::from).min(Span::from_secs(3600))
    }
}
