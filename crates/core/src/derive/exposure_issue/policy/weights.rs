//! DU020: rules whose backends have the weight 0, so that nothing reaches Glance.
//!
//! Of several backends those with another weight get the requests. If all have 0, Gateway API's gateways answer 500
//! (BackendRef, `weight`), Traefik 503 (weighted round robin without servers) and OpenShift's router 503 (route/v1,
//! RouteTargetReference). Istio ignores the weight of a single destination (HTTPRouteDestination), and Contour takes 0 as
//! unset (Service, `weight`).

use direct_upload_api::Rule;
use serde_json::Value;

use super::path::Path;
use super::route::mentions;
use super::rules::rule_fields;
use super::{PolicyObject, found};
use crate::derive::exposure_issue::ExposureIssue;
use crate::model::{FieldPath, PolicyKind, RouteKind};

type Found = Vec<ExposureIssue>;

const WHAT: &str = "all backends of this rule have the weight 0, so no request reaches Glance";

pub(super) fn issues(objects: &[PolicyObject<'_>], through: &Path<'_>) -> Found {
    let mut all = Found::new();
    for route in through.routes.iter().filter(|route| !through.passes_by(route)) {
        let least = match route.kind {
            RouteKind::HTTPRoute => 1,
            RouteKind::VirtualService | RouteKind::IngressRoute => 2,
            RouteKind::Ingress | RouteKind::HTTPProxy => continue,
        };
        let Some(fields) = rule_fields(route.kind) else { continue };
        for (at, rule) in through.met(route) {
            let path = FieldPath::new(&["spec", fields.rules]).item(at).field(fields.backends);
            all.extend(of_list(route, &rule[fields.backends], path, least, through));
        }
    }
    let near = |object: &&PolicyObject<'_>| object.key.namespace == through.namespace();
    for service in of_kind(objects, PolicyKind::TraefikService).filter(near).filter(|own| is_named(objects, own)) {
        let path = FieldPath::new(&["spec", "weighted", "services"]);
        all.extend(of_list(service, &service.spec["weighted"]["services"], path, 1, through));
    }
    for route in of_kind(objects, PolicyKind::Route).filter(near) {
        let to = &route.spec["to"];
        let others = route.spec["alternateBackends"].as_array().into_iter().flatten();
        let is_none = to["weight"] == 0 && others.into_iter().all(|other| other["weight"] == 0);
        if is_none && mentions(&to["name"], &through.services) {
            let path = FieldPath::new(&["spec", "to", "weight"]);
            all.push(found(route, Rule::OptionsFiltered, true, path, WHAT.to_owned(), "set 100"));
        }
    }
    all
}

/// `least`: with fewer backends the weight has no meaning.
fn of_list(
    object: &PolicyObject<'_>,
    backends: &Value,
    path: FieldPath,
    least: usize,
    through: &Path<'_>,
) -> Option<ExposureIssue> {
    let backends = backends.as_array().filter(|all| all.len() >= least)?;
    let ours = backends.iter().position(|backend| mentions(backend, &through.services))?;
    backends.iter().all(|backend| backend["weight"] == 0).then(|| {
        let path = path.item(ours).field("weight");
        found(object, Rule::OptionsFiltered, true, path, WHAT.to_owned(), "set 1")
    })
}

/// Whether an IngressRoute leads to a TraefikService.
fn is_named(objects: &[PolicyObject<'_>], service: &PolicyObject<'_>) -> bool {
    let names = |route: &PolicyObject<'_>| {
        let rules = route.spec["routes"].as_array().into_iter().flatten();
        let mut services = rules.flat_map(|rule| rule["services"].as_array().into_iter().flatten());
        services.any(|own| own["kind"] == "TraefikService" && own["name"] == service.key.name.as_str())
    };
    let near = |route: &&PolicyObject<'_>| route.key.namespace == service.key.namespace;
    of_kind(objects, PolicyKind::IngressRoute).filter(near).any(names)
}

fn of_kind<'a, 'b>(objects: &'a [PolicyObject<'b>], kind: PolicyKind) -> impl Iterator<Item = &'a PolicyObject<'b>> {
    objects.iter().filter(move |object| object.kind == kind)
}
