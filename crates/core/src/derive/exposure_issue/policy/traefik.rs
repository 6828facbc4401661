//! What the read timeout of Traefik's entry points does to uploads ([`read_timeout`]). Traefik does not read an HTTPRoute's
//! timeouts (its list of supported features).
//!
//! In: the path to Glance. Out: the timeout of its entry points, which is in Traefik's own arguments.

use direct_upload_api::Rule;
use serde_json::Value;

use super::defaults::{Implementation, implementation};
use super::path::Path;
use super::route::Route;
use super::{PolicyObject, found};
use crate::derive::exposure::traefik_middleware;
use crate::derive::exposure_issue::ExposureIssue;
use crate::derive::exposure_issue::read_timeout::{self, Cut, StatedEntryPoint};
use crate::model::{FieldPath, RouteKind};

/// What cuts uploads that pass Traefik. If the objects lack Traefik's workload, the issue is on the routes of
/// Traefik's own kind. For Ingresses, the issue comes from their annotations.
pub(super) fn entry_points(objects: &[PolicyObject<'_>], through: &Path<'_>) -> Vec<ExposureIssue> {
    let Some(route) = through.routes.iter().find(|route| is_traefiks(objects, **route)) else { return Vec::new() };
    if !is_seen(objects) {
        let what = match route.kind {
            RouteKind::HTTPRoute => {
                "Traefik cuts a request after its entry point's readTimeout, 60s unless it is set, and does not read an HTTPRoute's timeouts"
            }
            RouteKind::IngressRoute => {
                "Traefik's entry points cut uploads after 60 s unless readTimeout is set, and the operator cannot see Traefik's arguments"
            }
            RouteKind::Ingress | RouteKind::VirtualService | RouteKind::HTTPProxy => return Vec::new(),
        };
        let fix = "give Traefik --entryPoints.websecure.transport.respondingTimeouts.readTimeout=0";
        return vec![found(route, Rule::TooSlow, false, FieldPath::new(&["spec"]), what, fix)];
    }
    let named: Vec<&str> =
        route.spec["entryPoints"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    objects.iter().flat_map(|traefik| of_workload(traefik, &named)).collect()
}

/// Whether Traefik's workload is among the objects.
pub(super) fn is_seen(objects: &[PolicyObject<'_>]) -> bool {
    objects.iter().any(|object| read_timeout::container(object.kind, &object.spec).is_some())
}

fn of_workload(traefik: &PolicyObject<'_>, named: &[&str]) -> Vec<ExposureIssue> {
    let Some(at) = read_timeout::container(traefik.kind, &traefik.spec) else { return Vec::new() };
    let container = &traefik.spec["template"]["spec"]["containers"][at];
    let image = container["image"].as_str().unwrap_or_default();
    let wanted = |own: &StatedEntryPoint<'_>| match named {
        [] => read_timeout::is_usual(&own.name),
        named => named.iter().any(|name| name.to_lowercase() == own.name),
    };
    let all = read_timeout::entry_points(&read_timeout::arguments(container));
    let issue = |own: StatedEntryPoint<'_>| {
        let Cut { fails, said } = read_timeout::cut(own.read_timeout, image)?;
        let what = format!("readTimeout of entry point {} {said}: an upload that takes longer is cut", own.name);
        let path = FieldPath::new(&["spec", "template", "spec", "containers"]).item(at).field("args");
        let fix = format!("set the argument --{}=0", read_timeout::option(&own.name));
        Some(found(traefik, Rule::TooSlow, fails, path, what, &fix))
    };
    all.into_iter().filter(wanted).filter_map(issue).collect()
}

/// Whether Traefik serves a route.
fn is_traefiks(objects: &[PolicyObject<'_>], route: Route<'_>) -> bool {
    match route.kind {
        RouteKind::IngressRoute => true,
        RouteKind::HTTPRoute => implementation(objects, &route) == Implementation::Traefik,
        RouteKind::Ingress => {
            let class = route.spec["ingressClassName"].as_str();
            let class = class.or_else(|| route.annotations.get("kubernetes.io/ingress.class").copied());
            class.is_some_and(traefik_middleware::is_class)
        }
        RouteKind::VirtualService | RouteKind::HTTPProxy => false,
    }
}
