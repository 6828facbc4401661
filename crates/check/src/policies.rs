//! Policies of gateways that stand in objects of their own: Traefik's Middlewares, Contour's HTTPProxies,
//! Envoy Gateway's SecurityPolicies, Istio's VirtualServices.
//!
//! In: objects, and the Services under which routes lead to Glance. Out: what of it hinders uploads. The
//! kinds differ in little but where the same words stand, so they are looked for at any depth.

use std::collections::BTreeSet;

use direct_upload_api::Rule;
use direct_upload_api::web::Origin;
use direct_upload_core::derive::{Backends, ExposureIssue, body_fails, lacks};
use direct_upload_core::model::{Id, Key};
use serde_json::{Map, Value};

use super::objects::Object;

const POLICIES: [&str; 4] = ["Middleware", "HTTPProxy", "SecurityPolicy", "VirtualService"];

const ROUTES: [&str; 3] = ["Ingress", "HTTPRoute", "IngressRoute"];

const LOGINS: [&str; 6] = ["basicAuth", "digestAuth", "forwardAuth", "extAuth", "oidc", "jwt"];

/// What hinders uploads to the workload of these Services, from these origins.
pub fn issues(
    objects: &[Object],
    backends: &Backends,
    origins: &BTreeSet<&Origin>,
) -> Vec<(ExposureIssue, Vec<String>)> {
    let near: Vec<&Object> = objects.iter().filter(|o| o.namespace() == backends.namespace).collect();
    let services: Vec<&str> = backends.services.iter().map(String::as_str).collect();
    let leads = |o: &&&Object| ROUTES.contains(&o.kind()) && mentions(&o.value["spec"], &services);
    let routes: Vec<&Object> = near.iter().filter(leads).copied().collect();
    let names: Vec<&str> = services.iter().copied().chain(routes.iter().map(|o| o.name())).collect();
    let mut found = Vec::new();
    for policy in near.iter().filter(|o| POLICIES.contains(&o.kind())) {
        let written = [policy.name().to_owned(), format!("{}-{}@kubernetescrd", policy.namespace(), policy.name())];
        let applied = || routes.iter().any(|route| names_policy(route, &written));
        if mentions(&policy.value["spec"], &names) || (policy.kind() == "Middleware" && applied()) {
            let mut judge = Judge { policy, origins, found: &mut found };
            judge.walk(&policy.value["spec"], &mut vec!["spec".to_owned()]);
        }
    }
    found
}

/// Whether a text in a value is one of some names, or its long form (`name.namespace.svc…`).
fn mentions(value: &Value, names: &[&str]) -> bool {
    match value {
        Value::String(text) => names.contains(&text.split('.').next().unwrap_or_default()),
        Value::Array(items) => items.iter().any(|item| mentions(item, names)),
        Value::Object(map) => map.values().any(|item| mentions(item, names)),
        _ => false,
    }
}

fn names_policy(route: &Object, names: &[String]) -> bool {
    let annotations = route.value["metadata"]["annotations"].as_object();
    let texts = annotations.into_iter().flat_map(|map| map.values()).filter_map(Value::as_str);
    let annotated = texts.flat_map(|text| text.split(',')).any(|text| names.iter().any(|name| text.trim() == name));
    annotated || mentions(&route.value["spec"], &[names[0].as_str()])
}

struct Judge<'a> {
    policy: &'a Object,
    origins: &'a BTreeSet<&'a Origin>,
    found: &'a mut Vec<(ExposureIssue, Vec<String>)>,
}

impl Judge<'_> {
    fn walk(&mut self, value: &Value, path: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, inner) in map {
                    path.push(key.clone());
                    self.field(key, inner, path);
                    self.walk(inner, path);
                    path.pop();
                }
            }
            Value::Array(items) => {
                for (at, inner) in items.iter().enumerate() {
                    path.push(at.to_string());
                    self.walk(inner, path);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    fn field(&mut self, key: &str, value: &Value, path: &[String]) {
        if let (Some(map), true) = (value.as_object(), matches!(key, "cors" | "corsPolicy" | "headers")) {
            let lacks = self.lacking(map);
            if !lacks.is_empty() {
                let found = format!("answers preflights in Glance's place, without {}", lacks.join(", "));
                self.tell(Rule::CorsOnTheWay, true, path, found, "remove it, or name them in it too");
            }
        }
        if key == "maxRequestBodyBytes"
            && let Some(limit) = value.as_u64().filter(|limit| *limit > 0)
            && let Some(fails) = body_fails(limit)
        {
            self.tell(
                Rule::BodyLimit,
                fails,
                path,
                format!("{limit}: larger images are refused with 413"),
                "remove it",
            );
        }
        if LOGINS.contains(&key) && value.is_object() {
            let found = "it asks for a login, which a browser's preflight never carries".to_owned();
            self.tell(Rule::OptionsFiltered, true, path, found, "remove it: Glance checks the token itself");
        }
    }

    /// What a grant lacks; nothing if it is none.
    fn lacking(&self, map: &Map<String, Value>) -> Vec<String> {
        let listed = |name: &str| {
            let of =
                map.iter().filter(|(key, _)| key.to_lowercase().trim_start_matches("accesscontrol").starts_with(name));
            let found: Vec<(&String, &Value)> = of.collect();
            (!found.is_empty())
                .then(|| found.into_iter().flat_map(|(key, value)| texts(key, value)).collect::<Vec<_>>())
        };
        let Some(named) = listed("alloworigin") else { return Vec::new() };
        let (headers, methods) =
            (listed("allowheaders").unwrap_or_default(), listed("allowmethods").unwrap_or_default());
        let mut lacks = lacks(&named, &headers, self.origins);
        if !methods.iter().any(|method| matches!(*method, "PUT" | "*")) {
            lacks.push("PUT".to_owned());
        }
        lacks
    }

    fn tell(&mut self, rule: Rule, fails: bool, path: &[String], found: String, fix: &str) {
        let key = Key::new(self.policy.namespace(), self.policy.name());
        let object = Id { kind: self.policy.kind().to_owned(), key };
        let field = path.join(".");
        self.found
            .push((ExposureIssue { rule, fails, object, field, found, fix: fix.into(), remedy: None }, path.to_vec()));
    }
}

/// The entries of a list, also where each says how it is compared. What only a pattern decides may be
/// anything.
fn texts<'a>(key: &str, list: &'a Value) -> Vec<&'a str> {
    let pattern = key.ends_with("Regex");
    let entry = |item: &'a Value| match item {
        _ if pattern => Some("*"),
        Value::String(text) => Some(text.as_str()),
        Value::Object(map) => map.get("exact").or(map.get("value")).and_then(Value::as_str).or(Some("*")),
        _ => None,
    };
    match list {
        Value::Array(items) => items.iter().filter_map(entry).collect(),
        Value::String(text) => text.split(',').collect(),
        _ => Vec::new(),
    }
}
