//! `spec.directUpload`: whether to upload directly, where to, and what must be proven.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::canary::Canary;
use crate::Panel;
use crate::shared::is_default;

/// Direct upload and the Glance it goes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!(has(self.regions) && (has(self.glanceRef) || has(self.glanceEndpoint)))",
    "message": "regions excludes glanceRef and glanceEndpoint: say them in each region"
}]))]
pub struct DirectUpload {
    /// `true`: uploads go from the browser to Glance. `false`: our snippet is taken away and
    /// Horizon's own setting is in force again.
    pub enabled: bool,
    /// The Glance resource. Default: the only one in this namespace; once chosen it stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glance_ref: Option<GlanceRef>,
    /// What the Keystone catalog publishes as the public `image` endpoint, if you want it checked.
    /// A statement: it configures nothing in Horizon, which always asks the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048), regex(pattern = r"^https?://[^\s?#@]+$"))]
    pub glance_endpoint: Option<String>,
    /// The Glance of each region that the dashboard offers, where there are several. A dashboard has
    /// one upload mode for all of them, so it is direct only while all of them are verified.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 32),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub regions: Vec<Region>,
    /// What must be proven before Horizon switches to direct.
    pub verification: Verification,
    /// What to do when a verified upload path later breaks.
    pub fallback: Fallback,
    /// Where the operator may read Keystone's catalog, which decides where uploads go. Without it, the
    /// operator assumes that the catalog says what `glanceEndpoint` does, or where Glance is exposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog: Option<Catalog>,
    /// An upload that the operator makes itself, again and again. Without it, none is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// Which image panel the dashboard shows: its setting `ANGULAR_FEATURES['images_panel']`. Default: what a
    /// rehearsal saw; where none did, uploads must be let through from either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub panel: Option<ImagesPanel>,
    /// How the operator reaches the public URL for its preflights, where it does so otherwise than
    /// browsers do.
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

/// A region of the Keystone catalog and its Glance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "has(self.glanceRef) || has(self.glanceEndpoint)",
    "message": "a region names its Glance: by glanceRef, by glanceEndpoint where that is in another cluster, or by both"
}]))]
pub struct Region {
    /// Its name in Keystone, e.g. `RegionOne`.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// The Glance resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glance_ref: Option<GlanceRef>,
    /// What the Keystone catalog publishes as this region's public `image` endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048), regex(pattern = r"^https?://[^\s?#@]+$"))]
    pub glance_endpoint: Option<String>,
}

/// A Keystone, and an application credential for it. The operator takes the public `image` endpoints
/// from the catalog, and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Catalog {
    /// Keystone's URL with its version, e.g. `https://keystone.example.com/v3`.
    #[serde(rename = "authURL")]
    #[schemars(length(max = 2048), regex(pattern = r"^https?://[^\s?#@]+$"))]
    pub auth_url: String,
    /// A Secret of this namespace with the keys `id` and `secret`. The operator may read it only where
    /// a Role says so: see docs/topologies.md.
    pub application_credential_secret_ref: SecretRef,
}

/// Names a Secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// How the operator reaches the public URL. It changes what the operator sees, never what a browser
/// sees. A proxy is set by the operator's own environment (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProbeSettings {
    /// A ConfigMap of this namespace with certificate authorities that browsers trust here, beside
    /// those that all browsers trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_config_map: Option<CaConfigMap>,
    /// Addresses for host names, as in a pod's `hostAliases`: for a public name that leads
    /// elsewhere, or nowhere, from inside the cluster.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub host_aliases: Vec<HostAlias>,
    /// Whether uploads themselves are tried, with no token and no data.
    #[serde(skip_serializing_if = "is_default")]
    pub put: PutProbe,
    /// Whether the dashboard's own page is asked: is it there, and does its Content-Security-Policy admit
    /// Glance?
    #[serde(skip_serializing_if = "is_default")]
    pub page: ProbeCheck,
    /// Whether a Glance on a less public address than the dashboard counts as a failure, as it does in
    /// browsers. `Ignore` where users resolve these names otherwise than the operator.
    #[serde(skip_serializing_if = "is_default")]
    pub address_spaces: ProbeCheck,
}

/// Whether something is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ProbeCheck {
    /// It is.
    #[default]
    Check,
    /// It is not, and nothing follows from it.
    Ignore,
}

/// After a preflight that passes: a PUT as an upload makes it, without a token and without data. What
/// stands before Glance may treat it otherwise than the preflight. Asked at most every 15 minutes while it
/// passes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PutProbe {
    /// `false`: it is not asked, for example where a firewall counts the 401 that Glance answers. Default
    /// `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// How many bytes it announces: the size that uploads may have. Default 10737418240 (10 GiB).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub size: Option<i64>,
}

impl PutProbe {
    /// How many bytes to announce; none where it is switched off.
    pub fn announced(&self) -> Option<u64> {
        let size = self.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(10 << 30);
        Some(size).filter(|_| self.enabled != Some(false))
    }
}

/// One of Horizon's two image panels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ImagesPanel {
    /// The panel in JavaScript (`images_panel` is True): it uploads without cookies.
    Angular,
    /// The panel in Python (`images_panel` is False): it uploads with cookies, so Glance must allow
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
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The key that holds the certificates in PEM form. Default `ca.crt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub key: Option<String>,
}

/// An address and the host names that lead to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostAlias {
    /// The address.
    #[schemars(length(min = 2, max = 45), regex(pattern = r"^[0-9A-Fa-f.:]+$"))]
    pub ip: String,
    /// Names for which it stands.
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 253)))]
    pub hostnames: Vec<String>,
}

/// Names a Glance resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GlanceRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its namespace. Default: this resource's. Elsewhere, the Glance must allow it.
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
    /// A preflight is made; when the operator itself cannot reach Glance, the switch happens
    /// nevertheless and the status says so.
    BestEffort,
    /// No preflight; the status says `ReadyUnverified`.
    Off,
}

/// What to do when a verified upload path later breaks: when the preflight is answered, and refused,
/// without exception for the time that docs/preflight.md names. An operator that gets no answer never
/// changes a mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Fallback {
    /// Take our snippet away until the path is verified again.
    #[default]
    Legacy,
    /// Report only.
    None,
}
