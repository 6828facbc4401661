//! Which servers in front of Glance the published URLs mean.
//!
//! In: the servers, and the URLs of the catalog or of `public_endpoint`. A server for another name or port, next to one of
//! the same kind that answers a published URL, is for machines or health checks: browsers do not use it.

use std::collections::BTreeSet;

use direct_upload_api::web::PublicUrl;

use super::catalog::Published;
use super::listen::{Target, is_local};
use super::server::Server;
use crate::classify::Kind;
use crate::unit::Program;

/// Drops the servers that no published URL means, where another one answers it.
pub(super) fn keep(servers: &mut Vec<Server<'_>>, published: &[Published]) {
    let fits: Vec<Option<usize>> = servers.iter().map(|server| fit(server, published)).collect();
    let is_dropped = |(server, fit): (&Server<'_>, &Option<usize>)| {
        let alike: Vec<usize> = (0..servers.len()).filter(|other| is_alike(&servers[*other], server)).collect();
        let best = alike.iter().filter_map(|other| fits[*other]).max();
        let is_worse = best.is_some_and(|best| fit.is_none_or(|own| own < best));
        let comes_late = || alike.iter().any(|other| fits[*other] == *fit && comes_first(&servers[*other], server));
        server.service == Program::Glance
            && matches!(server.kind, Kind::Httpd | Kind::Nginx | Kind::Haproxy)
            && !(server.listens.is_empty() && server.inside.is_empty())
            && (is_worse || (fit.is_some() && comes_late()))
            && !is_behind(server, servers)
    };
    let dropped: Vec<bool> = servers.iter().zip(&fits).map(is_dropped).collect();
    let mut dropped = dropped.into_iter();
    servers.retain(|_| !dropped.next().unwrap_or_default());
}

/// Whether two servers belong to one program, and a Glance is behind the first.
fn is_alike(other: &Server<'_>, server: &Server<'_>) -> bool {
    other.kind == server.kind && other.scope == server.scope && other.service == Program::Glance
}

/// Whether the first of two hosts of httpd or nginx with the same addresses counts where both fit as well: the files of a
/// folder are read in the order of their names, and nginx warns of a conflicting server name.
pub(crate) fn comes_first(first: &Server<'_>, second: &Server<'_>) -> bool {
    // As they are written: those of IPv4 and IPv6 are different ones.
    let addresses = |server: &Server<'_>| {
        let words = server.listens.iter().filter_map(|own| own.written.split_whitespace().nth(1).map(str::to_owned));
        words.collect::<BTreeSet<String>>()
    };
    let start = |server: &Server<'_>| {
        let first = server.listens.first()?;
        Some((first.place.file.clone(), first.place.line))
    };
    let folder = |server: &Server<'_>| {
        server.file.place.file.as_deref().and_then(|file| Some(file.rsplit_once('/')?.0.to_owned()))
    };
    matches!(first.kind, Kind::Httpd | Kind::Nginx)
        && addresses(first) == addresses(second)
        && folder(first) == folder(second)
        // Locations of one server of nginx are parts of it.
        && start(first) < start(second)
}

/// How exactly a server means a published URL, by its port, TLS and names; none if it does not.
pub(crate) fn fit(server: &Server<'_>, published: &[Published]) -> Option<usize> {
    let of = |own: &Published| {
        let url = PublicUrl::parse(&own.url).ok()?;
        let port = url::Url::parse(&own.url).ok()?.port_or_known_default()?;
        let is_it = server
            .listens
            .iter()
            .any(|listen| listen.port == Some(port) && listen.tls.is_none_or(|tls| tls == url.origin().is_https()));
        if is_it { by_name(server, url.origin().host()) } else { None }
    };
    published.iter().filter(|own| own.scope == server.scope).filter_map(of).max()
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

fn is_behind(server: &Server<'_>, servers: &[Server<'_>]) -> bool {
    servers.iter().any(|other| leads_to(other, server))
}

/// Whether a server leads on to another one. Where that one itself leads, something else listens.
pub(crate) fn leads_to(server: &Server<'_>, other: &Server<'_>) -> bool {
    let onward: Vec<(&str, u16)> = other.targets().map(|(_, target)| (target.host, target.port)).collect();
    let reaches = |target: &Target<'_>| {
        let is_near = server.scope == other.scope || !is_local(target.host);
        is_near && !onward.contains(&(target.host, target.port))
    };
    let takes = |target: Target<'_>| other.listens.iter().chain(&other.inside).any(|own| own.takes(&target));
    server.targets().map(|(_, target)| target).filter(reaches).any(takes)
}
