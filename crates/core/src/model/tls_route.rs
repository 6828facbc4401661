//! Gateway API TLSRoutes.

use serde::Deserialize;

use super::http_route::{BackendRef, ParentRef, RouteParentStatus};
use super::meta::Meta;

/// A Gateway API TLSRoute: connections by the name that the client requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TlsRoute {
    pub meta: Meta,
    pub spec: TlsRouteSpec,
    /// `status.parents`.
    pub parents: Vec<RouteParentStatus>,
}

/// `spec` of a TLSRoute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TlsRouteSpec {
    pub hostnames: Vec<String>,
    pub parent_refs: Vec<ParentRef>,
    pub rules: Vec<TlsRule>,
}

/// One rule of a TLSRoute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TlsRule {
    pub backend_refs: Vec<BackendRef>,
}
