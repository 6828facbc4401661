//! `spec.directUpload`: whether to upload directly, where to, and what must be proven first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::canary::{Canary, SecretRef};
use crate::Panel;
use crate::shared::is_default;

/// Direct upload, and the Glance that it uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!(has(self.regions) && (has(self.glanceRef) || has(self.glanceEndpoint)))",
    "message": "glanceRef and glanceEndpoint are not allowed together with regions: set them in each region"
}]))]
pub struct DirectUpload {
    /// `true` (the default): uploads go from the browser to Glance. `false`: the operator removes its file
    /// from Horizon, and Horizon's own upload mode is in effect again.
    pub enabled: bool,
    /// The Glance resource to which users upload. Default: the only one in this namespace. The choice stays
    /// when others appear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glance_ref: Option<GlanceRef>,
    /// The public `image` endpoint in Keystone's catalog, for example `https://glance.example.com`, if you
    /// want the operator to check it. It configures nothing in Horizon, which always uses the catalog.
    /// Default: what the operator reads from the catalog, else the Glance's public URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048), regex(pattern = r"^https?://[^\s?#@]+$"))]
    pub glance_endpoint: Option<String>,
    /// The Glance of each region, for a dashboard with several regions. A dashboard has one upload mode for
    /// all regions, so it is direct only while all of them are verified. Default: one region, with
    /// `glanceRef`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 32),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub regions: Vec<Region>,
    /// What the operator must prove before it switches Horizon to direct. `Required` (the default): a
    /// preflight from each of the dashboard's origins passes at the rolled-out Glance. `BestEffort`: the
    /// same, but if the operator itself gets no answer, it switches anyway. `Off`: nothing.
    pub verification: Verification,
    /// What the operator does when a verified upload path fails later. `Legacy` (the default): it removes its
    /// file from Horizon until the path is verified again. `None`: it only reports. A path fails when Glance
    /// refuses every preflight for five minutes (`--preflight-patience`); a missing answer never changes a
    /// mode. See docs/preflight.md.
    pub fallback: Fallback,
    /// A Keystone, and a credential with which the operator reads its catalog, which decides where uploads
    /// go. Default: what a Job reads with Glance's own account (`spec.rehearsal.catalog` of the Glance). If
    /// that gives nothing, the operator assumes that the catalog has `glanceEndpoint`, or the URL where
    /// Glance is exposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog: Option<Catalog>,
    /// A canary: a small image that the operator uploads repeatedly, as the dashboard's page does, and
    /// deletes again. Default: none. See docs/canary.md.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// The image panel that the dashboard shows, if you want to state it: `Angular`
    /// (`ANGULAR_FEATURES['images_panel']` is True, Horizon's default) or `Django` (False). Default: the
    /// panel that a rehearsal found. If none was found, uploads of both panels must work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub panel: Option<ImagesPanel>,
    /// How the operator reaches the public URL for its preflights, if this differs from browsers.
    #[serde(skip_serializing_if = "is_default")]
    pub probe: ProbeSettings,
}

impl Default for DirectUpload {
    fn default() -> Self {
        Self {
            enabled: true,
            glance_ref: None,
            glance_endpoint: None,
            regions: Vec::new(),
            catalog: None,
            canary: None,
            verification: Verification::default(),
            fallback: Fallback::default(),
            panel: None,
            probe: ProbeSettings::default(),
        }
    }
}

/// A region of Keystone's catalog, and its Glance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "has(self.glanceRef) || has(self.glanceEndpoint)",
    "message": "a region needs its Glance: set glanceRef, or glanceEndpoint if the Glance is in another cluster, or both"
}]))]
pub struct Region {
    /// The region's name in Keystone, for example `RegionOne`.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// The region's Glance resource. Default: none, if the Glance is in another cluster; then set
    /// `glanceEndpoint`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glance_ref: Option<GlanceRef>,
    /// The public `image` endpoint of this region in Keystone's catalog, for example
    /// `https://image.two.example.com`. Default: the public URL of the Glance in `glanceRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048), regex(pattern = r"^https?://[^\s?#@]+$"))]
    pub glance_endpoint: Option<String>,
}

/// A Keystone, and an application credential for it. The operator reads only the public `image` endpoints
/// from the catalog.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Catalog {
    /// Keystone's URL with its version, for example `https://keystone.example.com/v3`.
    #[serde(rename = "authURL")]
    #[schemars(length(max = 2048), regex(pattern = r"^https?://[^\s?#@]+$"))]
    pub auth_url: String,
    /// A Secret of this namespace with the keys `id` and `secret`. The operator may read it only if a Role
    /// allows it: see docs/topologies.md.
    pub application_credential_secret_ref: SecretRef,
}

/// How the operator reaches the public URL. It changes what the operator sees, never what a browser sees.
/// The operator's own environment sets a proxy (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProbeSettings {
    /// A ConfigMap of this namespace with certificate authorities that browsers trust here, in addition to
    /// those that all browsers trust. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_config_map: Option<CaConfigMap>,
    /// Addresses for host names, as in a pod's `hostAliases`. Use it for a public name that has another
    /// address, or none, inside the cluster. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub host_aliases: Vec<HostAlias>,
    /// After a preflight that passes, the operator sends two PUTs with neither token nor data, because a
    /// server in front of Glance may treat PUT differently from the preflight. At most one pair every 15
    /// minutes while they pass.
    #[serde(skip_serializing_if = "is_default")]
    pub put: PutProbe,
    /// `Check` (the default): the operator requests the dashboard's own page. It checks that the page exists,
    /// and that its Content-Security-Policy allows Glance. `Ignore`: it does not.
    #[serde(skip_serializing_if = "is_default")]
    pub page: ProbeCheck,
    /// `Check` (the default): a Glance on a less public address than the dashboard counts as a failure, as in
    /// browsers. `Ignore`: it does not; use this if users resolve these names to other addresses than the
    /// operator.
    #[serde(skip_serializing_if = "is_default")]
    pub address_spaces: ProbeCheck,
}

/// Whether to make a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ProbeCheck {
    /// Make it.
    #[default]
    Check,
    /// Skip it.
    Ignore,
}

/// After a preflight that passes, the operator sends the PUT of an upload, without a token and without
/// data. A server in front of Glance may treat PUT differently from the preflight. At most one every 15
/// minutes while it passes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PutProbe {
    /// `false`: send no PUT, for example if a firewall counts Glance's 401. Default `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// The size in bytes that a test PUT announces, without data: set the largest size that your users upload.
    /// A refusal shows a limit in front of Glance. Default 10737418240 (10 GiB).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub size: Option<i64>,
}

impl PutProbe {
    /// How many bytes to announce; none if it is off.
    pub fn announced(&self) -> Option<u64> {
        let size = self.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(10 << 30);
        Some(size).filter(|_| self.enabled != Some(false))
    }
}

/// One of Horizon's two image panels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "")] // as for Scheme
pub enum ImagesPanel {
    /// The JavaScript panel (`images_panel` is True). It uploads without cookies.
    Angular,
    /// The Python panel (`images_panel` is False). It uploads with cookies, so Glance must allow
    /// credentials.
    Django,
}

impl From<ImagesPanel> for Panel {
    fn from(panel: ImagesPanel) -> Self {
        match panel {
            ImagesPanel::Angular => Self::Angular,
            ImagesPanel::Django => Self::Django,
        }
    }
}

/// A ConfigMap with certificate authorities.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaConfigMap {
    /// The ConfigMap's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The key with the certificates in PEM form. Default `ca.crt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub key: Option<String>,
}

/// An address and the host names that lead to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostAlias {
    /// The address, for example `192.0.2.7`.
    #[schemars(length(min = 2, max = 45), regex(pattern = r"^[0-9A-Fa-f.:]+$"))]
    pub ip: String,
    /// The host names that lead to this address, for example `glance.example.com`.
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 253)))]
    pub hostnames: Vec<String>,
}

/// Names a Glance resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GlanceRef {
    /// The Glance resource's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The Glance resource's namespace. Default: this resource's own. A Glance in another namespace must
    /// allow this one (`spec.cors.allowedHorizons`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
}

/// What must be proven before Horizon switches to direct.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Verification {
    /// A preflight for each of the dashboard's origins must pass against the rolled-out Glance.
    #[default]
    Required,
    /// The operator sends a preflight. If it cannot reach Glance itself, it switches anyway, and the status
    /// says so.
    BestEffort,
    /// No preflight. The status says `ReadyUnverified`.
    Off,
}

/// What to do when a verified upload path fails later. It has failed when Glance refuses every preflight
/// that it answers, for the time in docs/preflight.md. A missing answer never changes a mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Fallback {
    /// Remove our snippet until the path is verified again.
    #[default]
    Legacy,
    /// Only report.
    None,
}
