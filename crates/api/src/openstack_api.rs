//! `cors.openstack.org/v1beta1 OpenStackAPI`: an API other than Glance's that browsers may call.
//!
//! Like Horizon and Glance, the resource is named after what runs, because it names a workload and rolls
//! it. The group says which aspect it configures, and leaves the service's own group free for those who
//! deploy it.

use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::shared::{Deletion, ExposedBy, Layout, Rollout, WorkloadKind, WorkloadRef, is_default};
use crate::glance::status::GlanceStatus;
use crate::horizon::direct_upload::{CaConfigMap, HostAlias, ProbeCheck};

/// An `OpenStack` API that scripts of other sites may call from a browser.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "cors.openstack.org",
    version = "v1beta1",
    kind = "OpenStackAPI",
    plural = "openstackapis",
    shortname = "osapi",
    category = "openstack",
    namespaced,
    crates(kube_core = "kube_core"),
    status = "GlanceStatus",
    derive = "PartialEq",
    doc = "An OpenStack API that scripts of other sites may call from a browser.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Service", type_ = "string", json_path = ".spec.service"),
    printcolumn(name = "Origins", type_ = "integer", json_path = ".status.originCount"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
pub struct OpenStackApiSpec {
    /// The operator reports, but changes nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// Which service it is: decides its headers and where its files are. Glance has a resource of its
    /// own, and Swift has other options.
    pub service: ApiService,
    /// The workload that runs the API. Default: the Deployment of this resource's name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub workload_ref: WorkloadRef,
    /// The API's URL as browsers see it, e.g. `https://keystone.example.com/v3`. Default: what exposes the
    /// workload.
    #[serde(rename = "publicURL", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048), regex(pattern = r"^https?://[^\s?#@]+$"))]
    pub public_url: Option<String>,
    /// Only these objects expose the API. Default: all that lead to the workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    pub exposed_by: Option<Vec<ExposedBy>>,
    /// Whose images these are. It decides where files go. Default: the folder in which a file can be mounted.
    /// See docs/openstackapi.md.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// Paths that differ from the layout's.
    #[serde(default, skip_serializing_if = "is_default")]
    pub paths: ApiPaths,
    /// Whose scripts may call the API, and with which headers.
    #[serde(default)]
    pub cors: ApiCors,
    /// How the operator verifies that the dashboards' scripts may call the API.
    #[serde(default, skip_serializing_if = "is_default")]
    pub verification: ApiVerification,
    /// When the operator may roll pods.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rollout: Rollout,
    /// What happens when this resource is deleted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deletion: Deletion,
}

/// The services whose CORS filter is oslo.middleware's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApiService {
    /// Identity.
    Keystone,
    /// Compute.
    Nova,
    /// Networking.
    Neutron,
    /// Block storage.
    Cinder,
    /// Placement.
    Placement,
    /// Bare metal.
    Ironic,
    /// Orchestration.
    Heat,
    /// DNS.
    Designate,
    /// Load balancing.
    Octavia,
    /// Secrets.
    Barbican,
    /// Shared file systems.
    Manila,
}

/// The preflights that the operator sends to an API, as the dashboards' pages do: from each origin, for the
/// service's methods and headers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiVerification {
    /// Whether to send them. Set `Ignore` if the operator cannot reach the API's public URL.
    #[serde(skip_serializing_if = "is_default")]
    pub preflight: ProbeCheck,
    /// A ConfigMap of this namespace with certificate authorities that browsers trust here, in addition to
    /// those that all browsers trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_config_map: Option<CaConfigMap>,
    /// Addresses for host names, as in a pod's `hostAliases`. Use it for a public name that has another
    /// address, or none, inside the cluster.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub host_aliases: Vec<HostAlias>,
}

/// Paths of the service's files in the container. They must be absolute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiPaths {
    /// Your main file. Our file would replace its `[cors]` options, so the operator reads and repeats them.
    /// Default for example `/etc/keystone/keystone.conf`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub config_file: Option<String>,
    /// The folder of configuration files that the CORS filter reads. Default for example
    /// `/etc/keystone/keystone.conf.d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub config_dir: Option<String>,
}

/// The `[cors]` section of an API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiCors {
    /// Origins to accept, for example `https://portal.example.com`; never `*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10_000), inner(length(max = 300), regex(pattern = r"^https?://[^\s,]+$")))]
    pub allowed_origins: Vec<String>,
    /// Horizon resources whose https origins are accepted. The list follows their changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub horizons: Vec<HorizonRef>,
    /// Other dashboards (for example your own portal), as workloads of this namespace. The API accepts the
    /// https origins of what exposes them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub dashboards: Vec<DashboardRef>,
    /// Request headers, in addition to the service's defaults.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(max = 128), regex(pattern = r"^[!#%&'*+.^_`|~0-9A-Za-z-]+$")))]
    pub allow_headers: Vec<String>,
    /// Response headers that scripts may read, in addition to the service's defaults.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(max = 128), regex(pattern = r"^[!#%&'*+.^_`|~0-9A-Za-z-]+$")))]
    pub expose_headers: Vec<String>,
    /// `Access-Control-Allow-Credentials`. Default: the value in your own file, else `true`
    /// (oslo.middleware's default). A token in a header does not need it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_credentials: Option<bool>,
    /// Seconds for which a browser may cache the answer to a preflight. Default: the value in your own
    /// file, else 3600.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 86400))]
    pub max_age: Option<i64>,
    /// How long the API accepts an origin after nobody requests it any more. Default `1h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retire_after: Option<Duration>,
}

/// A Horizon resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HorizonRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its namespace. Default: this one. If you name another one, you trust everyone who writes there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// Whether its pages call the API with cookies (`withCredentials`). Browsers then
    /// require `Access-Control-Allow-Credentials`, and so does the operator's preflight. Default `false`. A token
    /// in a header is not a credential in this sense.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_credentials: bool,
}

/// A workload that serves a dashboard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DashboardRef {
    /// Its kind. Default `Deployment`.
    #[serde(default)]
    pub kind: WorkloadKind,
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Whether its pages call the API with cookies (`withCredentials`), as with `horizons`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_credentials: bool,
}
