//! Jobs, and why they have no pods.

use super::key::Key;
use super::meta::Meta;

/// A Job of ours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Job {
    pub meta: Meta,
    /// Our ConfigMap that its pod mounts: the files that it tries.
    pub config_map: Option<String>,
    /// Complete, or failed and why; none while it runs.
    pub outcome: Option<Result<(), String>>,
}

/// A warning event that says why a Job has no pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobEvent {
    pub meta: Meta,
    pub job: Key,
    pub message: String,
}
