//! The part of Gateway API that decides where a browser gets through.
//!
//! Values that may get new members in a release stay text, so that a new one does not hide the object.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Deserialize;
use serde_json::Value;

use super::condition::Condition;
use super::meta::Meta;

/// A Gateway API Gateway.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gateway {
    pub meta: Meta,
    /// By which policies select it.
    pub labels: BTreeMap<String, String>,
    /// `spec.gatewayClassName`.
    pub class: String,
    pub listeners: Vec<Listener>,
    /// `spec.tls`, which may demand client certificates.
    pub tls: Value,
    pub allowed_listeners: AllowedListeners,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
    /// `status.listeners`.
    pub listener_statuses: Vec<ListenerStatus>,
    /// `status.addresses`, those that are IP addresses.
    pub addresses: BTreeSet<IpAddr>,
}

/// One listener of a Gateway.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Listener {
    pub name: String,
    pub hostname: Option<String>,
    pub port: i32,
    pub protocol: String,
    pub tls: ListenerTls,
    pub allowed_routes: AllowedRoutes,
}

/// Whose ListenerSets a Gateway accepts: `None` (the default), `Same`, `All`, `Selector`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AllowedListeners {
    pub namespaces: RouteNamespaces,
}

/// TLS of a listener.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ListenerTls {
    /// `Terminate` (the default) or `Passthrough`.
    pub mode: Option<String>,
}

/// Which routes a listener accepts.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AllowedRoutes {
    pub namespaces: RouteNamespaces,
    pub kinds: Vec<RouteGroupKind>,
}

/// `Same` (the default), `All`, `Selector`, `None`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct RouteNamespaces {
    pub from: Option<String>,
    pub selector: Option<LabelSelector>,
}

/// A kind of route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RouteGroupKind {
    pub kind: String,
}

/// What the controller says about the listener.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ListenerStatus {
    pub name: String,
    /// Where the controller chose it.
    pub port: i32,
    pub conditions: Vec<Condition>,
}
