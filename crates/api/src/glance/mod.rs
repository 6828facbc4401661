//! `glance.openstack.org/v1beta1 Glance`: an image service that browsers upload to.

pub mod apis;
pub mod image_import;
pub mod status;
pub mod swift;

use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::rehearsing::CatalogRehearsal;
use super::shared::{Deletion, ExposedBy, Layout, Namespaces, Rollout, Scheme, WorkloadRef, is_default};
use crate::glance::apis::GlanceApis;
use crate::glance::image_import::ImageImport;
use crate::glance::status::GlanceStatus;
use crate::glance::swift::GlanceSwift;

/// A Glance API that accepts image uploads straight from browsers.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "glance.openstack.org",
    version = "v1beta1",
    kind = "Glance",
    plural = "glances",
    shortname = "glc",
    category = "openstack",
    namespaced,
    crates(kube_core = "kube_core"),
    status = "GlanceStatus",
    derive = "PartialEq",
    doc = "A Glance API that accepts image uploads straight from browsers.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Origins", type_ = "integer", json_path = ".status.originCount"),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.publicURL"),
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
pub struct GlanceSpec {
    /// `true`: the operator reports what it would do, and changes nothing. Use it to try the operator safely
    /// on a live cloud. Default `false`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// The workload that runs glance-api. Default: the Deployment of this resource's name.
    #[serde(skip_serializing_if = "is_default")]
    pub workload_ref: WorkloadRef,
    /// The URL that Keystone's catalog publishes for browsers, for example `https://glance.example.com`.
    /// Default: derived from the objects that expose the workload's Services.
    #[serde(rename = "publicURL", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048), regex(pattern = r"^https?://[^\s?#@]+$"))]
    pub public_url: Option<String>,
    /// Only these objects expose Glance, for example `{kind: Ingress, name: glance}`. Default: all objects
    /// that lead to the workload.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    pub exposed_by: Option<Vec<ExposedBy>>,
    /// What the operator does with the objects that expose Glance. Default: it reads them and changes
    /// nothing.
    #[serde(skip_serializing_if = "is_default")]
    pub exposure: GlanceExposure,
    /// Whose container images the workload runs: `Debian`, `Ubuntu`, `RedHat`, `OpenStackHelm` or `Kolla`. It decides where the
    /// configuration fragment of httpd goes. Default: what the container's mounts show, otherwise Debian. See
    /// docs/layouts.md.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// Paths that differ from the layout's.
    #[serde(skip_serializing_if = "is_default")]
    pub paths: GlancePaths,
    /// TLS of the Glance pod itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<GlanceTls>,
    /// Who may upload from a browser, and with which headers.
    pub cors: GlanceCors,
    /// The httpd in front of glance-api in its pod, if there is one.
    #[serde(skip_serializing_if = "is_default")]
    pub httpd: GlanceHttpd,
    /// Swift stores of this Glance, so that uploads and downloads can outlast their token. Default: none. See
    /// docs/swift.md.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["store"]))]
    pub swift: Vec<GlanceSwift>,
    /// Image imports, and what Glance does to the images. See docs/import.md.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_import: Option<Box<ImageImport>>,
    /// An API for users and one for services, each with its own policy. See docs/import.md.
    #[serde(skip_serializing_if = "is_default")]
    pub apis: GlanceApis,
    /// When the operator may roll pods.
    #[serde(skip_serializing_if = "is_default")]
    pub rollout: Rollout,
    /// What a Job of Glance's own image reads in addition to the files. See docs/rehearsal.md.
    #[serde(skip_serializing_if = "is_default")]
    pub rehearsal: GlanceRehearsal,
    /// What happens when this resource is deleted.
    #[serde(skip_serializing_if = "is_default")]
    pub deletion: Deletion,
}

/// What a Job of Glance's own image reads in addition to the files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GlanceRehearsal {
    /// `Ask` (the default): a Job reads the public image endpoints from Keystone's catalog, because browsers
    /// upload to those. It uses the account in Glance's own `[keystone_authtoken]`, at most once a day.
    /// `Off`: no Job reads them.
    pub catalog: CatalogRehearsal,
}

/// What the operator does with the objects that expose Glance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GlanceExposure {
    /// `true`: the operator sets the annotations of Ingresses and Routes that uploads need and that nobody
    /// else has set. It needs a separate right for this (`deploy/exposure`). Default `false`: it sets none,
    /// and removes those that it has set. See docs/exposure.md.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub manage: bool,
}

/// Paths of Glance's files in the container. They must be absolute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GlancePaths {
    /// The main file of your own configuration. The operator's file would replace its `[cors]` options, so
    /// the operator reads and repeats them. Default `/etc/glance/glance-api.conf`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub config_file: Option<String>,
    /// The `glance-api.conf.d` that the CORS filter reads: `/etc/glance/glance-api.conf.d` (the default), or
    /// `~/.glance/glance-api.conf.d` of the service's user. The filter reads no other folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub config_dir: Option<String>,
    /// The folder for the operator's options outside `[cors]`, such as those of import. Default
    /// `/etc/glance/glance.conf.d`. Glance reads it with every start method (eventlet, uWSGI, mod_wsgi).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub service_config_dir: Option<String>,
    /// The `policy.d` that Glance's policy reads (`[oslo_policy] policy_dirs`). Default
    /// `/etc/glance/policy.d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub policy_dir: Option<String>,
    /// A folder whose `*.conf` files httpd includes. Default: the layout's, for example
    /// `/etc/apache2/conf-enabled`. OpenStackHelm and Kolla have no default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub httpd_conf_dir: Option<String>,
}

/// TLS of the Glance pod itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!self.enabled || (has(self.secretName) && self.secretName != '')",
    "message": "tls.enabled needs tls.secretName: the kubernetes.io/tls Secret with tls.crt and tls.key"
}]))]
pub struct GlanceTls {
    /// `true` with `httpd.server`: httpd terminates TLS with the Secret's certificate. `true` without it only
    /// states that the pod answers https. Default `false`.
    pub enabled: bool,
    /// A `kubernetes.io/tls` Secret in this namespace, required if `enabled` is true. The kubelet mounts it;
    /// the operator never reads it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: Option<String>,
}

/// The `[cors]` section of glance-api.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GlanceCors {
    /// Origins that Glance accepts in addition to those of Horizon resources, for example
    /// `https://skyline.example.com`; never `*`. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10_000), inner(length(max = 300), regex(pattern = r"^https?://[^\s,]+$")))]
    pub allowed_origins: Vec<String>,
    /// Which Horizon resources may add their origins here.
    #[serde(skip_serializing_if = "is_default")]
    pub allowed_horizons: AllowedHorizons,
    /// Names of request headers to allow, in addition to Glance's defaults and those that Horizon sends, for
    /// example `X-My-Header`. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(max = 128), regex(pattern = r"^[!#%&'*+.^_`|~0-9A-Za-z-]+$")))]
    pub allow_headers: Vec<String>,
    /// Names of response headers that scripts may read, in addition to Glance's defaults. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(max = 128), regex(pattern = r"^[!#%&'*+.^_`|~0-9A-Za-z-]+$")))]
    pub expose_headers: Vec<String>,
    /// Glance's answer to browsers in the header `Access-Control-Allow-Credentials`. Uploads of Horizon's
    /// Django image panel need `true`; those of the Angular panel do not. Default: the value in your own
    /// file, else `true` (Glance's default).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_credentials: Option<bool>,
    /// How many seconds a browser may cache the answer to a preflight. Default: the value in your own file,
    /// else 3600.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 86400))]
    pub max_age: Option<i64>,
    /// How long Glance accepts an origin after the last Horizon stopped using it. Dashboard tabs that are
    /// still open continue to upload directly. Default `1h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retire_after: Option<Duration>,
}

/// Consent to Horizons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AllowedHorizons {
    /// Namespaces whose Horizon resources are accepted. Default: only this namespace.
    pub namespaces: Namespaces,
    /// Schemes that origins of other namespaces may have. Default: only `HTTPS`. With plain `HTTP`, anyone
    /// between browser and dashboard can use this API with its users' tokens.
    #[serde(skip_serializing_if = "is_default_schemes")]
    #[schemars(length(min = 1, max = 2))]
    pub schemes: Vec<Scheme>,
    /// The most origins that each other namespace may have here, retiring ones included. A lower number
    /// removes no existing origin. Default 16.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_origins_per_namespace: Option<u32>,
}

impl Default for AllowedHorizons {
    fn default() -> Self {
        Self { namespaces: Namespaces::default(), schemes: vec![Scheme::HTTPS], max_origins_per_namespace: None }
    }
}

fn is_default_schemes(schemes: &[Scheme]) -> bool {
    schemes == [Scheme::HTTPS]
}

/// The httpd module in front of glance-api.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum GlanceServer {
    /// mod_wsgi runs glance-api inside httpd.
    ModWSGI,
    /// mod_proxy_http passes requests to glance-api.
    ModProxy,
    /// mod_proxy_uwsgi passes requests to a uWSGI glance-api.
    ModProxyUwsgi,
    /// No httpd: glance-api or uWSGI answers itself.
    #[default]
    None,
}

/// The httpd in front of glance-api in its pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.port) || self.server != 'None'",
    "message": "httpd.port needs httpd.server: ModWSGI, ModProxy or ModProxyUwsgi"
}]))]
pub struct GlanceHttpd {
    /// The httpd module in front of glance-api: `ModWSGI` runs glance-api inside httpd, `ModProxy`
    /// (mod_proxy_http) and `ModProxyUwsgi` pass requests to it. `None` (the default): there is no httpd.
    pub server: GlanceServer,
    /// Port on which httpd terminates TLS (with `tls.enabled`). Default 9292.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
    /// Where glance-api listens behind the TLS virtual host, as `host:port`, for ModProxy and
    /// ModProxyUwsgi. Default `127.0.0.1:9293`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 300), regex(pattern = r"^[A-Za-z0-9.:\[\]-]+:[0-9]{1,5}$"))]
    pub backend: Option<String>,
    /// The WSGI script behind the TLS virtual host, for ModWSGI. Default `/usr/bin/glance-wsgi-api`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub wsgi_script: Option<String>,
    /// httpd's `Timeout` and proxy timeouts: the longest silence within an upload. Default `1h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// `LimitRequestBody` in bytes; 0 is unlimited. Default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_992_i64))]
    pub limit_request_body: Option<i64>,
    /// `true`: restore the v1 API's headers with underscores, such as `x-image-meta-disk_format`, under their
    /// names with hyphens. httpd would drop them. Default `false`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub legacy_headers: bool,
}
