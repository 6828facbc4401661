//! DU020: rules whose backends have the weight 0, so that nothing reaches Glance.
//!
//! Of several backends those with another weight get the requests. If all have 0, Gateway API's gateways answer 500
//! (BackendRef, `weight`), Traefik 503 (weighted round robin without servers) and OpenShift's router 503 (route/v1,
//! RouteTargetReference). Istio ignores the weight of a single destination (HTTPRouteDestination), and Contour takes 0 as
//! unset (Service, `weight`).

use direct_upload_api::Rule;
use serde_json::Value;

use super::path::{Path, mentions};
use super::{PolicyObject, found};
use crate::derive::exposure_issue::ExposureIssue;
use crate::model::FieldPath;

type Found = Vec<ExposureIssue>;

const WHAT: &str = "all backends of this rule have the weight 0, so no request reaches Glance";

pub(super) fn issues(objects: &[PolicyObject<'_>], through: &Path<'_>) -> Found {
    let mut all = Found::new();
    for route in through.routes.iter().copied().filter(|route| !through.passes_by(route)) {
        let (list, backends, least) = match route.kind {
            "HTTPRoute" => ("rules", "backendRefs", 1),
            "VirtualService" => ("http", "route", 2),
            "IngressRoute" => ("routes", "services", 2),
            _ => continue,
        };
        for (at, rule) in through.met(route) {
            let path = FieldPath::new(&["spec", list]).item(at).field(backends);
            all.extend(of_list(route, &rule[backends], path, least, through));
        }
    }
    for object in objects.iter().filter(|object| object.key.namespace == through.namespace()) {
        match object.kind {
            "TraefikService" if is_named(objects, object) => {
                let path = FieldPath::new(&["spec", "weighted", "services"]);
                all.extend(of_list(object, &object.spec["weighted"]["services"], path, 1, through));
            }
            "Route" if object.spec["to"]["weight"] == 0 && mentions(&object.spec["to"]["name"], &through.services) => {
                let others = object.spec["alternateBackends"].as_array().into_iter().flatten();
                if others.into_iter().all(|other| other["weight"] == 0) {
                    let path = FieldPath::new(&["spec", "to", "weight"]);
                    all.push(found(object, Rule::OptionsFiltered, true, path, WHAT.to_owned(), "set 100"));
                }
            }
            _ => {}
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
    objects.iter().any(|o| o.kind == "IngressRoute" && o.key.namespace == service.key.namespace && names(o))
}
