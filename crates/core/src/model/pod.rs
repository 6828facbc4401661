//! Pods.

use std::collections::BTreeMap;

use super::meta::Meta;

/// A pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pod {
    pub meta: Meta,
    pub labels: BTreeMap<String, String>,
    /// Our ConfigMap that this pod mounts.
    pub config_map: Option<String>,
    pub ready: bool,
    /// Why it does not run, in the kubelet's own words.
    pub trouble: Option<String>,
    /// The Job that it is of.
    pub job: Option<String>,
    /// What its container left as its last words.
    pub answer: Option<String>,
}
