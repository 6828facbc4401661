//! The status of a Horizon.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::direct_upload::GlanceRef;
use crate::{ExposureStatus, Panel};

/// What the operator observed and did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HorizonStatus {
    /// The generation of the spec that this status describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The dashboard's primary public URL: the first of `exposures`.
    #[serde(rename = "publicURL", skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// The URLs under which browsers reach the dashboard, each with the object behind it; the primary URL
    /// first. At most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exposures: Vec<ExposureStatus>,
    /// All origins from which browsers load the dashboard.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
    /// The upload mode that is configured in every pod: `direct` by the operator's file, or `own`, Horizon's
    /// own setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_mode: Option<ConfiguredMode>,
    /// The Glance resource that this Horizon uses, unless the spec names regions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glance: Option<GlanceRef>,
    /// The Glance URL that browsers use, if it is known. With several regions, see `regions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glance_endpoint: Option<String>,
    /// The state of each region that the spec names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub regions: Vec<RegionStatus>,
    /// The image panel that the dashboard shows: `angular`, `django` or `unknown`. The two panels send
    /// different requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub panel: Option<Panel>,
    /// The results of the preflights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<VerificationStatus>,
    /// What uploads need, but the operator has not seen: for example, that nothing cuts an upload while its
    /// data is sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<String>,
    /// The ConfigMaps that the workload uses now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub config_maps: Vec<String>,
    /// Findings that do not stop the operator: settings that are unwise or may block uploads, and
    /// assumptions. Each says what to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<String>,
    /// The conditions `Ready`, `Accepted`, `OriginsResolved`, `ConfigRendered`, `RolledOut`, `Verified`,
    /// `Reconciling` and `Stalled`. See docs/conditions.md.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// The state of one region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegionStatus {
    /// The region's name in Keystone.
    pub name: String,
    /// The region's Glance resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glance: Option<GlanceRef>,
    /// The Glance URL that browsers use, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glance_endpoint: Option<String>,
    /// The results of the preflights to this region's Glance: `Granted`, `Refused` or `Unknown` (no answer).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<ProbeVerdict>,
    /// Why the region is ready or not, with a reason as in conditions: `Verified`, or what blocks it.
    pub reason: String,
    /// The reason in words.
    pub message: String,
}

/// The mode that is configured in every Horizon pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(description = "")] // as for Scheme
pub enum ConfiguredMode {
    /// Our snippet sets `HORIZON_IMAGES_UPLOAD_MODE = 'direct'` in every pod.
    Direct,
    /// Our snippet is not there, and Horizon's own setting is in effect.
    Own,
}

/// The results of the preflights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerificationStatus {
    /// The verdict for all origins together: the worst one counts. `Granted`: a browser would send the
    /// upload. `Refused`: it would not. `Unknown`: the operator got no answer, so nothing is known about browsers.
    pub verdict: ProbeVerdict,
    /// When the verdict last changed.
    pub last_transition_time: Time,
    /// Origins whose preflight did not pass, and why. At most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<ProbeFailure>,
}

/// The verdict of a preflight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
#[schemars(description = "")] // as for Scheme
pub enum ProbeVerdict {
    /// A browser would send the upload.
    Granted,
    /// A browser would not send it.
    Refused,
    /// The operator got no answer, so nothing is known about browsers.
    Unknown,
}

/// Why a preflight did not pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProbeFailure {
    /// The dashboard's origin.
    pub origin: String,
    /// The region, if the spec names regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The id of the rule, `DU0xx`; docs/runbook has its page. Empty if there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The browser's requirement that was not met. Without an answer: how far the operator's request got.
    pub requirement: String,
    /// What is wrong.
    pub message: String,
    /// The part of Glance's answer that decided.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub received: String,
    /// What to change, and where.
    pub fix: String,
}
