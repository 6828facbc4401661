//! Programs that a gateway asks about each request.
//!
//! In: objects. Out: one sentence, because the input does not show what such a program decides.

use direct_upload_core::model::PolicyKind;

use crate::glances::Objects;
use crate::names;
use crate::objects::{Object, any_text};

const AUTHORIZER: &str = "what its external authorizer decides about OPTIONS and PUT is not in the input";

/// What an object asks, if requests to Glance meet it.
pub(super) fn of_object(objects: Objects<'_>, object: &Object) -> Option<String> {
    let spec = &object.value["spec"];
    let asks = match object.policy_kind() {
        PolicyKind::HTTPProxy => {
            spec["virtualhost"]["authorization"]["extensionRef"].is_object() && objects.leads_to_glance(object)
        }
        PolicyKind::AuthorizationPolicy => spec["action"] == "CUSTOM" && is_near_glance(objects, object),
        _ => false,
    };
    asks.then(|| format!("{}: {AUTHORIZER}", object.id()))
}

/// Whether a policy of Istio may be about Glance's pods, or about the pods of a gateway in another namespace. It is about
/// pods of its own namespace, or in the root namespace about all (security.istio.io, AuthorizationPolicy).
pub(super) fn is_near_glance(objects: Objects<'_>, policy: &Object) -> bool {
    const WAYS: [&str; 5] = ["istio", "gateway", "ingress", "edge", "proxy"];
    let is_way = |text: &str| WAYS.iter().any(|way| text.contains(way));
    let labels = &policy.value["spec"]["selector"];
    let leads = |o: &Object| o.policy_kind() == PolicyKind::VirtualService && objects.leads_to_glance(o);
    let gateways = || objects.iter().filter(|o| o.policy_kind() == PolicyKind::IstioGateway);
    let selects_gateway =
        |text: &str| is_way(text) || gateways().any(|o| any_text(&o.value["spec"]["selector"], &|own| own == text));
    let is_gateways = if labels.is_null() {
        is_way(policy.namespace()) || gateways().any(|o| o.namespace() == policy.namespace())
    } else {
        any_text(labels, &selects_gateway)
    };
    let may_be = |o: &Object| leads(o) && (is_gateways || (labels.is_null() && o.namespace() == policy.namespace()));
    any_text(labels, &names::is_glances) || objects.iter().any(may_be)
}
