//! Fields of policies and routes on the way to Glance that decide about requests, and that no rule reads.
//!
//! In: objects. Out: one sentence for each object. A table says which fields are meant.

use direct_upload_core::model::PolicyKind;
use direct_upload_core::openstack::needed;
use serde_json::Value;

use super::middlewares;
use crate::facts::traefik_rule;
use crate::glances::Objects;
use crate::kinds;
use crate::objects::{Object, any_text};

/// A field, with `*` for each item of a list, and what in it decides about uploads.
struct Field {
    kind: PolicyKind,
    path: &'static [&'static str],
    decides: fn(&Value) -> bool,
}

const FIELDS: [Field; 14] = [
    field(PolicyKind::BackendTrafficPolicy, &["rateLimit", "local", "rules", "*", "limit", "requests"], is_too_few),
    field(PolicyKind::BackendTrafficPolicy, &["rateLimit", "global", "rules", "*", "limit", "requests"], is_too_few),
    field(PolicyKind::BackendTrafficPolicy, &["faultInjection"], is_written),
    field(PolicyKind::ClientTrafficPolicy, &["headers", "earlyRequestHeaders"], names_needed),
    field(PolicyKind::ClientTrafficPolicy, &["tls", "maxVersion"], is_old_tls),
    field(PolicyKind::ClientTrafficPolicy, &["tls", "clientValidation"], is_written),
    field(PolicyKind::HTTPProxy, &["routes", "*", "rateLimitPolicy", "local", "requests"], is_too_few),
    field(PolicyKind::HTTPProxy, &["virtualhost", "rateLimitPolicy", "local", "requests"], is_too_few),
    field(PolicyKind::HTTPProxy, &["virtualhost", "tls", "clientValidation"], is_written),
    field(PolicyKind::HTTPProxy, &["virtualhost", "jwtProviders"], is_written),
    field(
        PolicyKind::HTTPRoute,
        &["rules", "*", "backendRefs", "*", "filters", "*", "requestHeaderModifier"],
        names_needed,
    ),
    field(PolicyKind::SnippetsFilter, &["snippets", "*", "value"], is_written),
    field(PolicyKind::SnippetsPolicy, &["snippets", "*", "value"], is_written),
    field(PolicyKind::Middleware, &["plugin"], is_written),
];

const fn field(kind: PolicyKind, path: &'static [&'static str], decides: fn(&Value) -> bool) -> Field {
    Field { kind, path, decides }
}

fn is_written(value: &Value) -> bool {
    !value.is_null()
}

/// An upload needs two requests.
fn is_too_few(value: &Value) -> bool {
    value.as_u64().is_some_and(|requests| requests < 2)
}

/// Browsers of today need TLS 1.2.
fn is_old_tls(value: &Value) -> bool {
    value.as_str().is_some_and(|version| ["1.0", "1.1", "TLSv1_0", "TLSv1_1"].contains(&version))
}

fn names_needed(value: &Value) -> bool {
    any_text(value, &|text| needed::of(text).is_some())
}

/// The field that decides about uploads, if there is one.
pub(super) fn of_object(objects: Objects<'_>, object: &Object) -> Option<String> {
    let kind = object.policy_kind();
    let spec = &object.value["spec"];
    let own = FIELDS.iter().find(|own| own.kind == kind && at(spec, own.path).into_iter().any(own.decides))?;
    let names: Vec<&str> = own.path.iter().copied().filter(|step| *step != "*").collect();
    is_on_the_way(objects, object)
        .then(|| format!("{}: check does not know what its spec.{} does to uploads", object.id(), names.join(".")))
}

/// The values at a path.
fn at<'v>(value: &'v Value, path: &[&str]) -> Vec<&'v Value> {
    let Some((step, rest)) = path.split_first() else { return vec![value] };
    match *step {
        "*" => value.as_array().into_iter().flatten().flat_map(|own| at(own, rest)).collect(),
        step => value.get(step).map_or_else(Vec::new, |own| at(own, rest)),
    }
}

/// Whether requests to Glance meet an object: it is a route to Glance, a route names it, or it is attached to one.
fn is_on_the_way(objects: Objects<'_>, object: &Object) -> bool {
    match object.policy_kind() {
        PolicyKind::Middleware => middlewares::is_used(objects, object),
        PolicyKind::SnippetsFilter => objects.routes().any(|route| {
            let names = |own: &Value| own["name"] == object.name() && own["kind"] == object.kind();
            let rules = route.value["spec"]["rules"].as_array().into_iter().flatten();
            let mut filters = rules.flat_map(|rule| rule["filters"].as_array().into_iter().flatten());
            route.namespace() == object.namespace() && filters.any(|filter| names(&filter["extensionRef"]))
        }),
        _ if kinds::route(object).is_some() => objects.leads_to_glance(object),
        _ => is_attached(objects, object),
    }
}

/// Whether a policy is attached to a route to Glance, its Gateway, or Glance's Service (Gateway API, policy attachment).
pub(super) fn is_attached(objects: Objects<'_>, policy: &Object) -> bool {
    let spec = &policy.value["spec"];
    let targets = spec["targetRefs"].as_array().into_iter().flatten().chain([&spec["targetRef"]]);
    let is_it = |target: &Value| {
        let namespace = target["namespace"].as_str().unwrap_or(policy.namespace());
        let is_named = |o: &Object| target["name"] == o.name() && o.namespace() == namespace;
        match target["kind"].as_str() {
            Some("Gateway" | "ListenerSet") => objects.routes().any(|route| {
                let parents = route.value["spec"]["parentRefs"].as_array();
                parents.into_iter().flatten().any(|parent| {
                    let of = parent["namespace"].as_str().unwrap_or(route.namespace());
                    parent["name"] == target["name"] && of == namespace
                })
            }),
            Some("Service") => objects.iter().any(|o| objects.is_glances_service(o) && is_named(o)),
            Some(kind) => objects.routes().any(|route| route.kind() == kind && is_named(route)),
            None => false,
        }
    };
    targets.into_iter().any(is_it)
}

/// A policy of a kind that nothing here knows, attached to what leads to Glance.
pub(super) fn unknown(objects: Objects<'_>, object: &Object) -> Option<String> {
    let is_unknown = object.policy_kind() == PolicyKind::Other
        && !kinds::is_harmless(object)
        // The report names these.
        && !kinds::is_unread(object);
    (is_unknown && is_attached(objects, object))
        .then(|| format!("{}: check does not read objects of this kind", object.id()))
}

/// Matchers of an IngressRoute to Glance about what the input does not show: addresses, and headers that a browser does not
/// send.
pub(super) fn of_rule(objects: Objects<'_>, route: &Object) -> Option<String> {
    if route.policy_kind() != PolicyKind::IngressRoute || !objects.leads_to_glance(route) {
        return None;
    }
    let rules = route.value["spec"]["routes"].as_array()?.iter().filter(|rule| objects.names_glance(route, rule));
    let open = |rule: &Value| {
        let all = traefik_rule::matchers(rule["match"].as_str()?)?;
        const KNOWN: [&str; 8] =
            ["Host", "HostRegexp", "Path", "PathPrefix", "PathRegexp", "Method", "HostSNI", "HostHeader"];
        all.into_iter().map(|own| own.name).find(|name| !KNOWN.contains(&name.as_str()))
    };
    let names: Option<Vec<String>> = rules.map(open).collect();
    let name = names?.into_iter().next()?;
    Some(format!("{}: the input does not show whether uploads meet {name} of its match", route.id()))
}

/// Backends of which all requests go to another one than Glance's: `weight: 0` (Gateway API, Istio, Contour, Traefik).
pub(super) fn of_weight(objects: Objects<'_>, route: &Object) -> Option<String> {
    if kinds::route(route).is_none() || !objects.leads_to_glance(route) {
        return None;
    }
    let spec = &route.value["spec"];
    let rules = ["rules", "http", "routes"].into_iter().flat_map(|list| spec[list].as_array().into_iter().flatten());
    let backends = |rule: &'_ Value| -> Vec<Value> {
        let lists = ["backendRefs", "route", "services"].into_iter();
        lists.flat_map(|list| rule[list].as_array().cloned().unwrap_or_default()).collect()
    };
    let is_glances = |own: &Value| objects.names_glance(route, own);
    let is_lost = |rule: &Value| {
        let all = backends(rule);
        let (own, others): (Vec<&Value>, Vec<&Value>) = all.iter().partition(|own| is_glances(own));
        !own.is_empty() && own.iter().all(|own| own["weight"] == 0) && others.iter().any(|own| own["weight"] != 0)
    };
    let mut rules = rules.filter(|rule| backends(rule).iter().any(is_glances)).peekable();
    (rules.peek().is_some() && rules.all(is_lost))
        .then(|| format!("{}: the weight of Glance's Service is 0, so another one gets the requests", route.id()))
}
