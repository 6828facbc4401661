//! Istio VirtualService → URLs: the hosts that it shares with the servers of its Gateways.
//!
//! Who binds to what is as istio.io/api, networking/v1alpha3/gateway.proto and virtual_service.proto, say
//! it, and as pilot/pkg/networking/core/gateway.go of istio/istio does it. Neither kind has a status by
//! which Istio says that it accepts one.

use std::collections::BTreeSet;
use std::sync::Arc;

use direct_upload_api::ExposureKind;
use direct_upload_api::web::{Origin, PublicUrl};

use super::backends::Backends;
use super::exposing::{Exposing, Exposures, HostClaims, Notes};
use super::hostname::{Hostname, meeting};
use super::http_route::is_sent;
use crate::derive::exposing_object::ExposingObject;
use crate::model::{
    IstioGateway, IstioHttpMatch, IstioHttpRoute, IstioL4Match, IstioL4Route, IstioRouted, IstioServer, Key, Kind,
    Needs, Problem, Snapshot, Store, StringMatch, VirtualService,
};

impl Exposing for VirtualService {
    fn store(snapshot: &Snapshot) -> &Store<Self> {
        &snapshot.virtual_services
    }

    /// The URLs under which a VirtualService exposes any of the Services.
    ///
    /// # Errors
    /// [`Problem`] if a Gateway, or a VirtualService that it delegates to, cannot be seen.
    fn exposures(snapshot: &Snapshot, service: &Arc<Self>, backends: &Backends) -> Result<Exposures, Problem> {
        let mut notes = Notes::new(ExposureKind::VirtualService, &service.meta.key);
        let mut found = Exposures::default();
        let leading = Leading::of(snapshot, service, backends, &mut notes)?;
        if !leading.is_empty() {
            if service.spec.hosts.is_empty() {
                notes_of_delegate(snapshot, service, &mut notes);
            } else {
                through_gateways(snapshot, service, &leading, &mut found, &mut notes)?;
            }
        }
        let object = || Some(ExposingObject::Other(ExposureKind::VirtualService, service.meta.key.clone()));
        Ok(found.finish(notes, object))
    }

    /// The hosts and paths that a VirtualService serves at Gateways.
    fn claims(&self, _: &Snapshot, found: HostClaims<'_>) {
        let spec = &self.spec;
        let serves = |rule: &&IstioHttpRoute| rule.redirect.is_none() && rule.direct_response.is_none();
        let at_gateways =
            |gateways: &[String]| gateways.iter().any(|name| gateway_of(&self.meta.key.namespace, name).is_some());
        for rule in spec.http.iter().filter(serves) {
            let of_match = |found: &IstioHttpMatch| {
                let gateways = if found.gateways.is_empty() { &spec.gateways } else { &found.gateways };
                if demand(found).is_some() {
                    return None;
                }
                let path = found.uri.as_ref().and_then(|uri| uri.prefix.clone()).unwrap_or_default();
                at_gateways(gateways).then_some(path)
            };
            let all = (rule.matches.is_empty() && at_gateways(&spec.gateways)).then(String::new);
            for path in rule.matches.iter().filter_map(of_match).chain(all) {
                for host in &spec.hosts {
                    found(host, &path, ExposureKind::VirtualService, &self.meta.key);
                }
            }
        }
    }

    /// The Gateways of all VirtualServices that may lead into these namespaces.
    fn needs(snapshot: &Snapshot, namespaces: &BTreeSet<&str>, needs: &mut Needs) {
        let all: Vec<&str> = needs.namespaces_of(Kind::VirtualService, namespaces).collect();
        let mut gateways = BTreeSet::new();
        for service in all.into_iter().flat_map(|namespace| snapshot.virtual_services.seen(namespace)) {
            let (own, spec) = (&service.meta.key.namespace, &service.spec);
            let inside = |routed: &IstioRouted| {
                service_of(own, routed).is_some_and(|service| namespaces.contains(service.namespace.as_str()))
            };
            let http = spec.http.iter().any(|rule| rule.delegate.is_some() || rule.route.iter().any(inside));
            if http || spec.tls.iter().chain(&spec.tcp).any(|rule| rule.route.iter().any(inside)) {
                gateways.extend(gateways_of(service));
            }
        }
        for gateway in gateways {
            needs.add_named(Kind::IstioGateway, gateway);
        }
    }
}

/// The Gateway that a name means (`resolveGatewayName` of istio/istio); none if it is the mesh.
fn gateway_of(own: &str, name: &str) -> Option<Key> {
    match name.split_once('/') {
        Some((".", name)) => Some(Key::new(own, name)),
        Some((namespace, name)) => Some(Key::new(namespace, name)),
        None if name == "mesh" => None,
        // The old way, `name.namespace.svc.cluster.local`.
        None => match name.split_once('.') {
            Some((name, rest)) => Some(Key::new(rest.split('.').next().unwrap_or_default(), name)),
            None => Some(Key::new(own, name)),
        },
    }
}

/// All Gateways that it names, deduplicated.
fn gateways_of(service: &VirtualService) -> Vec<Key> {
    let spec = &service.spec;
    let of_http = spec.http.iter().flat_map(|rule| &rule.matches).flat_map(|found| &found.gateways);
    let of_rest = spec.tls.iter().chain(&spec.tcp).flat_map(|rule| &rule.matches).flat_map(|found| &found.gateways);
    let mut gateways = Vec::new();
    for name in spec.gateways.iter().chain(of_http).chain(of_rest) {
        if let Some(key) = gateway_of(&service.meta.key.namespace, name).filter(|key| !gateways.contains(key)) {
            gateways.push(key);
        }
    }
    gateways
}

/// The Service that a share goes to: a short name is one of the rule's own namespace, a long one stands
/// for itself (`ResolveShortnameToFQDN`).
fn service_of(own: &str, routed: &IstioRouted) -> Option<Key> {
    let mut labels = routed.destination.host.split('.');
    let name = labels.next()?;
    let Some(namespace) = labels.next() else { return Some(Key::new(own, name)) };
    (labels.next() == Some("svc") && labels.next().is_some()).then(|| Key::new(namespace, name))
}

/// Whether any of the shares that get something goes to one of the Services.
fn leads(own: &str, routes: &[IstioRouted], backends: &Backends) -> bool {
    // A single one gets all, whatever its weight.
    let gets = |routed: &&IstioRouted| routes.len() == 1 || routed.weight.is_some_and(|weight| weight > 0);
    routes.iter().filter(gets).any(|routed| service_of(own, routed).is_some_and(|service| backends.has(&service)))
}

/// Whether a namespace sees the VirtualService; without `exportTo` all do.
fn is_exported(service: &VirtualService, to: &str) -> bool {
    let exported = &service.spec.export_to;
    let own = &service.meta.key.namespace;
    exported.is_empty() || exported.iter().any(|entry| entry == "*" || entry == to || (entry == "." && own == to))
}

/// The parts of a VirtualService that lead to the workload.
struct Leading<'a> {
    /// The matches of each rule; none: it takes all requests.
    http: Vec<Vec<IstioHttpMatch>>,
    tls: Vec<&'a IstioL4Route>,
    tcp: Vec<&'a IstioL4Route>,
}

impl<'a> Leading<'a> {
    fn of(
        snapshot: &Snapshot,
        service: &'a VirtualService,
        backends: &Backends,
        notes: &mut Notes<'_>,
    ) -> Result<Self, Problem> {
        let (own, spec) = (&service.meta.key.namespace, &service.spec);
        let mut http = Vec::new();
        let serves = |rule: &&IstioHttpRoute| rule.redirect.is_none() && rule.direct_response.is_none();
        let to_here =
            |rule: &IstioHttpRoute| rule.delegate.is_some() || (serves(&rule) && leads(own, &rule.route, backends));
        // The first rule that matches counts (virtual_service.proto, `http`).
        let takes_all = |rule: &IstioHttpRoute| is_catch_all(rule) && !to_here(rule);
        let end = spec.http.iter().position(takes_all).unwrap_or(spec.http.len());
        if spec.http[end..].iter().any(to_here) {
            notes.add(format!("spec.http[{end}] takes all requests, and leads elsewhere; rules after it get none"));
        }
        for rule in spec.http[..end].iter().filter(serves) {
            let Some(delegate) = &rule.delegate else {
                http.extend(leads(own, &rule.route, backends).then(|| rule.matches.clone()));
                continue;
            };
            let key = Key::new(delegate.namespace.as_deref().unwrap_or(own), delegate.name.clone());
            if key.namespace != *own && key.namespace != backends.namespace {
                notes.add(format!(
                    "it delegates to VirtualService {key}, which is in a third namespace, where this program does not look"
                ));
                continue;
            }
            let Some(to) = snapshot.virtual_services.get(&key)? else {
                notes.add(format!("it delegates to VirtualService {key}, which does not exist"));
                continue;
            };
            if !to.spec.hosts.is_empty() || !is_exported(to, own) {
                notes.add(format!("it delegates to VirtualService {key}, which has hosts or is not exported to {own}"));
                continue;
            }
            let further = to.spec.http.iter().filter(serves);
            for sub in further.filter(|sub| leads(&key.namespace, &sub.route, backends)) {
                match merged(&rule.matches, &sub.matches) {
                    Some(matches) => http.push(matches),
                    None => {
                        notes.add(format!("a rule of VirtualService {key} contradicts the one that delegates to it"));
                    }
                }
            }
        }
        let leading = |rule: &&IstioL4Route| leads(own, &rule.route, backends);
        Ok(Self {
            http,
            tls: spec.tls.iter().filter(leading).collect(),
            tcp: spec.tcp.iter().filter(leading).collect(),
        })
    }

    fn is_empty(&self) -> bool {
        self.http.is_empty() && self.tls.is_empty() && self.tcp.is_empty()
    }
}

/// Whether Istio reads no further rule after this one (`IsCatchAllRoute` in pilot/pkg/networking/core/route/route.go).
fn is_catch_all(rule: &IstioHttpRoute) -> bool {
    let root = StringMatch { prefix: Some("/".to_owned()), ..StringMatch::default() };
    let is_root =
        |own: &IstioHttpMatch| *own == IstioHttpMatch { uri: Some(root.clone()), ..IstioHttpMatch::default() };
    rule.matches.is_empty() || rule.matches.iter().any(is_root)
}

/// The matches of a rule that delegates and of one that is delegated to, together (`mergeHTTPMatchRequests`);
/// none if they contradict each other.
fn merged(root: &[IstioHttpMatch], leaf: &[IstioHttpMatch]) -> Option<Vec<IstioHttpMatch>> {
    if root.is_empty() || leaf.is_empty() {
        return Some([root, leaf].concat());
    }
    let mut merged = Vec::new();
    for leaf in leaf {
        let before = merged.len();
        for root in root.iter().filter(|root| agree(root, leaf)) {
            merged.push(IstioHttpMatch {
                uri: leaf.uri.clone().or_else(|| root.uri.clone()),
                scheme: leaf.scheme.clone().or_else(|| root.scheme.clone()),
                authority: leaf.authority.clone().or_else(|| root.authority.clone()),
                port: leaf.port.or(root.port),
                gateways: if leaf.gateways.is_empty() { root.gateways.clone() } else { leaf.gateways.clone() },
                headers: root.headers.iter().chain(&leaf.headers).map(|(k, v)| (k.clone(), v.clone())).collect(),
                query_params: root
                    .query_params
                    .iter()
                    .chain(&leaf.query_params)
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect(),
            });
        }
        if merged.len() == before {
            return None;
        }
    }
    Some(merged)
}

fn agree(root: &IstioHttpMatch, leaf: &IstioHttpMatch) -> bool {
    let texts = [(&root.uri, &leaf.uri), (&root.scheme, &leaf.scheme), (&root.authority, &leaf.authority)];
    let ports = root.port.zip(leaf.port).is_none_or(|(root, leaf)| root == leaf);
    ports && texts.into_iter().all(|pair| !matches!(pair, (Some(root), Some(leaf)) if !holds(root, leaf)))
}

/// Whether the root matches everything that the leaf matches.
fn holds(root: &StringMatch, leaf: &StringMatch) -> bool {
    match (root, leaf) {
        (StringMatch { exact: Some(root), .. }, StringMatch { exact: Some(leaf), .. }) => root == leaf,
        (StringMatch { prefix: Some(root), .. }, StringMatch { exact: Some(leaf), .. })
        | (StringMatch { prefix: Some(root), .. }, StringMatch { prefix: Some(leaf), .. }) => leaf.starts_with(root),
        _ => false,
    }
}

/// A VirtualService without hosts, to which no VirtualService in the snapshot delegates.
fn notes_of_delegate(snapshot: &Snapshot, service: &VirtualService, notes: &mut Notes<'_>) {
    let key = &service.meta.key;
    let names_it = |rule: &IstioHttpRoute, own: &str| {
        let is_it = |to: &crate::model::Delegate| {
            to.name == key.name && to.namespace.as_deref().unwrap_or(own) == key.namespace
        };
        rule.delegate.as_ref().is_some_and(is_it)
    };
    let mut all = snapshot.virtual_services.all();
    if !all.any(|(other, root)| root.spec.http.iter().any(|rule| names_it(rule, &other.namespace))) {
        notes.add(
            "it has no hosts, and no VirtualService that is seen delegates to it; if one of another namespace does, name \
             that one in spec.exposedBy",
        );
    }
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

fn through_gateways(
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

/// A header or a query that a request must have, and that browsers do not send.
fn demand(found: &IstioHttpMatch) -> Option<String> {
    let header = found.headers.keys().find(|name| !is_sent(name));
    let query = || found.query_params.keys().next().map(|name| format!("query {name}"));
    header.map(|name| format!("header {name}")).or_else(query)
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
