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
    /// The operator reports, but changes nothing. Use it to try the operator safely on a live cloud.
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
    /// Only these objects expose the dashboard. Default: all objects that lead to the workload.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    pub exposed_by: Option<Vec<ExposedBy>>,
    /// Whose images these are; decides where files go and how they get there. Default: the image itself is
    /// asked, by the rehearsal of its first roll. See docs/layouts.md.
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
    /// The `local_settings.d` that this image reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub local_settings_dir: Option<String>,
    /// A folder whose `*.conf` files httpd includes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub httpd_conf_dir: Option<String>,
    /// How the snippet gets to its path. Default: the layout's method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
}

/// What Django must know behind a proxy that terminates TLS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TlsTermination {
    /// Header in which the proxy says `https`, for example `X-Forwarded-Proto`. Set it only if the proxy
    /// always overwrites this header, because Django trusts it (`SECURE_PROXY_SSL_HEADER`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[A-Za-z0-9-]+$"))]
    pub forwarded_proto_header: Option<String>,
    /// Appends Horizon's https origins to `CSRF_TRUSTED_ORIGINS`.
    pub trust_origins: bool,
    /// Appends Horizon's public host names to `ALLOWED_HOSTS`.
    pub allow_hosts: bool,
}

/// CORS headers that httpd adds to Horizon's own answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HorizonCors {
    /// Renders the headers. Default `false`: the upload does not need them.
    pub enabled: bool,
    /// Exact origins, for example `https://portal.example.com`; never `*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 300), regex(pattern = r"^https?://[^\s,]+$")))]
    pub allowed_origins: Vec<String>,
    /// `Access-Control-Allow-Credentials`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_credentials: bool,
    /// Seconds for which a browser may cache the answer to a preflight.
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
