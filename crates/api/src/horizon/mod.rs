//! `horizon.openstack.org/v1beta1 Horizon`: a dashboard whose users upload images.

pub mod canary;
pub mod direct_upload;
pub mod status;

use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::shared::{Deletion, Delivery, ExposedBy, Layout, Rollout, WorkloadRef, is_default};
use crate::horizon::direct_upload::{DirectUpload, Verification};
use crate::horizon::status::HorizonStatus;

/// A Horizon dashboard whose users upload images straight from the browser to Glance.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "horizon.openstack.org",
    version = "v1beta1",
    kind = "Horizon",
    plural = "horizons",
    shortname = "hzn",
    category = "openstack",
    namespaced,
    crates(kube_core = "kube_core"),
    status = "HorizonStatus",
    derive = "PartialEq",
    doc = "A Horizon dashboard whose users upload images straight from the browser to Glance.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Upload", type_ = "string", json_path = ".status.uploadMode"),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.publicURL"),
    printcolumn(name = "Glance", type_ = "string", json_path = ".status.glance.name"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!(has(self.publicURL) && has(self.exposedBy))",
    "message": "publicURL and exposedBy exclude each other: keep publicURL to state the URL, or exposedBy to have it derived"
}]))]
pub struct HorizonSpec {
    /// `true`: the operator reports what it would do, and changes nothing. Use it to try the operator safely
    /// on a live cloud. Default `false`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// The workload that runs Horizon. Default: the Deployment of this resource's name.
    #[serde(skip_serializing_if = "is_default")]
    pub workload_ref: WorkloadRef,
    /// The URL that users type to reach the dashboard, for example `https://horizon.example.com`. Default:
    /// derived from the objects that expose the workload's Services.
    #[serde(rename = "publicURL", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048), regex(pattern = r"^https?://[^\s?#@]+$"))]
    pub public_url: Option<String>,
    /// Only these objects expose the dashboard, for example `{kind: Ingress, name: horizon}`. Default: all
    /// objects that lead to the workload.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    pub exposed_by: Option<Vec<ExposedBy>>,
    /// Whose container images the workload runs: `Debian`, `Ubuntu`, `RedHat`, `OpenStackHelm` or `Kolla`. It decides where
    /// files go and how they get there. Default: the operator asks the image itself, with the rehearsal of
    /// its first roll. See docs/layouts.md.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// Paths that differ from the layout's.
    #[serde(skip_serializing_if = "is_default")]
    pub paths: HorizonPaths,
    /// Direct upload, on by default.
    pub direct_upload: DirectUpload,
    /// What Django must know when something in front of Horizon terminates TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_termination: Option<TlsTermination>,
    /// CORS headers on Horizon's own virtual host. The upload does not need them; we advise against them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors: Option<HorizonCors>,
    /// Settings of the httpd that serves Horizon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub httpd: Option<HorizonHttpd>,
    /// When the operator may roll pods.
    #[serde(skip_serializing_if = "is_default")]
    pub rollout: Rollout,
    /// What happens when this resource is deleted.
    #[serde(skip_serializing_if = "is_default")]
    pub deletion: Deletion,
}

/// Paths of Horizon's files in the container. They must be absolute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HorizonPaths {
    /// The folder `local_settings.d` from which this image's Horizon reads its settings, for example
    /// `/etc/openstack-dashboard/local_settings.d`. Default: the folder that a rehearsal found, else the
    /// layout's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub local_settings_dir: Option<String>,
    /// A folder whose `*.conf` files httpd includes. Default: the layout's, for example
    /// `/etc/apache2/conf-enabled`. OpenStackHelm and Kolla have no default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub httpd_conf_dir: Option<String>,
    /// How the file gets to its path. `Mount`: the operator mounts it read-only. `Copy`: an init container
    /// copies it into an `emptyDir`, for images whose start script changes the owner of the folder. Default:
    /// what a rehearsal found, else the layout's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
}

/// What Django must know behind a proxy that terminates TLS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TlsTermination {
    /// The header in which the proxy says `https`, for example `X-Forwarded-Proto`. Set it only if the proxy
    /// always overwrites this header, because Django trusts it (`SECURE_PROXY_SSL_HEADER`). Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[A-Za-z0-9-]+$"))]
    pub forwarded_proto_header: Option<String>,
    /// `true`: append Horizon's https origins to `CSRF_TRUSTED_ORIGINS`. Default `false`.
    pub trust_origins: bool,
    /// `true`: append Horizon's public host names to `ALLOWED_HOSTS`. Default `false`.
    pub allow_hosts: bool,
}

/// CORS headers that httpd adds to Horizon's own answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HorizonCors {
    /// `true`: httpd adds the headers. Default `false`, because uploads do not need them.
    pub enabled: bool,
    /// The origins whose scripts may read Horizon's answers, for example `https://portal.example.com`; never
    /// `*`. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 300), regex(pattern = r"^https?://[^\s,]+$")))]
    pub allowed_origins: Vec<String>,
    /// `true`: httpd adds `Access-Control-Allow-Credentials: true`. Default `false`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_credentials: bool,
    /// How many seconds a browser may cache the answer to a preflight (`Access-Control-Max-Age`). Default:
    /// the header is not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 86400))]
    pub max_age: Option<i64>,
}

/// Settings of the httpd that serves Horizon.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HorizonHttpd {
    /// `LimitRequestBody` in bytes for uploads in legacy mode; 0 is unlimited. Default: no change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_992_i64))]
    pub limit_request_body: Option<i64>,
    /// httpd's `Timeout`, for example `1h`. Default: no change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// Publishes Glance under a path of the dashboard's own host, for clouds without CORS. See
    /// docs/same-origin.md.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glance_proxy: Option<GlanceProxy>,
}

/// A path of the dashboard's own host that leads to Glance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!self.path.matches('^/(admin|api|auth|dashboard|developer|header|home|horizon|i18n|identity|media|ngdetails|project|settings|static|user)(/|$)') && !self.path.matches('/[.]{1,2}(/|$)')",
    "message": "glanceProxy.path must be a path that the dashboard does not use, without '.' and '..'; write for example /image"
}]))]
pub struct GlanceProxy {
    /// The path, for example `/image`. The catalog's public endpoint is then
    /// `https://<dashboard's host>/image`.
    #[schemars(length(max = 128), regex(pattern = r"^(/[A-Za-z0-9._~-]+)+$"))]
    pub path: String,
    /// Where Glance answers inside the cluster, for example `http://glance-api.openstack.svc:9292`.
    #[schemars(length(max = 300), regex(pattern = r"^http://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$"))]
    pub backend: String,
}

impl HorizonSpec {
    pub fn directly_verified(&self) -> bool {
        self.direct_upload.enabled && self.direct_upload.verification != Verification::Off
    }
}

/// Paths that Horizon itself uses, or its httpd with the usual `WEBROOT`.
pub const OWN_PATHS: [&str; 16] = [
    "admin",
    "api",
    "auth",
    "dashboard",
    "developer",
    "header",
    "home",
    "horizon",
    "i18n",
    "identity",
    "media",
    "ngdetails",
    "project",
    "settings",
    "static",
    "user",
];
