//! Middlewares of Traefik between browsers and Glance, in objects and in Traefik's files.
//!
//! In: objects, and units with Traefik's files. Out: whether requests to Glance meet a Middleware; and one sentence for each that is
//! named and not in the input, or not read.

use direct_upload_core::model::PolicyKind;

use crate::facts::traefik;
use crate::glances::Objects;
use crate::objects::{Object, any_text};
use crate::unit::Unit;

/// More Middlewares of Traefik than any real chain of chains has.
const MOST_CHAINS: usize = 8;

/// Whether what leads to Glance names a Middleware of Traefik, itself or by a chain, or anything names it for an entry point.
fn is_reached(objects: Objects<'_>, middleware: &Object, depth: usize) -> bool {
    let (namespace, name) = (middleware.namespace(), middleware.name());
    let of_provider = format!("{namespace}-{name}@kubernetescrd");
    let is_named = |value: &serde_json::Value| any_text(value, &|text| text == name || text.contains(&of_provider));
    objects.iter().filter(|o| o.id() != middleware.id()).any(|o| match o.policy_kind() {
        PolicyKind::IngressRoute | PolicyKind::HTTPRoute => objects.leads_to_glance(o) && is_named(&o.value["spec"]),
        PolicyKind::Ingress => objects.leads_to_glance(o) && is_named(&o.value["metadata"]["annotations"]),
        PolicyKind::Middleware => depth > 0 && is_named(&o.value["spec"]["chain"]) && is_reached(objects, o, depth - 1),
        _ => any_text(&o.value, &|text| text.contains(&of_provider)),
    })
}

/// The same, with all chains.
pub(super) fn is_used(objects: Objects<'_>, middleware: &Object) -> bool {
    is_reached(objects, middleware, MOST_CHAINS)
}

/// Middlewares that an IngressRoute or a chain names and that are not there: they keep Traefik from making the router.
pub(super) fn missing(objects: Objects<'_>, object: &Object) -> Vec<String> {
    let spec = &object.value["spec"];
    let is_on_the_way = match object.policy_kind() {
        PolicyKind::IngressRoute => objects.leads_to_glance(object),
        PolicyKind::Middleware => spec["chain"].is_object() && is_used(objects, object),
        _ => false,
    };
    if !is_on_the_way {
        return Vec::new();
    }
    let routes = spec["routes"].as_array().into_iter().flatten().chain([&spec["chain"]]);
    let named = routes.flat_map(|route| route["middlewares"].as_array().into_iter().flatten());
    let missing = named.filter_map(|middleware| {
        let name = middleware["name"].as_str().filter(|name| !name.contains('@'))?;
        let namespace = middleware["namespace"].as_str().unwrap_or(object.namespace());
        let is_it =
            |o: &Object| o.policy_kind() == PolicyKind::Middleware && o.name() == name && o.namespace() == namespace;
        (!objects.iter().any(is_it))
            .then(|| format!("Middleware {namespace}/{name}, which {} names, is not in the input", object.id()))
    });
    missing.collect()
}

/// Middlewares of routers in Traefik's files that these files do not have.
pub(super) fn of_files(unit: &Unit) -> Vec<String> {
    let files = traefik::written(unit);
    let mut gaps = Vec::new();
    for (file, document) in &files {
        for (name, router) in traefik::routers(&files, document) {
            let unread: Vec<&str> = traefik::middlewares(router)
                .filter(|own| {
                    let seen = traefik::middleware(&files, own);
                    seen.is_none_or(|(_, own)| own["plugin"].is_object())
                })
                .collect();
            if !unread.is_empty() {
                let line = document.node.line_of(["http", "routers", name, "middlewares"]);
                gaps.push(format!("{}: check does not read what {} does to uploads", file.at(line), unread.join(", ")));
            }
        }
    }
    gaps
}
