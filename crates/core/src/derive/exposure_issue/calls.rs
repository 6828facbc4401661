//! What blocks calls of an API on the objects that lead to it: anything that answers preflights instead of it.
//!
//! Limits of size and time matter only to uploads, so this module ignores them.

use std::collections::BTreeSet;

use direct_upload_api::web::Origin;
use direct_upload_api::{Rule, Severity};

use super::{ExposingObject, http_route};
use crate::model::{Advice, FieldPath, HttpCors, HttpRoute, Ingress, PathElement};
use crate::openstack::OpenStackService;

/// Switches by which a controller answers preflights itself (`kubernetes/ingress-nginx` docs, annotations;
/// `jcmoraisjr/haproxy-ingress` and `haproxytech/kubernetes-ingress`, cors), with the annotation for origins.
const SWITCHES: [&str; 3] =
    ["nginx.ingress.kubernetes.io/enable-cors", "haproxy-ingress.github.io/cors-enable", "haproxy.org/cors-enable"];

/// Logins, which a preflight never passes.
const LOGINS: [&str; 2] = ["nginx.ingress.kubernetes.io/auth-url", "nginx.ingress.kubernetes.io/auth-type"];

/// What blocks calls with these headers from these origins.
pub fn find<'a>(
    through: impl IntoIterator<Item = &'a ExposingObject>,
    service: &OpenStackService,
    origins: &BTreeSet<&Origin>,
    headers: &[String],
) -> Vec<Advice> {
    let advice = |through: &ExposingObject| {
        let object = through.object();
        let found = match through {
            ExposingObject::Ingress(ingress, _) => of_ingress(ingress, service),
            ExposingObject::HttpRoute(route, rules) => of_route(route, rules, service, origins, headers),
            ExposingObject::Route(..) | ExposingObject::Other(..) => Vec::new(),
        };
        found.into_iter().map(move |advice| advice.object(object.clone())).collect::<Vec<_>>()
    };
    through.into_iter().flat_map(advice).collect()
}

fn of_ingress(ingress: &Ingress, service: &OpenStackService) -> Vec<Advice> {
    let name = service.name;
    let value = |annotation: &str| ingress.annotations.get(annotation).map(|value| value.trim());
    let switches = SWITCHES.iter().filter(|switch| value(switch).is_some_and(|v| v.eq_ignore_ascii_case("true")));
    let answers = switches.map(|switch| {
        Advice::new(format!(
            "the controller answers preflights instead of {name}, and must be updated for every dashboard"
        ))
        .rule(Rule::CorsOnTheWay)
        .field(FieldPath::of_annotation(switch))
        .fix(format!("remove it: {name} itself answers the browser"))
    });
    let logins = LOGINS.iter().filter(|login| value(login).is_some()).map(|login| {
        Advice::new("it requires a login, which a browser's preflight never has")
            .rule(Rule::OptionsFiltered)
            .severity(Severity::Error)
            .field(FieldPath::of_annotation(login))
            .fix(format!("remove it: {name} checks the token itself"))
    });
    answers.chain(logins).collect()
}

fn of_route(
    route: &HttpRoute,
    rules: &[usize],
    service: &OpenStackService,
    origins: &BTreeSet<&Origin>,
    headers: &[String],
) -> Vec<Advice> {
    let rules = rules.iter().filter_map(|at| Some((at, route.spec.rules.get(*at)?)));
    let filters = rules.flat_map(|(at, rule)| rule.filters.iter().enumerate().map(move |(nth, f)| (at, nth, f)));
    let name = service.name;
    filters
        .filter_map(|(at, nth, filter)| {
            let missing = missing(filter.cors.as_ref()?, service, origins, headers);
            let what = format!("the CORS filter answers preflights instead of {name}, without {}", missing.join(", "));
            (!missing.is_empty()).then(|| {
                Advice::new(what)
                    .rule(Rule::CorsOnTheWay)
                    .severity(Severity::Error)
                    .field(http_route::rule(*at).field("filters").then(PathElement::Index(nth)))
                    .fix("remove the filter, or add them to it")
            })
        })
        .collect()
}

/// What the gateway's own grant lacks.
fn missing(
    cors: &HttpCors,
    service: &OpenStackService,
    origins: &BTreeSet<&Origin>,
    headers: &[String],
) -> Vec<String> {
    let HttpCors { allow_origins, allow_methods, allow_headers } = cors;
    let is_in = |origin: &str, entry: &str| match entry.split_once('*') {
        _ if entry == "*" => true,
        Some((head, tail)) => {
            origin.len() > head.len() + tail.len() && origin.starts_with(head) && origin.ends_with(tail)
        }
        None => entry == origin,
    };
    let origins = origins.iter().filter(|o| !allow_origins.iter().any(|entry| is_in(o.as_str(), entry)));
    let safe = ["GET", "HEAD", "POST"];
    let methods = service.allow_methods.iter().filter(|m| !safe.contains(m));
    let methods = methods.filter(|m| !allow_methods.iter().any(|listed| listed == "*" || listed == *m));
    let headers =
        headers.iter().filter(|h| !allow_headers.iter().any(|listed| listed == "*" || listed.eq_ignore_ascii_case(h)));
    origins.map(ToString::to_string).chain(methods.map(|m| (*m).to_owned())).chain(headers.cloned()).collect()
}
