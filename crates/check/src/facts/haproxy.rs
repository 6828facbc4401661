//! HAProxy in front of Glance or Horizon: each frontend with each backend that it leads to, by name or by a
//! map.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::listen::{self, Listen, port};
use super::other_servers::OtherServer;
use super::server::{ScopedDirective, Server};
use crate::classify::{self, Kind};
use crate::formats::directives::Directive;
use crate::formats::haproxy;
use crate::names;
use crate::unit::{ConfigFile, Program, Unit};

/// One section, its defaults, and the file of both.
struct Section<'a> {
    file: &'a ConfigFile,
    own: Directive,
    defaults: Vec<ScopedDirective<'a>>,
}

impl<'a> Section<'a> {
    fn items(&self) -> Vec<ScopedDirective<'a>> {
        lines(self.file, &self.own)
    }

    fn name(&self) -> &str {
        self.own.arg(0).unwrap_or_default()
    }

    /// What chooses a backend.
    fn choices(&self) -> impl Iterator<Item = &Directive> {
        let names = |d: &&Directive| matches!(d.name.as_str(), "default_backend" | "use_backend");
        self.own.children.iter().filter(names).filter(|_| self.own.name == "frontend")
    }

    /// Whether it leads to a backend only while servers are down or HAProxy stops (configuration.txt, 7.3.2: nbsrv
    /// and others).
    fn leads_to_stand_in(&self, backend: &Section<'_>) -> bool {
        const STATES: [&str; 9] = [
            "nbsrv",
            "srv_is_up",
            "stopping",
            "connslots",
            "be_conn_free",
            "be_conn",
            "be_sess_rate",
            "queue",
            "avg_queue",
        ];
        let is_state = |word: &str| {
            let name = word.trim_start_matches(['!', '{']);
            STATES.iter().any(|state| name == *state || name.starts_with(&format!("{state}(")))
        };
        let acls = self.own.children.iter().filter(|d| d.name == "acl" && d.arg(1).is_some_and(is_state));
        let named: Vec<&str> = acls.filter_map(|acl| acl.arg(0)).collect();
        let mut choices = self.choices().filter(|d| d.arg(0) == Some(backend.name())).peekable();
        choices.peek().is_some()
            && choices.all(|choice| {
                let mut words = choice.args.iter().skip(1);
                words.any(|word| is_state(word) || named.contains(&word.trim_start_matches('!')))
            })
    }

    /// A `listen` is both ends.
    fn leads_to(&self, backend: &Section<'_>, maps: &[&ConfigFile]) -> bool {
        let leads = |d: &Directive| {
            d.arg(0) == Some(backend.name()) || chosen(&d.text(), maps).iter().any(|name| name == backend.name())
        };
        self.choices().any(leads)
    }
}

/// `map(FILE)`, `map_dom(FILE,DEFAULT)` and similar functions in a sample expression.
static MAP: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"map(?:_[a-z]+)*\(\s*([^,()\s]+)\s*(?:,\s*([^,()\s]+)\s*)?\)").ok());

/// The backends that `use_backend PREFIX%[…,map(FILE,DEFAULT)]SUFFIX` may choose.
fn chosen(text: &str, maps: &[&ConfigFile]) -> Vec<String> {
    let (Some((prefix, rest)), Some(found)) = (text.split_once("%["), MAP.as_ref().and_then(|map| map.captures(text)))
    else {
        return Vec::new();
    };
    let suffix = rest.rsplit_once(']').map_or("", |(_, suffix)| suffix.split_whitespace().next().unwrap_or_default());
    let of_file = |file: &&&ConfigFile| file.name == classify::base(&found[1]);
    let values = maps.iter().filter(of_file).flat_map(|file| file.text.lines()).filter(|line| !line.starts_with('#'));
    let values = values.filter_map(|line| line.split_whitespace().nth(1));
    values.chain(found.get(2).map(|default| default.as_str())).map(|name| format!("{prefix}{name}{suffix}")).collect()
}

/// Maps that choose backends, but are missing.
pub fn missing_maps(unit: &Unit) -> Vec<String> {
    let maps: Vec<&ConfigFile> = unit.of_kind(Kind::Map).collect();
    let mut missing = Vec::new();
    for section in &sections(unit) {
        let texts: Vec<String> = section.choices().map(Directive::text).collect();
        let named = texts.iter().filter_map(|text| Some(MAP.as_ref()?.captures(text)?[1].to_owned()));
        missing.extend(named.filter(|path| !maps.iter().any(|map| map.name == classify::base(path))));
    }
    missing
}

fn lines<'a>(file: &'a ConfigFile, section: &Directive) -> Vec<ScopedDirective<'a>> {
    let within = vec![Directive { children: vec![], ..section.clone() }];
    let item = |line: &Directive| ScopedDirective { directive: line.clone(), within: within.clone(), file };
    section.children.iter().map(item).collect()
}

/// All of them in a unit. `behind`: the servers of httpd and nginx.
pub fn servers<'a>(unit: &'a Unit, behind: &[Server<'_>]) -> Vec<Server<'a>> {
    let ports = ports(unit, behind);
    let sections = sections(unit);
    let maps: Vec<&ConfigFile> = unit.of_kind(Kind::Map).collect();
    let global = sections.iter().filter(|section| section.own.name == "global").flat_map(Section::items);
    let counts = |name: &str| name == "ssl-default-bind-options" || name.starts_with("tune.");
    let options: Vec<_> = global.filter(|item| counts(&item.directive.name)).collect();
    // A backend to which no frontend leads serves nobody, unless something that is not seen chooses it.
    let is_there = |text: &str| {
        let named = MAP.as_ref().and_then(|map| map.captures(text));
        named.is_some_and(|named| maps.iter().any(|file| file.name == classify::base(&named[1])))
    };
    let is_open = |choice: &Directive| choice.text().contains("%[") && !is_there(&choice.text());
    let has_front = sections.iter().any(|section| section.choices().next().is_some());
    let is_alone = !has_front || sections.iter().flat_map(Section::choices).any(is_open);
    let mut servers = Vec::new();
    for backend in sections.iter().filter(|s| matches!(s.own.name.as_str(), "backend" | "listen")) {
        let fronts: Vec<&Section<'_>> = sections.iter().filter(|front| front.leads_to(backend, &maps)).collect();
        if !fronts.is_empty() && fronts.iter().all(|front| front.leads_to_stand_in(backend)) {
            continue;
        }
        if fronts.is_empty() && (is_alone || backend.own.name == "listen") {
            servers.extend(server(unit, &options, backend, None, &ports));
        }
        servers.extend(fronts.into_iter().filter_map(|front| server(unit, &options, backend, Some(front), &ports)));
    }
    servers
}

/// Backends of other services, each with what leads to it.
pub(super) fn others(unit: &Unit) -> Vec<OtherServer<'_>> {
    let sections = sections(unit);
    let maps: Vec<&ConfigFile> = unit.of_kind(Kind::Map).collect();
    let mut found = Vec::new();
    for backend in sections.iter().filter(|s| matches!(s.own.name.as_str(), "backend" | "listen")) {
        let front = sections.iter().find(|front| front.leads_to(backend, &maps));
        if served(backend, front).is_some() {
            continue;
        }
        let servers = backend.own.children.iter().filter(|d| d.name == "server").map(Directive::text);
        let texts =
            [backend.name().to_owned()].into_iter().chain(servers).chain(front.map(|own| own.name().to_owned()));
        let Some(service) = texts.map(|text| text.to_lowercase()).find_map(|text| classify::service_of(&text)) else {
            continue;
        };
        let items = backend.defaults.iter().cloned().chain(front.into_iter().flat_map(Section::items));
        let items = items.chain(backend.items()).collect();
        found.push(OtherServer { service, kind: Kind::Haproxy, items });
    }
    found
}

/// Ports of the same machine on which one program alone is served, other than the usual ones.
fn ports(unit: &Unit, behind: &[Server<'_>]) -> BTreeMap<u16, Program> {
    let own = behind.iter().filter(|server| server.scope == unit.scope);
    let mut ports: BTreeMap<u16, Option<Program>> = BTreeMap::new();
    for (server, listen) in own.flat_map(|server| server.listens.iter().map(move |listen| (server, listen))) {
        let Some(port) = listen.port.filter(|port| !matches!(port, 80 | 443)) else { continue };
        let program = ports.entry(port).or_insert(Some(server.service));
        *program = program.filter(|program| *program == server.service);
    }
    ports.into_iter().filter_map(|(port, program)| Some((port, program?))).collect()
}

/// Which program listens on the port to which each member of a backend leads.
fn by_port(backend: &Section<'_>, ports: &BTreeMap<u16, Program>) -> Option<Program> {
    let members = backend.own.children.iter().filter(|d| d.name == "server");
    let mut programs = members.map(|d| ports.get(&port(d.arg(1)?)?).copied());
    let first = programs.next()??;
    programs.all(|program| program == Some(first)).then_some(first)
}

/// `options`: the global section's, for each `bind`. `ports`: what the servers behind it listen on.
fn server<'a>(
    unit: &'a Unit,
    options: &[ScopedDirective<'a>],
    backend: &Section<'a>,
    front: Option<&Section<'a>>,
    ports: &BTreeMap<u16, Program>,
) -> Option<Server<'a>> {
    let service = by_port(backend, ports).or_else(|| served(backend, front)).or_else(|| unit.service())?;
    let own = backend.items();
    let items =
        options.iter().chain(&backend.defaults).cloned().chain(front.into_iter().flat_map(Section::items)).chain(own);
    let items: Vec<ScopedDirective<'a>> = items.collect();
    let end = front.unwrap_or(backend);
    // A section's own mode counts before that of its defaults.
    let own_items = end.items();
    let mut modes = end.defaults.iter().chain(&own_items).filter(|item| item.directive.name == "mode");
    let tcp = modes.next_back().is_some_and(|item| item.directive.word() == "tcp");
    let binds = own_items.iter().filter(|item| item.directive.name == "bind");
    let heard = binds.flat_map(|item| listens(item, tcp)).collect();
    let server = Server::new(unit, Kind::Haproxy, service, (backend.file, backend.own.line), items, heard);
    Some(Server { lists: unit.of_kind(Kind::Map).collect(), ..server })
}

/// `bind 203.0.113.1:443,[::]:443 ssl crt …`. Without TLS in mode tcp, something behind it may end TLS.
fn listens(item: &ScopedDirective<'_>, tcp: bool) -> Vec<Listen> {
    let words = &item.directive.args;
    let tls = words.iter().any(|word| word == "ssl");
    let addresses = words.first().map(String::as_str).unwrap_or_default().split(',');
    let of = |address: &str| Listen {
        tls: if tls || !tcp { Some(tls) } else { None },
        host: listen::host(address),
        port: port(address),
        place: item.place(),
        written: format!("bind {}", item.directive.text()),
    };
    addresses.filter(|address| !address.starts_with('/')).map(of).collect()
}

/// Whether the path leads to a backend.
pub(super) fn is_chosen_by_path(server: &Server<'_>) -> bool {
    let acls = server.of_name("acl").filter(|acl| acl.directive.text().contains(" path"));
    let named: Vec<&str> = acls.filter_map(|acl| acl.directive.arg(0)).collect();
    let by_path = |word: &String| word.starts_with("path") || named.contains(&word.trim_start_matches('!'));
    server.of_name("use_backend").any(|item| item.directive.args.iter().any(by_path))
}

/// The sections of all files. Defaults apply to what follows in their file, and to files without any.
fn sections(unit: &Unit) -> Vec<Section<'_>> {
    let files: Vec<(&ConfigFile, Vec<Directive>)> =
        unit.of_kind(Kind::Haproxy).map(|file| (file, haproxy::haproxy(&file.text))).collect();
    let last = files.iter().rev().find_map(|(file, tree)| {
        tree.iter().rfind(|section| section.name == "defaults").map(|section| lines(file, section))
    });
    let shared = last.unwrap_or_default();
    let mut sections = Vec::new();
    for (file, tree) in files {
        let mut now = shared.clone();
        for section in tree {
            if section.name == "defaults" {
                now = lines(file, &section);
            } else if !section.children.iter().any(|line| line.name == "disabled") {
                sections.push(Section { file, own: section, defaults: now.clone() });
            }
        }
    }
    sections
}

/// Which program a backend serves: its own name and members count before the frontend's.
fn served(backend: &Section<'_>, front: Option<&Section<'_>>) -> Option<Program> {
    let texts = |section: &Section<'_>, name: &str| -> Vec<String> {
        let lines = section.own.children.iter().filter(|d| d.name == name).map(Directive::text);
        lines.chain([section.name().to_owned()]).map(|text| text.to_lowercase()).collect()
    };
    said(&texts(backend, "server")).or_else(|| said(&texts(backend, "bind"))).or_else(|| said(&texts(front?, "bind")))
}

fn said(texts: &[String]) -> Option<Program> {
    let says = |is: fn(&str) -> bool| texts.iter().any(|text| is(text));
    match (says(names::is_glances_target), says(names::is_dashboards)) {
        (true, false) => Some(Program::Glance),
        (false, true) => Some(Program::Horizon),
        _ => None,
    }
}
