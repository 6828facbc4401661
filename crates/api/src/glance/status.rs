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
    /// The primary public URL: the first of `exposures`.
    #[serde(rename = "publicURL", skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// The URLs under which browsers reach the API, each with the object behind it; the primary URL first. At
    /// most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exposures: Vec<ExposureStatus>,
    /// How many origins the configuration in use accepts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_count: Option<i64>,
    /// The origins that the API accepts or is about to accept, and who requests each. At most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<OriginStatus>,
    /// In how many namespaces there are Horizons whose origins the API accepts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_count: Option<i64>,
    /// The namespaces with Horizons whose origins the API accepts. At most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<GrantStatus>,
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

/// One origin that the API accepts or is about to accept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OriginStatus {
    /// The origin, `scheme://host[:port]`, as the browser sends it.
    pub origin: String,
    /// Who requests the origin: `Horizon namespace/name`, `spec.cors.allowedOrigins`, or the user's own
    /// configuration file. At most 10. Empty: the origin is retiring.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wanted_by: Vec<String>,
    /// The objects from which the operator derived the origin, for example `Ingress namespace/name`; the
    /// Horizon itself if its `spec.publicURL` states the origin. For a retiring origin: those from which it
    /// was derived. At most 10.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    /// The earliest time at which the API stops accepting this origin. Only a retiring origin has it. If the
    /// Glance no longer allows the Horizon's namespace, and the Horizon still uploads directly, it is the
    /// latest time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retires_at: Option<Time>,
}

/// A namespace whose Horizons have origins accepted here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GrantStatus {
    /// The namespace's name.
    pub namespace: String,
    /// How many origins of this namespace's Horizons are requested and granted.
    pub origins: i64,
}
