//! DU020: routes to a port that Glance's Service does not have. Gateways answer such requests themselves, with 500 or 503
//! (Gateway API, HTTPRouteRule `backendRefs`; Contour marks the HTTPProxy invalid), without CORS headers.
//!
//! In: the rules that an upload meets. Out: the wrong ports.

use direct_upload_api::Rule;
use serde_json::Value;

use super::path::Path;
use super::rules::{RuleFields, rule_fields};
use super::{PolicyObject, found, place};
use crate::derive::exposure::backends::Backends;
use crate::derive::exposure_issue::ExposureIssue;
use crate::model::{PolicyKind, RouteKind};

type Found = Vec<ExposureIssue>;

pub(super) fn issues(objects: &[PolicyObject<'_>], through: &Path<'_>, backends: &Backends) -> Found {
    let mut all = Found::new();
    let near = objects.iter().filter(|own| own.kind == PolicyKind::Route && own.key.namespace == through.namespace());
    all.extend(near.filter_map(|route| of_openshift(route, backends)));
    for route in through.routes.iter().filter(|route| !through.passes_by(route)) {
        let Some(RuleFields { rules, backends: list }) = rule_fields(route.kind) else {
            all.extend(of_ingress(route, backends));
            continue;
        };
        // What names the Service and its port.
        let (name, port) = match route.kind {
            RouteKind::VirtualService => ("/destination/host", "/destination/port/number"),
            RouteKind::Ingress | RouteKind::HTTPRoute | RouteKind::HTTPProxy | RouteKind::IngressRoute => {
                ("/name", "/port")
            }
        };
        for (at, rule) in through.met(route) {
            for (nth, backend) in rule[list].as_array().into_iter().flatten().enumerate() {
                let service = backend.pointer(name).and_then(Value::as_str).unwrap_or_default();
                let (at, nth) = (at.to_string(), nth.to_string());
                let steps = ["spec", rules, at.as_str(), list, nth.as_str()].into_iter();
                let path: Vec<&str> = steps.chain(port.split('/').skip(1)).collect();
                let port = backend.pointer(port).map(text).unwrap_or_default();
                all.extend(wrong(route, &path, service, &port, false, backends));
            }
        }
    }
    all
}

fn of_ingress(ingress: &PolicyObject<'_>, backends: &Backends) -> Found {
    let mut all = Found::new();
    for (at, rule) in ingress.spec["rules"].as_array().into_iter().flatten().enumerate() {
        for (nth, path) in rule["http"]["paths"].as_array().into_iter().flatten().enumerate() {
            let service = &path["backend"]["service"];
            let field = if service["port"]["number"].is_null() { "name" } else { "number" };
            let port = Some(&service["port"][field]).filter(|port| !port.is_null());
            let (name, port) = (service["name"].as_str().unwrap_or_default(), port.map(text).unwrap_or_default());
            let (at, nth) = (at.to_string(), nth.to_string());
            let steps = ["spec", "rules", &at, "http", "paths", &nth, "backend", "service", "port", field];
            all.extend(wrong(ingress, &steps, name, &port, true, backends));
        }
    }
    all
}

/// OpenShift compares a name with those of the Service's ports, and a number with those of the pods (route/v1, RoutePort).
fn of_openshift(route: &PolicyObject<'_>, backends: &Backends) -> Option<ExposureIssue> {
    let name = route.spec["to"]["name"].as_str().unwrap_or_default();
    let port = Some(&route.spec["port"]["targetPort"]).filter(|port| !port.is_null()).map(text)?;
    let targets = &backends.ports.get(name)?.targets;
    // A number is not compared with the names of the pods' ports.
    let is_number = |text: &String| text.parse::<u16>().is_ok();
    if is_number(&port) && !targets.iter().all(is_number) {
        return None;
    }
    wrong(route, &["spec", "port", "targetPort"], name, &port, true, backends)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `by_target`: the controller takes the port of the pods, too, as ingress-nginx does.
fn wrong(
    route: &PolicyObject<'_>,
    path: &[&str],
    host: &str,
    port: &str,
    by_target: bool,
    backends: &Backends,
) -> Option<ExposureIssue> {
    let name = host.split('.').next().unwrap_or_default();
    let ports = backends.ports.get(name)?;
    let has = ports.own.contains(port) || (by_target && ports.targets.contains(port));
    if port.is_empty() || has {
        return None;
    }
    let own: Vec<&str> = ports.own.iter().map(String::as_str).collect();
    let what = format!("Service {name} has no port {port}, only {}, so no request reaches Glance", own.join(", "));
    // A number is no name, and the other way round.
    let is_number = |text: &str| text.parse::<u16>().is_ok();
    let alike: Vec<&str> = own.into_iter().filter(|own| is_number(own) == is_number(port)).collect();
    let fix =
        if alike.is_empty() { "name a port of the Service".to_owned() } else { format!("set {}", alike.join(" or ")) };
    Some(found(route, Rule::OptionsFiltered, true, place(path), what, &fix))
}
