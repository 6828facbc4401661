//! The last hop to Glance: what leads to an address on which nothing listens, or in another protocol than Glance's.
//!
//! In: the cloud, a Glance, and objects. Out: one sentence.

use serde_json::Value;

use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::facts::glance::GlanceFacts;
use crate::facts::listen::{self, Protocol, Target};
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::Location;
use crate::glances::Objects;
use crate::kinds;
use crate::objects::Object;
use crate::unit::Program;

/// Where Glance itself listens.
struct Socket {
    protocol: Protocol,
    /// None for each address of the machine.
    host: Option<String>,
    port: u16,
    place: Location,
}

impl Socket {
    fn of(protocol: Protocol, address: &str, place: Location) -> Option<Self> {
        let address = address.split(',').next()?.trim();
        Some(Self { protocol, host: listen::host(address), port: listen::port(address)?, place })
    }

    fn is_inside(&self) -> bool {
        self.host.as_deref().is_some_and(listen::is_local)
    }

    /// Whether what leads to a target may come here; the address of another machine may be one of this machine's, too.
    fn takes(&self, target: &Target<'_>) -> bool {
        self.port == target.port && (!self.is_inside() || target.is_inside())
    }
}

/// A server that leads uploads to no socket of Glance, or in another protocol.
pub(super) fn of_servers(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<String> {
    let sockets = sockets(cloud, glance);
    let first = sockets.first()?;
    cloud.servers_near(&glance.unit.scope, Program::Glance).find_map(|server| {
        let targets: Vec<(&ScopedDirective<'_>, Target<'_>)> = server.targets().collect();
        let (item, target) = targets.first()?;
        let name = &item.directive.written;
        let place = item.place();
        if !targets
            .iter()
            .any(|(_, target)| sockets.iter().any(|own| own.takes(target)) || listens(cloud, server, target))
        {
            let (there, own) = if first.port == target.port {
                (
                    format!("{}:{}", target.host, target.port),
                    format!("{}:{}", first.host.as_deref().unwrap_or("*"), first.port),
                )
            } else {
                (format!("port {}", target.port), first.port.to_string())
            };
            return Some(format!(
                "{place}: {name} leads to {there}, but Glance listens on {own}; what listens there is not in the input"
            ));
        }
        let other = targets.iter().find_map(|(item, target)| {
            let own = sockets.iter().filter(|own| own.takes(target));
            let protocol = target.protocol?;
            let mut own = own.peekable();
            let first = own.peek().map(|own| own.place.clone())?;
            own.all(|own| own.protocol != protocol).then_some((item, protocol, first))
        });
        let (item, protocol, place) =
            other.filter(|(_, _, _)| targets.iter().all(|(_, own)| !listens(cloud, server, own)))?;
        Some(format!(
            "{}: {} speaks {} with Glance, which does not listen for it ({place})",
            item.place(),
            item.directive.written,
            said(protocol)
        ))
    })
}

fn said(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http => "HTTP",
        Protocol::Https => "TLS",
        Protocol::Uwsgi => "the protocol of uWSGI",
    }
}

/// Whether another server of the input listens where one leads. One that leads to the same address is not there.
fn listens(cloud: &Cloud<'_>, from: &Server<'_>, target: &Target<'_>) -> bool {
    let leads_there =
        |server: &Server<'_>| server.targets().any(|(_, own)| (own.host, own.port) == (target.host, target.port));
    let takes = |server: &Server<'_>| {
        let mut heard = server.listens.iter().chain(&server.inside);
        heard.any(|own| own.takes(target)) || server.of_name("listen").any(|item| heard_port(item) == Some(target.port))
    };
    cloud.servers.iter().any(|server| !std::ptr::eq(server, from) && !leads_there(server) && takes(server))
}

/// The port of httpd's or nginx's `listen`.
fn heard_port(item: &ScopedDirective<'_>) -> Option<u16> {
    let first = item.directive.arg(0)?;
    first.parse().ok().or_else(|| listen::port(first))
}

/// The sockets of Glance itself: uWSGI's, or its own server's.
fn sockets(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Vec<Socket> {
    if let Some(uwsgi) = glance.uwsgi() {
        let speaks_http = uwsgi.options.iter().any(|own| own.name == "protocol" && own.value.trim() == "http");
        let of = |name: &str| match name {
            "http" | "http-socket" => Some(Protocol::Http),
            "https" | "https-socket" => Some(Protocol::Https),
            "socket" | "uwsgi-socket" if speaks_http => Some(Protocol::Http),
            "socket" | "uwsgi-socket" => Some(Protocol::Uwsgi),
            _ => None,
        };
        let own = uwsgi.options.into_iter();
        return own.filter_map(|own| Socket::of(of(&own.name)?, &own.value, own.place)).collect();
    }
    own_server(cloud, glance).into_iter().collect()
}

/// The socket of `glance-api`, Glance's own server; another program may start Glance instead.
fn own_server(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<Socket> {
    let near = || cloud.servers_near(&glance.unit.scope, Program::Glance);
    let starts = |server: &Server<'_>| server.of_name("wsgiscriptalias").next().is_some();
    let is_own = |command: &str| command.split_whitespace().any(|word| word.rsplit('/').next() == Some("glance-api"));
    if !glance.unit.commands.iter().all(|(command, _)| is_own(command)) || !glance.has_main() || near().any(starts) {
        return None;
    }
    let option = |name: &str| glance.option("DEFAULT", name);
    let (port, host) = (option("bind_port"), option("bind_host"));
    // Behind httpd there is often uWSGI, on any port.
    if port.is_none() && near().any(|server| server.kind == Kind::Httpd) {
        return None;
    }
    let has_tls = option("cert_file").is_some();
    let place = port.as_ref().or(host.as_ref()).map(|own| own.place.clone()).unwrap_or_default();
    let port = port.map_or_else(|| "9292".to_owned(), |own| own.value.trim().to_owned());
    let host = host.map(|own| own.value.trim().to_owned()).unwrap_or_default();
    let protocol = if has_tls { Protocol::Https } else { Protocol::Http };
    Socket::of(protocol, &format!("{host}:{port}"), place)
}

/// What leads from objects to Glance's pods, in which uWSGI listens elsewhere or in another protocol. `with_tls`: the first
/// object that speaks TLS with a Glance.
pub(super) fn of_objects(
    cloud: &Cloud<'_>,
    glance: &GlanceFacts<'_>,
    objects: Objects<'_>,
    with_tls: Option<&Object>,
) -> Option<String> {
    let (_, key) = glance.unit.workload.as_ref()?;
    glance.uwsgi()?;
    let sockets = sockets(cloud, glance);
    let first = sockets.first()?;
    // A web server in the same pods may be what the Service leads to.
    let has_server = [Kind::Httpd, Kind::Nginx, Kind::Haproxy].into_iter().any(|kind| glance.unit.has(kind));
    let services: Vec<&Object> =
        objects.in_namespace(&key.namespace).filter(|own| objects.is_glances_service(own)).collect();
    if has_server || services.is_empty() {
        return None;
    }
    let told = |why: String| Some(format!("{}: {why}", first.place));
    if sockets.iter().all(Socket::is_inside) {
        return told("Glance listens only for its own pod, so its Services reach nobody".to_owned());
    }
    if sockets.iter().all(|own| own.protocol == Protocol::Uwsgi) {
        return told("Glance speaks the protocol of uWSGI, and its Services are for HTTP".to_owned());
    }
    let ports: Vec<u64> = sockets.iter().map(|own| own.port.into()).collect();
    if let Some((service, port)) = services.iter().find_map(|own| Some((own, other_port(own, &ports)?))) {
        return Some(format!(
            "{}: it leads to port {port}, and Glance listens on {} ({})",
            service.id(),
            first.port,
            first.place
        ));
    }
    let has_tls = sockets.iter().any(|own| own.protocol == Protocol::Https);
    let speaks = with_tls.filter(|_| !has_tls)?;
    Some(format!(
        "{}: it speaks TLS or another protocol with Glance, which listens for HTTP ({})",
        speaks.id(),
        first.place
    ))
}

/// The number to which a Service leads, if it is none of these.
fn other_port(service: &Object, ports: &[u64]) -> Option<u64> {
    let own = service.value["spec"]["ports"].as_array()?;
    let target = |port: &Value| {
        port["targetPort"].as_u64().or_else(|| port["targetPort"].is_null().then(|| port["port"].as_u64())?)
    };
    let all: Option<Vec<u64>> = own.iter().map(target).collect();
    let all = all?;
    let is_none = !all.iter().any(|port| ports.contains(port));
    all.first().copied().filter(|_| is_none)
}

/// Annotations that make a proxy speak another protocol than HTTP with what is behind it.
const PROTOCOLS: [(&str, &[&str]); 6] = [
    ("nginx.ingress.kubernetes.io/backend-protocol", &["HTTPS", "GRPC", "GRPCS", "FCGI"]),
    ("nginx.ingress.kubernetes.io/ssl-passthrough", &["true"]),
    ("haproxy-ingress.github.io/backend-protocol", &["h1-ssl", "h2-ssl", "grpcs"]),
    ("haproxy.org/server-ssl", &["true"]),
    ("traefik.ingress.kubernetes.io/service.serversscheme", &["https"]),
    ("alb.ingress.kubernetes.io/backend-protocol", &["HTTPS"]),
];

/// Whether an object makes its proxy speak TLS with Glance, or pass the browser's TLS on to it.
pub(super) fn speaks_tls(objects: Objects<'_>, object: &Object) -> bool {
    let spec = &object.value["spec"];
    let annotations = &object.value["metadata"]["annotations"];
    let by_annotation =
        || PROTOCOLS.iter().any(|(name, values)| annotations[*name].as_str().is_some_and(|own| values.contains(&own)));
    let list = |name: &str| spec[name].as_array().into_iter().flatten();
    let services = |name: &'static str| list(name).flat_map(|rule| rule["services"].as_array().into_iter().flatten());
    let is_glances = |own: &Value| objects.names_glance(object, own);
    if object.kind() == "Service" {
        return objects.is_glances_service(object) && by_annotation();
    }
    // Its target is the Service.
    if object.kind() == "BackendTLSPolicy" {
        return list("targetRefs").any(is_glances);
    }
    kinds::route(object).is_some()
        && objects.leads_to_glance(object)
        && match object.kind() {
            "Ingress" => by_annotation(),
            "Route" => matches!(spec["tls"]["termination"].as_str(), Some("passthrough" | "reencrypt")),
            "IngressRoute" => services("routes").any(|own| own["scheme"] == "https" && is_glances(own)),
            "HTTPProxy" => services("routes").any(|own| own["protocol"] == "tls" && is_glances(own)),
            "TLSRoute" => true,
            _ => false,
        }
}
