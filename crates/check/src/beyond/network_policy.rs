//! NetworkPolicies that may keep an ingress controller from Glance's pods.
//!
//! In: objects. Out: why nothing shows that browsers get through. Pods accept what any of the policies that select them
//! lets pass (networking.k8s.io/v1, NetworkPolicySpec); which pods lead browsers to Glance is known by name at most.

use serde_json::Value;

use crate::objects::{Object, any_text};

/// Why a policy may keep browsers from Glance's pods, in words.
pub(super) fn closed(objects: &[Object], object: &Object) -> Option<&'static str> {
    let glance = objects.iter().find(|o| {
        o.namespace() == object.namespace()
            && o.name().contains("glance")
            && o.value["spec"]["template"]["spec"]["containers"].is_array()
    });
    let selects = |policy: &Object| {
        let selector = &policy.value["spec"]["podSelector"];
        let any = !any_text(selector, &|_| true);
        let types = policy.value["spec"]["policyTypes"].as_array();
        policy.kind() == "NetworkPolicy"
            && policy.namespace() == object.namespace()
            && types.is_none_or(|types| types.iter().any(|own| own == "Ingress"))
            && (any_text(selector, &|text| text.contains("glance")) || (any && glance.is_some()))
    };
    if !selects(object) {
        return None;
    }
    let rules = |policy: &'_ Object| policy.value["spec"]["ingress"].as_array().cloned().unwrap_or_default();
    let all: Vec<_> = objects.iter().filter(|policy| selects(policy)).flat_map(rules).collect();
    let ports = glance.map_or_else(Vec::new, |own| ports(&own.value["spec"]["template"]["spec"]));
    let all: Vec<_> = all.iter().filter(|rule| has_port(rule, &ports)).collect();
    if all.is_empty() {
        return Some("it blocks all traffic to Glance's pods; the input has no NetworkPolicy that allows any");
    }
    (!all.into_iter().any(lets_browsers_pass)).then_some(
        "it lets only some pods or addresses reach Glance's pods; the input does not show whether what leads browsers there is one of them",
    )
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
    const WAYS: [&str; 12] = [
        "ingress", "gateway", "nginx", "haproxy", "traefik", "envoy", "contour", "istio", "router", "proxy", "edge",
        "lb",
    ];
    let peers = rule["from"].as_array().filter(|peers| !peers.is_empty());
    peers.is_none_or(|peers| {
        peers.iter().any(|peer| {
            let is_open = |selector: &Value| selector.is_object() && !any_text(selector, &|_| true);
            let all_pods = peer["podSelector"].is_null() || is_open(&peer["podSelector"]);
            let cidr = peer["ipBlock"]["cidr"].as_str();
            (is_open(&peer["namespaceSelector"]) && all_pods)
                || cidr.is_some_and(|cidr| cidr.ends_with("/0"))
                || any_text(peer, &|text| WAYS.iter().any(|way| text.contains(way)))
                || any_key(peer, &|text| WAYS.iter().any(|way| text.contains(way)))
        })
    })
}

/// Whether a label's name meets a test.
fn any_key(value: &Value, test: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(name, inner)| test(name) || any_key(inner, test)),
        Value::Array(items) => items.iter().any(|item| any_key(item, test)),
        _ => false,
    }
}
