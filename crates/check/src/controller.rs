//! The limits in ingress-nginx's own ConfigMap, for an Ingress that sets none.
//!
//! In: objects, and what the Ingresses in front of Glance or the dashboard do. Out: the same, with the controller's
//! own values if the input has them, and a list of those that it lacks. The keys of the ConfigMap are those of the
//! annotations, without prefix (kubernetes.github.io/ingress-nginx, ConfigMaps).

use direct_upload_api::Rule;

use crate::facts::cloud::PlacedIssue;
use crate::objects::Object;
use direct_upload_core::derive::exposure_issue::quantity;
use direct_upload_core::derive::exposure_issue::tolerance::{LARGE, PATIENT, SMALL};

const PREFIX: &str = "nginx.ingress.kubernetes.io/";

/// Replaces usual values by the controller's own. Returns what the input does not show.
pub fn apply(objects: &[Object], issues: &mut Vec<PlacedIssue>) -> Vec<String> {
    let own = objects.iter().find(|object| is_controllers(object));
    let mut unseen = Vec::new();
    issues.retain_mut(|placed| {
        let key = placed.issue.field.annotation().and_then(|name| name.strip_prefix(PREFIX)).map(str::to_owned);
        let (Some(key), false) = (key, placed.issue.written) else { return true };
        let Some(own) = own else {
            if placed.issue.rule == Rule::BodyLimit {
                unseen.push(format!(
                    "{}: {key} is not set there, and the input lacks the ingress controller's own ConfigMap",
                    placed.issue.object
                ));
            }
            return true;
        };
        let Some(value) = own.value["data"][&key].as_str() else {
            if placed.issue.rule == Rule::BodyLimit {
                placed.issue.fails = true;
                placed.issue.found = format!(
                    "is missing, and {} does not set it either, so nginx refuses bodies above 1m with 413",
                    own.id()
                );
            }
            return true;
        };
        if is_enough(&key, value) {
            return false;
        }
        placed.issue.fails = placed.issue.rule == Rule::BodyLimit
            && quantity::bytes(value).is_some_and(|limit| limit > 0 && limit < SMALL);
        placed.issue.found = format!("is not set, and {} sets it to {value}", own.id());
        true
    });
    unseen
}

fn is_controllers(object: &Object) -> bool {
    let label = object.value["metadata"]["labels"]["app.kubernetes.io/name"].as_str();
    object.kind() == "ConfigMap"
        && (label == Some("ingress-nginx")
            || matches!(object.name(), "ingress-nginx-controller" | "nginx-configuration"))
}

fn is_enough(key: &str, value: &str) -> bool {
    match key {
        "proxy-body-size" => quantity::bytes(value).is_some_and(|limit| limit == 0 || limit >= LARGE),
        "proxy-request-buffering" => value == "off",
        "proxy-read-timeout" | "proxy-send-timeout" => {
            quantity::milliseconds(value, 1000).is_some_and(|time| time >= PATIENT)
        }
        _ => false,
    }
}
