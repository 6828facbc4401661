//! The path of browsers to Glance, and which policies apply on it.

use serde_json::Value;

use super::PolicyObject;
use super::decide::Decisions;
use super::rules::rule_list;
use crate::derive::exposure::backends::Backends;
use crate::model::FieldPath;

/// No real HTTPProxy includes deeper than this.
const DEEPEST: usize = 8;

/// The path of browsers: the Services, the routes to them, and the Gateways of these.
pub(super) struct Path<'a> {
    namespace: &'a str,
    pub services: Vec<&'a str>,
    pub routes: Vec<&'a PolicyObject<'a>>,
    /// HTTPProxies of the namespace.
    proxies: Vec<&'a PolicyObject<'a>>,
    /// Which of their rules the requests of an upload meet.
    pub decisions: Decisions,
}

impl<'a> Path<'a> {
    pub fn new(objects: &'a [PolicyObject<'a>], backends: &'a Backends) -> Self {
        let services: Vec<&str> = backends.services.iter().map(String::as_str).collect();
        let leads = |o: &&PolicyObject<'_>| is_route(o.kind) && mentions(&o.spec, &services);
        let near = |o: &&PolicyObject<'_>| o.key.namespace == backends.namespace;
        let routes: Vec<_> = objects.iter().filter(near).filter(leads).collect();
        let proxies = objects.iter().filter(near).filter(|o| o.kind == "HTTPProxy").collect();
        // Their rules may take requests of Glance's hosts.
        let takes = |o: &&PolicyObject<'_>| matches!(o.kind, "HTTPRoute" | "IngressRoute") && !leads(o);
        let others: Vec<_> = objects.iter().filter(near).filter(takes).collect();
        let decisions = Decisions::new(&routes, &others, &services);
        Self { namespace: &backends.namespace, services, routes, proxies, decisions }
    }

    /// Where Glance is.
    pub const fn namespace(&self) -> &'a str {
        self.namespace
    }

    /// Whether an object that no other one attaches applies to requests on this path.
    pub fn has(&self, policy: &PolicyObject<'_>) -> bool {
        let spec = &policy.spec;
        let near = policy.key.namespace == self.namespace;
        match policy.kind {
            "ServersTransport" => {
                near && self.routes.iter().any(|route| mentions(&route.spec, &[policy.key.name.as_str()]))
            }
            "ContourConfiguration" => self.routes.iter().any(|route| route.kind == "HTTPProxy"),
            "HTTPProxy" => near && (mentions(spec, &self.services) || self.includes(spec, DEEPEST)),
            _ => near && mentions(spec, &self.services),
        }
    }

    /// Whether an HTTPProxy includes one that leads to Glance.
    fn includes(&self, spec: &Value, depth: usize) -> bool {
        let near = |include: &Value| include["namespace"].as_str().is_none_or(|own| own == self.namespace);
        let included = spec["includes"].as_array().into_iter().flatten().filter(|include| near(include));
        let mut included = included.filter_map(|include| include["name"].as_str());
        included.any(|name| {
            let leads = self.routes.iter().any(|route| route.kind == "HTTPProxy" && route.key.name == name);
            let further = self.proxies.iter().find(|proxy| proxy.key.name == name);
            leads || (depth > 0 && further.is_some_and(|proxy| self.includes(&proxy.spec, depth - 1)))
        })
    }

    /// The rules of a route that an upload meets, with their positions; the whole route where it has no rules.
    pub fn met<'b>(&self, route: &'b PolicyObject<'_>) -> Vec<(usize, &'b Value)> {
        let Some(list) = rule_list(route.kind) else {
            return vec![(0, &*route.spec)];
        };
        let all = route.spec[list].as_array().into_iter().flatten().enumerate();
        all.filter(|(at, _)| self.takes(route, *at)).collect()
    }

    /// Whether a rule of a route takes a request of an upload.
    pub fn takes(&self, route: &PolicyObject<'_>, at: usize) -> bool {
        let number = self.routes.iter().position(|own| own.kind == route.kind && own.key == route.key);
        number.is_none_or(|number| self.decisions.take(number, at))
    }

    /// Whether a step into an object leads to a rule that no request of an upload meets.
    pub fn is_bypassed(&self, policy: &PolicyObject<'_>, path: &FieldPath) -> bool {
        let Some(list) = rule_list(policy.kind) else { return false };
        path.steps().len() == 3 && path.position_in(list).is_some_and(|at| !self.takes(policy, at))
    }

    /// Whether uploads meet no rule, or no path, of a route.
    pub fn passes_by(&self, route: &PolicyObject<'_>) -> bool {
        let number = self.routes.iter().position(|own| own.kind == route.kind && own.key == route.key);
        number.is_some_and(|number| !self.decisions.take_any(number))
    }
}

fn is_route(kind: &str) -> bool {
    kind == "Ingress" || rule_list(kind).is_some()
}

/// `targetRefs` and the older `targetRef`.
pub(super) fn targets(spec: &Value) -> impl Iterator<Item = &Value> {
    let one = spec.get("targetRef").into_iter();
    one.chain(spec["targetRefs"].as_array().into_iter().flatten())
}

/// Whether a text in a value is one of some names, or its long form (`name.namespace.svc…`).
pub(super) fn mentions(value: &Value, names: &[&str]) -> bool {
    match value {
        Value::String(text) => names.contains(&text.split('.').next().unwrap_or_default()),
        Value::Array(items) => items.iter().any(|item| mentions(item, names)),
        Value::Object(map) => map.values().any(|item| mentions(item, names)),
        _ => false,
    }
}
