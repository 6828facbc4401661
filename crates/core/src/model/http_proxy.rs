//! Contour HTTPProxies. Fields as in apis/projectcontour/v1/httpproxy.go of projectcontour/contour.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::condition::Condition;
use super::meta::Meta;

/// A Contour HTTPProxy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpProxy {
    pub meta: Meta,
    pub spec: HttpProxySpec,
    /// The same, as it was written, for those who read what only some implementations have.
    pub written: Value,
    /// `status.currentStatus`: `valid`, `invalid` or `orphaned`.
    pub current_status: String,
    /// `status.description`.
    pub description: String,
    pub conditions: Vec<Condition>,
    /// `status.loadBalancer.ingress[].ports[].port`, if Contour sets it.
    pub ports: BTreeSet<i32>,
}

/// `spec` of an HTTPProxy. One without a virtual host is included by others.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct HttpProxySpec {
    pub virtualhost: Option<ProxyHost>,
    pub routes: Vec<ProxyRoute>,
    pub includes: Vec<ProxyInclude>,
    pub tcpproxy: Option<TcpProxy>,
}

/// A host name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ProxyHost {
    pub fqdn: String,
    pub tls: Option<ProxyTls>,
}

/// TLS of a host name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ProxyTls {
    pub passthrough: bool,
}

/// A rule.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProxyRoute {
    pub conditions: Vec<ProxyCondition>,
    pub services: Vec<ProxyService>,
    /// Plain http, too, although the host has TLS.
    pub permit_insecure: bool,
    pub request_redirect_policy: Option<IgnoredAny>,
    pub direct_response_policy: Option<IgnoredAny>,
}

/// What a request must look like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProxyCondition {
    pub header: Option<ProxyHeader>,
    pub query_parameter: Option<ProxyQuery>,
    pub prefix: Option<String>,
    pub exact: Option<String>,
    pub regex: Option<String>,
}

/// A header that a request must have; or that it must not have, or not with this value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ProxyHeader {
    pub name: String,
    pub notpresent: bool,
    pub notcontains: Option<String>,
    pub notexact: Option<String>,
}

/// A query that a request must have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ProxyQuery {
    pub name: String,
}

/// Where requests go: a Service of the HTTPProxy's own namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ProxyService {
    pub name: String,
    pub weight: i64,
    pub mirror: bool,
}

/// An HTTPProxy that is included; without namespace of the same one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ProxyInclude {
    pub name: String,
    pub namespace: Option<String>,
    pub conditions: Vec<ProxyCondition>,
}

/// Where connections go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TcpProxy {
    pub services: Vec<ProxyService>,
    pub include: Option<ProxyInclude>,
    /// Deprecated; if both are set, the other one counts.
    pub includes: Option<ProxyInclude>,
}
