//! Envoy Gateway's authorization (SecurityPolicy, API reference): the first rule that matches decides, else
//! `defaultAction`, which is Deny unless it is written.
//!
//! In: the field. Out: whether it refuses an upload's requests. The addresses of browsers are not known.

use serde_json::Value;

use super::request::{Test, all, any, has};
use crate::openstack::cors_request::CorsRequest;

/// Whether uploads fail, and what refuses them; none if nothing does. `answered`: the gateway answers preflights before.
pub(super) fn refusal(authorization: &Value, answered: bool) -> Option<(bool, &'static str)> {
    let preflight = if answered { Some(true) } else { allows(authorization, CorsRequest::Preflight) };
    match (preflight, allows(authorization, CorsRequest::Upload)) {
        (Some(false), _) => Some((true, "its rules refuse the preflight of an upload")),
        (_, Some(false)) => Some((true, "its rules refuse the PUT of an image")),
        (Some(true), Some(true)) => None,
        _ => Some((false, "its rules refuse the preflight, or the PUT of an image, of browsers that they do not name")),
    }
}

fn allows(authorization: &Value, request: CorsRequest) -> Option<bool> {
    let allow = |action: &Value| action == "Allow";
    let mut possible = Vec::new();
    for rule in authorization["rules"].as_array().into_iter().flatten() {
        match matches(rule, request) {
            Some(true) => return all_same(&possible, allow(&rule["action"])),
            None => possible.push(allow(&rule["action"])),
            Some(false) => {}
        }
    }
    all_same(&possible, allow(&authorization["defaultAction"]))
}

fn all_same(possible: &[bool], last: bool) -> Option<bool> {
    possible.iter().all(|own| *own == last).then_some(last)
}

fn matches(rule: &Value, request: CorsRequest) -> Option<bool> {
    let methods = rule["operation"]["methods"].as_array().filter(|list| !list.is_empty());
    let method = methods.map(|list| list.iter().any(|own| own == request.method()));
    let unknown = !rule["operation"]["path"].is_null() || !rule["cel"].is_null();
    let principal = rule["principal"].as_object().into_iter().flatten().map(|(name, own)| match name.as_str() {
        // No request of an upload has a JWT.
        "jwt" => Some(false),
        "clientCIDRs" => own.as_array()?.iter().any(|range| range == "0.0.0.0/0").then_some(true),
        "headers" => all(own.as_array()?.iter().map(|header| {
            let name = header["name"].as_str()?;
            any(header["values"].as_array()?.iter().map(|value| has(request, name, Test::Exact(value.as_str()?))))
        })),
        _ => None,
    });
    all(principal.chain([method.or(Some(true)), (!unknown).then_some(true)]))
}
