//! Deployments, StatefulSets, DaemonSets, and their revisions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use direct_upload_api::WorkloadKind;
use kube_core::labels::Selector;
use serde_json::Value;

use super::key::Key;
use super::meta::{Meta, Owner};

/// A Deployment, StatefulSet or DaemonSet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workload {
    pub meta: Meta,
    pub kind: WorkloadKind,
    /// `Kind/name` of a controlling owner.
    pub owner: Option<String>,
    /// The field manager, other than us, that wrote the spec last.
    pub other_manager: Option<String>,
    /// Whether its field managers show that we own nothing in it. Anything with our names was then copied,
    /// for example with the manifest of another workload, and we may not remove it.
    pub foreign: bool,
    /// Which pods may be its own; none if it selects all, or cannot be read.
    pub selector: Option<Selector>,
    pub template: PodTemplate,
    /// `spec.replicas`; for a DaemonSet the desired number.
    pub replicas: i32,
    pub paused: bool,
    pub on_delete: bool,
    /// A StatefulSet's `rollingUpdate.partition`.
    pub partition: i32,
    pub roll: Roll,
    pub status: WorkloadStatus,
}

/// How a roll of a workload works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roll {
    /// How many pods may end before their successors are ready.
    pub away: i32,
    /// A successor starts only after the old pod has ended.
    pub one_by_one: bool,
}

/// The part of a pod template that decisions depend on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodTemplate {
    pub labels: BTreeMap<String, String>,
    pub containers: Vec<Arc<Container>>,
    pub init_containers: Vec<Container>,
    pub volumes: Vec<Volume>,
    /// `terminationGracePeriodSeconds`, if it is written.
    pub grace: Option<i64>,
    /// Identifies the pod's spec without our own fields. A rehearsal of another spec does not count.
    pub fingerprint: String,
    /// Identifies that spec and the template's annotations without our own. A restart changes it, and with
    /// it what pods may have read from other people's ConfigMaps.
    pub edition: String,
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Container {
    pub name: String,
    pub image: String,
    pub mounts: Vec<VolumeMount>,
    /// As written; our init container repeats them.
    pub resources: Value,
    /// As written; our init container repeats it.
    pub security_context: Value,
    pub pre_stop: Option<PreStop>,
    /// Variables with our names.
    pub env: BTreeMap<String, EnvValue>,
    /// The file or folder that its command gives to `swift-proxy-server`.
    pub swift_config: Option<String>,
    /// The field manager, other than us, that applies this container server-side.
    pub applied_by: Option<String>,
}

/// A variable's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvValue {
    /// As written.
    Text(String),
    /// A field of the pod.
    Field(String),
    /// From another source.
    Other,
}

/// What a container does before it gets SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreStop {
    /// Our own sleep, in seconds.
    Ours(u32),
    /// Somebody else's hook, and whether it sleeps.
    Theirs { sleeps: bool },
}

/// One mount of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeMount {
    pub volume: String,
    pub path: String,
    pub sub_path: Option<String>,
    pub read_only: bool,
}

/// One volume of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    pub name: String,
    pub source: VolumeSource,
}

/// Where a volume's files come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum VolumeSource {
    /// The ConfigMap's keys, renamed by `items` (key → path) if given.
    ConfigMap {
        name: String,
        items: BTreeMap<String, String>,
    },
    Secret(String),
    EmptyDir,
    /// A claim that exists as long as the pod.
    Ephemeral,
    HostPath,
    /// A projected or downward API volume: always read-only.
    Projected,
    #[default]
    Other,
}

/// The state of a rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkloadStatus {
    pub observed_generation: i64,
    pub replicas: i32,
    pub updated: i32,
    pub ready: i32,
    /// The controller says that the current template has been rolled out once. Trouble after that is not a
    /// failed roll. A DaemonSet's controller does not say this.
    pub landed: Option<bool>,
    /// `Progressing=False`: the progress deadline was exceeded.
    pub stuck: Option<String>,
    /// `ReplicaFailure=True`: pods cannot be created.
    pub replica_failure: Option<String>,
}

/// A ReplicaSet or ControllerRevision: something a rollback can return to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Revision {
    pub meta: Meta,
    /// What controls it.
    pub owner: Option<Owner>,
    /// Our ConfigMaps that its template mounts.
    pub config_maps: BTreeSet<String>,
}

/// Names the workload as kubectl does: `Deployment openstack/glance`.
pub fn describe(kind: WorkloadKind, key: &Key) -> String {
    format!("{kind} {key}")
}
