//! Policies of Calico that may keep browsers from Glance's pods.
//!
//! In: objects, and Glance's pods. Out: one sentence for the policy that decides. Calico asks its policies in their order,
//! Kubernetes' own as number 1000, and the first rule that fits decides; what no rule fits is denied
//! (docs.tigera.io, projectcalico.org/v3 NetworkPolicy). It has a selector language of its own; an empty selector, and
//! `all()`, select each pod.

use serde_json::Value;

use super::network_policy::{Pods, may_be_a_way};
use crate::names;
use crate::objects::Object;

/// The place of Kubernetes' own policies.
const KUBERNETES: f64 = 1000.0;

/// The policy that may keep browsers from Glance, in words. Of several Glances one may be for services only.
pub(super) fn closed(objects: &[Object], all: &[Pods<'_>]) -> Option<String> {
    let unknown = [Pods::unknown()];
    let pods = if all.is_empty() { unknown.as_slice() } else { all };
    let closed: Option<Vec<&Object>> = pods.iter().map(|pods| deciding(objects, pods)).collect();
    closed?
        .first()
        .map(|policy| format!("{}: check does not read which connections to Glance's pods it lets pass", policy.id()))
}

/// What decides that browsers may not reach some pods.
fn deciding<'a>(objects: &'a [Object], pods: &Pods<'_>) -> Option<&'a Object> {
    let mut policies: Vec<&Object> = objects.iter().filter(|policy| is_about(policy, pods)).collect();
    policies.sort_by(|a, b| order(a).total_cmp(&order(b)));
    let is_open_by_kubernetes = pods.are_opened(objects);
    for policy in &policies {
        if is_open_by_kubernetes && order(policy) >= KUBERNETES {
            return None;
        }
        let rules = policy.value["spec"]["ingress"].as_array().into_iter().flatten();
        for rule in rules.filter(|rule| is_for_tcp(rule) && pods.have_port(&rule["destination"]["ports"])) {
            let peers = &rule["source"];
            match rule["action"].as_str().unwrap_or_default() {
                "Allow" | "Pass" if peers.is_null() || may_be_a_way(peers) => return None,
                "Deny" if peers.is_null() => return Some(policy),
                _ => {}
            }
        }
    }
    policies.first().copied().filter(|_| !is_open_by_kubernetes)
}

/// The last one, if it has no number.
fn order(policy: &Object) -> f64 {
    policy.value["spec"]["order"].as_f64().unwrap_or(f64::INFINITY)
}

fn is_for_tcp(rule: &Value) -> bool {
    rule["protocol"].is_null() || rule["protocol"] == "TCP" || rule["protocol"] == 6
}

/// Whether a policy is about connections to some pods.
fn is_about(policy: &Object, pods: &Pods<'_>) -> bool {
    let spec = &policy.value["spec"];
    let is_near = match policy.kind() {
        "NetworkPolicy" => pods.namespace.is_none_or(|own| own == policy.namespace()),
        // Which namespaces its selector means is known only if it has none.
        "GlobalNetworkPolicy" => is_all(&spec["namespaceSelector"]),
        _ => false,
    };
    let is_ingress = match spec["types"].as_array() {
        Some(types) => types.iter().any(|own| own == "Ingress"),
        None => spec["ingress"].is_array() || !spec["egress"].is_array(),
    };
    is_near && is_ingress && policy.api_version().contains("projectcalico.org/") && selects(&spec["selector"], pods)
}

fn is_all(selector: &Value) -> bool {
    selector.as_str().is_none_or(|text| matches!(text.trim(), "" | "all()"))
}

/// Whether a selector may select some pods. Comparisons that must all hold are read; anything else, by Glance's name.
fn selects(selector: &Value, pods: &Pods<'_>) -> bool {
    let text = selector.as_str().unwrap_or_default();
    if is_all(selector) {
        return pods.labels.is_some();
    }
    let Some(labels) = &pods.labels else { return text.contains('\'') && names::is_glances(text) };
    let term = |term: &str| {
        let value = |text: &str| text.trim().trim_matches(['\'', '"']).to_owned();
        let compared = |sign: &str| term.split_once(sign).map(|(name, own)| (labels.get(name.trim()), value(own)));
        let name = |start: &str| term.trim().strip_prefix(start)?.strip_suffix(')').map(str::trim);
        let compared = compared("==")
            .map(|(label, own)| label == Some(&own))
            .or_else(|| compared("!=").map(|(label, own)| label != Some(&own)));
        let has = || name("has(").map(|name| labels.contains_key(name));
        let lacks = || name("!has(").map(|name| !labels.contains_key(name));
        compared.or_else(has).or_else(lacks)
    };
    let is_plain = !text.contains("||") && !text.contains("!(");
    let terms: Option<Vec<bool>> = text.split("&&").map(term).collect();
    match terms.filter(|_| is_plain) {
        Some(terms) => terms.into_iter().all(|holds| holds),
        None => names::is_glances(text),
    }
}
