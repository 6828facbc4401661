//! What is known about kinds of objects between browsers and a Service.
//!
//! In: an object's apiVersion and kind. Out: whether it is a route, and whether it is read. Core's tables have the kinds that
//! the operator reads; here are only those that it does not know.

use direct_upload_api::ExposureKind;
use direct_upload_core::model::{Kind, PolicyKind};

use crate::objects::Object;

/// The group of Ingresses before Kubernetes 1.22. They still lead somewhere, although nothing reads them.
const OLD_GROUP: &str = "extensions";

/// Which route an object is. Equal names of other groups are other kinds.
pub(crate) fn route(object: &Object) -> Option<ExposureKind> {
    let is_it = |kind: &ExposureKind| {
        let registration = Kind::from(*kind).registration();
        let mut groups = registration.api_versions.iter().map(|version| group(version)).chain([OLD_GROUP]);
        registration.name == object.kind() && groups.any(|own| own == group(object.api_version()))
    };
    // A Service leads to pods.
    ExposureKind::ALL.iter().copied().filter(|kind| *kind != ExposureKind::Service).find(is_it)
}

/// Whether Traefik serves routes of a kind, and so Middlewares may be on their way.
pub(crate) fn may_be_traefiks(object: &Object) -> bool {
    let served = [ExposureKind::Ingress, ExposureKind::HTTPRoute, ExposureKind::IngressRoute];
    route(object).is_some_and(|kind| served.contains(&kind))
}

/// Whether the route's URL may stay unknown although the route is read: its host may be in another object.
pub(crate) fn may_lack_url(object: &Object) -> bool {
    let kinds = [ExposureKind::IngressRoute, ExposureKind::HTTPProxy, ExposureKind::VirtualService];
    route(object).is_some_and(|kind| kinds.contains(&kind))
}

/// Whether a route is below HTTP.
pub(crate) fn is_below_http(object: &Object) -> bool {
    let below = ["TCPRoute", "IngressRouteTCP"];
    route(object) == Some(ExposureKind::TLSRoute) || below.contains(&object.kind())
}

/// API groups whose objects are between browsers and a Service.
const ON_THE_WAY: [&str; 20] = [
    "extensions",
    "gateway",
    "networking",
    "route.openshift.io",
    "traefik",
    "projectcontour.io",
    "istio.io",
    "konghq.com",
    "apisix.apache.org",
    "getambassador.io",
    "nginx.org",
    "haproxy",
    "envoyproxy.io",
    "cilium.io",
    "linkerd.io",
    "zalando.org",
    "solo.io",
    "kgateway",
    "cloud.google.com",
    "elbv2.k8s.aws",
];

/// Kinds of these groups that do not affect an upload, or that [`beyond`](crate::beyond) reads.
const HARMLESS: [&str; 20] = [
    "CustomResourceDefinition",
    "BackendTLSPolicy",
    "GRPCRoute",
    "UDPRoute",
    "TLSStore",
    "IngressClass",
    "NetworkPolicy",
    "AdminNetworkPolicy",
    "CiliumNetworkPolicy",
    "CiliumClusterwideNetworkPolicy",
    "PeerAuthentication",
    "ServiceEntry",
    "Sidecar",
    "Telemetry",
    "EnvoyProxy",
    "ManagedCertificate",
    "TLSCertificateDelegation",
    "CiliumLoadBalancerIPPool",
    "CiliumL2AnnouncementPolicy",
    "IPAddress",
];

/// Kinds of which core reads some fields only.
const READ_IN_PART: [PolicyKind; 6] = [
    PolicyKind::EnvoyFilter,
    PolicyKind::SnippetsPolicy,
    PolicyKind::SnippetsFilter,
    PolicyKind::ContourConfiguration,
    PolicyKind::GCPBackendPolicy,
    PolicyKind::LoadBalancerConfiguration,
];

/// Whether an object of this kind does not affect an upload, or other modules read it.
pub(crate) fn is_harmless(object: &Object) -> bool {
    HARMLESS.contains(&object.kind())
}

/// Whether an object may be between browsers and a Service, and not all of it is read.
pub(crate) fn is_unread(object: &Object) -> bool {
    let Some((group, _)) = object.api_version().split_once('/') else { return false };
    let kind = object.policy_kind();
    let is_read = kind != PolicyKind::Other && !READ_IN_PART.contains(&kind) || is_watched(object);
    let is_known = is_read || HARMLESS.contains(&object.kind());
    ON_THE_WAY.iter().any(|name| group.contains(name)) && (!is_known || is_old(object))
}

/// Whether an object is of a version that is not read, although its kind is.
pub(crate) fn is_old(object: &Object) -> bool {
    Kind::named(object.kind()).is_some() && !is_watched(object)
}

fn is_watched(object: &Object) -> bool {
    Kind::registered(object.api_version(), object.kind()).next().is_some()
}

/// The group in an apiVersion. Kubernetes' oldest kinds have none.
fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}
