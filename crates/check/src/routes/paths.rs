//! DU020: whether routes take the path of an upload to the URL that is published.
//!
//! In: objects and published URLs. Out: findings, and URLs whose host no route has.

use direct_upload_api::web::PublicUrl;
use direct_upload_api::{Rule, Severity};
use direct_upload_core::derive::exposure_issue::policy::any;
use direct_upload_core::openstack::cors_request::UPLOAD_PATH;
use regex::Regex;
use serde_json::Value;

use super::speaks_of_glance;
use crate::facts::catalog::{Published, Source};
use crate::finding::Finding;
use crate::objects::Object;

/// A condition of a rule on the path of a request.
struct PathRule<'a> {
    object: &'a Object,
    steps: Vec<String>,
    /// Empty: any host.
    hosts: Vec<String>,
    /// Whether it takes the upload's path, if that is known.
    takes: Option<bool>,
}

/// DU020: a published URL to which routes lead, but not the path of an upload; and URLs whose host no route has.
pub fn paths(
    objects: &[Object],
    published: &[Published],
    is_wanted: impl Fn(&str) -> bool,
) -> (Vec<Finding>, Vec<String>) {
    let (mut found, mut unseen) = (Vec::new(), Vec::new());
    for own in published.iter().filter(|own| own.source != Source::Exposed) {
        let (Ok(url), [namespace]) = (PublicUrl::parse(&own.url), own.scope.as_slice()) else { continue };
        let path = format!("{}{UPLOAD_PATH}", url.path().trim_end_matches('/'));
        let near = objects.iter().filter(|object| object.namespace() == namespace.as_str());
        let rules: Vec<PathRule<'_>> = near.clone().flat_map(|object| path_rules(object, &path)).collect();
        // Kinds whose hosts are not compared here.
        let others = ["IngressRoute", "Route", "TLSRoute", "TCPRoute", "IngressRouteTCP"];
        let elsewhere = near.clone().any(|object| {
            (others.contains(&object.kind()) && speaks_of_glance(&object.value["spec"]))
                || (object.kind() == "Service"
                    && object.name().contains("glance")
                    && matches!(object.value["spec"]["type"].as_str(), Some("LoadBalancer" | "NodePort")))
        });
        if rules.is_empty() || elsewhere {
            continue;
        }
        let host = url.origin().host();
        let serves = |own: &&PathRule<'_>| {
            own.hosts.is_empty()
                || own.hosts.iter().any(|name| {
                    name == host || name == "*" || name.strip_prefix('*').is_some_and(|rest| host.ends_with(rest))
                })
        };
        let serving: Vec<&PathRule<'_>> = rules.iter().filter(serves).collect();
        let Some(first) = serving.first() else {
            unseen.push(format!("{} ({}): no route to Glance in the input has the host {host}", own.url, own.place));
            continue;
        };
        let port = url::Url::parse(&own.url).ok().and_then(|url| url.port());
        if let Some(port) = port.filter(|_| serving.iter().all(|rule| rule.object.kind() == "Ingress")) {
            unseen.push(format!(
                "{} ({}): {} serves the ports of its controller, and what listens on port {port} is not in the input",
                own.url,
                own.place,
                first.object.id()
            ));
        }
        if serving.iter().all(|rule| rule.takes == Some(false)) {
            let severity = if is_wanted(namespace) { Severity::Error } else { Severity::Warning };
            let steps: Vec<&str> = first.steps.iter().map(String::as_str).collect();
            let what =
                format!("no route to Glance takes {path}, which is where {} ({}) leads uploads", own.url, own.place);
            let fix = format!("let the route take each path below {}/", url.path().trim_end_matches('/'));
            found.push(Finding::new(Rule::OptionsFiltered, severity, &first.object.place(&steps), what, fix));
        }
    }
    (found, unseen)
}

/// The rules of a route that lead to Glance.
fn path_rules<'a>(object: &'a Object, path: &str) -> Vec<PathRule<'a>> {
    let spec = &object.value["spec"];
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let list = |value: &'a Value| {
        value.as_array().into_iter().flatten().enumerate().filter(|(_, rule)| speaks_of_glance(rule))
    };
    let mut rules = Vec::new();
    match object.kind() {
        "Ingress" => {
            let regex = object.value["metadata"]["annotations"]["nginx.ingress.kubernetes.io/use-regex"] == "true";
            for (at, rule) in list(&spec["rules"]) {
                let hosts: Vec<String> = rule["host"].as_str().map(str::to_owned).into_iter().collect();
                for (number, own) in list(&rule["http"]["paths"]) {
                    let text = own["path"].as_str().unwrap_or("/");
                    let takes = match own["pathType"].as_str() {
                        Some("Exact") => Some(text == path),
                        _ if regex => Regex::new(&format!("(?i)^{text}")).ok().map(|pattern| pattern.is_match(path)),
                        _ if text.contains(['(', '*', '^', '$', '?', '[']) => None,
                        _ => Some(is_below(path, text)),
                    };
                    let steps = ["spec", "rules", &at.to_string(), "http", "paths", &number.to_string(), "path"];
                    let steps = steps.map(str::to_owned).to_vec();
                    rules.push(PathRule { object, steps, hosts: hosts.clone(), takes });
                }
            }
        }
        "HTTPRoute" => {
            for (at, rule) in list(&spec["rules"]) {
                let steps = ["spec", "rules", &at.to_string(), "matches"].map(str::to_owned).to_vec();
                let takes = takes(object.kind(), rule, path);
                rules.push(PathRule { object, steps, hosts: texts(&spec["hostnames"]), takes });
            }
        }
        "VirtualService" => {
            for (at, rule) in list(&spec["http"]) {
                let steps = ["spec", "http", &at.to_string(), "match"].map(str::to_owned).to_vec();
                let takes = takes(object.kind(), rule, path);
                rules.push(PathRule { object, steps, hosts: texts(&spec["hosts"]), takes });
            }
        }
        "HTTPProxy" if !spec["includes"].is_array() => {
            let hosts: Vec<String> = spec["virtualhost"]["fqdn"].as_str().map(str::to_owned).into_iter().collect();
            for (at, rule) in list(&spec["routes"]) {
                let takes = takes(object.kind(), rule, path);
                let steps = ["spec", "routes", &at.to_string(), "conditions"].map(str::to_owned).to_vec();
                rules.push(PathRule { object, steps, hosts: hosts.clone(), takes });
            }
        }
        _ => {}
    }
    rules
}

/// Whether a rule of an HTTPRoute, VirtualService or HTTPProxy takes a path, whatever else it asks for.
pub(super) fn takes(kind: &str, rule: &Value, path: &str) -> Option<bool> {
    match kind {
        "HTTPRoute" => {
            any_of(&rule["matches"], |own| match (own["path"]["type"].as_str(), own["path"]["value"].as_str()) {
                (_, None) => Some(true),
                (Some("Exact"), Some(text)) => Some(text == path),
                (None | Some("PathPrefix"), Some(text)) => Some(is_below(path, text)),
                _ => None,
            })
        }
        "VirtualService" => any_of(&rule["match"], |own| match &own["uri"] {
            Value::Null => Some(true),
            uri => match (uri["prefix"].as_str(), uri["exact"].as_str()) {
                (Some(text), _) => Some(path.starts_with(text)),
                (_, Some(text)) => Some(path == text),
                _ => None,
            },
        }),
        _ => {
            let mut conditions = rule["conditions"].as_array().into_iter().flatten();
            let unknown = conditions.clone().any(|own| !own["regex"].is_null() || !own["exact"].is_null());
            let takes = conditions.all(|own| own["prefix"].as_str().is_none_or(|text| path.starts_with(text)));
            if unknown { None } else { Some(takes) }
        }
    }
}

/// Whether one of some alternatives holds; true if there are none.
fn any_of(alternatives: &Value, one: impl Fn(&Value) -> Option<bool>) -> Option<bool> {
    match alternatives.as_array().map(Vec::as_slice) {
        None | Some([]) => Some(true),
        Some(all) => any(all.iter().map(one)),
    }
}

/// Whether a path is at or below another one, by whole names (Kubernetes and Gateway API, prefix).
fn is_below(path: &str, prefix: &str) -> bool {
    let rest = path.strip_prefix(prefix.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
