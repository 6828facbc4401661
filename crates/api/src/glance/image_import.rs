//! `spec.imageImport`: images that Glance takes in by import, and what it does to them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shared::is_default;

/// Images that Glance takes in by import, and what it does to them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "!(has(self.conversion) || (has(self.decompression) && self.decompression)) || has(self.staging)",
        "message": "conversion and decompression rewrite the staged image: say in staging.path where there is room for two copies of it"
    },
    {
        "rule": "!(has(self.required) && self.required) || has(self.conversion) || has(self.metadata) || (has(self.decompression) && self.decompression) || has(self.additionalPlugins)",
        "message": "required: true means that every image must pass the plugins; name one: conversion, metadata, decompression or additionalPlugins"
    },
    {
        "rule": "!has(self.webDownload) || !has(self.methods) || 'WebDownload' in self.methods",
        "message": "webDownload filters the method WebDownload, which methods leaves out"
    },
    {
        "rule": "!has(self.workerSelfReference) || has(self.staging)",
        "message": "workerSelfReference is for what pods have staged: say in staging.path where that lies"
    }
]))]
pub struct ImageImport {
    /// Every image must pass the plugins, and so none may be uploaded directly (DU021): no Horizon is
    /// switched to direct here, one that is goes back, and once no browser uploads directly any more
    /// this API refuses `PUT …/file` to everybody. Horizon's own (legacy) upload is such a PUT too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// `enabled_import_methods`. Default: what Glance's own file says, else all but `GlanceDownload`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4), extend("x-kubernetes-list-type" = "set"))]
    pub methods: Option<Vec<ImportMethod>>,
    /// Convert every imported image to one format (plugin `image_conversion`). It needs `qemu-img` in
    /// Glance's image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversion: Option<Conversion>,
    /// Properties that every imported image gets (plugin `inject_image_metadata`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<InjectedMetadata>,
    /// Unpack imported images that are compressed (plugin `image_decompression`), before anything else
    /// looks at them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub decompression: bool,
    /// Plugins that Glance's image brings along beside its own, in the order in which they run, after
    /// decompression and before conversion. Where this resource names any plugin, it replaces the
    /// list of Glance's own file: repeat here what stood there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z0-9_.-]+$")))]
    pub additional_plugins: Vec<String>,
    /// Where images lie between upload and import. Default: what Glance's own file says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staging: Option<Staging>,
    /// Where `WebDownload` may fetch images from. Default: what Glance's own file says, else any host
    /// by http and https on ports 80 and 443.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_download: Option<WebDownload>,
    /// Tells each pod its own address (`worker_self_reference_url`), so that another pod can hand it
    /// the import of what was staged there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_self_reference: Option<WorkerSelfReference>,
}

/// Ways in which an image comes in by import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum ImportMethod {
    /// `glance-direct`: the client stages the data, then asks for the import.
    GlanceDirect,
    /// `web-download`: Glance fetches it from a URL.
    WebDownload,
    /// `copy-image`: from one store of Glance's to another.
    CopyImage,
    /// `glance-download`: from the Glance of another region.
    GlanceDownload,
}

/// Convert every imported image to one format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversion {
    /// To which format.
    pub output_format: OutputFormat,
    /// The Python that limits `qemu-img`'s memory and time, for a Glance under uWSGI, which would call
    /// itself: e.g. `/usr/bin/python3`. Default: what Glance's own file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub python_interpreter: Option<String>,
}

/// Formats that Glance converts to.
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

/// Properties that every imported image gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InjectedMetadata {
    /// Name to value. Neither may hold a comma, nor a name a colon: Glance's reader knows no escape.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 64))]
    pub properties: BTreeMap<String, String>,
    /// Images of users with one of these roles get none. Default: Glance's own, `admin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 255), regex(pattern = r"^[^,\s]+$")))]
    pub ignore_user_roles: Option<Vec<String>>,
}

/// Where images lie between upload and import.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Staging {
    /// A folder in the container. Mount a volume there; several pods need one that they share, or
    /// `workerSelfReference`.
    #[schemars(length(max = 512), regex(pattern = r"^/[^\s]+$"))]
    pub path: String,
}

/// Where `WebDownload` may fetch images from. Of each sort either a list of what is allowed or one of
/// what is not: Glance ignores the second where it has the first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "!(has(self.allowedSchemes) && has(self.disallowedSchemes))",
        "message": "allowedSchemes and disallowedSchemes exclude each other: Glance would ignore the second"
    },
    {
        "rule": "!(has(self.allowedHosts) && has(self.disallowedHosts))",
        "message": "allowedHosts and disallowedHosts exclude each other: Glance would ignore the second"
    },
    {
        "rule": "!(has(self.allowedPorts) && has(self.disallowedPorts))",
        "message": "allowedPorts and disallowedPorts exclude each other: Glance would ignore the second"
    }
]))]
pub struct WebDownload {
    /// E.g. `https`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 32), regex(pattern = r"^[a-z][a-z0-9+.-]*$")))]
    pub allowed_schemes: Vec<String>,
    /// All but these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 32), regex(pattern = r"^[a-z][a-z0-9+.-]*$")))]
    pub disallowed_schemes: Vec<String>,
    /// Host names in lower case, or addresses; no patterns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(max = 253), regex(pattern = r"^[0-9a-z:.-]+$")))]
    pub allowed_hosts: Vec<String>,
    /// All but these. A name that leads to the same address is another host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(max = 253), regex(pattern = r"^[0-9a-z:.-]+$")))]
    pub disallowed_hosts: Vec<String>,
    /// Ports, where a URL names one: one without passes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(range(min = 1, max = 65535)))]
    pub allowed_ports: Vec<i32>,
    /// All but these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(range(min = 1, max = 65535)))]
    pub disallowed_ports: Vec<i32>,
}

/// How a pod of Glance reaches another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkerSelfReference {
    /// Default `HTTP`.
    #[serde(skip_serializing_if = "is_default")]
    pub scheme: WorkerScheme,
    /// The port on which the pod answers. Default 9292.
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// Of the pods' addresses. Default `IPv4`.
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
    /// `https`; the certificate must be good for the pod's address.
    HTTPS,
}

/// Of the pods' addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IpFamily {
    /// As it is.
    #[default]
    IPv4,
    /// In brackets.
    IPv6,
}

impl ImportMethod {
    /// As Glance calls it.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl OutputFormat {
    /// As Glance calls it.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
