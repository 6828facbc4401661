//! The path of browsers to Glance, and which policies apply on it.

use serde_json::Value;

use super::PolicyObject;
use super::decide::Decisions;
use super::route::{Route, mentions};
use super::rules::{RuleFields, rule_fields};
use crate::derive::exposure::backends::Backends;
use crate::model::{Applies, FieldPath, PolicyKind, RouteKind};

/// No real HTTPProxy includes deeper than this.
const DEEPEST: usize = 8;

/// The path of browsers: the Services, the routes to them, and the Gateways of these.
pub(super) struct Path<'a> {
    namespace: &'a str,
    pub services: Vec<&'a str>,
    pub routes: Vec<Route<'a>>,
    /// HTTPProxies of the namespace.
    proxies: Vec<&'a PolicyObject<'a>>,
    /// Which of their rules the requests of an upload meet.
    pub decisions: Decisions,
}

impl<'a> Path<'a> {
    pub fn new(objects: &'a [PolicyObject<'a>], backends: &'a Backends) -> Self {
        let services: Vec<&str> = backends.services.iter().map(String::as_str).collect();
        let near = |o: &&PolicyObject<'_>| o.key.namespace == backends.namespace;
        let proxies = objects.iter().filter(near).filter(|o| o.kind == PolicyKind::HTTPProxy).collect();
        let all = objects.iter().filter(near).filter_map(Route::new);
        let (routes, others): (Vec<_>, Vec<_>) = all.partition(|route| mentions(&route.spec, &services));
        // Their rules may take requests of Glance's hosts.
        let takes = |route: &Route<'_>| match route.kind {
            RouteKind::HTTPRoute | RouteKind::IngressRoute => true,
            RouteKind::Ingress | RouteKind::VirtualService | RouteKind::HTTPProxy => false,
        };
        let others: Vec<_> = others.into_iter().filter(takes).collect();
        let decisions = Decisions::new(&routes, &others, &services);
        Self { namespace: &backends.namespace, services, routes, proxies, decisions }
    }

    /// Where Glance is.
    pub const fn namespace(&self) -> &'a str {
        self.namespace
    }

    /// Whether an object applies by itself to requests on this path, so that no other one attaches it.
    pub fn has(&self, policy: &PolicyObject<'_>) -> bool {
        let spec = &policy.spec;
        let near = policy.key.namespace == self.namespace;
        match policy.kind.applies() {
            Applies::Attached => false,
            Applies::Leading => near && mentions(spec, &self.services),
            Applies::Including => near && (mentions(spec, &self.services) || self.includes(spec, DEEPEST)),
            Applies::Named => {
                near && self.routes.iter().any(|route| mentions(&route.spec, &[policy.key.name.as_str()]))
            }
            Applies::ToContour => self.routes.iter().any(|route| route.kind == RouteKind::HTTPProxy),
        }
    }

    /// Whether an HTTPProxy includes one that leads to Glance.
    fn includes(&self, spec: &Value, depth: usize) -> bool {
        let near = |include: &Value| include["namespace"].as_str().is_none_or(|own| own == self.namespace);
        let included = spec["includes"].as_array().into_iter().flatten().filter(|include| near(include));
        let mut included = included.filter_map(|include| include["name"].as_str());
        included.any(|name| {
            let leads = self.routes.iter().any(|route| route.kind == RouteKind::HTTPProxy && route.key.name == name);
            let further = self.proxies.iter().find(|proxy| proxy.key.name == name);
            leads || (depth > 0 && further.is_some_and(|proxy| self.includes(&proxy.spec, depth - 1)))
        })
    }

    /// The rules of a route that an upload meets, with their positions; the whole route where it has no rules.
    pub fn met<'b>(&self, route: &'b PolicyObject<'_>) -> Vec<(usize, &'b Value)> {
        let Some(RuleFields { rules, .. }) = RouteKind::of(route.kind).and_then(rule_fields) else {
            return vec![(0, &*route.spec)];
        };
        let all = route.spec[rules].as_array().into_iter().flatten().enumerate();
        all.filter(|(at, _)| self.takes(route, *at)).collect()
    }

    /// Whether a rule of a route takes a request of an upload.
    pub fn takes(&self, route: &PolicyObject<'_>, at: usize) -> bool {
        self.number(route).is_none_or(|number| self.decisions.take(number, at))
    }

    /// Whether a step into an object leads to a rule that no request of an upload meets.
    pub(super) fn is_bypassed(&self, policy: &PolicyObject<'_>, path: &FieldPath) -> bool {
        let Some(RuleFields { rules, .. }) = RouteKind::of(policy.kind).and_then(rule_fields) else { return false };
        path.elements().len() == 3 && path.position_in(rules).is_some_and(|at| !self.takes(policy, at))
    }

    /// Whether uploads meet no rule, or no path, of a route.
    pub fn passes_by(&self, route: &PolicyObject<'_>) -> bool {
        self.number(route).is_some_and(|number| !self.decisions.take_any(number))
    }

    /// The position of a route among those that lead to Glance.
    fn number(&self, route: &PolicyObject<'_>) -> Option<usize> {
        self.routes.iter().position(|own| own.object.kind == route.kind && own.key == route.key)
    }
}

/// `targetRefs` and the older `targetRef`.
pub(super) fn targets(spec: &Value) -> impl Iterator<Item = &Value> {
    let one = spec.get("targetRef").into_iter();
    one.chain(spec["targetRefs"].as_array().into_iter().flatten())
}

/// The kind of object that a reference means.
pub(super) fn kind_of(reference: &Value) -> PolicyKind {
    PolicyKind::of_reference(reference["group"].as_str(), reference["kind"].as_str().unwrap_or_default())
}
