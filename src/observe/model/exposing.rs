//! The objects that lead browsers to a workload: Kubernetes' own, and OpenShift's Route.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Meta;

/// A Service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    pub meta: Meta,
    pub selector: BTreeMap<String, String>,
    /// `spec.type`; empty counts as `ClusterIP`.
    pub type_: String,
    pub external_name: Option<String>,
    pub ports: Vec<i32>,
    /// The names that external-dns publishes for it, else what the load balancer reports.
    pub addresses: Vec<String>,
}

/// Annotation → the field manager that owns it: somebody else's, where it is not ours alone.
pub type Owners = BTreeMap<String, String>;

/// An Ingress.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ingress {
    pub meta: Meta,
    pub class: Option<String>,
    /// Those with which ingress controllers are told what to do.
    pub annotations: BTreeMap<String, String>,
    pub owners: Owners,
    pub rules: Vec<IngressRule>,
    pub default_service: Option<String>,
    /// Some backend is no Service.
    pub other_backends: bool,
    pub tls: Vec<IngressTls>,
    /// `status.loadBalancer.ingress[].ports[].port`, where the controller tells.
    pub ports: BTreeSet<i32>,
}

/// One rule of an Ingress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngressRule {
    pub host: Option<String>,
    pub paths: Vec<IngressPath>,
}

/// One path of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngressPath {
    pub path: String,
    /// `pathType: Exact`: this path alone, and none below it.
    pub exact: bool,
    pub service: String,
}

/// One TLS entry; without hosts it covers all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngressTls {
    pub hosts: Vec<String>,
}

/// A condition of another project's object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Told {
    #[serde(rename = "type")]
    pub type_: String,
    pub status: String,
    pub reason: String,
    pub message: String,
    pub observed_generation: Option<i64>,
}

/// The condition of that type.
pub fn told<'a>(conditions: &'a [Told], type_: &str) -> Option<&'a Told> {
    conditions.iter().find(|c| c.type_ == type_)
}

/// An OpenShift Route.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Route {
    pub meta: Meta,
    /// Those with which routers are told what to do.
    pub annotations: BTreeMap<String, String>,
    pub owners: Owners,
    pub spec: RouteSpec,
    /// `status.ingress`: what routers say.
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

/// Where a Route sends requests; without kind a Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RouteTarget {
    pub kind: String,
    pub name: String,
    pub weight: Option<i32>,
}

/// TLS of a Route: terminated at the router or passed through, browsers speak https.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteTls {
    /// `Allow`, `Redirect` or `None`: what becomes of http.
    pub insecure_edge_termination_policy: Option<String>,
}

/// What one router says of a Route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteIngress {
    pub host: String,
    pub router_name: String,
    pub conditions: Vec<Told>,
}
