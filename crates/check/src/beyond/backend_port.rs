//! A server that leads uploads to a port on which nothing in the input listens.
//!
//! In: the cloud, and a Glance. Out: one sentence.

use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::facts::glance::GlanceFacts;
use crate::facts::server::{self, ScopedDirective, Server};
use crate::unit::Program;

/// A server leads uploads to a port on which nothing in the input listens, although Glance's own port is known.
pub(super) fn another(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<String> {
    let scope = &glance.unit.scope;
    let own = own_ports(cloud, glance)?;
    let listened = cloud.servers.iter().flat_map(|server| &server.items).filter_map(listened);
    let hosts = cloud.servers.iter().flat_map(|server| &server.listens).filter_map(|listen| listen.port);
    let known: Vec<u16> = own.iter().copied().chain(listened).chain(hosts).collect();
    cloud.servers_near(scope, Program::Glance).find_map(|server| {
        let backends: Vec<(u16, &ScopedDirective<'_>)> =
            server.items.iter().filter_map(|item| Some((backend(server.kind, item)?, item))).collect();
        let (port, item) = backends.first()?;
        (!backends.iter().any(|(port, _)| known.contains(port))).then(|| {
            format!(
                "{}: {} leads to port {port}, but Glance listens on {}; what listens on {port} is not in the input",
                item.place(),
                item.directive.written,
                own[0]
            )
        })
    })
}

/// The ports on which Glance itself listens: uWSGI's, or its own server's.
fn own_ports(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<Vec<u16>> {
    if let Some((_, ini)) = glance.uwsgi() {
        const SOCKETS: [&str; 6] = ["http", "http-socket", "https", "https-socket", "socket", "uwsgi-socket"];
        let own = ini.assignments.iter().filter(|own| SOCKETS.contains(&own.name.as_str()));
        let ports: Vec<u16> = own.filter_map(|own| server::port(own.value.split(',').next()?.trim())).collect();
        return (!ports.is_empty()).then_some(ports);
    }
    // Another program may start it.
    let starts = |server: &Server<'_>| server.of_name("wsgiscriptalias").next().is_some();
    if !glance.unit.commands.is_empty()
        || !glance.has_main()
        || cloud.servers_near(&glance.unit.scope, Program::Glance).any(starts)
    {
        return None;
    }
    // Behind httpd there is often uWSGI, on any port.
    let is_httpd = || cloud.servers_near(&glance.unit.scope, Program::Glance).any(|server| server.kind == Kind::Httpd);
    let port = match glance.option("DEFAULT", "bind_port") {
        Some(own) => own.value.trim().parse().ok()?,
        None if is_httpd() => return None,
        None => 9292,
    };
    Some(vec![port])
}

/// The port on which a directive lets a server listen.
fn listened(item: &ScopedDirective<'_>) -> Option<u16> {
    let first = item.directive.arg(0)?;
    match item.directive.name.as_str() {
        "listen" => first.parse().ok().or_else(|| server::port(first)),
        "bind" => server::port(first),
        _ => None,
    }
}

/// The port of the server behind, where a directive says it with its host's address.
fn backend(kind: Kind, item: &ScopedDirective<'_>) -> Option<u16> {
    let of_url = |text: &str| server::port(text.split("://").last()?.split('/').next()?);
    match (kind, item.directive.name.as_str()) {
        (Kind::Nginx | Kind::Traefik, "proxy_pass" | "uwsgi_pass") | (Kind::Httpd, "balancermember") => {
            of_url(item.directive.arg(0)?)
        }
        (Kind::Httpd, "proxypass") => of_url(item.directive.arg(1)?),
        (Kind::Haproxy, "server") => server::port(item.directive.arg(1)?),
        _ => None,
    }
}
