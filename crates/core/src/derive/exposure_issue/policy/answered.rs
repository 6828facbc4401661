//! Issues of an exposing object that policies, or what else is seen of the gateway, decide.

use direct_upload_api::Rule;

use super::attached::effective;
use super::defaults::{Implementation, implementation};
use super::path::Path;
use super::{PolicyObject, traefik};
use crate::derive::exposure::backends::Backends;
use crate::derive::exposure_issue::ExposureIssue;
use crate::derive::exposure_issue::ingress::TRAEFIK;

/// Whether to drop an issue, because what it warns about was read elsewhere: an HTTPRoute without time-outs,
/// where a BackendTrafficPolicy sets them; a rule that uploads do not meet; middlewares that an Ingress
/// names, and Traefik's entry points.
pub fn is_answered(issue: &ExposureIssue, objects: &[PolicyObject<'_>], backends: &Backends) -> bool {
    let is_annotation = |name: &str| issue.field.annotation().is_some_and(|own| own == format!("{TRAEFIK}/{name}"));
    let object = objects.iter().find(|o| o.kind == issue.object.kind && o.key == issue.object.key);
    if object.is_some_and(|route| is_bypassed(issue, route, objects, backends)) {
        return true;
    }
    match (issue.object.kind.as_str(), issue.rule) {
        ("HTTPRoute", Rule::TooSlow) => {
            object.is_some_and(|route| {
                // Traefik reads no timeouts of a route.
                implementation(objects, route) == Implementation::Traefik
                    || (issue.field.value_in_spec(&route.spec).is_none()
                        && sets_request_timeout(route, objects, backends))
            })
        }
        ("Ingress", Rule::CorsOnTheWay) if is_annotation("router.middlewares") => {
            object.is_some_and(|ingress| middlewares_are_seen(ingress, objects))
        }
        ("Ingress", Rule::TooSlow) if is_annotation("router.entrypoints") => traefik::is_seen(objects),
        _ => false,
    }
}

/// Whether the issue is in a rule, or an Ingress, that no request of an upload meets: another has the nearer path.
fn is_bypassed(
    issue: &ExposureIssue,
    route: &PolicyObject<'_>,
    objects: &[PolicyObject<'_>],
    backends: &Backends,
) -> bool {
    let path = Path::new(objects, backends);
    match issue.field.position_in("rules") {
        Some(at) if route.kind == "HTTPRoute" => !path.takes(route, at),
        _ => path.passes_by(route),
    }
}

/// Whether a policy states the time of the route's requests; the route itself then needs not.
fn sets_request_timeout(route: &PolicyObject<'_>, objects: &[PolicyObject<'_>], backends: &Backends) -> bool {
    let path = Path::new(objects, backends);
    effective(objects, &path).iter().any(|own| {
        own.policy.kind == "BackendTrafficPolicy"
            && own.routes.iter().any(|other| other.key == route.key)
            && own.spec().pointer("/timeout/http/requestTimeout").is_some()
    })
}

/// Whether all middlewares that an Ingress names are among the objects. In an annotation one of a custom
/// resource is `NAMESPACE-NAME@kubernetescrd`.
fn middlewares_are_seen(ingress: &PolicyObject<'_>, objects: &[PolicyObject<'_>]) -> bool {
    let name = format!("{TRAEFIK}/router.middlewares");
    let named = ingress.annotations.get(name.as_str()).copied().unwrap_or_default();
    let is = |name: &str, o: &PolicyObject<'_>| o.kind == "Middleware" && o.annotated() == name;
    named.split(',').map(str::trim).all(|name| objects.iter().any(|o| is(name, o)))
}
