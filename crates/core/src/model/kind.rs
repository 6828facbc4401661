//! Every kind of object that is watched, registered once.
//!
//! One line of the table below makes the variant of [`Kind`], the store in the
//! [`Snapshot`](super::Snapshot), and everything that watches, discovery and writes must know. A new kind
//! also needs its reduced type, and the conversion from its JSON ([`Observed`]).

use direct_upload_api::{ExposureKind, WorkloadKind};
use kube_core::discovery::ApiResource;
use serde_json::Value;

use super::DecodeError;
use super::key::Id;
use super::lead::Lead;

/// A cluster object, reduced to what decisions depend on.
pub trait Observed: Sized + PartialEq {
    /// Reduces an object of this kind; `None` if this one is irrelevant.
    ///
    /// # Errors
    /// The decoder's words with the field, if the object does not have the shape of its kind.
    fn reduce(kind: Kind, object: Value) -> Result<Option<Self>, DecodeError>;

    /// Where it leads. [`Store::list_leading`](super::Store::list_leading) finds it by that.
    fn leads(&self, to: &mut dyn FnMut(Lead<'_>)) {
        to(Lead::Anywhere);
    }
}

/// What the operator must know about a kind.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    /// `group/version`, the preferred one first.
    pub api_versions: &'static [&'static str],
    pub name: &'static str,
    pub plural: &'static str,
    pub watched: Watched,
    pub selected: Selected,
    /// A cluster may lack it.
    pub optional: bool,
}

/// Where objects of a kind are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// Our own resources: wherever the operator may look.
    Own,
    /// A cluster-scoped kind: all of them.
    Cluster,
    /// In each namespace that has a resource.
    Resources,
    /// In those, and in namespaces whose routes of this kind may lead there.
    Routes,
    /// In each namespace that has a resource; and, unless the operator is restricted to namespaces, in
    /// those of the Gateways and ListenerSets before them.
    Policies,
    /// Single objects, each by its name.
    Named,
}

/// Which objects of a kind are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selected {
    All,
    /// Those with our label.
    Managed,
    /// Those that match a field selector.
    Fields(&'static str),
}

impl Registration {
    const fn new(
        api_versions: &'static [&'static str],
        name: &'static str,
        plural: &'static str,
        watched: Watched,
    ) -> Self {
        Self { api_versions, name, plural, watched, selected: Selected::All, optional: false }
    }

    const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    const fn selected(self, selected: Selected) -> Self {
        Self { selected, ..self }
    }

    /// How to request it from the API server, in one of its versions.
    pub fn resource(&self, api_version: &str) -> ApiResource {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: api_version.to_owned(),
            kind: self.name.to_owned(),
            plural: self.plural.to_owned(),
        }
    }
}

const GATEWAY: &str = "gateway.networking.k8s.io/v1";

/// v1 since Gateway API 1.0. Its later releases still serve v1beta1, and earlier ones nothing else. The
/// fields that are read are the same.
const SINCE_BETA: &[&str] = &[GATEWAY, "gateway.networking.k8s.io/v1beta1"];

/// v1 since Gateway API 1.5, of the experimental channel before.
const TLS_ROUTE: &[&str] = &[GATEWAY, "gateway.networking.k8s.io/v1alpha3", "gateway.networking.k8s.io/v1alpha2"];

/// Istio serves each of its kinds in all of these versions, and converts nothing.
const ISTIO: &[&str] = &["networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"];

/// The group of Traefik 2.10 and later, and that of all releases before 3.0 (Traefik's migration notes).
const TRAEFIK: &[&str] = &["traefik.io/v1alpha1", "traefik.containo.us/v1alpha1"];

const ENVOY: &[&str] = &["gateway.envoyproxy.io/v1alpha1"];

/// Calls a macro with the table of kinds: variant, store, reduced type, registration.
macro_rules! for_each_kind {
    ($callback:ident) => {
        $callback! {
            Horizon horizons: crate::model::HorizonObject = Registration::new(&["horizon.openstack.org/v1beta1"], "Horizon", "horizons", Watched::Own);
            Glance glances: crate::model::GlanceObject = Registration::new(&["glance.openstack.org/v1beta1"], "Glance", "glances", Watched::Own);
            OpenStackAPI apis: crate::model::ApiObject = Registration::new(&["cors.openstack.org/v1beta1"], "OpenStackAPI", "openstackapis", Watched::Own);
            Namespace namespaces: crate::model::Namespace = Registration::new(&["v1"], "Namespace", "namespaces", Watched::Cluster);
            Deployment deployments: crate::model::Workload = Registration::new(&["apps/v1"], "Deployment", "deployments", Watched::Resources);
            StatefulSet stateful_sets: crate::model::Workload = Registration::new(&["apps/v1"], "StatefulSet", "statefulsets", Watched::Resources);
            DaemonSet daemon_sets: crate::model::Workload = Registration::new(&["apps/v1"], "DaemonSet", "daemonsets", Watched::Resources);
            ReplicaSet replica_sets: crate::model::Revision = Registration::new(&["apps/v1"], "ReplicaSet", "replicasets", Watched::Resources);
            ControllerRevision controller_revisions: crate::model::Revision = Registration::new(&["apps/v1"], "ControllerRevision", "controllerrevisions", Watched::Resources);
            Pod pods: crate::model::Pod = Registration::new(&["v1"], "Pod", "pods", Watched::Resources);
            /// Our Jobs.
            Job jobs: crate::model::Job = Registration::new(&["batch/v1"], "Job", "jobs", Watched::Resources).selected(Selected::Managed);
            /// Warnings that a Job's pods cannot be created.
            JobEvent job_events: crate::model::JobEvent = Registration::new(&["v1"], "Event", "events", Watched::Resources)
                .selected(Selected::Fields("involvedObject.kind=Job,reason=FailedCreate"));
            Service services: crate::model::Service = Registration::new(&["v1"], "Service", "services", Watched::Resources);
            Ingress ingresses: crate::model::Ingress = Registration::new(&["networking.k8s.io/v1"], "Ingress", "ingresses", Watched::Resources);
            HTTPRoute http_routes: crate::model::HttpRoute = Registration::new(SINCE_BETA, "HTTPRoute", "httproutes", Watched::Routes).optional();
            /// A Gateway that a route names.
            Gateway gateways: crate::model::Gateway = Registration::new(SINCE_BETA, "Gateway", "gateways", Watched::Named).optional();
            GatewayClass gateway_classes: crate::model::GatewayClass = Registration::new(SINCE_BETA, "GatewayClass", "gatewayclasses", Watched::Cluster).optional();
            ReferenceGrant reference_grants: crate::model::ReferenceGrant = Registration::new(
                SINCE_BETA,
                "ReferenceGrant",
                "referencegrants",
                Watched::Resources,
            )
            .optional();
            TLSRoute tls_routes: crate::model::TlsRoute = Registration::new(TLS_ROUTE, "TLSRoute", "tlsroutes", Watched::Routes).optional();
            /// A ListenerSet that a route names.
            ListenerSet listener_sets: crate::model::ListenerSet = Registration::new(&[GATEWAY], "ListenerSet", "listenersets", Watched::Named).optional();
            /// The same before Gateway API 1.5.
            XListenerSet x_listener_sets: crate::model::ListenerSet =
                Registration::new(&["gateway.networking.x-k8s.io/v1alpha1"], "XListenerSet", "xlistenersets", Watched::Named).optional();
            /// OpenShift's.
            Route routes: crate::model::Route = Registration::new(&["route.openshift.io/v1"], "Route", "routes", Watched::Resources).optional();
            /// Istio's.
            VirtualService virtual_services: crate::model::VirtualService =
                Registration::new(ISTIO, "VirtualService", "virtualservices", Watched::Routes).optional();
            /// Contour's.
            HTTPProxy http_proxies: crate::model::HttpProxy = Registration::new(&["projectcontour.io/v1"], "HTTPProxy", "httpproxies", Watched::Routes).optional();
            /// Traefik's.
            IngressRoute ingress_routes: crate::model::IngressRoute = Registration::new(TRAEFIK, "IngressRoute", "ingressroutes", Watched::Routes).optional();
            /// An Istio Gateway that a VirtualService names.
            IstioGateway istio_gateways: crate::model::IstioGateway = Registration::new(ISTIO, "Gateway", "gateways", Watched::Named).optional();
            /// Traefik's.
            Middleware middlewares: crate::model::Policy = Registration::new(TRAEFIK, "Middleware", "middlewares", Watched::Resources).optional();
            TraefikService traefik_services: crate::model::Policy = Registration::new(TRAEFIK, "TraefikService", "traefikservices", Watched::Resources).optional();
            ServersTransport servers_transports: crate::model::Policy = Registration::new(TRAEFIK, "ServersTransport", "serverstransports", Watched::Resources).optional();
            /// Envoy Gateway's.
            SecurityPolicy security_policies: crate::model::Policy = Registration::new(ENVOY, "SecurityPolicy", "securitypolicies", Watched::Policies).optional();
            ClientTrafficPolicy client_traffic_policies: crate::model::Policy = Registration::new(ENVOY, "ClientTrafficPolicy", "clienttrafficpolicies", Watched::Policies).optional();
            BackendTrafficPolicy backend_traffic_policies: crate::model::Policy = Registration::new(ENVOY, "BackendTrafficPolicy", "backendtrafficpolicies", Watched::Policies).optional();
            /// NGINX Gateway Fabric's.
            ClientSettingsPolicy client_settings_policies: crate::model::Policy =
                Registration::new(&["gateway.nginx.org/v1alpha1"], "ClientSettingsPolicy", "clientsettingspolicies", Watched::Policies).optional();
            /// Our ConfigMaps.
            ConfigMap config_maps: crate::model::ConfigMap = Registration::new(&["v1"], "ConfigMap", "configmaps", Watched::Resources).selected(Selected::Managed);
            /// A ConfigMap with a workload's main configuration file, or with certificate authorities.
            ReferencedConfigMap referenced_config_maps: crate::model::ConfigMap = Registration::new(&["v1"], "ConfigMap", "configmaps", Watched::Named);
        }
    };
}

pub(super) use for_each_kind;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $store:ident: $type:ty = $registration:expr;)*) => {
        /// Everything that is watched.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// What the operator must know about it.
            pub const fn registration(self) -> &'static Registration {
                match self {
                    $(Self::$kind => const { &$registration },)*
                }
            }
        }
    };
}
for_each_kind!(kinds);

impl Kind {
    /// Its API resource, in the preferred version.
    pub fn resource(self) -> ApiResource {
        let registration = self.registration();
        registration.resource(registration.api_versions.first().copied().unwrap_or_default())
    }

    /// The kind of the revisions of a workload.
    pub fn revisions_of(workload: WorkloadKind) -> Self {
        match workload {
            WorkloadKind::Deployment => Self::ReplicaSet,
            WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => Self::ControllerRevision,
        }
    }

    /// The kind of this name. If several groups have one, the first.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.registration().name == name)
    }

    /// The kinds of an object, by its own apiVersion and kind. A ConfigMap has two.
    pub fn registered<'a>(api_version: &'a str, name: &'a str) -> impl Iterator<Item = Self> + 'a {
        Self::ALL.iter().copied().filter(move |kind| {
            let registration = kind.registration();
            registration.name == name && registration.api_versions.contains(&api_version)
        })
    }
}

impl Id {
    /// Whether it is an object of this kind.
    pub fn is_a(&self, kind: impl Into<Kind>) -> bool {
        self.kind == kind.into().registration().name
    }
}

impl From<Kind> for String {
    fn from(kind: Kind) -> Self {
        kind.registration().name.to_owned()
    }
}

impl From<WorkloadKind> for Kind {
    fn from(kind: WorkloadKind) -> Self {
        match kind {
            WorkloadKind::Deployment => Self::Deployment,
            WorkloadKind::StatefulSet => Self::StatefulSet,
            WorkloadKind::DaemonSet => Self::DaemonSet,
        }
    }
}

impl From<ExposureKind> for Kind {
    fn from(kind: ExposureKind) -> Self {
        match kind {
            ExposureKind::Ingress => Self::Ingress,
            ExposureKind::HTTPRoute => Self::HTTPRoute,
            ExposureKind::Route => Self::Route,
            ExposureKind::Service => Self::Service,
            ExposureKind::VirtualService => Self::VirtualService,
            ExposureKind::HTTPProxy => Self::HTTPProxy,
            ExposureKind::IngressRoute => Self::IngressRoute,
            ExposureKind::TLSRoute => Self::TLSRoute,
        }
    }
}
