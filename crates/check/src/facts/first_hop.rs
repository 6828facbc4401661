//! Whether browsers reach a server themselves, or a proxy in front of it that tells it their scheme.
//!
//! In: the cloud, and a server that ends TLS. Out: whether nothing in the input shows such a proxy. Then a request has no
//! `X-Forwarded-Proto`.

use super::addressed;
use super::cloud::Cloud;
use super::server::{ScopedDirective, Server};
use crate::classify::Kind;
use crate::unit::Program;

/// Whether a request of a browser comes to a server as the browser sends it.
pub(crate) fn is_first(cloud: &Cloud<'_>, server: &Server<'_>) -> bool {
    let ends_tls = !server.listens.is_empty() && server.listens.iter().all(|listen| listen.tls == Some(true));
    // In Kubernetes, routes lead to the servers of pods.
    let is_in_pods = server.file.place.object.is_some();
    // With the same demand on the dashboard, nobody could log in without a proxy that meets it.
    let is_alike = |other: &&Server<'_>| {
        other.service == Program::Horizon && other.kind == server.kind && other.scope == server.scope
    };
    ends_tls
        && !is_in_pods
        && addressed::fit(server, &cloud.published).is_some()
        && !cloud.servers.iter().any(|other| addressed::leads_to(other, server))
        && !server.items.iter().any(expects_a_proxy)
        && !cloud.servers.iter().filter(is_alike).any(asks_for_scheme)
}

/// Whether a directive is for what comes from a proxy.
fn expects_a_proxy(item: &ScopedDirective<'_>) -> bool {
    let has = |word: &str| item.directive.args.iter().any(|own| own == word);
    match item.directive.name.as_str() {
        "set_real_ip_from" | "real_ip_header" | "more_set_input_headers" => true,
        "listen" => has("proxy_protocol"),
        "bind" => has("accept-proxy") || has("accept-netscaler-cip"),
        "tcp-request" => has("expect-proxy"),
        "reqadd" | "setenvif" | "setenvifnocase" => is_scheme(item.directive.arg(0).unwrap_or_default()),
        "requestheader" => has("early") && is_scheme(&item.directive.text()),
        name => name.starts_with("remoteip") || name.starts_with("proxyprotocol"),
    }
}

/// Whether a condition of a server is about the header.
fn asks_for_scheme(server: &Server<'_>) -> bool {
    server.items.iter().any(|item| {
        let asks = match server.kind {
            Kind::Haproxy => matches!(item.directive.name.as_str(), "http-request" | "redirect" | "acl"),
            _ => matches!(item.directive.name.as_str(), "if" | "rewritecond" | "map"),
        };
        let sets = item.directive.arg(0).is_some_and(|action| action.starts_with("set-") || action == "add-header");
        asks && !sets && is_scheme(&item.directive.text())
    })
}

fn is_scheme(text: &str) -> bool {
    text.to_lowercase().replace('_', "-").contains("x-forwarded-proto")
}
