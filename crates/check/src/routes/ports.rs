//! DU010: the port of a Service that no pod of Glance has.
//!
//! In: objects. Out: findings. A `targetPort` that is a name must be the name of a container's port, or Kubernetes makes
//! no endpoint (`FindPort` in `pkg/api/v1/pod/util.go`) and proxies answer 503. A number need not be declared; if others
//! are, it is a warning.

use std::cell::RefCell;
use std::collections::BTreeSet;

use direct_upload_api::{Rule, Severity};
use direct_upload_core::model::Key;
use serde_json::Value;

use crate::finding::Finding;
use crate::glances::Objects;
use crate::objects::{Object, any_text};
use crate::{kinds, names};

const WORKLOADS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// Services of Glance to which something leads, and whose ports lead nowhere.
pub(crate) fn ports(objects: Objects<'_>, is_wanted: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let named = named_by_routes(objects);
    let is_used = |service: &&Object| is_open(service) || named.contains(service.name());
    for service in objects.of_kind("Service").filter(is_used) {
        let near = objects.in_namespace(service.namespace());
        let pods: Vec<&Object> = near.filter(|workload| selects(service, workload)).collect();
        let is_glances = objects.is_service(service.name(), service.namespace())
            || pods.iter().any(|own| runs_glance(&own.value["spec"]["template"]["spec"]));
        let ports: Vec<&Value> = service.value["spec"]["ports"].as_array().into_iter().flatten().collect();
        let has = |port: &&Value| pods.iter().any(|own| has_port(own, target(port)));
        let Some(first) = ports.first().map(|port| target(port)).filter(|_| is_glances) else { continue };
        if ports.iter().any(has) {
            continue;
        }
        // A program may listen on a port that its container does not declare; a name must be declared.
        let fails = number(first).is_none() && is_wanted(service.namespace());
        let severity = if fails { Severity::Error } else { Severity::Warning };
        let found = match number(first) {
            Some(number) => format!("no container of its pods has the port {number}, so nothing may answer requests"),
            None => format!("no container of its pods has a port that is named {first}, so nothing answers requests"),
        };
        let fix = match pods.iter().find_map(|own| first_port(&own.value["spec"]["template"]["spec"])) {
            Some(port) => format!("set {port}, which its pods have"),
            None => format!("set {}, if Glance listens on that port", ports[0]["port"]),
        };
        let place = service.place(&["spec", "ports", "0", "targetPort"]);
        findings.push(Finding::new(Rule::NotPublic, severity, &place, found, fix));
    }
    findings
}

/// Whether Services lead to one of some ports of a workload's pods, as far as the input shows where they lead.
pub(crate) fn lead_to(objects: Objects<'_>, key: &Key, ports: &[u16]) -> bool {
    let mut workloads = WORKLOADS.into_iter().filter_map(|kind| objects.named(kind, &key.namespace, &key.name));
    let Some(workload) = workloads.next() else { return true };
    let pod = &workload.value["spec"]["template"]["spec"];
    let of_name = |name: &Value| {
        let all = containers(pod).flat_map(|container| container["ports"].as_array().into_iter().flatten());
        all.filter(|own| own["name"] == *name).find_map(|own| own["containerPort"].as_u64())
    };
    let services = objects.in_namespace(&key.namespace).filter(|o| o.kind() == "Service" && selects(o, workload));
    let targets = services.flat_map(|o| o.value["spec"]["ports"].as_array().into_iter().flatten()).map(target);
    let targets: Option<Vec<u64>> = targets.map(|own| number(own).or_else(|| of_name(own))).collect();
    targets.is_none_or(|all| all.is_empty() || all.iter().any(|own| ports.iter().any(|port| u64::from(*port) == *own)))
}

/// Whether a Service selects the pods of a workload.
fn selects(service: &Object, workload: &Object) -> bool {
    if !WORKLOADS.contains(&workload.kind()) || workload.namespace() != service.namespace() {
        return false;
    }
    let labels = &workload.value["spec"]["template"]["metadata"]["labels"];
    let selector = service.value["spec"]["selector"].as_object();
    selector.is_some_and(|all| !all.is_empty() && all.iter().all(|(name, value)| labels[name] == *value))
}

fn runs_glance(pod: &Value) -> bool {
    containers(pod).any(|container| {
        ["name", "image"].iter().any(|field| container[*field].as_str().is_some_and(names::is_glances))
    })
}

/// All, because a sidecar may be an init container.
fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["containers", "initContainers"].into_iter().flat_map(|list| pod[list].as_array().into_iter().flatten())
}

/// A port of a container: its name, or its number.
fn first_port(pod: &Value) -> Option<String> {
    let port = containers(pod).find_map(|container| container["ports"].as_array()?.first())?;
    port["name"].as_str().map(str::to_owned).or_else(|| Some(port["containerPort"].as_u64()?.to_string()))
}

/// Where a port of a Service leads: a name, or a number.
fn target(port: &Value) -> &Value {
    Some(&port["targetPort"]).filter(|target| !target.is_null()).unwrap_or(&port["port"])
}

/// A number; people also write it as a text.
fn number(target: &Value) -> Option<u64> {
    target.as_u64().or_else(|| target.as_str()?.parse().ok())
}

/// Whether some container has a port. Containers need not declare numbers, so without any port nothing is known.
fn has_port(workload: &Object, target: &Value) -> bool {
    let pod = &workload.value["spec"]["template"]["spec"];
    let ports: Vec<&Value> =
        containers(pod).flat_map(|container| container["ports"].as_array().into_iter().flatten()).collect();
    let is_it = |own: &&Value| match number(target) {
        Some(number) => own["containerPort"] == number,
        None => own["name"] == *target,
    };
    ports.iter().any(is_it) || (ports.is_empty() && number(target).is_some())
}

fn is_open(service: &Object) -> bool {
    matches!(service.value["spec"]["type"].as_str(), Some("LoadBalancer" | "NodePort"))
}

/// What routes may mean as the names of Services: browsers come through these.
fn named_by_routes(objects: Objects<'_>) -> BTreeSet<String> {
    let named = RefCell::new(BTreeSet::new());
    for route in objects.iter().filter(|own| kinds::route(own).is_some()) {
        any_text(&route.value["spec"], &|text| {
            named.borrow_mut().extend(text.split('.').next().map(str::to_owned));
            false
        });
    }
    named.into_inner()
}
