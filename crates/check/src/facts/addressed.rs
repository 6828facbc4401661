//! Which servers in front of Glance the published URLs mean.
//!
//! In: the servers, and the URLs of the catalog or of `public_endpoint`. A server for another name or port, next to one of
//! the same kind that answers a published URL, is for machines or health checks: browsers do not use it.

use direct_upload_api::web::PublicUrl;

use super::catalog::Published;
use super::server::Server;
use crate::classify::Kind;
use crate::unit::Program;

/// Drops the servers that no published URL means, where another one answers it.
pub(super) fn keep(servers: &mut Vec<Server<'_>>, published: &[Published]) {
    let fits: Vec<Option<usize>> = servers.iter().map(|server| fit(server, published)).collect();
    let dropped: Vec<bool> = servers
        .iter()
        .zip(&fits)
        .map(|(server, fit)| {
            let is_like = |other: &&(&Server<'_>, &Option<usize>)| {
                other.0.kind == server.kind && other.0.scope == server.scope && other.0.service == Program::Glance
            };
            let best = servers.iter().zip(&fits).filter(|other| is_like(&other)).filter_map(|(_, fit)| *fit).max();
            server.service == Program::Glance
                && matches!(server.kind, Kind::Httpd | Kind::Nginx | Kind::Haproxy)
                && !server.listens.is_empty()
                && best.is_some_and(|best| fit.is_none_or(|own| own < best))
                && !is_behind(server, servers)
        })
        .collect();
    let mut dropped = dropped.into_iter();
    servers.retain(|_| !dropped.next().unwrap_or_default());
}

/// How exactly a server means a published URL, by its port, TLS and names; none if it does not.
fn fit(server: &Server<'_>, published: &[Published]) -> Option<usize> {
    let of = |own: &Published| {
        let url = PublicUrl::parse(&own.url).ok().filter(|_| own.scope == server.scope)?;
        let port = url::Url::parse(&own.url).ok()?.port_or_known_default()?;
        let is_it = server
            .listens
            .iter()
            .any(|listen| listen.port == Some(port) && listen.tls.is_none_or(|tls| tls == url.origin().is_https()));
        if is_it { by_name(server, url.origin().host()) } else { None }
    };
    published.iter().filter_map(of).max()
}

/// nginx: an exact name, the longest with a star before, the longest with a star behind, a pattern (nginx, Server names).
/// httpd takes the first host whose name or alias fits.
fn by_name(server: &Server<'_>, host: &str) -> Option<usize> {
    let is_name = |name: &str| matches!(name, "server_name" | "servername" | "serveralias");
    let items = server.items.iter().filter(|item| is_name(&item.directive.name));
    let mut names = items.flat_map(|item| &item.directive.args).map(|name| name.to_lowercase()).peekable();
    if server.kind == Kind::Haproxy || names.peek().is_none() {
        return Some(0);
    }
    let rank = |name: String| {
        let name = name.split("://").last()?.split(':').next()?.to_owned();
        let fits = match (name.strip_prefix('*'), name.strip_suffix('*'), name.strip_prefix('~')) {
            (Some(end), ..) => host.ends_with(end).then_some(2000 + end.len()),
            (_, Some(start), _) => host.starts_with(start).then_some(1000 + start.len()),
            (.., Some(pattern)) => regex::Regex::new(pattern).ok()?.is_match(host).then_some(1),
            _ => (name == host).then_some(3000),
        };
        if server.kind == Kind::Httpd { fits.map(|_| 1) } else { fits }
    };
    names.filter_map(rank).max()
}

/// Whether another server leads on to one, by the port.
fn is_behind(server: &Server<'_>, servers: &[Server<'_>]) -> bool {
    let leads = ["proxy_pass", "uwsgi_pass", "proxypass", "balancermember", "server", "rewriterule", "proxypassmatch"];
    let ports: Vec<String> = server.listens.iter().filter_map(|own| own.port).map(|port| format!(":{port}")).collect();
    servers.iter().flat_map(|other| &other.items).filter(|item| leads.contains(&item.directive.name.as_str())).any(
        |item| {
            let text = item.directive.text();
            ports.iter().any(|port| {
                text.match_indices(port.as_str())
                    .any(|(at, _)| !text[at + port.len()..].starts_with(|c: char| c.is_ascii_digit()))
            })
        },
    )
}
