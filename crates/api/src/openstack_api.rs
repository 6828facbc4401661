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
    /// `true`: the operator reports what it would do, and changes nothing. Default `false`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// The OpenStack service, for example `Keystone`. It decides which headers and methods are allowed, and
    /// where the files are. Glance has a resource of its own.
    pub service: ApiService,
    /// The workload that runs the API. Default: the Deployment of this resource's name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub workload_ref: WorkloadRef,
    /// The API's URL as browsers see it, for example `https://keystone.example.com/v3`. Default: derived from
    /// the objects that expose the workload's Services.
    #[serde(rename = "publicURL", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048), regex(pattern = r"^https?://[^\s?#@]+$"))]
    pub public_url: Option<String>,
    /// Only these objects expose the API, for example `{kind: Ingress, name: keystone}`. Default: all objects
    /// that lead to the workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    pub exposed_by: Option<Vec<ExposedBy>>,
    /// Whose container images the workload runs: `Debian`, `Ubuntu`, `RedHat`, `OpenStackHelm` or `Kolla`. It decides where the
    /// file goes. Default: the folder in which a file can be mounted. See docs/openstackapi.md.
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

/// The services whose API a browser may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::VariantArray)]
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
    /// Objects. Its proxy answers preflights itself, by other options than those of the others.
    Swift,
}

impl ApiService {
    /// All of them.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;
}

/// The preflights that the operator sends to an API, as the dashboards' pages do: from each origin, for the
/// service's methods and headers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiVerification {
    /// `Check` (the default): the operator sends the preflights. `Ignore`: it sends none; use this if it
    /// cannot reach the API's public URL.
    #[serde(skip_serializing_if = "is_default")]
    pub preflight: ProbeCheck,
    /// A ConfigMap of this namespace with certificate authorities that browsers trust here, in addition to
    /// those that all browsers trust. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_config_map: Option<CaConfigMap>,
    /// Addresses for host names, as in a pod's `hostAliases`. Use it for a public name that has another
    /// address, or none, inside the cluster. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub host_aliases: Vec<HostAlias>,
}

/// Paths of the service's files in the container. They must be absolute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiPaths {
    /// The main file of your own configuration. The operator's file would replace its CORS options, so
    /// the operator reads and repeats them. Default: the service's, for example
    /// `/etc/keystone/keystone.conf`. For Swift: the only other file that is mounted into the folder, else
    /// `proxy-server.conf` in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub config_file: Option<String>,
    /// The folder of configuration files that the CORS filter reads. Default: the service's, for example
    /// `/etc/keystone/keystone.conf.d`. For Swift: the folder with which `swift-proxy-server` is started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub config_dir: Option<String>,
}

/// The `[cors]` section of an API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiCors {
    /// Origins that the API accepts in addition to those of `horizons` and `dashboards`, for example
    /// `https://portal.example.com`; never `*`. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10_000), inner(length(max = 300), regex(pattern = r"^https?://[^\s,]+$")))]
    pub allowed_origins: Vec<String>,
    /// Horizon resources whose https origins the API accepts. The operator follows their changes. Default:
    /// none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub horizons: Vec<HorizonRef>,
    /// Other dashboards, for example your own portal, as workloads of this namespace. The API accepts the
    /// https origins of the objects that expose them. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub dashboards: Vec<DashboardRef>,
    /// Names of request headers to allow, in addition to the service's defaults, for example `X-My-Header`.
    /// Swift allows every header; there this list only says which headers the operator's preflight requests.
    /// Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(max = 128), regex(pattern = r"^[!#%&'*+.^_`|~0-9A-Za-z-]+$")))]
    pub allow_headers: Vec<String>,
    /// Names of response headers that scripts may read, in addition to the service's defaults. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(max = 128), regex(pattern = r"^[!#%&'*+.^_`|~0-9A-Za-z-]+$")))]
    pub expose_headers: Vec<String>,
    /// The API's answer to browsers in the header `Access-Control-Allow-Credentials`. A token in a header
    /// does not need it. Swift never sends it. Default: the value in your own file, else `true`
    /// (oslo.middleware's default).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_credentials: Option<bool>,
    /// How many seconds a browser may cache the answer to a preflight. Swift has this in each container's
    /// metadata. Default: the value in your own file, else 3600.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 86400))]
    pub max_age: Option<i64>,
    /// How long the API still accepts an origin that no resource requests any more. Pages that are open can
    /// call the API meanwhile. Default `1h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retire_after: Option<Duration>,
}

/// A Horizon resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HorizonRef {
    /// The Horizon resource's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The Horizon resource's namespace. Default: this resource's own. If you name another namespace, you
    /// trust everyone who may write Horizon resources there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// `true`: the dashboard's pages call the API with cookies (`withCredentials`). Browsers then require
    /// `Access-Control-Allow-Credentials`, and so does the operator's preflight. A token in a header is not a
    /// credential in this sense. Default `false`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_credentials: bool,
}

/// A workload that serves a dashboard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DashboardRef {
    /// The workload's kind: `Deployment` (the default), `StatefulSet` or `DaemonSet`.
    #[serde(default)]
    pub kind: WorkloadKind,
    /// The workload's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// `true`: the dashboard's pages call the API with cookies (`withCredentials`), as with `horizons`.
    /// Default `false`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_credentials: bool,
}
