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
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Primary public URL of the dashboard.
    #[serde(rename = "publicURL", skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// The URLs under which browsers reach it, the primary first, and the object behind each; the first
    /// hundred.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exposures: Vec<ExposureStatus>,
    /// All origins from which browsers load the dashboard.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
    /// Upload mode that is configured: `direct` by us, or `own` (what Horizon's own settings say).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_mode: Option<ConfiguredMode>,
    /// The Glance resource that this Horizon is paired with, unless the spec names regions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glance: Option<GlanceRef>,
    /// The Glance URL that browsers use, as far as it is known here; see `regions` where there are
    /// several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glance_endpoint: Option<String>,
    /// Where each region of the spec stands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub regions: Vec<RegionStatus>,
    /// The image panel that the dashboard shows, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub panel: Option<Panel>,
    /// What the preflights have shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<VerificationStatus>,
    /// What nobody has seen, and uploads need.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<String>,
    /// The ConfigMaps that the workload uses now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub config_maps: Vec<String>,
    /// Advice and assumptions that do not stand in the way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<String>,
    /// Standard conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// Where one region stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegionStatus {
    /// Its name.
    pub name: String,
    /// The Glance resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glance: Option<GlanceRef>,
    /// The Glance URL that browsers use, as far as it is known here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glance_endpoint: Option<String>,
    /// What preflights have shown there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<ProbeVerdict>,
    /// A reason as conditions have it: `Verified`, or what stands in the way.
    pub reason: String,
    /// The same in words.
    pub message: String,
}

/// What every Horizon pod is configured to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ConfiguredMode {
    /// Our snippet sets `HORIZON_IMAGES_UPLOAD_MODE = 'direct'` in every pod.
    Direct,
    /// Our snippet is not there: Horizon's own setting is in force.
    Own,
}

/// What the preflights have shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerificationStatus {
    /// The verdict over all origins.
    pub verdict: ProbeVerdict,
    /// When the verdict last changed.
    pub last_transition_time: Time,
    /// Origins for which the preflight did not pass, and why; the first ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<ProbeFailure>,
}

/// The verdict of a preflight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum ProbeVerdict {
    /// A browser would send the upload.
    Granted,
    /// It would not.
    Refused,
    /// The operator got no answer: nothing is known about what browsers get.
    Unknown,
}

/// Why a preflight did not pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProbeFailure {
    /// The dashboard's origin.
    pub origin: String,
    /// The region, where the spec names regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The rule of the runbook, `DU0xx`; none where no answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What a browser asks for that was not met, or how far the probe came.
    pub requirement: String,
    /// What is wrong.
    pub message: String,
    /// The part of the answer that it was judged by.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub received: String,
    /// What to change, and where.
    pub fix: String,
}
