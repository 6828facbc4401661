//! Cluster objects, reduced to what decisions depend on. Everything else is dropped before it is
//! stored, so that memory and reconciles do not follow what is not ours.

mod exposing;
mod gateway;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use crate::api::{GlanceSpec, GlanceStatus, HorizonSpec, HorizonStatus, OpenStackApiSpec, WorkloadKind};

pub use exposing::*;
pub use gateway::*;

/// Namespace and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub namespace: String,
    pub name: String,
}

impl Key {
    /// A key from its parts.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl std::str::FromStr for Key {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (namespace, name) = text.split_once('/').ok_or(())?;
        Ok(Self::new(namespace, name))
    }
}

/// The part of `metadata` that decisions depend on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meta {
    pub key: Key,
    pub uid: String,
    pub created: Option<Timestamp>,
    /// Set while the object is being deleted.
    pub deleting: Option<Timestamp>,
    pub generation: i64,
    /// Annotations of our own domain.
    pub ours: BTreeMap<String, String>,
}

impl Meta {
    /// Whether an API server holds the object, whose controllers can so have spoken of it.
    pub fn is_stored(&self) -> bool {
        self.created.is_some_and(|created| created != Timestamp::MAX)
    }
}

/// A custom resource. A spec that does not decode hurts only itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Custom<Spec, Status> {
    pub meta: Meta,
    /// Whether our finalizer stands on it.
    pub finalizer: bool,
    pub spec: Result<Spec, String>,
    pub status: Option<Status>,
}

/// A stored Horizon.
pub type HorizonObject = Custom<HorizonSpec, HorizonStatus>;
/// A stored Glance.
pub type GlanceObject = Custom<GlanceSpec, GlanceStatus>;

/// A stored OpenStackAPI.
pub type ApiObject = Custom<OpenStackApiSpec, GlanceStatus>;

/// A Deployment, StatefulSet or DaemonSet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workload {
    pub meta: Meta,
    pub kind: WorkloadKind,
    /// `Kind/name` of a controlling owner.
    pub owner: Option<String>,
    /// The field manager, other than us, that wrote the spec last.
    pub other_manager: Option<String>,
    /// Whether we own nothing in it, as its field managers tell: what has our names there was copied,
    /// say with the manifest of another workload, and is not ours to take away.
    pub foreign: bool,
    /// `spec.selector.matchLabels`.
    pub selector: BTreeMap<String, String>,
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

/// How a roll of a workload goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roll {
    /// How many pods it may take away before their successors are ready.
    pub away: i32,
    /// A successor starts only after the old pod has ended.
    pub one_by_one: bool,
}

/// The part of a pod template that decisions depend on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodTemplate {
    pub labels: BTreeMap<String, String>,
    pub containers: Vec<Container>,
    pub init_containers: Vec<Container>,
    pub volumes: Vec<Volume>,
    /// `terminationGracePeriodSeconds`, where written.
    pub grace: Option<i64>,
    /// Stands for all of the pod's spec but our own fields: a rehearsal of another one is none.
    pub fingerprint: String,
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Container {
    pub name: String,
    pub image: String,
    pub mounts: Vec<VolumeMount>,
    /// As written; an init container of ours repeats them.
    pub resources: Value,
    /// As written; an init container of ours repeats it.
    pub security_context: Value,
    pub pre_stop: Option<PreStop>,
    /// Variables of our names.
    pub env: BTreeMap<String, EnvValue>,
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
    /// From elsewhere.
    Other,
}

/// What a container does before it is told to end.
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
    /// The ConfigMap's keys, renamed by `items` (key → path) where given.
    ConfigMap {
        name: String,
        items: BTreeMap<String, String>,
    },
    Secret(String),
    EmptyDir,
    /// A claim that comes and goes with the pod.
    Ephemeral,
    HostPath,
    /// A projected or downward API volume: always read-only.
    Projected,
    #[default]
    Other,
}

/// How far a rollout is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkloadStatus {
    pub observed_generation: i64,
    pub replicas: i32,
    pub updated: i32,
    pub ready: i32,
    /// The controller says that the template as it stands has been rolled out once; what goes wrong
    /// after that is no failing roll. A DaemonSet's controller does not say.
    pub landed: Option<bool>,
    /// `Progressing=False`: the progress deadline was exceeded.
    pub stuck: Option<String>,
    /// `ReplicaFailure=True`: pods cannot be created.
    pub replica_failure: Option<String>,
}

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

/// A Job of ours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Job {
    pub meta: Meta,
    /// Complete, or failed and why; none while it is under way.
    pub outcome: Option<Result<(), String>>,
}

/// A warning event that says why a Job has no pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobEvent {
    pub meta: Meta,
    pub job: Key,
    pub message: String,
}

/// A ReplicaSet or ControllerRevision: something a rollback can return to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Revision {
    pub meta: Meta,
    /// Our ConfigMaps that its template mounts.
    pub config_maps: BTreeSet<String>,
}

/// A ConfigMap: ours, or one that a workload mounts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigMap {
    pub meta: Meta,
    /// It carries our label.
    pub managed: bool,
    pub data: BTreeMap<String, String>,
}

/// A namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Namespace {
    pub meta: Meta,
    pub labels: BTreeMap<String, String>,
}
