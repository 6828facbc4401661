//! NetworkPolicies that may keep an ingress controller from Glance's pods.
//!
//! In: objects. Out: why nothing shows that browsers get through. Pods accept what any of the policies that select them
//! lets pass (networking.k8s.io/v1, NetworkPolicySpec); which pods lead browsers to Glance is known by name at most.

use std::collections::BTreeMap;

use direct_upload_api::WorkloadKind;
use direct_upload_core::derive::exposure_issue::policy::selects;
use direct_upload_core::model::Key;
use serde_json::Value;

use crate::facts::cloud::Cloud;
use crate::glances::Objects;
use crate::names;
use crate::objects::object_set::ObjectSet;
use crate::objects::{Object, any_text};

const POLICY: &str = "NetworkPolicy";

/// Pods of Glance.
pub(super) struct Pods<'a> {
    /// None if the input does not show them; the same for the labels.
    pub namespace: Option<&'a str>,
    pub labels: Option<BTreeMap<String, String>>,
    ports: Vec<u64>,
}

/// Those of the workloads in the input.
pub(super) fn pods<'a>(cloud: &Cloud<'_>, objects: Objects<'a>) -> Vec<Pods<'a>> {
    let of_unit = |(kind, key): &(_, _)| of_workload(objects.all, *kind, key);
    cloud.glances.iter().filter_map(|glance| glance.unit.workload.as_ref()).filter_map(of_unit).collect()
}

fn of_workload<'a>(objects: &'a ObjectSet, kind: WorkloadKind, key: &Key) -> Option<Pods<'a>> {
    let object = objects.named(&kind.to_string(), &key.namespace, &key.name)?;
    let template = &object.value["spec"]["template"];
    let labels = template["metadata"]["labels"].as_object().into_iter().flatten();
    let labels = labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
    Some(Pods { namespace: Some(object.namespace()), labels: Some(labels), ports: ports(&template["spec"]) })
}

impl Pods<'_> {
    /// Some that the input does not show.
    pub fn unknown() -> Self {
        Self { namespace: None, labels: None, ports: Vec::new() }
    }

    /// Whether policies select them, and may let browsers pass.
    pub(super) fn are_opened(&self, objects: &[Object]) -> bool {
        objects.iter().any(|policy| self.are_selected(policy)) && self.closed(objects).is_none()
    }

    /// Whether a list of Calico's has one of their ports: a number, `FIRST:LAST` or a name.
    pub(super) fn have_port(&self, listed: &Value) -> bool {
        let number = |text: &str| text.parse::<u64>().ok();
        let has = |port: &Value| match port.as_str().map_or_else(|| port.to_string(), str::to_owned).split_once(':') {
            Some((first, last)) => number(first)
                .zip(number(last))
                .is_none_or(|(first, last)| self.ports.iter().any(|own| (first..=last).contains(own))),
            None => port.as_u64().is_none_or(|port| self.ports.contains(&port)),
        };
        listed.as_array().filter(|_| !self.ports.is_empty()).is_none_or(|all| all.iter().any(has))
    }

    /// Whether a policy is about them. Without their labels, a name has to do.
    fn are_selected(&self, policy: &Object) -> bool {
        let spec = &policy.value["spec"];
        let types = spec["policyTypes"].as_array();
        policy.api_version().starts_with("networking.k8s.io/")
            && policy.kind() == POLICY
            && self.namespace.is_none_or(|own| own == policy.namespace())
            && types.is_none_or(|types| types.iter().any(|own| own == "Ingress"))
            && match &self.labels {
                Some(labels) => selects(&spec["podSelector"], labels),
                None => any_text(&spec["podSelector"], &names::is_glances),
            }
    }

    /// Why policies may keep browsers from them, in words.
    fn closed(&self, objects: &[Object]) -> Option<&'static str> {
        let policies: Vec<&Object> = objects.iter().filter(|policy| self.are_selected(policy)).collect();
        let rules = policies.iter().flat_map(|policy| policy.value["spec"]["ingress"].as_array().into_iter().flatten());
        let mut rules = rules.filter(|rule| has_port(rule, &self.ports)).peekable();
        if policies.is_empty() {
            return None;
        }
        if rules.peek().is_none() {
            return Some("it blocks all traffic to Glance's pods; the input has no NetworkPolicy that allows any");
        }
        (!rules.any(lets_browsers_pass)).then_some(
            "it lets only some pods or addresses reach Glance's pods; the input does not show whether what leads browsers there is one of them",
        )
    }
}

/// Why a policy may keep browsers from Glance, in words. Of several Glances in a namespace one may be for services only.
pub(super) fn closed(objects: Objects<'_>, all: &[Pods<'_>], object: &Object) -> Option<&'static str> {
    if object.kind() != POLICY {
        return None;
    }
    let unknown = [Pods { namespace: Some(object.namespace()), ..Pods::unknown() }];
    let near = || all.iter().filter(|pods| pods.namespace == Some(object.namespace()));
    let selected = if all.is_empty() {
        unknown.iter().find(|own| own.are_selected(object))
    } else {
        near().find(|own| own.are_selected(object))
    };
    let selected = selected?;
    let is_open = near().any(|pods| pods.closed(&objects).is_none());
    if is_open { None } else { selected.closed(&objects) }
}

/// The ports of a pod's containers.
fn ports(pod: &Value) -> Vec<u64> {
    let containers = pod["containers"].as_array().into_iter().flatten();
    let ports = containers.flat_map(|container| container["ports"].as_array().into_iter().flatten());
    ports.filter_map(|port| port["containerPort"].as_u64()).collect()
}

/// Whether a rule may be about one of these ports. A name, or no port that is known, may be any.
fn has_port(rule: &Value, own: &[u64]) -> bool {
    let listed = rule["ports"].as_array().filter(|all| !all.is_empty() && !own.is_empty());
    listed.is_none_or(|all| {
        all.iter().any(|port| match port["port"].as_u64() {
            Some(first) => {
                let last = port["endPort"].as_u64().unwrap_or(first);
                own.iter().any(|port| (first..=last).contains(port))
            }
            None => true,
        })
    })
}

/// Whether a rule has no list of peers, or one of them may be a gateway or a controller.
fn lets_browsers_pass(rule: &Value) -> bool {
    let peers = rule["from"].as_array().filter(|peers| !peers.is_empty());
    peers.is_none_or(|peers| {
        peers.iter().any(|peer| {
            let is_open = |selector: &Value| selector.is_object() && !any_text(selector, &|_| true);
            let all_pods = peer["podSelector"].is_null() || is_open(&peer["podSelector"]);
            let cidr = peer["ipBlock"]["cidr"].as_str();
            (is_open(&peer["namespaceSelector"]) && all_pods)
                || cidr.is_some_and(|cidr| cidr.ends_with("/0"))
                || may_be_a_way(peer)
        })
    })
}

/// Whether peers have the name of a gateway or controller, as far as names show.
pub(super) fn may_be_a_way(peers: &Value) -> bool {
    const WAYS: [&str; 12] = [
        "ingress", "gateway", "nginx", "haproxy", "traefik", "envoy", "contour", "istio", "router", "proxy", "edge",
        "lb",
    ];
    let is_one = |text: &str| WAYS.iter().any(|way| text.contains(way));
    any_text(peers, &is_one) || any_key(peers, &is_one)
}

/// Whether a label's name meets a test.
fn any_key(value: &Value, test: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(name, inner)| test(name) || any_key(inner, test)),
        Value::Array(items) => items.iter().any(|item| any_key(item, test)),
        _ => false,
    }
}
