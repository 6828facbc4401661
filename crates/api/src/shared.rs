//! Fields that several resources have.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::rehearsing::Rehearsing;

/// The kinds of workloads that can get files.
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
    /// All kinds, in the order in which the operator looks for them.
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
    /// The workload's kind: `Deployment`, `StatefulSet` or `DaemonSet`.
    pub kind: WorkloadKind,
    /// The workload's name. Default: the resource's own name. If no workload has that name, the operator
    /// looks for the usual ones, such as `horizon`, `glance` or `glance-api`. If several of these exist, it
    /// chooses none, and the status says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub name: Option<String>,
    /// The container that gets the files. Default: the only container, or the one with the workload's or the
    /// resource's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub container: Option<String>,
    /// `true`: add files even to a workload that another controller owns. That controller may undo them at
    /// any time. Default `false`: the operator refuses such a workload (`WorkloadOwned`).
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
    strum::VariantArray,
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
    /// All of them.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The Kubernetes kind.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether it leads to Services of its own namespace only.
    pub const fn stays_in_namespace(self) -> bool {
        match self {
            Self::Ingress | Self::Route | Self::Service => true,
            Self::HTTPRoute | Self::TLSRoute | Self::VirtualService | Self::HTTPProxy | Self::IngressRoute => false,
        }
    }
}

/// The CRDs' rule for a namespace in `exposedBy`: the kinds are those of [`ExposureKind::stays_in_namespace`].
pub const NAMESPACE_RULE: &str = "!has(self.__namespace__) || !(self.kind in ['Ingress', 'Route', 'Service'])";

/// The scheme that browsers use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "")] // kube-rs would put it in place of the description of an optional field
pub enum Scheme {
    /// https. Whatever is behind that address terminates TLS.
    HTTPS,
    /// Plain http.
    HTTP,
}

/// One object that exposes the service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "self.kind == 'Service' ? has(self.scheme) : !has(self.port)",
    "message": "a Service has no scheme, so set one (scheme: HTTPS or HTTP); for the other kinds, remove port: they state it themselves"
}, {
    "rule": NAMESPACE_RULE,
    "message": "an Ingress, Route or Service leads to Services of its own namespace only; leave namespace out"
}]))]
pub struct ExposedBy {
    /// The object's kind: `HTTPRoute` or `TLSRoute` (Gateway API), `Ingress`, `Route` (OpenShift), `Service`
    /// (type `LoadBalancer` or `ExternalName`), `VirtualService` (Istio), `HTTPProxy` (Contour) or
    /// `IngressRoute` (Traefik).
    pub kind: ExposureKind,
    /// The object's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The object's namespace. Default: the resource's own. An object of another namespace counts only if you
    /// name it here, which is this namespace's consent. (Gateway API's kinds need a ReferenceGrant instead.)
    /// Not allowed for an Ingress, Route or Service.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// `HTTPS` or `HTTP`. For a Service, set the scheme that browsers use. For the other kinds, only URLs of
    /// this scheme count. Default: all URLs count, except plain http URLs of a dashboard, which need `HTTP`
    /// here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Scheme>,
    /// For a Service: the port that browsers use. Default: the scheme's default port if the Service has it,
    /// else the Service's only port.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
}

/// A URL under which browsers reach a service, and its source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExposureStatus {
    /// The URL under which browsers reach the service.
    pub url: String,
    /// The object from which the operator derived the URL, for example `HTTPRoute openstack/glance`; or
    /// `spec.publicURL`.
    pub from: String,
}

/// Whose container images a workload runs. It decides where files go and how they get there. Without a layout, the operator
/// asks Horizon's image in the first rehearsal; for other services it looks at the container's mounts. See
/// docs/layouts.md.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "")] // as for Scheme
pub enum Layout {
    /// Debian's packages. For an image of Ubuntu that a rehearsal may ask, it does as well.
    #[default]
    Debian,
    /// Ubuntu's packages (also Charmed images).
    Ubuntu,
    /// RDO and Red Hat packages.
    RedHat,
    /// openstack-helm charts with LOCI images (also Atmosphere, Genestack, Airship).
    OpenStackHelm,
    /// Kolla images.
    Kolla,
}

/// How a file gets to its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "")] // as for Scheme
pub enum Delivery {
    /// The ConfigMap's key is mounted read-only, as a single file.
    Mount,
    /// An init container copies the file into an `emptyDir`, which is then mounted. For images whose start
    /// script changes the owner of the whole folder.
    Copy,
}

/// When the operator may roll pods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Rollout {
    /// No roll starts before this time (RFC 3339), for example `2026-06-01T02:00:00Z`. Default: rolls start
    /// when they are due. The status shows what waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>,
    /// The least time between two rolls that other resources or a retirement cause, for example `5m`. A
    /// change of this resource's own spec rolls immediately. Default `30s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_interval: Option<Duration>,
    /// A preStop sleep that the operator adds to the container. A pod that is being replaced gets this time to
    /// finish its uploads. See docs/rollout-order.md.
    #[serde(skip_serializing_if = "is_default")]
    pub drain: Drain,
    /// Whether a rehearsal, which is a Job made from the workload's own template, tries new files before a
    /// serving pod gets them. `Required` (the default), or `Off` where Jobs are not allowed. See
    /// docs/rehearsal.md.
    #[serde(skip_serializing_if = "is_default")]
    pub rehearsal: Rehearsing,
}

/// A preStop sleep: a pod that is replaced continues to answer for a while before it gets SIGTERM.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Drain {
    /// Whether the operator adds the sleep. Default: `true` for a Glance if the sleep does not conflict with
    /// the owner's settings, `false` for a Horizon. The operator adds or changes the sleep only with a roll that
    /// happens anyway. `false` removes it immediately.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// How many seconds a pod that is being replaced continues to answer. The pod's
    /// `terminationGracePeriodSeconds`, which you set yourself, must be 10 seconds longer. Default 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3600))]
    pub pre_stop_seconds: Option<u32>,
}

/// What happens when the resource is deleted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Deletion {
    /// How long a deletion waits for the safe order (Horizon first, then Glance). After that, the operator
    /// releases the workload anyway and writes an event. Default `10m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// Which namespaces are selected, as in Gateway API's `allowedRoutes`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "self.from != 'Selector' || has(self.selector)",
    "message": "from: Selector needs a selector; write e.g. selector: {matchLabels: {…}}"
}]))]
pub struct Namespaces {
    /// `Same` (the default): only this namespace. `All`: every namespace. `Selector`: namespaces whose labels
    /// match.
    pub from: FromNamespaces,
    /// Labels of the namespaces, for `from: Selector`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// Which namespaces are selected.
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

/// For `skip_serializing_if`: a field that the user did not write does not appear.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
