//! Traefik IngressRoutes. Fields as in pkg/provider/kubernetes/crd/traefikio/v1alpha1/ingressroute.go of
//! traefik/traefik.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::meta::Meta;

/// A Traefik IngressRoute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IngressRoute {
    pub meta: Meta,
    pub spec: IngressRouteSpec,
    /// The same, as it was written, for those who read what only some implementations have.
    pub written: Value,
}

/// `spec` of an IngressRoute.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IngressRouteSpec {
    pub routes: Vec<IngressRouteRule>,
    /// None: Traefik's default ones.
    pub entry_points: Vec<String>,
    /// Any value.
    pub tls: Option<IgnoredAny>,
    /// IngressRoutes whose rules must match, too. They have the entry points and the TLS.
    pub parent_refs: Vec<IngressRouteRef>,
}

/// A rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct IngressRouteRule {
    #[serde(rename = "match")]
    pub matches: String,
    /// The length of `matches` if it is 0.
    pub priority: i64,
    pub services: Vec<IngressRouteService>,
    pub middlewares: Vec<IngressRouteRef>,
}

/// Where requests go. Default kind: Service; default namespace: the IngressRoute's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct IngressRouteService {
    pub name: String,
    pub kind: Option<String>,
    pub namespace: Option<String>,
    pub weight: Option<i64>,
}

/// Another IngressRoute; without namespace of the same one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct IngressRouteRef {
    pub name: String,
    pub namespace: Option<String>,
}
