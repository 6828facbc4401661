//! Namespaces.

use std::collections::BTreeMap;

use super::meta::Meta;

/// A namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Namespace {
    pub meta: Meta,
    pub labels: BTreeMap<String, String>,
}
