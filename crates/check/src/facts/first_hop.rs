//! Whether browsers reach a server themselves, or a proxy in front of it that tells it their scheme.
//!
//! In: the cloud, and a server. Out: what `X-Forwarded-Proto` says there. Where nothing in the input shows a proxy that adds it,
//! a request has none.

use direct_upload_core::openstack::cors_request::KnownText;

use super::addressed;
use super::cloud::Cloud;
use super::server::{ScopedDirective, Server};
use crate::classify::Kind;
use crate::unit::Program;

/// What a server learns of the scheme of browsers' requests.
pub(crate) struct Scheme {
    /// `X-Forwarded-Proto`, as far as the input shows it.
    pub header: KnownText,
    /// Whether each server in front of it ends TLS.
    pub is_behind_tls: bool,
}

/// The same from the servers in front of one.
pub(crate) fn scheme(cloud: &Cloud<'_>, server: &Server<'_>) -> Scheme {
    let before: Vec<&Server<'_>> = cloud.servers.iter().filter(|other| addressed::leads_to(other, server)).collect();
    let is_behind_tls = !before.is_empty() && before.iter().copied().all(ends_tls);
    let sets_none = |other: &&Server<'_>| !other.items.iter().any(sets_scheme) && is_first(cloud, other);
    let sets_https = |other: &&Server<'_>| {
        let mut own = other.items.iter().filter(|item| sets_scheme(item));
        own.any(|item| ["https", "$scheme", "ssl_fc"].iter().any(|word| item.directive.text().contains(word)))
    };
    let header = match () {
        () if is_first(cloud, server) => KnownText::Missing,
        () if is_behind_tls && before.iter().all(sets_none) => KnownText::Missing,
        () if is_behind_tls && before.iter().all(sets_https) => KnownText::is("https"),
        () => KnownText::Unknown,
    };
    Scheme { header, is_behind_tls }
}

fn ends_tls(server: &Server<'_>) -> bool {
    !server.listens.is_empty() && server.listens.iter().all(|listen| listen.tls == Some(true))
}

/// Whether a directive writes the header for what is behind a server.
fn sets_scheme(item: &ScopedDirective<'_>) -> bool {
    let is_set = match item.directive.name.as_str() {
        "proxy_set_header" | "uwsgi_param" | "requestheader" | "reqadd" => true,
        "http-request" => item.directive.arg(0).is_some_and(|action| action.ends_with("-header")),
        _ => false,
    };
    is_set && is_scheme(&item.directive.text())
}

/// Whether a request of a browser comes to a server as the browser sends it.
fn is_first(cloud: &Cloud<'_>, server: &Server<'_>) -> bool {
    // In Kubernetes, routes lead to the servers of pods.
    let is_in_pods = server.file.place.object.is_some();
    // With the same demand on the dashboard, nobody could log in without a proxy that meets it.
    let is_alike = |other: &&Server<'_>| {
        other.service == Program::Horizon && other.kind == server.kind && other.scope == server.scope
    };
    ends_tls(server)
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
