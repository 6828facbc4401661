//! Filters of an HTTPRoute to Glance that are other objects.
//!
//! In: objects. Out: one sentence for each that is not in the input, or that nothing here reads.

use direct_upload_core::derive::exposure_issue::policy::reads_route_filter;
use direct_upload_core::model::PolicyKind;

use crate::glances::Objects;
use crate::objects::Object;

/// The types whose fields are read (gateway.networking.k8s.io/v1, HTTPRouteFilter).
const TYPES: [&str; 7] = [
    "RequestHeaderModifier",
    "ResponseHeaderModifier",
    "RequestMirror",
    "RequestRedirect",
    "URLRewrite",
    "CORS",
    "ExtensionRef",
];

pub(super) fn unread(objects: Objects<'_>, object: &Object) -> Vec<String> {
    if object.policy_kind() != PolicyKind::HTTPRoute || !objects.leads_to_glance(object) {
        return Vec::new();
    }
    let rules = object.value["spec"]["rules"].as_array().into_iter().flatten();
    let filters = rules.flat_map(|rule| rule["filters"].as_array().into_iter().flatten());
    let of_type = |filter: &serde_json::Value| {
        let kind = filter["type"].as_str().filter(|kind| !TYPES.contains(kind))?;
        Some(format!("{}: check does not read its filters of type {kind}", object.id()))
    };
    let unknown = filters.clone().filter_map(of_type);
    let unread = filters.map(|filter| &filter["extensionRef"]).filter_map(|own| {
        let (written, name) = (own["kind"].as_str()?, own["name"].as_str()?);
        let kind = PolicyKind::of_reference(own["group"].as_str(), written);
        let is_it = |o: &&Object| o.policy_kind() == kind && o.name() == name && o.namespace() == object.namespace();
        let found = objects.iter().find(is_it);
        match kind {
            PolicyKind::HTTPRouteFilter | PolicyKind::Middleware | PolicyKind::SnippetsFilter if found.is_none() => {
                Some(format!("{}: {written} {name}, which it names, is not in the input", object.id()))
            }
            PolicyKind::Middleware | PolicyKind::SnippetsFilter => None,
            PolicyKind::HTTPRouteFilter if found.is_some_and(|o| reads_route_filter(&o.value["spec"])) => None,
            _ => Some(format!("{}: check does not read {written} {name}, which filters its requests", object.id())),
        }
    });
    unknown.chain(unread).collect()
}
