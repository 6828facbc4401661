//! What controllers do with each request by their own configuration: ingress-nginx's ConfigMap, and the Middlewares of
//! Traefik's entry points.
//!
//! In: objects. Out: one sentence for each that may end uploads, and that no rule reads.

use direct_upload_core::model::PolicyKind;
use serde_json::Value;

use crate::glances::Objects;
use crate::ingress_class::COMMUNITY;
use crate::objects::{Object, any_text};

/// Keys of ingress-nginx's ConfigMap that refuse requests.
pub(super) fn of_nginx(objects: Objects<'_>) -> Vec<String> {
    let is_used = objects.routes().any(|route| route.policy_kind() == PolicyKind::Ingress);
    let Some(own) = COMMUNITY.config_map(&objects).filter(|_| is_used) else { return Vec::new() };
    let data = own.value["data"].as_object().into_iter().flatten();
    let refuses = |(key, value): &(&String, &Value)| {
        let text = value.as_str().unwrap_or_default();
        match key.as_str() {
            "whitelist-source-range" | "allowlist-source-range" => !text.is_empty() && !text.contains("/0"),
            "ssl-protocols" => !text.contains("TLSv1.2") && !text.contains("TLSv1.3"),
            // The usual size is 8k.
            "large-client-header-buffers" => {
                let size = text.split_whitespace().nth(1);
                size.is_some_and(|size| size.parse::<u64>().is_ok_and(|bytes| bytes < 1024))
            }
            _ => false,
        }
    };
    data.filter(refuses)
        .map(|(key, _)| format!("{}: whether its {key} lets uploads of the dashboard's users pass", own.id()))
        .collect()
}

/// Middlewares of an entry point (`--entrypoints.NAME.http.middlewares=NAMESPACE-NAME@kubernetescrd`).
pub(super) fn of_traefik(objects: Objects<'_>, workload: &Object) -> Option<String> {
    let pod = &workload.value["spec"]["template"]["spec"]["containers"];
    let mut named = Vec::new();
    for argument in pod.as_array().into_iter().flatten().flat_map(|own| own["args"].as_array().into_iter().flatten()) {
        let text = argument.as_str().unwrap_or_default();
        let own = text.to_lowercase().contains("entrypoints.") && text.contains(".http.middlewares=");
        named.extend(text.split_once('=').filter(|_| own).into_iter().flat_map(|(_, names)| names.split(',')));
    }
    let is_plain = |name: &&str| {
        let own = objects.iter().find(|o| {
            o.policy_kind() == PolicyKind::Middleware
                && **name == format!("{}-{}@kubernetescrd", o.namespace(), o.name())
        });
        own.is_some_and(|own| own.value["spec"].as_object().is_some_and(|spec| spec.iter().all(is_harmless)))
    };
    let open = named.iter().find(|name| !is_plain(name))?;
    let serves = objects.routes().any(crate::kinds::may_be_traefiks);
    serves.then(|| format!("{}: what {open}, a Middleware of its entry point, does to uploads", workload.id()))
}

/// Whether a Middleware changes neither who may pass nor the path, nor CORS.
fn is_harmless((name, value): (&String, &Value)) -> bool {
    match name.as_str() {
        "compress" | "redirectScheme" | "retry" | "contentType" | "passTLSClientCert" => true,
        "headers" => {
            let decides = |text: &str| text.starts_with("accessControl") || text == "allowedHosts";
            let keys = value.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
            !keys.clone().any(decides) && !any_text(value, &|text| text.to_lowercase().contains("access-control"))
        }
        _ => false,
    }
}
