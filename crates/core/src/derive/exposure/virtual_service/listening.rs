//! What rules of a VirtualService get at the servers of its Gateways: the URLs under which browsers reach them.

use direct_upload_api::web::{Origin, PublicUrl};

use super::leading::Leading;
use super::names::{gateway_of, gateways_of, is_exported};
use crate::derive::exposure::exposing::{Exposures, Notes};
use crate::derive::exposure::hostname::{Hostname, meeting};
use crate::derive::exposure::http_route::is_sent;
use crate::model::{
    IstioGateway, IstioHttpMatch, IstioL4Match, IstioL4Route, IstioServer, Problem, Snapshot, StringMatch,
    VirtualService,
};

/// Adds the URLs at all its Gateways.
pub(super) fn through_gateways(
    snapshot: &Snapshot,
    service: &VirtualService,
    leading: &Leading<'_>,
    found: &mut Exposures,
    notes: &mut Notes<'_>,
) -> Result<(), Problem> {
    let (own, spec) = (&service.meta.key.namespace, &service.spec);
    let gateways = gateways_of(service);
    if gateways.is_empty() {
        notes.add("it names no gateway, so it applies only inside the mesh");
    }
    for key in gateways {
        let gateway = snapshot.istio_gateways.get_named(&key).map_err(|unknown| {
            let why = format!("{} is at Istio Gateway {key}, which cannot be seen: {}", notes.object(), unknown.why);
            Problem { found: why.into(), ..unknown.into() }
        })?;
        let Some(gateway) = gateway else {
            notes.add(format!("there is no Istio Gateway {key}"));
            continue;
        };
        if !is_exported(service, &key.namespace) {
            notes.add(format!("exportTo hides it from Istio Gateway {key}"));
            continue;
        }
        let named = spec.gateways.iter().any(|name| gateway_of(own, name).as_ref() == Some(&key));
        let before = found.urls.len();
        for server in &gateway.servers {
            let Some((https, speaks)) = speaks(server) else { continue };
            let listening = Listening { gateway, server, https, own, named };
            match speaks {
                Speaks::Http => http(&listening, spec.hosts.as_slice(), leading, found, notes),
                Speaks::ByName => by_name(&listening, leading, found, notes),
                Speaks::Bytes => bytes(&listening, spec.hosts.as_slice(), leading, found, notes),
            }
            if found.urls.len() > before && server.tls.as_ref().and_then(|tls| tls.mode.as_deref()) == Some("MUTUAL") {
                let number = server.port.number;
                notes.add(format!("port {number} of Istio Gateway {key} requires a client certificate from browsers"));
            }
        }
        if found.urls.len() == before {
            notes.add(format!("no server of Istio Gateway {key} accepts any of its hosts"));
        }
    }
    Ok(())
}

/// What a server does with connections.
enum Speaks {
    Http,
    /// It passes TLS through, by the name that the client asks for.
    ByName,
    /// It ends TLS and passes the bytes on.
    Bytes,
}

/// Whether browsers speak https to a server, and what it does with that. A mode that is not written is
/// `PASSTHROUGH`, the first of the enum.
fn speaks(server: &IstioServer) -> Option<(bool, Speaks)> {
    let protocol = server.port.protocol.to_uppercase();
    let mode = server.tls.as_ref().map(|tls| tls.mode.as_deref().unwrap_or("PASSTHROUGH"));
    match (protocol.as_str(), mode) {
        ("HTTP" | "HTTP2" | "GRPC" | "GRPC-WEB", _) => {
            let redirects = server.tls.as_ref().is_some_and(|tls| tls.https_redirect);
            (!redirects).then_some((false, Speaks::Http))
        }
        ("HTTPS" | "TLS", Some("PASSTHROUGH")) => Some((true, Speaks::ByName)),
        ("HTTPS" | "TLS", Some("AUTO_PASSTHROUGH" | "ISTIO_MUTUAL") | None) => None,
        ("HTTPS", _) => Some((true, Speaks::Http)),
        ("TLS", _) => Some((true, Speaks::Bytes)),
        _ => None,
    }
}

/// A server of a Gateway, as the rules of a VirtualService see it.
struct Listening<'a> {
    gateway: &'a IstioGateway,
    server: &'a IstioServer,
    https: bool,
    /// The VirtualService's namespace.
    own: &'a str,
    /// Whether rules that name no Gateway are for this one.
    named: bool,
}

impl Listening<'_> {
    fn is_for(&self, gateways: &[String], port: Option<i32>) -> bool {
        let is_it = |name: &String| gateway_of(self.own, name).as_ref() == Some(&self.gateway.meta.key);
        let bound = if gateways.is_empty() { self.named } else { gateways.iter().any(is_it) };
        bound && port.is_none_or(|port| port == 0 || port == self.server.port.number)
    }

    /// The exact hosts that come through the server for these names.
    fn hosts(&self, names: &[String], notes: &mut Notes<'_>) -> Vec<String> {
        let (key, number) = (&self.gateway.meta.key, self.server.port.number);
        let mut hosts = Vec::new();
        for entry in &self.server.hosts {
            let (namespace, host) = entry.split_once('/').unwrap_or(("*", entry));
            let namespace = if namespace == "." { key.namespace.as_str() } else { namespace };
            if namespace != "*" && namespace != self.own {
                continue;
            }
            for host in meeting(&Hostname::parse(Some(host)), names) {
                match host {
                    Hostname::Exact(host) => hosts.push(host),
                    other => notes.add(format!(
                        "port {number} of Istio Gateway {key} is for host {other}, but an origin needs an exact host name"
                    )),
                }
            }
        }
        hosts
    }

    fn add(&self, host: &str, path: &str, found: &mut Exposures, notes: &mut Notes<'_>) {
        match Origin::from_parts(self.https, host, u16::try_from(self.server.port.number).ok()) {
            Ok(origin) => found.add(notes, PublicUrl::with_path(origin, path), false),
            Err(why) => notes.add(why),
        }
    }
}

fn http(
    listening: &Listening<'_>,
    names: &[String],
    leading: &Leading<'_>,
    found: &mut Exposures,
    notes: &mut Notes<'_>,
) {
    let scheme = if listening.https { "https" } else { "http" };
    let all = IstioHttpMatch::default();
    let hosts = listening.hosts(names, notes);
    for matches in &leading.http {
        let matches: Vec<_> = if matches.is_empty() { vec![&all] } else { matches.iter().collect() };
        for one in matches.into_iter().filter(|one| listening.is_for(&one.gateways, one.port)) {
            let fits =
                |wanted: &Option<StringMatch>, text: &str| wanted.as_ref().is_none_or(|wanted| takes(wanted, text));
            if !fits(&one.scheme, scheme) {
                continue;
            }
            if let Some(demand) = demand(one) {
                notes.add(format!("a match with {demand} does not count: browsers send requests without it"));
                continue;
            }
            let exact = one.authority.as_ref().and_then(|wanted| wanted.exact.clone());
            let exact = exact.filter(|host| !meeting(&Hostname::parse(Some(host)), names).is_empty());
            let narrowed = exact.map_or_else(|| hosts.clone(), |host| listening.hosts(&[host], notes));
            for host in narrowed.iter().filter(|host| fits(&one.authority, host)) {
                listening.add(host, &path(one.uri.as_ref(), notes), found, notes);
            }
        }
    }
}

/// Whether a text is accepted. For a pattern, every text may be.
fn takes(wanted: &StringMatch, text: &str) -> bool {
    match wanted {
        StringMatch { exact: Some(exact), .. } => exact.eq_ignore_ascii_case(text),
        StringMatch { prefix: Some(prefix), .. } => text.starts_with(prefix.as_str()),
        _ => true,
    }
}

fn path(uri: Option<&StringMatch>, notes: &mut Notes<'_>) -> String {
    let Some(uri) = uri else { return String::new() };
    if let Some(prefix) = &uri.prefix {
        return prefix.clone();
    }
    let value = uri.exact.as_ref().or(uri.regex.as_ref()).map_or("", String::as_str);
    notes.add(format!("path {value:?} is not a prefix; / is assumed"));
    String::new()
}

fn by_name(listening: &Listening<'_>, leading: &Leading<'_>, found: &mut Exposures, notes: &mut Notes<'_>) {
    let is_for = |one: &&IstioL4Match| listening.is_for(&one.gateways, one.port);
    for one in leading.tls.iter().flat_map(|rule| &rule.matches).filter(is_for) {
        for host in listening.hosts(&one.sni_hosts, notes) {
            let (key, number) = (&listening.gateway.meta.key, listening.server.port.number);
            notes.add(format!(
                "port {number} of Istio Gateway {key} passes TLS through, so the pods must end it themselves"
            ));
            listening.add(&host, "", found, notes);
        }
    }
}

fn bytes(
    listening: &Listening<'_>,
    names: &[String],
    leading: &Leading<'_>,
    found: &mut Exposures,
    notes: &mut Notes<'_>,
) {
    let is_for = |one: &IstioL4Match| listening.is_for(&one.gateways, one.port);
    let leads = |rule: &&IstioL4Route| {
        if rule.matches.is_empty() { listening.is_for(&[], None) } else { rule.matches.iter().any(is_for) }
    };
    if leading.tcp.iter().any(leads) {
        for host in listening.hosts(names, notes) {
            listening.add(&host, "", found, notes);
        }
    }
}

/// A header or a query that a request must have, and that browsers do not send.
pub(super) fn demand(found: &IstioHttpMatch) -> Option<String> {
    let header = found.headers.keys().find(|name| !is_sent(name));
    let query = || found.query_params.keys().next().map(|name| format!("query {name}"));
    header.map(|name| format!("header {name}")).or_else(query)
}
