//! The part of Istio's networking API that decides where a browser gets through.
//!
//! Fields as in istio.io/api, networking/v1alpha3/virtual_service.proto and gateway.proto.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::meta::Meta;

/// A VirtualService.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VirtualService {
    pub meta: Meta,
    pub spec: VirtualServiceSpec,
    /// The same, as it was written, for those who read what only some implementations have.
    pub written: Value,
}

/// `spec` of a VirtualService. Others delegate to one without hosts.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VirtualServiceSpec {
    pub hosts: Vec<String>,
    pub gateways: Vec<String>,
    pub export_to: Vec<String>,
    pub http: Vec<IstioHttpRoute>,
    /// By the name that the client requests; TLS is passed through.
    pub tls: Vec<IstioL4Route>,
    pub tcp: Vec<IstioL4Route>,
}

/// A rule for requests.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IstioHttpRoute {
    #[serde(rename = "match")]
    pub matches: Vec<IstioHttpMatch>,
    pub route: Vec<IstioRouted>,
    pub redirect: Option<IgnoredAny>,
    pub direct_response: Option<IgnoredAny>,
    pub delegate: Option<Delegate>,
}

/// The VirtualService that continues a rule. Default namespace: the rule's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Delegate {
    pub name: String,
    pub namespace: Option<String>,
}

/// What a request must look like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IstioHttpMatch {
    pub uri: Option<StringMatch>,
    pub scheme: Option<StringMatch>,
    pub authority: Option<StringMatch>,
    pub port: Option<i32>,
    /// Replaces the VirtualService's own.
    pub gateways: Vec<String>,
    pub headers: BTreeMap<String, Value>,
    pub query_params: BTreeMap<String, Value>,
}

/// A test of a text; only one field is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StringMatch {
    pub exact: Option<String>,
    pub prefix: Option<String>,
    pub regex: Option<String>,
}

/// A rule for connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct IstioL4Route {
    #[serde(rename = "match")]
    pub matches: Vec<IstioL4Match>,
    pub route: Vec<IstioRouted>,
}

/// What a connection must look like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IstioL4Match {
    pub sni_hosts: Vec<String>,
    pub port: Option<i32>,
    pub gateways: Vec<String>,
}

/// A share of the traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct IstioRouted {
    pub destination: IstioDestination,
    pub weight: Option<i32>,
}

/// Where to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct IstioDestination {
    pub host: String,
}

/// An Istio Gateway.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IstioGateway {
    pub meta: Meta,
    pub servers: Vec<IstioServer>,
}

/// One server of a Gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct IstioServer {
    pub port: IstioPort,
    /// `[namespace/]host`.
    pub hosts: Vec<String>,
    pub tls: Option<IstioTls>,
}

/// Its port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct IstioPort {
    pub number: i32,
    pub protocol: String,
}

/// Its TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IstioTls {
    pub https_redirect: bool,
    /// `PASSTHROUGH` if nothing is written.
    pub mode: Option<String>,
}
