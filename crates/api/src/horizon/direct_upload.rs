//! `spec.directUpload`: whether to upload directly, where to, and what must be proven first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::canary::Canary;
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
    /// `true`: uploads go from the browser to Glance. `false`: the operator removes our snippet, and
    /// Horizon's own setting is in effect again.
    pub enabled: bool,
    /// The Glance resource. Default: the only one in this namespace. The choice stays when others appear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glance_ref: Option<GlanceRef>,
    /// The public `image` endpoint in Keystone's catalog, if you want the operator to check it. It
    /// configures nothing in Horizon, which always uses the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048), regex(pattern = r"^https?://[^\s?#@]+$"))]
    pub glance_endpoint: Option<String>,
    /// The Glance of each region, for a dashboard with several regions. A dashboard has one upload mode for
    /// all of them, so it is direct only while all of them are verified.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 32),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub regions: Vec<Region>,
    /// What must be proven before Horizon switches to direct.
    pub verification: Verification,
    /// What to do when a verified upload path fails later.
    pub fallback: Fallback,
    /// Where the operator may read Keystone's catalog, which decides where uploads go. Without it, the
    /// operator assumes that the catalog matches `glanceEndpoint`, or the URL where Glance is exposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog: Option<Catalog>,
    /// An upload that the operator makes repeatedly. Without this field, it makes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// The image panel of the dashboard: its setting `ANGULAR_FEATURES['images_panel']`. Default: the panel
    /// that a rehearsal found. If none did, uploads of both panels must work.
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
    /// Its name in Keystone, for example `RegionOne`.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// The Glance resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glance_ref: Option<GlanceRef>,
    /// The public `image` endpoint of this region in Keystone's catalog.
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

/// Names a Secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// How the operator reaches the public URL. It changes what the operator sees, never what a browser sees.
/// The operator's own environment sets a proxy (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProbeSettings {
    /// A ConfigMap of this namespace with certificate authorities that browsers trust here, in addition to
    /// those that all browsers trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_config_map: Option<CaConfigMap>,
    /// Addresses for host names, as in a pod's `hostAliases`. Use it for a public name that has another
    /// address, or none, inside the cluster.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub host_aliases: Vec<HostAlias>,
    /// Whether the operator tries uploads, with no token and no data.
    #[serde(skip_serializing_if = "is_default")]
    pub put: PutProbe,
    /// Whether the operator requests the dashboard's own page. It checks that the page exists, and that its
    /// Content-Security-Policy allows Glance.
    #[serde(skip_serializing_if = "is_default")]
    pub page: ProbeCheck,
    /// Whether a Glance on a less public address than the dashboard counts as a failure, as in browsers.
    /// Use `Ignore` if users resolve these names to other addresses than the operator.
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
    /// `false`: do not send it, for example if a firewall counts Glance's 401. Default `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// How many bytes it announces: the size that uploads may have. Default 10737418240 (10 GiB).
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
    /// Its name.
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
    /// The address.
    #[schemars(length(min = 2, max = 45), regex(pattern = r"^[0-9A-Fa-f.:]+$"))]
    pub ip: String,
    /// Host names for this address.
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
    /// Its namespace. Default: this resource's. A Glance in another namespace must allow it.
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
