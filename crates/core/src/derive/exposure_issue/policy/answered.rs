//! Issues of an exposing object that policies, or what else is seen of the gateway, decide.

use direct_upload_api::Rule;

use super::attached::effective;
use super::defaults::{Implementation, implementation};
use super::path::Path;
use super::{PolicyObject, traefik};
use crate::derive::exposure::backends::Backends;
use crate::derive::exposure_issue::ExposureIssue;
use crate::derive::exposure_issue::ingress::TRAEFIK;
use crate::model::PolicyKind;

/// Whether to drop an issue, because what it warns about was read elsewhere: an HTTPRoute without time-outs,
/// where a BackendTrafficPolicy sets them; a rule that uploads do not meet; middlewares that an Ingress
/// names, and Traefik's entry points.
pub fn is_answered(issue: &ExposureIssue, objects: &[PolicyObject<'_>], backends: &Backends) -> bool {
    let is_annotation = |name: &str| issue.field.annotation().is_some_and(|own| own == format!("{TRAEFIK}/{name}"));
    let is_it = |own: &&PolicyObject<'_>| own.kind.name() == issue.object.kind && own.key == issue.object.key;
    let Some(object) = objects.iter().find(is_it) else { return false };
    if is_bypassed(issue, object, objects, backends) {
        return true;
    }
    match (object.kind, issue.rule) {
        (PolicyKind::HTTPRoute, Rule::TooSlow) => {
            // Traefik reads no timeouts of a route.
            implementation(objects, object) == Implementation::Traefik
                || (issue.field.value_in_spec(&object.spec).is_none()
                    && sets_request_timeout(object, objects, backends))
        }
        (PolicyKind::Ingress, Rule::CorsOnTheWay) if is_annotation("router.middlewares") => {
            middlewares_are_seen(object, objects)
        }
        (PolicyKind::Ingress, Rule::TooSlow) if is_annotation("router.entrypoints") => traefik::is_seen(objects),
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
        Some(at) if route.kind == PolicyKind::HTTPRoute => !path.takes(route, at),
        _ => path.passes_by(route),
    }
}

/// Whether a policy states the time of the route's requests; the route itself then needs not.
fn sets_request_timeout(route: &PolicyObject<'_>, objects: &[PolicyObject<'_>], backends: &Backends) -> bool {
    let path = Path::new(objects, backends);
    effective(objects, &path).iter().any(|own| {
        own.policy.kind == PolicyKind::BackendTrafficPolicy
            && own.routes.iter().any(|other| other.key == route.key)
            && own.spec().pointer("/timeout/http/requestTimeout").is_some()
    })
}

/// Whether all middlewares that an Ingress names are among the objects. In an annotation one of a custom
/// resource is `NAMESPACE-NAME@kubernetescrd`.
fn middlewares_are_seen(ingress: &PolicyObject<'_>, objects: &[PolicyObject<'_>]) -> bool {
    let name = format!("{TRAEFIK}/router.middlewares");
    let named = ingress.annotations.get(name.as_str()).copied().unwrap_or_default();
    let is = |name: &str, o: &PolicyObject<'_>| o.kind == PolicyKind::Middleware && o.annotated() == name;
    named.split(',').map(str::trim).all(|name| objects.iter().any(|o| is(name, o)))
}
