//! DU020: routes that lead to a port of Glance's Service which the Service does not have. Controllers then answer 503, or
//! 500 (HTTPRoute), themselves.
//!
//! In: objects. Out: findings. Fields by the references of Ingress, HTTPRoute, VirtualService, HTTPProxy and IngressRoute.

use direct_upload_api::{Rule, Severity};
use serde_json::Value;

use crate::finding::Finding;
use crate::objects::Object;

/// All of them.
pub(crate) fn ports(objects: &[Object], is_wanted: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for route in objects {
        let mut backends = Vec::new();
        match route.kind() {
            "Ingress" | "HTTPRoute" | "VirtualService" | "HTTPProxy" | "IngressRoute" => {
                named(&route.value["spec"], &mut vec!["spec".to_owned()], &mut backends);
            }
            _ => {}
        }
        for (path, name, port) in backends {
            let mut names = name.split('.');
            let name = names.next().unwrap_or_default();
            let namespace = names.next().unwrap_or(route.namespace());
            let is_it = |own: &&Object| own.kind() == "Service" && own.name() == name && own.namespace() == namespace;
            let Some(service) = objects.iter().find(is_it).filter(|own| own.name().contains("glance")) else {
                continue;
            };
            let Some(all) = service.value["spec"]["ports"].as_array().filter(|all| !all.is_empty()) else { continue };
            let written = port.as_str().map_or_else(|| port.to_string(), str::to_owned);
            let has =
                |own: &Value| own["port"].to_string() == written || own["name"].as_str() == Some(written.as_str());
            if all.iter().any(has) {
                continue;
            }
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let found = format!("{} has no port {written}, so the request never reaches Glance", service.id());
            let own: Vec<String> = all.iter().map(|own| own["port"].to_string()).collect();
            let severity = if is_wanted(route.namespace()) { Severity::Error } else { Severity::Warning };
            let fix = format!("set {}", own.join(" or "));
            findings.push(Finding::new(Rule::OptionsFiltered, severity, &route.place(&path), found, fix));
        }
    }
    findings
}

/// Each Service with its port, as the kinds write them: `service: {name, port: {number}}`, `{name, port}`,
/// `destination: {host, port: {number}}`.
fn named(value: &Value, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, String, Value)>) {
    match value {
        Value::Object(map) => {
            let name = map.get("name").or_else(|| map.get("host")).and_then(Value::as_str);
            if let (Some(name), Some(port)) = (name, map.get("port")) {
                let mut at = path.clone();
                at.push("port".to_owned());
                let written = match port {
                    Value::Object(own) => ["number", "name"].into_iter().find_map(|field| {
                        let port = own.get(field)?.clone();
                        at.push(field.to_owned());
                        Some(port)
                    }),
                    own => Some(own.clone()),
                };
                found.extend(written.map(|port| (at, name.to_owned(), port)));
            }
            for (key, inner) in map {
                path.push(key.clone());
                named(inner, path, found);
                path.pop();
            }
        }
        Value::Array(all) => {
            for (at, inner) in all.iter().enumerate() {
                path.push(at.to_string());
                named(inner, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}
