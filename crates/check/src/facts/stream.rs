//! nginx that passes connections on (ngx_stream_proxy_module), in front of Glance or Horizon.
//!
//! In: trees of nginx. Out: a [`Server`] for each program to which a server of `stream` leads. It neither reads nor
//! changes requests, so no rule about requests reports it.

use super::listen::{self, Listen};
use super::locations;
use super::nginx::Nginx;
use super::server::{self, Known, ScopedDirective, Server};
use crate::classify::Kind;
use crate::formats::directives::Directive;
use crate::unit::Unit;

/// All of a unit. `known`: what shows which program one serves.
pub(super) fn servers<'a>(unit: &'a Unit, nginx: &Nginx<'a>, known: &Known<'_>) -> Vec<Server<'a>> {
    let mut found = Vec::new();
    for tree in nginx.trees() {
        let blocks: Vec<&Directive> = tree.iter().filter(|d| d.name == "stream").collect();
        for block in &blocks {
            let own = block.children.iter().filter(|d| d.name == "server");
            found.extend(own.flat_map(|own| of_server(unit, nginx, &block.children, own, known)));
        }
        // A file that a main file, which is not seen, includes in its `stream`.
        let loose = tree.iter().filter(|d| is_stream(d));
        found.extend(loose.flat_map(|own| of_server(unit, nginx, tree, own, known)));
    }
    found
}

/// Whether a block `server` outside of `stream` belongs into one: `proxy_pass` of HTTP is never directly in a server.
pub(super) fn is_stream(block: &Directive) -> bool {
    block.name == "server" && block.children.iter().any(|d| d.name == "proxy_pass")
}

/// One server, for each target. `stream`: what is around it.
fn of_server<'a>(
    unit: &'a Unit,
    nginx: &Nginx<'a>,
    stream: &[Directive],
    own: &Directive,
    known: &Known<'_>,
) -> Vec<Server<'a>> {
    let Some(pass) = own.children.iter().find(|d| d.name == "proxy_pass") else { return Vec::new() };
    let file = nginx.file(pass);
    let scoped = |directive: Directive| ScopedDirective { file: nginx.file(&directive), directive, within: vec![] };
    let shared = stream.iter().filter(|d| d.children.is_empty());
    let items: Vec<ScopedDirective<'a>> = shared.chain(&own.children).cloned().map(scoped).collect();
    // Its name is in the first message of TLS (ngx_stream_ssl_preread_module).
    let is_tls = items.iter().any(|item| item.directive.name == "ssl_preread" && item.directive.word() == "on");
    let listened = items.iter().filter(|item| item.directive.name == "listen");
    let listens: Vec<Listen> = listened.filter_map(|item| listen(item, is_tls)).collect();
    let of_target = |(host, target): (Option<String>, String)| {
        let passed = Directive { name: "proxy_pass".into(), args: vec![target], ..pass.clone() };
        let name = host.map(|host| Directive { name: "server_name".into(), args: vec![host], ..pass.clone() });
        let members = locations::upstream(nginx, &passed);
        let told: Vec<ScopedDirective<'a>> =
            [Some(passed), name].into_iter().flatten().map(scoped).chain(members).collect();
        let service = server::served(&told).or_else(|| known.serves(unit, &told, &listens))?;
        Some(Server::new(unit, Kind::Stream, service, (file, pass.line), items.clone(), listens.clone()))
    };
    targets(stream, pass).into_iter().filter_map(of_target).collect()
}

/// Where a `proxy_pass` leads: what is written, or each value of the `map` that fills its variable, with the name of
/// the host (`$ssl_preread_server_name`).
fn targets(stream: &[Directive], pass: &Directive) -> Vec<(Option<String>, String)> {
    let target = pass.arg(0).unwrap_or_default();
    let map = stream.iter().find(|d| d.name == "map" && d.arg(1) == Some(target));
    match map {
        Some(map) => {
            let entry = |d: &Directive| Some((Some(d.written.clone()), d.arg(0)?.to_owned()));
            map.children.iter().filter_map(entry).collect()
        }
        None => vec![(None, target.to_owned())],
    }
}

/// `listen 9292;`, `listen 443 ssl;`. Without TLS, something behind it may end TLS.
fn listen(item: &ScopedDirective<'_>, is_tls: bool) -> Option<Listen> {
    let address = item.directive.arg(0).filter(|own| !own.starts_with("unix:"))?;
    let udp = item.directive.args.iter().any(|word| word == "udp");
    let tls = (is_tls || item.directive.args.iter().any(|word| word == "ssl")).then_some(true);
    let port = address.parse().ok().or_else(|| listen::port(address));
    let written = format!("listen {}", item.directive.text());
    (!udp).then(|| Listen { tls, host: listen::host(address), port, place: item.place(), written })
}
