//! DU020: TLS that demands a client certificate, which no preflight has (Fetch standard, CORS-preflight fetch).
//!
//! In: the routes to Glance, and what ends their TLS. Fields by the references of Istio (Gateway), Contour (HTTPProxy),
//! Traefik (TLSOption) and Gateway API (Gateway, `tls.frontend`). Envoy Gateway's ClientTrafficPolicy is a policy of its
//! own.

use direct_upload_api::Rule;
use serde_json::Value;

use super::path::Path;
use super::{PolicyObject, found, place};
use crate::derive::exposure::hostname::{Hostname, meeting};
use crate::derive::exposure_issue::ExposureIssue;
use crate::derive::exposure_issue::ingress::TRAEFIK;
use crate::model::Key;

type Found = Vec<ExposureIssue>;

const WHAT: &str = "demands a client certificate, and a browser's preflight never has one";

const TOKEN: &str = "remove it: Glance checks the token itself";

pub(super) fn issues(objects: &[PolicyObject<'_>], through: &Path<'_>) -> Found {
    let used = || through.routes.iter().copied().filter(|route| !through.passes_by(route));
    let mut all = Found::new();
    for object in objects {
        match object.kind {
            "Gateway" if object.spec["servers"].is_array() => {
                let named = used().filter(|route| route.kind == "VirtualService" && names(route, object));
                all.extend(named.flat_map(|route| of_istio(object, route)));
            }
            "Gateway" if used().any(|route| is_parent(objects, route, &object.key)) => all.extend(of_frontend(object)),
            "HTTPProxy" if through.has(object) => {
                let validation = &object.spec["virtualhost"]["tls"]["clientValidation"];
                if validation.is_object() && validation["optionalClientCertificate"] != true {
                    let path = ["spec", "virtualhost", "tls", "clientValidation"];
                    all.push(found(object, Rule::OptionsFiltered, true, place(&path), WHAT, TOKEN));
                }
            }
            "TLSOption" if used().any(|route| has_options(route, &object.key)) => {
                let type_ = object.spec["clientAuth"]["clientAuthType"].as_str().unwrap_or_default();
                if matches!(type_, "RequireAnyClientCert" | "RequireAndVerifyClientCert") {
                    let path = ["spec", "clientAuth", "clientAuthType"];
                    all.push(found(
                        object,
                        Rule::OptionsFiltered,
                        true,
                        place(&path),
                        WHAT,
                        "set VerifyClientCertIfGiven",
                    ));
                }
            }
            _ => {}
        }
    }
    all.dedup();
    all
}

/// Whether a VirtualService names a Gateway of Istio.
pub(super) fn names(route: &PolicyObject<'_>, gateway: &PolicyObject<'_>) -> bool {
    let names = route.spec["gateways"].as_array().into_iter().flatten().filter_map(Value::as_str);
    names.into_iter().any(|name| match name.split_once('/') {
        Some((".", name)) => route.key.namespace == gateway.key.namespace && name == gateway.key.name,
        Some((namespace, name)) => (namespace, name) == (gateway.key.namespace.as_str(), gateway.key.name.as_str()),
        None => route.key.namespace == gateway.key.namespace && name == gateway.key.name,
    })
}

fn of_istio(gateway: &PolicyObject<'_>, route: &PolicyObject<'_>) -> Found {
    let hosts: Vec<String> = texts(&route.spec["hosts"]).map(str::to_owned).collect();
    let servers = gateway.spec["servers"].as_array().into_iter().flatten().enumerate();
    let demands = servers.filter(|(_, server)| server["tls"]["mode"] == "MUTUAL");
    let meets = |server: &Value| {
        texts(&server["hosts"]).any(|host| {
            let host = host.rsplit('/').next().unwrap_or_default();
            !meeting(&Hostname::parse(Some(host)), &hosts).is_empty()
        })
    };
    let of_server = |(at, _): (usize, &Value)| {
        let path = ["spec", "servers", &at.to_string(), "tls", "mode"];
        found(gateway, Rule::OptionsFiltered, true, place(&path), WHAT, "set SIMPLE")
    };
    demands.filter(|(_, server)| meets(server)).map(of_server).collect()
}

/// Whether a route comes through a Gateway, also by a ListenerSet.
fn is_parent(objects: &[PolicyObject<'_>], route: &PolicyObject<'_>, gateway: &Key) -> bool {
    let key = |reference: &Value, own: &str| {
        Key::new(reference["namespace"].as_str().unwrap_or(own), reference["name"].as_str().unwrap_or_default())
    };
    let mut parents = route.spec["parentRefs"].as_array().into_iter().flatten();
    route.kind == "HTTPRoute"
        && parents.any(|parent| {
            let named = key(parent, &route.key.namespace);
            match parent["kind"].as_str().unwrap_or("Gateway") {
                "Gateway" => named == *gateway,
                kind => objects.iter().any(|set| {
                    set.kind == kind && set.key == named && key(&set.spec["parentRef"], &set.key.namespace) == *gateway
                }),
            }
        })
}

/// `spec.tls.frontend` of a Gateway. `perPort` replaces the default for its port, which is not compared here.
fn of_frontend(gateway: &PolicyObject<'_>) -> Found {
    let frontend = &gateway.spec["tls"]["frontend"];
    let validation = &frontend["default"]["validation"];
    let demands = validation["caCertificateRefs"].is_array() && validation["mode"] != "AllowInsecureFallback";
    let fails = frontend["perPort"].as_array().is_none_or(Vec::is_empty);
    let path = ["spec", "tls", "frontend", "default", "validation"];
    let fix = "set mode: AllowInsecureFallback, or remove it: Glance checks the token itself";
    demands.then(|| found(gateway, Rule::OptionsFiltered, fails, place(&path), WHAT, fix)).into_iter().collect()
}

/// Whether a TLSOption is that of a route: the one that it names, or else the one named `default`.
fn has_options(route: &PolicyObject<'_>, options: &Key) -> bool {
    let named = match route.kind {
        "IngressRoute" if route.spec["tls"].is_object() => {
            let named = &route.spec["tls"]["options"];
            named["name"].as_str().map(|name| {
                let namespace = named["namespace"].as_str().unwrap_or(&route.key.namespace);
                format!("{namespace}-{name}")
            })
        }
        "Ingress" => {
            let named = route.annotations.get(format!("{TRAEFIK}/router.tls.options").as_str()).copied();
            named.and_then(|name| name.strip_suffix("@kubernetescrd")).map(str::to_owned)
        }
        _ => return false,
    };
    match named {
        Some(named) => named == format!("{}-{}", options.namespace, options.name),
        None => route.kind == "IngressRoute" && options.name == "default",
    }
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}
