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
    /// The API that users and their browsers call: the resource's own workload.
    #[serde(skip_serializing_if = "is_default")]
    pub public: PublicApi,
    /// A second workload with an API for services only. It gets the options of stores and imports, but never
    /// an origin. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal: Option<InternalApi>,
}

/// The API that users and their browsers call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PublicApi {
    /// Policy rules of Glance for this API, in oslo.policy's language. They replace the same rules of
    /// Glance's own file. For example, `upload_image: "!"` refuses `PUT …/file` to everyone.
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
    /// The workload of the internal API. It must differ from the resource's own workload, and browsers must
    /// not reach it.
    pub workload_ref: WorkloadRef,
    /// Policy rules of Glance for the internal API, as in `apis.public.policy`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 128))]
    pub policy: BTreeMap<String, String>,
    /// The import methods of the internal API (`enabled_import_methods`); `[]` allows no import. Default:
    /// `imageImport.methods`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4), extend("x-kubernetes-list-type" = "set"))]
    pub import_methods: Option<Vec<ImportMethod>>,
}
