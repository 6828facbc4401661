//! `spec.apis`: one Glance with an API for users and one for services.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::image_import::ImportMethod;
use crate::shared::{WorkloadRef, is_default};

/// An API for users and one for services, each with its own policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GlanceApis {
    /// The resource's own workload.
    #[serde(skip_serializing_if = "is_default")]
    pub public: PublicApi,
    /// Another workload, for services alone: it gets the stores' and imports' options, never an origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal: Option<InternalApi>,
}

/// The API that users and their browsers call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PublicApi {
    /// Glance's policy rules that this API has instead of those of its own file, in oslo.policy's
    /// language: `upload_image: "!"` refuses `PUT …/file` to everybody.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 128))]
    pub policy: BTreeMap<String, String>,
}

/// The API that services call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "has(self.workloadRef.name)",
    "message": "workloadRef.name: name the internal API's workload"
}]))]
pub struct InternalApi {
    /// Its workload; not the resource's own, and not one that browsers reach.
    pub workload_ref: WorkloadRef,
    /// As of the public API.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 128))]
    pub policy: BTreeMap<String, String>,
    /// `enabled_import_methods` here; `[]` takes no imports. Default: as `imageImport.methods`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4), extend("x-kubernetes-list-type" = "set"))]
    pub import_methods: Option<Vec<ImportMethod>>,
}
