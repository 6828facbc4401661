//! Fields that both resources have.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::rehearsing::Rehearsing;

/// The workload kinds whose pods can be given files.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::Display,
    strum::IntoStaticStr,
)]
pub enum WorkloadKind {
    /// `apps/v1` Deployment.
    #[default]
    Deployment,
    /// `apps/v1` StatefulSet.
    StatefulSet,
    /// `apps/v1` DaemonSet.
    DaemonSet,
}

impl WorkloadKind {
    /// All of them, in the order in which they are looked for.
    pub const ALL: [Self; 3] = [Self::Deployment, Self::StatefulSet, Self::DaemonSet];

    /// The Kubernetes kind.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The workload that runs the service, in the resource's own namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadRef {
    /// Kind of the workload.
    pub kind: WorkloadKind,
    /// Name of the workload. Default: the resource's own name; without such a workload `horizon`,
    /// or `glance` and `glance-api`. If both of these exist, nothing is chosen and the status says
    /// so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub name: Option<String>,
    /// Container that gets the files. Default: the only container, or the one that has the
    /// workload's or the resource's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub container: Option<String>,
    /// Add files even to a workload that another controller owns (it may undo them at any time).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_owned: bool,
}

/// Kinds of objects that expose a service to browsers.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::Display,
    strum::IntoStaticStr,
)]
pub enum ExposureKind {
    /// `gateway.networking.k8s.io/v1` HTTPRoute.
    HTTPRoute,
    /// `networking.k8s.io/v1` Ingress.
    Ingress,
    /// `route.openshift.io/v1` Route.
    Route,
    /// Service of type `LoadBalancer` or `ExternalName`.
    Service,
    /// Istio's (`networking.istio.io`) VirtualService.
    VirtualService,
    /// Contour's (`projectcontour.io/v1`) HTTPProxy, a root.
    HTTPProxy,
    /// Traefik's (`traefik.io/v1alpha1`) IngressRoute.
    IngressRoute,
    /// `gateway.networking.k8s.io/v1` TLSRoute.
    TLSRoute,
}

impl ExposureKind {
    /// The Kubernetes kind.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What browsers speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Scheme {
    /// TLS, terminated by whatever is behind that address.
    HTTPS,
    /// Plain.
    HTTP,
}

/// One object that exposes the service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "self.kind == 'Service' ? has(self.scheme) : !has(self.port)",
    "message": "a Service tells no scheme and needs one here (scheme: HTTPS or HTTP); the other kinds tell their port themselves"
}, {
    "rule": "!has(self.__namespace__) || !(self.kind in ['Ingress', 'Route', 'Service'])",
    "message": "an Ingress, Route or Service leads to Services of its own namespace only; leave namespace out"
}]))]
pub struct ExposedBy {
    /// Kind of the exposing object.
    pub kind: ExposureKind,
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its namespace. Default: the resource's own. An object of another namespace counts only if it is
    /// named here (or, of Gateway API's kinds, by a ReferenceGrant): that is this namespace's consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// For a Service: what browsers speak to it. For the other kinds: only the URLs of this scheme
    /// count; a dashboard's plain http ones only with `HTTP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Scheme>,
    /// For a Service: the port that browsers use. Default: the scheme's own if the Service has it,
    /// else its only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
}

/// A URL under which browsers reach a service, and what says so.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExposureStatus {
    /// The URL.
    pub url: String,
    /// The object that it was derived from, e.g. `HTTPRoute openstack/glance`; or `spec.publicURL`.
    pub from: String,
}

/// How the images of a deployer lay out their files. See docs/layouts.md.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Layout {
    /// Debian and Ubuntu packages (also Charmed images).
    #[default]
    Debian,
    /// RDO and Red Hat packages.
    RedHat,
    /// openstack-helm charts with LOCI images (also Atmosphere, Genestack, Airship).
    OpenStackHelm,
    /// Kolla images.
    Kolla,
}

/// How a file reaches its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Delivery {
    /// The ConfigMap's key is mounted read-only, as a single file.
    Mount,
    /// An init container copies the file into an `emptyDir` from which it is mounted: for images
    /// whose start script changes the owner of the whole folder.
    Copy,
}

/// When pods may be rolled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Rollout {
    /// No roll before this time (RFC 3339); the status shows what waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>,
    /// Least time between two rolls that other resources or a retirement cause, e.g. `5m`.
    /// A change of this resource's own spec rolls at once. Default `30s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_interval: Option<Duration>,
    /// What lets uploads in flight finish while their pod is replaced. See docs/rollout-order.md.
    #[serde(skip_serializing_if = "is_default")]
    pub drain: Drain,
    /// Whether a Job made from the workload's own template tries the new files before a serving pod
    /// gets them: `Required` (the default) or `Off`, for where Jobs are not allowed.
    #[serde(skip_serializing_if = "is_default")]
    pub rehearsal: Rehearsing,
}

/// A preStop sleep: a pod that is replaced goes on answering for a while before it is told to end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Drain {
    /// Whether our apply brings the sleep along. Default: for a Glance, where that takes nothing
    /// from the workload's owner; for a Horizon, no. It never rolls pods on its own; `false` takes it
    /// off at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// How long a pod that ends goes on answering. The pod's `terminationGracePeriodSeconds`, which
    /// stays yours, must be 10 seconds longer. Default 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3600))]
    pub pre_stop_seconds: Option<u32>,
}

/// What happens when the resource is deleted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Deletion {
    /// How long the safe order (Horizon first, then Glance) may hold up the deletion; afterwards
    /// the workload is released anyway, with an event. Default `10m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// Which namespaces are meant, as in Gateway API's `allowedRoutes`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "self.from != 'Selector' || has(self.selector)",
    "message": "from: Selector needs a selector; write e.g. selector: {matchLabels: {…}}"
}]))]
pub struct Namespaces {
    /// `Same`: only this namespace. `All`: every namespace. `Selector`: those whose labels match.
    pub from: FromNamespaces,
    /// Labels of the namespaces, for `from: Selector`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// Which namespaces are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FromNamespaces {
    /// Only the resource's own namespace.
    #[default]
    Same,
    /// Every namespace.
    All,
    /// Namespaces whose labels match the selector.
    Selector,
}

/// Reads an optional [`Duration`], with a default in seconds.
pub fn seconds(duration: Option<Duration>, default: u64) -> u64 {
    duration.map_or(default, |d| std::time::Duration::from(d).as_secs())
}

/// For `skip_serializing_if`: what a user did not write does not appear.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
