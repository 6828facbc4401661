//! Istio's AuthorizationPolicies and RequestAuthentications, where they are among the objects: whether they let an
//! upload's requests pass (Istio's reference: a matching DENY refuses; of ALLOW, if there is any, one must match).
//!
//! They apply to Glance's pods, or to the pods of the gateway of a VirtualService.

use direct_upload_api::Rule;
use serde_json::Value;

use super::path::{Path, kind_of, targets};
use super::request::{self, Test, all, any};
use super::{PolicyObject, found};
use crate::derive::exposure_issue::ExposureIssue;
use crate::model::{FieldPath, PolicyKind, RouteKind};
use crate::openstack::cors_request::{CorsRequest, UPLOAD_PATH};

pub(super) fn issues(objects: &[PolicyObject<'_>], through: &Path<'_>) -> Vec<ExposureIssue> {
    let pods = Pods::of(objects, through);
    let of_kind = |kind: PolicyKind| objects.iter().filter(move |object| object.kind == kind);
    let mut found = Vec::new();
    for place in [PodsOf::Glance, PodsOf::Gateway] {
        let here: Vec<&PolicyObject<'_>> =
            of_kind(PolicyKind::AuthorizationPolicy).filter(|policy| pods.place(policy) == Some(place)).collect();
        let action = |policy: &PolicyObject<'_>| policy.spec["action"].as_str().unwrap_or("ALLOW").to_owned();
        let of_action = |name: &str| here.iter().copied().filter(|policy| action(policy) == name).collect::<Vec<_>>();
        for policy in of_action("DENY") {
            found.extend(denied(policy, place));
        }
        let allowing = of_action("ALLOW");
        for request in CorsRequest::BOTH {
            let matched = any(allowing.iter().map(|policy| matches(policy, place, request)));
            if let Some(policy) = allowing.first().filter(|_| matched == Some(false)) {
                found.push(not_allowed(policy, request));
                break;
            }
        }
        for policy in
            of_action("CUSTOM").into_iter().filter(|p| matches(p, place, CorsRequest::Preflight) == Some(true))
        {
            let what = "an external authorizer decides about OPTIONS, which has no credentials, and about the upload, which has Glance's token only";
            let fix = "except OPTIONS and PUT of /v2/images from its rules, unless the authorizer lets them pass";
            found.push(issue(policy, false, FieldPath::new(&["spec", "rules"]), what.to_owned(), fix));
        }
    }
    for policy in of_kind(PolicyKind::RequestAuthentication).filter(|policy| pods.place(policy).is_some()) {
        let rules = policy.spec["jwtRules"].as_array().into_iter().flatten();
        for (at, rule) in rules.enumerate() {
            let headers = rule["fromHeaders"].as_array().into_iter().flatten();
            let is_token = |name: &str| name.eq_ignore_ascii_case("x-auth-token");
            if headers.filter_map(|own| own["name"].as_str()).any(is_token) {
                let what = "it reads a JWT from X-Auth-Token, and refuses uploads with 401, because Keystone's token is not a JWT";
                let (field, fix) =
                    (FieldPath::new(&["spec", "jwtRules"]).item(at), "remove it: Glance checks the token itself");
                found.push(issue(policy, true, field, what.to_owned(), fix));
            }
        }
    }
    found
}

/// Whose pods a policy is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PodsOf {
    Glance,
    Gateway,
}

/// Labels of pods, and the namespace of Glance's.
struct Pods<'a> {
    namespace: &'a str,
    glance: Vec<&'a Value>,
    gateways: Vec<&'a Value>,
    services: &'a [&'a str],
}

impl<'a> Pods<'a> {
    fn of(objects: &'a [PolicyObject<'_>], through: &'a Path<'_>) -> Self {
        let namespace = through.namespace();
        let near = |object: &&PolicyObject<'_>| object.key.namespace == namespace;
        let selectors: Vec<&Value> = objects
            .iter()
            .filter(near)
            .filter(|object| object.kind == PolicyKind::Service && through.services.contains(&object.key.name.as_str()))
            .map(|service| &service.spec["selector"])
            .collect();
        let labels = objects.iter().filter(near).filter_map(|object| object.spec.pointer("/template/metadata/labels"));
        let glance = labels.filter(|labels| selectors.iter().any(|selector| selects(selector, labels))).collect();
        // A VirtualService names its gateways as `namespace/name`, or as `name` of its own namespace.
        let named = |gateway: &&PolicyObject<'_>| {
            let names =
                through.routes.iter().filter(|route| route.kind == RouteKind::VirtualService).flat_map(|route| {
                    let names = route.spec["gateways"].as_array().into_iter().flatten().filter_map(Value::as_str);
                    names.map(move |name| name.split_once('/').unwrap_or((route.key.namespace.as_str(), name)))
                });
            let own = (gateway.key.namespace.as_str(), gateway.key.name.as_str());
            names.into_iter().any(|name| name == own)
        };
        let gateways = objects.iter().filter(|object| object.kind == PolicyKind::IstioGateway).filter(named);
        Self {
            namespace,
            glance,
            gateways: gateways.map(|gateway| &gateway.spec["selector"]).filter(|own| own.is_object()).collect(),
            services: &through.services,
        }
    }

    fn place(&self, policy: &PolicyObject<'_>) -> Option<PodsOf> {
        let near = policy.key.namespace == self.namespace;
        let selector = &policy.spec["selector"]["matchLabels"];
        if targets(&policy.spec).next().is_some() {
            let is_ours = |target: &Value| {
                kind_of(target) == PolicyKind::Service
                    && target["name"].as_str().is_some_and(|name| self.services.contains(&name))
            };
            return (near && targets(&policy.spec).any(is_ours)).then_some(PodsOf::Glance);
        }
        if !selector.is_object() {
            return near.then_some(PodsOf::Glance);
        }
        if near && self.glance.iter().any(|labels| selects(selector, labels)) {
            return Some(PodsOf::Glance);
        }
        self.gateways.iter().any(|labels| selects(selector, labels)).then_some(PodsOf::Gateway)
    }
}

/// Whether labels have all of a selector's.
fn selects(selector: &Value, labels: &Value) -> bool {
    selector.as_object().is_some_and(|own| !own.is_empty() && own.iter().all(|(name, value)| labels[name] == *value))
}

fn denied(policy: &PolicyObject<'_>, place: PodsOf) -> Vec<ExposureIssue> {
    let rules = policy.spec["rules"].as_array().into_iter().flatten().enumerate();
    let of_rule = |(at, rule): (usize, &Value)| {
        let request = CorsRequest::BOTH.into_iter().find(|request| meets(rule, place, *request) == Some(true))?;
        let found = match request {
            CorsRequest::Preflight => "it denies the preflight of an upload",
            CorsRequest::Upload => "it denies the PUT of an image",
        };
        Some(issue(
            policy,
            true,
            FieldPath::new(&["spec", "rules"]).item(at),
            found.to_owned(),
            "remove it: Glance checks the token itself",
        ))
    };
    rules.filter_map(of_rule).collect()
}

fn not_allowed(policy: &PolicyObject<'_>, request: CorsRequest) -> ExposureIssue {
    let found = match request {
        CorsRequest::Preflight => "no rule allows OPTIONS without a login, so the preflight never reaches Glance",
        CorsRequest::Upload => "no rule allows the PUT of an image, whose only login is Glance's token",
    };
    let fix = "add to it {to: [{operation: {methods: [OPTIONS, PUT], paths: [/v2/images/*]}}]}: Glance checks the token itself";
    issue(policy, true, FieldPath::new(&["spec", "rules"]), found.to_owned(), fix)
}

fn matches(policy: &PolicyObject<'_>, place: PodsOf, request: CorsRequest) -> Option<bool> {
    any(policy.spec["rules"].as_array().into_iter().flatten().map(|rule| meets(rule, place, request)))
}

/// Whether a request meets a rule.
fn meets(rule: &Value, place: PodsOf, request: CorsRequest) -> Option<bool> {
    let list = |name: &str| rule[name].as_array().filter(|all| !all.is_empty());
    let from = list("from").map_or(Some(true), |all| any(all.iter().map(|own| is_from(&own["source"]))));
    let to = list("to").map_or(Some(true), |all| any(all.iter().map(|own| is_to(&own["operation"], place, request))));
    let when = list("when").map_or(Some(true), |own| all(own.iter().map(|own| is_when(own, request))));
    all([from, to, when])
}

/// No request of an upload has a principal of a JWT. Addresses and peers are not known.
fn is_from(source: &Value) -> Option<bool> {
    let fields = source.as_object().into_iter().flatten();
    all(fields.map(|(name, list)| match name.as_str() {
        "requestPrincipals" => Some(false),
        "notRequestPrincipals" => Some(true),
        _ if list.as_array().is_some_and(Vec::is_empty) => Some(true),
        _ => None,
    }))
}

fn is_to(operation: &Value, place: PodsOf, request: CorsRequest) -> Option<bool> {
    let fields = operation.as_object().into_iter().flatten();
    all(fields.map(|(name, list)| {
        let listed = list.as_array().into_iter().flatten().filter_map(Value::as_str);
        let has = |text: &str| any(listed.map(|entry| pattern(entry).meets(text)));
        match name.as_str() {
            "methods" => has(request.method()),
            "notMethods" => has(request.method()).map(|has| !has),
            // A gateway may have Glance below another path.
            "paths" if place == PodsOf::Glance => has(UPLOAD_PATH),
            "notPaths" if place == PodsOf::Glance => has(UPLOAD_PATH).map(|has| !has),
            _ => None,
        }
    }))
}

/// `*`, `start*`, `*end`, or the text itself.
fn pattern(entry: &str) -> Test<'_> {
    match (entry.strip_suffix('*'), entry.strip_prefix('*')) {
        _ if entry == "*" => Test::Any,
        (Some(start), _) => Test::Prefix(start),
        (_, Some(end)) => Test::Suffix(end),
        _ => Test::Exact(entry),
    }
}

fn is_when(condition: &Value, request: CorsRequest) -> Option<bool> {
    let key = condition["key"].as_str()?;
    let header = key.strip_prefix("request.headers[").and_then(|rest| rest.strip_suffix(']'));
    let has = |list: &str| {
        let listed = condition[list].as_array()?.iter().filter_map(Value::as_str);
        Some(match header {
            Some(name) => any(listed.map(|entry| request::has(request, name, pattern(entry)))),
            None if key.starts_with("request.auth.") => Some(false),
            None => None,
        })
    };
    let not = has("notValues").map(|found| found.map(|has| !has));
    all([has("values").unwrap_or(Some(true)), not.unwrap_or(Some(true))])
}

fn issue(object: &PolicyObject<'_>, fails: bool, field: FieldPath, what: String, fix: &str) -> ExposureIssue {
    found(object, Rule::OptionsFiltered, fails, field, what, fix)
}
