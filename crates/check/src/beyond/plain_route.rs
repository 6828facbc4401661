//! Published https URLs of Glance whose route ends no TLS: something before it must.
//!
//! In: the cloud, and objects. Out: one sentence.

use direct_upload_api::web::PublicUrl;
use serde_json::Value;

use crate::facts::catalog::{Published, UrlSource};
use crate::facts::cloud::Cloud;
use crate::glances::Objects;
use crate::kinds;
use crate::objects::Object;

pub(super) fn without_tls(cloud: &Cloud<'_>, objects: Objects<'_>) -> Vec<String> {
    let published = cloud.published.iter().filter(|own| own.source != UrlSource::Exposed);
    let of_url = |own: &Published| {
        let url = PublicUrl::parse(&own.url).ok().filter(|url| url.origin().is_https())?;
        let host = url.origin().host();
        let near = own.scope.first().into_iter().flat_map(|namespace| objects.routes_in(namespace));
        // The report names one that nothing reads.
        let near = near.filter(|route| !kinds::is_old(route));
        let mut taking = near.filter(|route| has_host(route, host)).peekable();
        let first = taking.peek()?.id();
        taking.all(|route| is_plain(route, host)).then(|| {
            format!("{} ({}): what ends TLS before {first}, which has no tls, is not in the input", own.url, own.place)
        })
    };
    published.filter_map(of_url).collect()
}

/// Whether an Ingress or a Route has a host itself.
fn has_host(route: &Object, host: &str) -> bool {
    let spec = &route.value["spec"];
    match route.kind() {
        "Ingress" => spec["rules"].as_array().into_iter().flatten().any(|rule| rule["host"] == host),
        "Route" => spec["host"] == host,
        _ => false,
    }
}

/// Whether it ends no TLS for the host, and no annotation lets its controller do so.
fn is_plain(route: &Object, host: &str) -> bool {
    let spec = &route.value["spec"];
    if route.kind() == "Route" {
        return spec["tls"].is_null();
    }
    let covers = |entry: &Value| {
        let names: Vec<&str> = entry["hosts"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let fits = |name: &&str| *name == host || name.strip_prefix('*').is_some_and(|end| host.ends_with(end));
        names.is_empty() || names.iter().any(fits)
    };
    let annotations = route.value["metadata"]["annotations"].as_object().into_iter().flatten();
    let mut names = annotations.map(|(name, _)| name.to_lowercase());
    let by_annotation = names.any(|name| ["tls", "cert", "ssl", "entrypoints"].iter().any(|word| name.contains(word)));
    !by_annotation && !spec["tls"].as_array().into_iter().flatten().any(covers)
}
