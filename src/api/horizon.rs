//! `horizon.openstack.org/v1beta1 Horizon`: a dashboard whose users upload images.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shared::{Deletion, Delivery, Duration, ExposedBy, Layout, Rollout, WorkloadRef, is_default};

/// A Horizon dashboard whose image uploads shall go straight from the browser to Glance.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "horizon.openstack.org",
    version = "v1beta1",
    kind = "Horizon",
    plural = "horizons",
    shortname = "hzn",
    category = "openstack",
    namespaced,
    status = "HorizonStatus",
    derive = "PartialEq",
    doc = "A Horizon dashboard whose image uploads shall go straight from the browser to Glance.",
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
    /// Report, but change nothing: a safe way to try the operator on a live cloud.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// The workload that runs Horizon. Default: the Deployment of this resource's name.
    #[serde(skip_serializing_if = "is_default")]
    pub workload_ref: WorkloadRef,
    /// The URL that users type to reach the dashboard, e.g. `https://horizon.example.com`.
    /// Default: derived from the objects that expose the workload's Services.
    #[serde(rename = "publicURL", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048), regex(pattern = r"^https?://[^\s?#@]+$"))]
    pub public_url: Option<String>,
    /// Only these objects expose the dashboard. Default: all that lead to the workload.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    pub exposed_by: Option<Vec<ExposedBy>>,
    /// Whose images these are; decides where files go and how they get there.
    pub layout: Layout,
    /// Places that differ from the layout's.
    #[serde(skip_serializing_if = "is_default")]
    pub paths: HorizonPaths,
    /// Direct upload, on by default.
    pub direct_upload: DirectUpload,
    /// What Django must know when something in front of Horizon terminates TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_termination: Option<TlsTermination>,
    /// CORS headers on Horizon's own vhost. The upload does not need them; advised against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors: Option<HorizonCors>,
    /// Settings of the httpd that serves Horizon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub httpd: Option<HorizonHttpd>,
    /// When pods may be rolled.
    #[serde(skip_serializing_if = "is_default")]
    pub rollout: Rollout,
    /// What happens when this resource is deleted.
    #[serde(skip_serializing_if = "is_default")]
    pub deletion: Deletion,
}

/// Places of Horizon's files in the container. Absolute paths.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HorizonPaths {
    /// The `local_settings.d` that this image really reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub local_settings_dir: Option<String>,
    /// A folder whose `*.conf` files httpd includes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub httpd_conf_dir: Option<String>,
    /// How the snippet reaches its place. Default: the layout's way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
}

/// Direct upload and the Glance it goes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
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
    /// What must be proven before Horizon switches to direct.
    pub verification: Verification,
    /// What to do when a verified upload path later breaks.
    pub fallback: Fallback,
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
            verification: Verification::default(),
            fallback: Fallback::default(),
            probe: ProbeSettings::default(),
        }
    }
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

/// What Django must know behind a TLS-terminating front.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TlsTermination {
    /// Header by which the front says `https`, e.g. `X-Forwarded-Proto`. Only set it when the
    /// front always overwrites this header: Django trusts it (`SECURE_PROXY_SSL_HEADER`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[A-Za-z0-9-]+$"))]
    pub forwarded_proto_header: Option<String>,
    /// Append Horizon's https origins to `CSRF_TRUSTED_ORIGINS`.
    pub trust_origins: bool,
    /// Append Horizon's public host names to `ALLOWED_HOSTS`.
    pub allow_hosts: bool,
}

/// CORS headers that httpd adds to Horizon's own answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HorizonCors {
    /// Render the headers. Default `false`: the upload does not need them.
    pub enabled: bool,
    /// Exact origins, e.g. `https://portal.example.com`; never `*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 300), regex(pattern = r"^https?://[^\s,]+$")))]
    pub allowed_origins: Vec<String>,
    /// `Access-Control-Allow-Credentials`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_credentials: bool,
    /// Seconds for which a browser may remember the answer to a preflight.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 86400))]
    pub max_age: Option<i64>,
}

/// Settings of the httpd that serves Horizon.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HorizonHttpd {
    /// `LimitRequestBody` in bytes for uploads in legacy mode; 0 is unlimited. Not set: untouched.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_992_i64))]
    pub limit_request_body: Option<i64>,
    /// httpd's `Timeout`, e.g. `1h`. Not set: untouched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

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
    /// All origins from which browsers load the dashboard.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
    /// Upload mode that is configured: `direct` by us, or `own` (what Horizon's own settings say).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_mode: Option<ConfiguredMode>,
    /// The Glance resource that this Horizon is paired with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glance: Option<GlanceRef>,
    /// The Glance URL that browsers use, as far as it is known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glance_endpoint: Option<String>,
    /// What the preflights have shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<VerificationStatus>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
