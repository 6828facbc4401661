//! Ingresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::{Value, json};

use super::annotations::Owners;
use super::meta::Meta;

/// An Ingress.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ingress {
    pub meta: Meta,
    pub class: Option<String>,
    /// The annotations that configure ingress controllers.
    pub annotations: BTreeMap<String, String>,
    pub owners: Owners,
    pub rules: Vec<IngressRule>,
    pub default_service: Option<String>,
    /// Some backend is no Service.
    pub other_backends: bool,
    pub tls: Vec<IngressTls>,
    /// `status.loadBalancer.ingress[].ports[].port`, if the controller sets it.
    pub ports: BTreeSet<i32>,
    /// `status.loadBalancer.ingress[].ip`.
    pub addresses: BTreeSet<IpAddr>,
}

impl Ingress {
    /// Who serves it, and where its paths lead, as policies read the spec of an object; nothing else of it is asked
    /// for.
    pub fn written(&self) -> Value {
        let path = |path: &IngressPath| {
            let type_ = if path.exact { "Exact" } else { "Prefix" };
            let port = match path.port.parse::<i32>() {
                Ok(number) => json!({"number": number}),
                Err(_) if path.port.is_empty() => Value::Null,
                Err(_) => json!({"name": path.port}),
            };
            let backend = json!({"service": {"name": path.service, "port": port}});
            json!({"path": path.path, "pathType": type_, "backend": backend})
        };
        let rule = |rule: &IngressRule| {
            let paths: Vec<Value> = rule.paths.iter().map(path).collect();
            json!({"host": rule.host, "http": {"paths": paths}})
        };
        let rules: Vec<Value> = self.rules.iter().map(rule).collect();
        let default = self.default_service.as_ref().map(|name| json!({"service": {"name": name}}));
        json!({"ingressClassName": self.class, "rules": rules, "defaultBackend": default})
    }
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
    /// `pathType: Exact`: only this path, and none below it.
    pub exact: bool,
    pub service: String,
    /// Number or name; empty if nothing is written.
    pub port: String,
}

/// One TLS entry; without hosts it covers all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngressTls {
    pub hosts: Vec<String>,
}
