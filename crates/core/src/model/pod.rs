//! Pods.

use std::collections::BTreeMap;

use super::meta::{Meta, Owner};

/// A pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pod {
    pub meta: Meta,
    pub labels: BTreeMap<String, String>,
    /// What controls it.
    pub owner: Option<Owner>,
    /// It has failed or succeeded. It stays, but never runs again.
    pub ended: bool,
    /// Our ConfigMap that this pod mounts.
    pub config_map: Option<String>,
    pub ready: bool,
    /// Why it does not run, in the kubelet's own words.
    pub trouble: Option<String>,
    /// Why it is not ready, in the scheduler's words or by its phase, if that is not a fault yet.
    pub waits: Option<String>,
    /// The Job that it is of.
    pub job: Option<String>,
    /// The termination message of its container.
    pub answer: Option<String>,
}
