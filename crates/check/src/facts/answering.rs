//! Objects in front of Glance that answer preflights themselves, and add CORS headers to answers: with them an upload
//! works although Glance has no `[cors]`.
//!
//! In: objects, and what is wrong with those in front of Glance. Out: the objects that grant uploads.

use direct_upload_api::Rule;
use direct_upload_core::model::Id;
use serde_json::Value;

use super::cloud::PlacedIssue;
use crate::objects::{Object, any_text};

/// One such object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answering {
    pub object: Id,
    pub namespace: String,
    /// A gateway may leave out what the Gateway API calls Extended, as its CORS filter is.
    pub is_extended: bool,
}

/// The objects that grant uploads. One of whose CORS something is wrong does not.
pub(crate) fn find(objects: &[Object], issues: &[PlacedIssue]) -> Vec<Answering> {
    let is_wrong = |o: &Object| {
        let of_it = |p: &&PlacedIssue| p.issue.rule == Rule::CorsOnTheWay && p.issue.object == o.id();
        issues.iter().filter(of_it).any(|p| p.issue.fails)
    };
    let routes: Vec<&Object> = objects.iter().filter(|route| leads_to_glance(route)).collect();
    let of = |object: &Object| {
        let route = routes.iter().find(|route| answers(object, route)).filter(|_| !is_wrong(object))?;
        let (object, is_extended) = (object.id(), object.kind() == "HTTPRoute");
        Some(Answering { object, namespace: route.namespace().to_owned(), is_extended })
    };
    objects.iter().filter_map(of).collect()
}

fn leads_to_glance(route: &Object) -> bool {
    const ROUTES: [&str; 5] = ["HTTPRoute", "Ingress", "IngressRoute", "HTTPProxy", "VirtualService"];
    ROUTES.contains(&route.kind()) && any_text(&route.value["spec"], &|text| text.contains("glance"))
}

/// Whether an object answers the preflights of a route: the route itself, or what is attached to it.
fn answers(object: &Object, route: &Object) -> bool {
    let spec = &object.value["spec"];
    let rules = |name: &str| spec[name].as_array().into_iter().flatten();
    let is_itself = object.id() == route.id();
    match object.kind() {
        "HTTPRoute" => {
            let mut filters = rules("rules").flat_map(|rule| rule["filters"].as_array().into_iter().flatten());
            is_itself && filters.any(|filter| filter["cors"].is_object())
        }
        "VirtualService" => is_itself && rules("http").any(|rule| rule["corsPolicy"].is_object()),
        "HTTPProxy" => is_itself && spec["virtualhost"]["corsPolicy"].is_object(),
        "SecurityPolicy" => spec["cors"].is_object() && is_attached(object, route),
        "Middleware" => {
            let is_written = |name: &str| spec["headers"][name].as_array().is_some_and(|list| !list.is_empty());
            let lists = ["accessControlAllowOriginList", "accessControlAllowOriginListRegex"];
            lists.into_iter().any(is_written) && is_used(object, route)
        }
        "Ingress" => {
            const ENABLE: [&str; 3] = [
                "nginx.ingress.kubernetes.io/enable-cors",
                "haproxy-ingress.github.io/cors-enable",
                "haproxy.org/cors-enable",
            ];
            let annotations = &object.value["metadata"]["annotations"];
            is_itself && ENABLE.iter().any(|name| annotations[*name] == "true")
        }
        _ => false,
    }
}

/// Whether a policy of Envoy Gateway is attached to a route or to its Gateway.
fn is_attached(policy: &Object, route: &Object) -> bool {
    let spec = &policy.value["spec"];
    let mut targets = spec["targetRefs"].as_array().into_iter().flatten().chain([&spec["targetRef"]]);
    let mut parents = route.value["spec"]["parentRefs"].as_array().into_iter().flatten();
    targets.any(|target| match target["kind"].as_str() {
        Some("HTTPRoute") => target["name"] == route.name() && route.namespace() == policy.namespace(),
        Some("Gateway") => parents.any(|parent| parent["name"] == target["name"]),
        _ => false,
    })
}

/// Whether a route names a middleware of Traefik.
fn is_used(middleware: &Object, route: &Object) -> bool {
    let name = format!("{}-{}@kubernetescrd", middleware.namespace(), middleware.name());
    let annotation = &route.value["metadata"]["annotations"]["traefik.ingress.kubernetes.io/router.middlewares"];
    let mut rules = route.value["spec"]["routes"].as_array().into_iter().flatten();
    let is_it = |own: &Value| own["name"] == middleware.name();
    match route.kind() {
        "Ingress" => annotation.as_str().is_some_and(|list| list.split(',').any(|own| own.trim() == name)),
        "IngressRoute" => rules.any(|rule| rule["middlewares"].as_array().into_iter().flatten().any(is_it)),
        _ => false,
    }
}
