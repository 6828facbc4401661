//! OpenShift Routes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::annotations::Owners;
use super::condition::Condition;
use super::meta::Meta;

/// An OpenShift Route.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Route {
    pub meta: Meta,
    /// The annotations that configure routers.
    pub annotations: BTreeMap<String, String>,
    pub owners: Owners,
    pub spec: RouteSpec,
    /// The same, as it was written, for those who read what only some implementations have.
    pub written: Value,
    /// `status.ingress`: the routers' answers.
    pub ingress: Vec<RouteIngress>,
}

/// `spec` of a Route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteSpec {
    pub host: String,
    pub path: String,
    pub to: RouteTarget,
    pub alternate_backends: Vec<RouteTarget>,
    pub tls: Option<RouteTls>,
    pub wildcard_policy: Option<String>,
}

/// Where a Route sends requests. Default kind: Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RouteTarget {
    pub kind: String,
    pub name: String,
    pub weight: Option<i32>,
}

/// TLS of a Route, terminated at the router or passed through. Browsers use https in both cases.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteTls {
    /// `edge`, `reencrypt` or `passthrough`.
    pub termination: Option<String>,
    /// `Allow`, `Redirect` or `None`: what happens to http.
    pub insecure_edge_termination_policy: Option<String>,
}

/// What one router says about a Route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteIngress {
    pub host: String,
    pub router_name: String,
    pub conditions: Vec<Condition>,
}
