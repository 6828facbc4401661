//! The status of a Glance or another API.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ExposureStatus;

/// What the operator observed and did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GlanceStatus {
    /// The generation of the spec that this status describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Primary public URL.
    #[serde(rename = "publicURL", skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// The URLs under which browsers reach it, with the object behind each; the primary first. At most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exposures: Vec<ExposureStatus>,
    /// How many origins the configuration in use accepts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_count: Option<i64>,
    /// The origins, and who requests them. At most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<OriginStatus>,
    /// How many namespaces have origins of their Horizons accepted here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_count: Option<i64>,
    /// These namespaces. At most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<GrantStatus>,
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

/// One origin that Glance accepts or is about to accept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OriginStatus {
    /// `scheme://host[:port]`, as the browser sends it.
    pub origin: String,
    /// Who requests it: `Horizon namespace/name`, `spec.cors.allowedOrigins`, or the user's own
    /// configuration file. At most 10. Empty: the origin is retiring.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wanted_by: Vec<String>,
    /// The objects that give a dashboard's origin: `Ingress namespace/name`, `HTTPRoute namespace/name` or
    /// another; the Horizon itself if its `spec.publicURL` states it. Of a retiring origin: those that gave
    /// it. At most 10.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    /// When a retiring origin leaves, at the earliest. If consent was withdrawn and its Horizon still
    /// uploads directly: at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retires_at: Option<Time>,
}

/// A namespace whose Horizons have origins accepted here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GrantStatus {
    /// Its name.
    pub namespace: String,
    /// How many origins of its Horizons are requested and granted.
    pub origins: i64,
}
