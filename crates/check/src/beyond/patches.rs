//! What changes everything that passes a gateway, and is not read.
//!
//! In: objects. Out: one sentence for each.

use crate::glances::Objects;
use crate::objects::Object;

pub(super) fn of_object(objects: Objects<'_>, object: &Object) -> Option<String> {
    let spec = &object.value["spec"];
    let why = match object.kind() {
        // OpenShift's router does this to each Route.
        "IngressController" if spec["httpHeaders"]["actions"].is_object() => {
            "check does not read what its httpHeaders do to each Route"
        }
        "EnvoyPatchPolicy" => {
            let target = spec["targetRef"]["name"].as_str().unwrap_or_default();
            let is_attached = objects.routes().any(|route| {
                let parents = route.value["spec"]["parentRefs"].as_array().into_iter().flatten();
                parents.filter_map(|parent| parent["name"].as_str()).any(|name| name == target)
            });
            if !is_attached {
                return None;
            }
            "check does not read objects of this kind"
        }
        _ => return None,
    };
    Some(format!("{}: {why}", object.id()))
}
