//! Routers in Traefik's files as servers in front of Glance or the dashboard.
//!
//! In: the files of a unit. Out: a server for each router, with the hosts of its rule, the URLs of its service and the
//! addresses of its entry points. Without the static file only the entry points' names are known, and no port. A router
//! without `entryPoints` has all that are default ones; TLS ends where the router or the entry point has `tls`
//! (doc.traefik.io, Routers and EntryPoints).

use direct_upload_core::derive::traefik_alternatives;
use serde_json::Value;

use super::listen::{Listen, port};
use super::server::{ScopedDirective, Server};
use super::traefik::{MOST_SERVICES, Written, program, urls, written};
use crate::classify::Kind;
use crate::finding::Location;
use crate::formats::directives::Directive;
use crate::unit::{ConfigFile, Program, Unit};

/// An entry point.
struct EntryPoint<'w> {
    name: &'w str,
    address: Option<&'w str>,
    /// Whether TLS ends there whatever a router says.
    has_tls: bool,
    is_default: bool,
    place: Location,
}

/// All routers that lead to Glance or the dashboard. `known`: names of hosts that serve a program.
pub(super) fn servers<'a>(unit: &'a Unit, known: &[(String, Program)]) -> Vec<Server<'a>> {
    let files = written(unit);
    let reader = Reader { unit, files: &files, entry_points: entry_points(&files), known };
    let mut found = Vec::new();
    for own in &files {
        for protocol in ["http", "tcp"] {
            let routers = own.1.value[protocol]["routers"].as_object().into_iter().flatten();
            found.extend(routers.filter_map(|(name, router)| reader.server(own, protocol, name, router)));
        }
    }
    found
}

struct Reader<'w, 'a> {
    unit: &'a Unit,
    files: &'w [Written<'a>],
    entry_points: Vec<EntryPoint<'w>>,
    /// Names of hosts that serve a program.
    known: &'w [(String, Program)],
}

impl<'a> Reader<'_, 'a> {
    fn server(&self, own: &Written<'a>, protocol: &str, name: &str, router: &Value) -> Option<Server<'a>> {
        let (file, document) = own;
        let line = |field: &str| document.node.line_of([protocol, "routers", name, field]);
        let hosts = hosts(router["rule"].as_str().unwrap_or_default());
        let service = program(self.files, protocol, name, router).or_else(|| self.by_host(&hosts))?;
        let served = self.served(router);
        let has_tls = !router["tls"].is_null();
        let passes_on = router["tls"]["passthrough"] == true;
        let listen = |entry: &EntryPoint<'_>| Listen {
            tls: (!passes_on).then_some(has_tls || entry.has_tls),
            host: None,
            port: entry.address.and_then(|address| port(address.trim_end_matches("/tcp"))),
            place: entry.place.clone(),
            written: format!("entry point {}", entry.name),
        };
        let mut listens: Vec<Listen> = served.iter().map(|entry| listen(entry)).collect();
        let named: Vec<String> = router["entryPoints"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        // The entry point may have `tls`, too, and is not in the input.
        if listens.is_empty() {
            let tls = has_tls.then_some(true).filter(|_| !passes_on);
            let (place, written) = (file.at(line("entryPoints")), format!("entry point {}", named.join(", ")));
            listens.push(Listen { tls, host: None, port: None, place, written });
        }
        let target = router["service"].as_str().unwrap_or_default();
        let mut items = vec![Self::item(file, "listen", named, line("entryPoints"))];
        if !hosts.is_empty() {
            items.push(Self::item(file, "server_name", hosts, line("rule")));
        }
        for url in urls(self.files, protocol, target, MOST_SERVICES) {
            items.push(Self::item(file, "proxy_pass", vec![url.to_owned()], line("service")));
        }
        let line = document.node.line_of([protocol, "routers", name]);
        Some(Server::new(self.unit, Kind::Traefik, service, (file, line), items, listens))
    }

    /// The entry points of a router.
    fn served(&self, router: &Value) -> Vec<&EntryPoint<'_>> {
        let all = || self.entry_points.iter();
        if let Some(named) = router["entryPoints"].as_array().filter(|named| !named.is_empty()) {
            return all().filter(|own| named.iter().any(|name| name == own.name)).collect();
        }
        let are_some_default = all().any(|own| own.is_default);
        all().filter(|own| if are_some_default { own.is_default } else { own.name != "traefik" }).collect()
    }

    fn by_host(&self, hosts: &[String]) -> Option<Program> {
        let known = |host: &String| self.known.iter().find(|(own, _)| own == host).map(|(_, program)| *program);
        hosts.iter().find_map(known).or_else(|| Program::named(hosts.iter().map(String::as_str)))
    }

    /// What a router says, in the words of nginx, which the rules for servers know.
    fn item(file: &'a ConfigFile, name: &str, args: Vec<String>, line: usize) -> ScopedDirective<'a> {
        ScopedDirective { directive: Directive::new(name.to_owned(), args, line), within: Vec::new(), file }
    }
}

/// The hosts of a rule; none for any host.
fn hosts(rule: &str) -> Vec<String> {
    let all = traefik_alternatives(&rule.replace("HostSNI(", "Host(")).unwrap_or_default();
    let mut hosts: Vec<String> = all.into_iter().filter_map(|own| own.hosts).flatten().collect();
    hosts.retain(|host| host != "*");
    hosts.sort();
    hosts.dedup();
    hosts
}

/// Those of the static file. One that only redirects serves nothing, and Traefik's own is for its pages.
fn entry_points<'w>(files: &'w [Written<'_>]) -> Vec<EntryPoint<'w>> {
    let mut found = Vec::new();
    for (file, document) in files {
        for (name, own) in document.value["entryPoints"].as_object().into_iter().flatten() {
            let address = own["address"].as_str();
            let is_udp = address.is_some_and(|address| address.ends_with("/udp"));
            if is_udp || own["http"]["redirections"]["entryPoint"].is_object() {
                continue;
            }
            let line = document.node.line_of(["entryPoints", name.as_str(), "address"]);
            let place = file.option(line, format!("entryPoints.{name}.address").as_str());
            let (has_tls, is_default) = (!own["http"]["tls"].is_null(), own["asDefault"] == true);
            found.push(EntryPoint { name, address, has_tls, is_default, place });
        }
    }
    found
}
