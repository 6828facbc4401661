//! `spec.imageImport`: image imports, and what Glance does to the images.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shared::is_default;

/// Image imports, and what Glance does to the images.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "!(has(self.conversion) || (has(self.decompression) && self.decompression)) || has(self.staging)",
        "message": "conversion and decompression rewrite the staged image: set staging.path to a folder with space for two copies of it"
    },
    {
        "rule": "!(has(self.required) && self.required) || has(self.conversion) || has(self.metadata) || (has(self.decompression) && self.decompression) || has(self.additionalPlugins)",
        "message": "required: true means that every image must pass the plugins; name one: conversion, metadata, decompression or additionalPlugins"
    },
    {
        "rule": "!has(self.webDownload) || !has(self.methods) || 'WebDownload' in self.methods",
        "message": "webDownload filters the method WebDownload, but methods does not include it: add WebDownload to methods, or remove webDownload"
    },
    {
        "rule": "!has(self.workerSelfReference) || has(self.staging)",
        "message": "workerSelfReference needs staging.path: set the folder in which pods stage images"
    }
]))]
pub struct ImageImport {
    /// `true`: every image must pass the plugins, so nobody may upload directly (DU021). The operator
    /// switches no Horizon to direct here, and switches a direct one back. When no browser uploads directly
    /// any more, this API refuses `PUT …/file` to everyone. Horizon's legacy upload is such a PUT, too.
    /// Default `false`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// The import methods that Glance offers (`enabled_import_methods`). `GlanceDirect`: the client stages
    /// the data. `WebDownload`: Glance fetches a URL. `CopyImage`: from one store to another.
    /// `GlanceDownload`: from another region. Default: the value in Glance's own file, else all except
    /// `GlanceDownload`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4), extend("x-kubernetes-list-type" = "set"))]
    pub methods: Option<Vec<ImportMethod>>,
    /// Converts every imported image to one format (plugin `image_conversion`). Glance's image must have
    /// `qemu-img`. Default: no conversion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversion: Option<Conversion>,
    /// Properties to add to every imported image (plugin `inject_image_metadata`). Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<InjectedMetadata>,
    /// `true`: decompress imported images (plugin `image_decompression`) before any other plugin runs.
    /// Default `false`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub decompression: bool,
    /// More plugins of Glance's image, in the order in which they run: after decompression and before
    /// conversion. Default: none. If this resource names any plugin, it replaces the list in Glance's own
    /// file, so repeat the plugins of that file here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z0-9_.-]+$")))]
    pub additional_plugins: Vec<String>,
    /// The folder for images between upload and import. Default: the value in Glance's own file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staging: Option<Staging>,
    /// The sources from which `WebDownload` may fetch images. Default: the value in Glance's own file, else
    /// any host with http and https on ports 80 and 443.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_download: Option<WebDownload>,
    /// How many stores of one import Glance writes at the same time (`max_parallel_stores`). For clients that
    /// name several stores in an import; `CopyImage` always writes one after another. Glance 33 (2026.2) and
    /// newer have the option, and older ones ignore it. Default: the value in Glance's own file, else 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub max_parallel_stores: Option<u32>,
    /// Gives each pod its own address (`worker_self_reference_url`), so that another pod can forward an
    /// import to the pod that staged the image. Default: no address; the pods must then share the staging
    /// volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_self_reference: Option<WorkerSelfReference>,
}

/// Import methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum ImportMethod {
    /// `glance-direct`: the client stages the data, then requests the import.
    GlanceDirect,
    /// `web-download`: Glance fetches the image from a URL.
    WebDownload,
    /// `copy-image`: from one store of this Glance to another.
    CopyImage,
    /// `glance-download`: from the Glance of another region.
    GlanceDownload,
}

/// Converts every imported image to one format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversion {
    /// The target format: `Raw`, `QCOW2` or `VMDK`.
    pub output_format: OutputFormat,
    /// The Python that limits memory and time of `qemu-img`. Needed for a Glance under uWSGI, which would
    /// otherwise call uWSGI. Example: `/usr/bin/python3`. Default: the value in Glance's own file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub python_interpreter: Option<String>,
}

/// Formats to which Glance converts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum OutputFormat {
    /// `raw`.
    Raw,
    /// `qcow2`.
    QCOW2,
    /// `vmdk`.
    VMDK,
}

/// Properties to add to every imported image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InjectedMetadata {
    /// Names and values, for example `hw_disk_bus: scsi`. Values may have no commas, and names no commas or
    /// colons, because Glance has no escape for them.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 64))]
    pub properties: BTreeMap<String, String>,
    /// Images of users with one of these roles get no properties. Default: Glance's own default, `admin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 255), regex(pattern = r"^[^,\s]+$")))]
    pub ignore_user_roles: Option<Vec<String>>,
}

/// The folder for images between upload and import.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Staging {
    /// A folder in the container. Mount a volume there. Several pods must share the volume, or use
    /// `workerSelfReference`.
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub path: String,
}

/// The sources from which `WebDownload` may fetch images. Set either the allowed or the disallowed values
/// of a kind, because Glance ignores the disallowed values if there are allowed ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "!(has(self.allowedSchemes) && has(self.disallowedSchemes))",
        "message": "set allowedSchemes or disallowedSchemes, not both: Glance would ignore disallowedSchemes"
    },
    {
        "rule": "!(has(self.allowedHosts) && has(self.disallowedHosts))",
        "message": "set allowedHosts or disallowedHosts, not both: Glance would ignore disallowedHosts"
    },
    {
        "rule": "!(has(self.allowedPorts) && has(self.disallowedPorts))",
        "message": "set allowedPorts or disallowedPorts, not both: Glance would ignore disallowedPorts"
    }
]))]
pub struct WebDownload {
    /// The only schemes from which Glance fetches, for example `https`. Default: the value in Glance's own
    /// file, else `http` and `https`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 32), regex(pattern = r"^[a-z][a-z0-9+.-]*$")))]
    pub allowed_schemes: Vec<String>,
    /// Schemes from which Glance does not fetch; it fetches from all others. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 32), regex(pattern = r"^[a-z][a-z0-9+.-]*$")))]
    pub disallowed_schemes: Vec<String>,
    /// The only hosts from which Glance fetches: names in lower case, or addresses, for example
    /// `images.example.com`; no patterns. Default: the value in Glance's own file, else any host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(max = 253), regex(pattern = r"^[0-9a-z:.-]+$")))]
    pub allowed_hosts: Vec<String>,
    /// Hosts from which Glance does not fetch. Another name of the same address is another host. Default:
    /// none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(max = 253), regex(pattern = r"^[0-9a-z:.-]+$")))]
    pub disallowed_hosts: Vec<String>,
    /// The only ports from which Glance fetches. A URL without a port always passes. Default: the value in
    /// Glance's own file, else 80 and 443.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(range(min = 1, max = 65535)))]
    pub allowed_ports: Vec<i32>,
    /// Ports from which Glance does not fetch. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(range(min = 1, max = 65535)))]
    pub disallowed_ports: Vec<i32>,
}

/// How one pod of Glance reaches another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkerSelfReference {
    /// The scheme with which one pod reaches another: `HTTP` (the default), or `HTTPS` with a certificate
    /// that is valid for the pod's address.
    #[serde(skip_serializing_if = "is_default")]
    pub scheme: WorkerScheme,
    /// The port on which the pod answers. Default 9292.
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// The family of the pods' addresses: `IPv4` (the default) or `IPv6`.
    #[serde(skip_serializing_if = "is_default")]
    pub ip_family: IpFamily,
}

impl Default for WorkerSelfReference {
    fn default() -> Self {
        Self { scheme: WorkerScheme::default(), port: 9292, ip_family: IpFamily::default() }
    }
}

/// `http` or `https`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WorkerScheme {
    /// `http`.
    #[default]
    HTTP,
    /// `https`. The certificate must be valid for the pod's address.
    HTTPS,
}

/// The family of the pods' addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IpFamily {
    /// The address as it is.
    #[default]
    IPv4,
    /// The address in brackets.
    IPv6,
}

impl ImportMethod {
    /// The name that Glance uses.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl OutputFormat {
    /// The name that Glance uses.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
