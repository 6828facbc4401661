//! DU020: what ends each request of an upload on a gateway: certificates, logins, and redirects to another host.
//!
//! In: an object, and the routes to Glance. Out: places, and what is there. Fields by the references of Istio (Gateway),
//! Contour (HTTPProxy), Envoy Gateway (ClientTrafficPolicy) and Gateway API (HTTPRequestRedirectFilter).

use direct_upload_api::Rule;
use serde_json::Value;

use super::paths::takes;
use crate::objects::{Object, any_text};
use direct_upload_core::openstack::cors_request::UPLOAD_PATH;

const CERTIFICATE: &str = "demands a client certificate, and a browser's preflight never has one";

const TOKEN: &str = "remove it: Glance checks the token itself";

type GatewayRefusal = (Vec<String>, Rule, String, &'static str);

/// All of them on one object.
pub(super) fn refuses(object: &Object, routes: &[&Object]) -> Vec<GatewayRefusal> {
    let spec = &object.value["spec"];
    let to_glance = routes.iter().any(|route| std::ptr::eq(*route, object));
    let path = |steps: &[&str]| -> Vec<String> { steps.iter().map(|step| (*step).to_owned()).collect() };
    let mut found = Vec::new();
    let mut refused = |steps: &[&str], what: &str, fix| {
        found.push((path(steps), Rule::OptionsFiltered, what.to_owned(), fix));
    };
    match object.kind() {
        "Gateway" if routes.iter().any(|route| is_attached(route, object)) => {
            for (at, server) in spec["servers"].as_array().into_iter().flatten().enumerate() {
                let is_used = any_text(&server["hosts"], &|host| {
                    routes.iter().any(|route| {
                        any_text(&route.value["spec"]["hosts"], &|own| {
                            let bare = host.rsplit('/').next().unwrap_or_default();
                            bare == own || bare.strip_prefix('*').is_some_and(|rest| own.ends_with(rest))
                        })
                    })
                });
                if is_used && server["tls"]["mode"] == "MUTUAL" {
                    refused(&["spec", "servers", &at.to_string(), "tls", "mode"], CERTIFICATE, "set SIMPLE");
                }
            }
        }
        "HTTPProxy" if to_glance => {
            let host = &spec["virtualhost"];
            let validation = &host["tls"]["clientValidation"];
            let steps = ["spec", "virtualhost", "tls", "clientValidation"];
            if validation.is_object() && validation["optionalClientCertificate"] != true {
                refused(&steps, CERTIFICATE, TOKEN);
            }
            for (at, provider) in host["jwtProviders"].as_array().into_iter().flatten().enumerate() {
                if provider["default"] == true {
                    let what = "demands a JSON Web Token of another issuer, which no request of an upload has";
                    refused(&["spec", "virtualhost", "jwtProviders", &at.to_string()], what, TOKEN);
                }
            }
        }
        "ClientTrafficPolicy" => {
            let validation = &spec["tls"]["clientValidation"];
            let targets = [&spec["targetRef"], &spec["targetRefs"]];
            let mut all = targets.iter().flat_map(|target| match target {
                Value::Array(all) => all.iter().collect(),
                one => vec![*one],
            });
            let is_used = all.any(|target| {
                let is_it = |parent: &Value| {
                    let section = &target["sectionName"];
                    parent["name"] == target["name"] && (section.is_null() || parent["sectionName"] == *section)
                };
                target["name"].is_string()
                    && routes
                        .iter()
                        .any(|route| route.value["spec"]["parentRefs"].as_array().into_iter().flatten().any(is_it))
            });
            if is_used && validation.is_object() && validation["optional"] != true {
                refused(&["spec", "tls", "clientValidation"], CERTIFICATE, TOKEN);
            }
        }
        "HTTPRoute" if to_glance => {
            let hosts: Vec<&str> =
                spec["hostnames"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            for (at, rule) in spec["rules"].as_array().into_iter().flatten().enumerate() {
                // Another rule takes uploads.
                if takes("HTTPRoute", rule, UPLOAD_PATH) == Some(false) {
                    continue;
                }
                for (nth, filter) in rule["filters"].as_array().into_iter().flatten().enumerate() {
                    let target = filter["requestRedirect"]["hostname"].as_str();
                    if let Some(target) = target.filter(|target| !hosts.is_empty() && !hosts.contains(target)) {
                        let steps = ["spec", "rules", &at.to_string(), "filters", &nth.to_string()];
                        refused(
                            &steps,
                            &format!("redirects to {target}, and browsers follow no redirect of a preflight"),
                            TOKEN,
                        );
                    }
                }
            }
        }
        _ => {}
    }
    found
}

/// Whether a VirtualService names a Gateway of Istio.
fn is_attached(route: &Object, gateway: &Object) -> bool {
    let names = route.value["spec"]["gateways"].as_array().into_iter().flatten().filter_map(Value::as_str);
    names.into_iter().any(|name| match name.split_once('/') {
        Some((namespace, name)) => (namespace, name) == (gateway.namespace(), gateway.name()),
        None => route.namespace() == gateway.namespace() && name == gateway.name(),
    })
}
