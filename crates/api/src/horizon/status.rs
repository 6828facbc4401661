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
    /// Primary public URL of the dashboard.
    #[serde(rename = "publicURL", skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// The URLs under which browsers reach it, with the object behind each; the primary first. At most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exposures: Vec<ExposureStatus>,
    /// All origins from which browsers load the dashboard.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
    /// The configured upload mode: `direct` by the operator, or `own` (Horizon's own setting).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_mode: Option<ConfiguredMode>,
    /// The Glance resource that this Horizon uses, unless the spec names regions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glance: Option<GlanceRef>,
    /// The Glance URL that browsers use, if it is known. With several regions, see `regions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glance_endpoint: Option<String>,
    /// The state of each region of the spec.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub regions: Vec<RegionStatus>,
    /// The image panel that the dashboard shows, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub panel: Option<Panel>,
    /// The results of the preflights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<VerificationStatus>,
    /// What uploads need, but nobody has seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<String>,
    /// The ConfigMaps that the workload uses now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub config_maps: Vec<String>,
    /// Advice and assumptions. They block nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<String>,
    /// Standard conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// The state of one region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegionStatus {
    /// Its name.
    pub name: String,
    /// The Glance resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glance: Option<GlanceRef>,
    /// The Glance URL that browsers use, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glance_endpoint: Option<String>,
    /// The results of the preflights there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<ProbeVerdict>,
    /// A reason as in conditions: `Verified`, or what blocks it.
    pub reason: String,
    /// The reason in words.
    pub message: String,
}

/// The mode that is configured in every Horizon pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
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
    /// The verdict over all origins.
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
    /// The rule of the runbook, `DU0xx`; empty without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The browser's requirement that was not met, or how far the probe got.
    pub requirement: String,
    /// What is wrong.
    pub message: String,
    /// The part of the answer that decided.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub received: String,
    /// What to change, and where.
    pub fix: String,
}
