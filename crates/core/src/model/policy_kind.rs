//! The kinds of objects that say what happens to an upload between the browser and its API.
//!
//! In: the apiVersion and kind of an object, or a reference to one. Out: [`PolicyKind`]. Equal names of different groups are
//! different kinds: Gateways are Gateway API's and Istio's, IngressRoutes Traefik's and those of early Contour.

use std::fmt;

use super::kind::Kind;

/// Where a kind is defined.
#[derive(Clone, Copy)]
enum Definition {
    /// With the kinds that are watched.
    Watched(Kind),
    /// Here, because it is read from files only: groups and name.
    Files(&'static [&'static str], &'static str),
}

use Definition::{Files, Watched};

/// The group of Traefik 2.10 and later, and that of all releases before 3.0 (Traefik's migration notes).
const TRAEFIK: &[&str] = &["traefik.io", "traefik.containo.us"];

const ISTIO_SECURITY: &[&str] = &["security.istio.io"];

const NGINX: &[&str] = &["gateway.nginx.org"];

/// Which objects of a kind are kept as files have them ([`Unwatched`](super::Unwatched)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// None: the snapshot has a store for them, or only `check` reads them.
    No,
    /// All, for the workloads of their namespace.
    Near,
    /// All, for any workload: they belong to gateways.
    Anywhere,
    /// Those that run Traefik, for any workload.
    IfTraefik,
}

/// When an object of a kind applies to requests for a service by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// Never: a route or a target attaches it, its fields are read one by one, or it is behind them.
    Attached,
    /// When it leads to the service.
    Leading,
    /// When it, or one that it includes, leads to the service.
    Including,
    /// When a route to the service names it.
    Named,
    /// When Contour serves a route to the service.
    ToContour,
}

/// One line for each kind: its definition, which of its objects are kept as files have them, and when one applies.
macro_rules! policy_kinds {
    ($($(#[$doc:meta])* $kind:ident = $definition:expr, $kept:ident, $applies:ident;)*) => {
        /// Kinds of routes, of gateways and their policies, and of what is behind them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum PolicyKind {
            $($(#[$doc])* $kind,)*
            /// Any other kind. No setting of such an object is read.
            Other,
        }

        impl PolicyKind {
            /// All but [`Other`](Self::Other).
            const NAMED: &[Self] = &[$(Self::$kind,)*];

            const fn definition(self) -> Option<Definition> {
                match self {
                    $(Self::$kind => Some($definition),)*
                    Self::Other => None,
                }
            }

            /// Which of its objects are kept as files have them.
            pub const fn kept(self) -> Kept {
                match self {
                    $(Self::$kind => Kept::$kept,)*
                    Self::Other => Kept::No,
                }
            }

            /// When one of its objects applies by itself.
            pub const fn applies(self) -> Applies {
                match self {
                    $(Self::$kind => Applies::$applies,)*
                    Self::Other => Applies::Attached,
                }
            }
        }
    };
}

policy_kinds! {
    Ingress = Watched(Kind::Ingress), No, Attached;
    HTTPRoute = Watched(Kind::HTTPRoute), No, Attached;
    /// Istio's.
    VirtualService = Watched(Kind::VirtualService), No, Leading;
    /// Contour's.
    HTTPProxy = Watched(Kind::HTTPProxy), No, Including;
    /// Traefik's.
    IngressRoute = Watched(Kind::IngressRoute), No, Leading;
    /// OpenShift's.
    Route = Watched(Kind::Route), No, Attached;
    Gateway = Watched(Kind::Gateway), No, Attached;
    GatewayClass = Watched(Kind::GatewayClass), No, Attached;
    ListenerSet = Watched(Kind::ListenerSet), No, Attached;
    /// The same before Gateway API 1.5.
    XListenerSet = Watched(Kind::XListenerSet), No, Attached;
    IstioGateway = Watched(Kind::IstioGateway), Anywhere, Attached;
    /// Traefik's.
    Middleware = Watched(Kind::Middleware), No, Attached;
    TraefikService = Watched(Kind::TraefikService), No, Attached;
    ServersTransport = Watched(Kind::ServersTransport), No, Named;
    TLSOption = Files(TRAEFIK, "TLSOption"), Anywhere, Attached;
    /// Envoy Gateway's.
    SecurityPolicy = Watched(Kind::SecurityPolicy), No, Attached;
    ClientTrafficPolicy = Watched(Kind::ClientTrafficPolicy), No, Attached;
    BackendTrafficPolicy = Watched(Kind::BackendTrafficPolicy), No, Attached;
    HTTPRouteFilter = Files(&["gateway.envoyproxy.io"], "HTTPRouteFilter"), No, Attached;
    /// NGINX Gateway Fabric's.
    ClientSettingsPolicy = Watched(Kind::ClientSettingsPolicy), No, Attached;
    SnippetsPolicy = Files(NGINX, "SnippetsPolicy"), No, Attached;
    SnippetsFilter = Files(NGINX, "SnippetsFilter"), No, Attached;
    /// Istio's.
    AuthorizationPolicy = Files(ISTIO_SECURITY, "AuthorizationPolicy"), Anywhere, Attached;
    RequestAuthentication = Files(ISTIO_SECURITY, "RequestAuthentication"), Anywhere, Attached;
    EnvoyFilter = Files(&["networking.istio.io"], "EnvoyFilter"), Anywhere, Attached;
    /// Contour's.
    ContourConfiguration = Files(&["projectcontour.io"], "ContourConfiguration"), Anywhere, ToContour;
    /// Google's.
    GCPBackendPolicy = Files(&["networking.gke.io"], "GCPBackendPolicy"), Anywhere, Attached;
    /// AWS's.
    LoadBalancerConfiguration = Files(&["gateway.k8s.aws"], "LoadBalancerConfiguration"), Anywhere, Attached;
    Service = Watched(Kind::Service), Near, Attached;
    Deployment = Watched(Kind::Deployment), IfTraefik, Attached;
    DaemonSet = Watched(Kind::DaemonSet), IfTraefik, Attached;
}

impl PolicyKind {
    /// The kind of an object, by its own apiVersion and kind.
    pub fn of_object(api_version: &str, name: &str) -> Self {
        Self::find(name, |kind| kind.is_of(group_of(api_version)))
    }

    /// The kind that a reference means. Without a group, the first kind of that name: what a group defaults to depends on
    /// the kind of the object with the reference.
    pub fn of_reference(group: Option<&str>, name: &str) -> Self {
        // Istio accepts both for Kubernetes' own (pkg/config, CanonicalGroup).
        let group = group.map(|group| if group == "core" { "" } else { group });
        Self::find(name, |kind| group.is_none_or(|group| kind.is_of(group)))
    }

    fn find(name: &str, is_meant: impl Fn(Self) -> bool) -> Self {
        let mut named = Self::NAMED.iter().copied().filter(|kind| kind.name() == name);
        named.find(|kind| is_meant(*kind)).unwrap_or(Self::Other)
    }

    fn is_of(self, group: &str) -> bool {
        match self.definition() {
            Some(Watched(kind)) => kind.registration().api_versions.iter().any(|version| group_of(version) == group),
            Some(Files(groups, _)) => groups.contains(&group),
            None => false,
        }
    }

    /// Its name in manifests.
    pub const fn name(self) -> &'static str {
        match self.definition() {
            Some(Watched(kind)) => kind.registration().name,
            Some(Files(_, name)) => name,
            None => "object",
        }
    }

    /// The same among the watched kinds, if the operator watches it.
    pub const fn watched(self) -> Option<Kind> {
        match self.definition() {
            Some(Watched(kind)) => Some(kind),
            Some(Files(..)) | None => None,
        }
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<PolicyKind> for String {
    fn from(kind: PolicyKind) -> Self {
        kind.name().to_owned()
    }
}

/// The group in an apiVersion. Kubernetes' oldest kinds have none.
fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// A kind of routes, of which the rules are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    Ingress,
    HTTPRoute,
    VirtualService,
    HTTPProxy,
    IngressRoute,
}

impl RouteKind {
    const ALL: [Self; 5] = [Self::Ingress, Self::HTTPRoute, Self::VirtualService, Self::HTTPProxy, Self::IngressRoute];

    /// The kind of an object, if it is a route with rules.
    pub fn of(kind: PolicyKind) -> Option<Self> {
        Self::ALL.into_iter().find(|route| PolicyKind::from(*route) == kind)
    }
}

impl From<RouteKind> for PolicyKind {
    fn from(kind: RouteKind) -> Self {
        match kind {
            RouteKind::Ingress => Self::Ingress,
            RouteKind::HTTPRoute => Self::HTTPRoute,
            RouteKind::VirtualService => Self::VirtualService,
            RouteKind::HTTPProxy => Self::HTTPProxy,
            RouteKind::IngressRoute => Self::IngressRoute,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::gateway_api("gateway.networking.k8s.io/v1beta1", "Gateway", PolicyKind::Gateway)]
    #[case::istio("networking.istio.io/v1", "Gateway", PolicyKind::IstioGateway)]
    #[case::traefik("traefik.io/v1alpha1", "IngressRoute", PolicyKind::IngressRoute)]
    #[case::traefik_2("traefik.containo.us/v1alpha1", "IngressRoute", PolicyKind::IngressRoute)]
    #[case::early_contour("contour.heptio.com/v1beta1", "IngressRoute", PolicyKind::Other)]
    #[case::linkerd("policy.linkerd.io/v1beta3", "HTTPRoute", PolicyKind::Other)]
    #[case::no_group("v1", "Service", PolicyKind::Service)]
    #[case::knative("serving.knative.dev/v1", "Service", PolicyKind::Other)]
    #[case::another_version("networking.k8s.io/v1beta1", "Ingress", PolicyKind::Ingress)]
    #[case::in_files("security.istio.io/v1beta1", "AuthorizationPolicy", PolicyKind::AuthorizationPolicy)]
    fn objects_are_known_by_group_and_name(#[case] api_version: &str, #[case] name: &str, #[case] kind: PolicyKind) {
        assert_eq!(PolicyKind::of_object(api_version, name), kind);
    }

    #[rstest]
    #[case(Some("gateway.networking.k8s.io"), "Gateway", PolicyKind::Gateway)]
    #[case(None, "Gateway", PolicyKind::Gateway)]
    #[case(Some("networking.istio.io"), "Gateway", PolicyKind::IstioGateway)]
    #[case(Some(""), "Service", PolicyKind::Service)]
    #[case(Some("core"), "Service", PolicyKind::Service)]
    #[case(Some("multicluster.x-k8s.io"), "Service", PolicyKind::Other)]
    fn references_are_known_by_group_and_name(
        #[case] group: Option<&str>,
        #[case] name: &str,
        #[case] kind: PolicyKind,
    ) {
        assert_eq!(PolicyKind::of_reference(group, name), kind);
    }
}
