//! Policies of Cilium that let only some HTTP requests pass to Glance.
//!
//! In: objects. Out: one sentence, because their rules about methods and paths are not read.

use crate::glances::Objects;
use crate::objects::Object;

pub(super) fn of_object(objects: Objects<'_>, object: &Object) -> Option<String> {
    let is_its = matches!(object.kind(), "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy");
    let rules = object.value["spec"]["ingress"].as_array().into_iter().flatten();
    let mut ports = rules.flat_map(|rule| rule["toPorts"].as_array().into_iter().flatten());
    let filters = is_its && objects.leads_to_glance(object) && ports.any(|port| port["rules"]["http"].is_array());
    filters.then(|| format!("{}: check does not read which HTTP requests it lets pass", object.id()))
}
