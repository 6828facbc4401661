//! ConfigMaps.

use std::collections::BTreeMap;

use super::meta::Meta;

/// A ConfigMap: ours, or one that a workload mounts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigMap {
    pub meta: Meta,
    /// It carries our label.
    pub managed: bool,
    pub data: BTreeMap<String, String>,
}
