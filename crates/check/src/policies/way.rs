//! The path of browsers to the workload of some Services: routes, their Gateways, and what applies to them.

use direct_upload_core::derive::Backends;
use serde_json::Value;

use crate::objects::Object;

const ROUTES: [&str; 5] = ["Ingress", "HTTPRoute", "IngressRoute", "VirtualService", "HTTPProxy"];

/// The path of browsers: the Services, the routes to them, and the Gateways of these.
pub struct Way<'a> {
    pub namespace: &'a str,
    pub services: Vec<&'a str>,
    pub routes: Vec<&'a Object>,
}

impl<'a> Way<'a> {
    pub fn new(objects: &'a [Object], backends: &'a Backends) -> Self {
        let services: Vec<&str> = backends.services.iter().map(String::as_str).collect();
        let leads = |o: &&Object| ROUTES.contains(&o.kind()) && mentions(&o.value["spec"], &services);
        let near = |o: &&Object| o.namespace() == backends.namespace;
        let routes = objects.iter().filter(near).filter(leads).collect();
        Self { namespace: &backends.namespace, services, routes }
    }

    /// Whether an object applies to requests on this path.
    pub fn has(&self, policy: &Object) -> bool {
        let spec = &policy.value["spec"];
        let near = policy.namespace() == self.namespace;
        match policy.kind() {
            "ClientTrafficPolicy" | "BackendTrafficPolicy" | "SecurityPolicy" | "ClientSettingsPolicy" => {
                targets(spec).any(|target| self.is_target(policy, target))
            }
            "Middleware" => {
                let written =
                    [policy.name().to_owned(), format!("{}-{}@kubernetescrd", policy.namespace(), policy.name())];
                near && self.routes.iter().any(|route| names_policy(route, &written))
            }
            "ServersTransport" => {
                near && self.routes.iter().any(|route| mentions(&route.value["spec"], &[policy.name()]))
            }
            _ => near && mentions(spec, &self.services),
        }
    }

    fn is_target(&self, policy: &Object, target: &Value) -> bool {
        let (kind, name) = (target["kind"].as_str().unwrap_or_default(), target["name"].as_str().unwrap_or_default());
        if kind == "Gateway" {
            let section = target["sectionName"].as_str();
            return self.parents().any(|(namespace, parent, own)| {
                (namespace, parent) == (policy.namespace(), name) && section.is_none_or(|s| own.is_none_or(|o| o == s))
            });
        }
        policy.namespace() == self.namespace
            && (self.services.contains(&name) || self.routes.iter().any(|r| r.kind() == kind && r.name() == name))
    }

    /// Namespace, name and listener of each Gateway that a route is attached to.
    pub fn parents(&self) -> impl Iterator<Item = (&str, &str, Option<&str>)> {
        self.routes.iter().flat_map(|route| {
            let refs = route.value["spec"]["parentRefs"].as_array().into_iter().flatten();
            refs.map(|parent| {
                let namespace = parent["namespace"].as_str().unwrap_or(route.namespace());
                (namespace, parent["name"].as_str().unwrap_or_default(), parent["sectionName"].as_str())
            })
        })
    }
}

/// `targetRefs` and the older `targetRef`.
fn targets(spec: &Value) -> impl Iterator<Item = &Value> {
    let one = spec.get("targetRef").into_iter();
    one.chain(spec["targetRefs"].as_array().into_iter().flatten())
}

/// How near a policy is to the requests. Of one kind, only the nearest applies.
pub(crate) fn nearness(policy: &Object) -> u8 {
    let of = |target: &Value| match (target["kind"].as_str(), target["sectionName"].is_string()) {
        (Some("Gateway"), false) => 0,
        (Some("Gateway"), true) => 1,
        (_, false) => 2,
        (_, true) => 3,
    };
    targets(&policy.value["spec"]).map(of).max().unwrap_or(4)
}

/// Whether a text in a value is one of some names, or its long form (`name.namespace.svc…`).
pub(crate) fn mentions(value: &Value, names: &[&str]) -> bool {
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
