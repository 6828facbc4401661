//! Namespaces.

use std::collections::BTreeMap;

use super::meta::Meta;

/// A namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Namespace {
    pub meta: Meta,
    pub labels: BTreeMap<String, String>,
}

impl Namespace {
    /// The label that the API server gives every namespace, with its name (Kubernetes'
    /// `LabelMetadataName`, pkg/apis/core/v1/defaults.go).
    pub const NAME_LABEL: &str = "kubernetes.io/metadata.name";
}
