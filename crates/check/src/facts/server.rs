//! Web servers in front of Glance or Horizon: httpd's virtual hosts, nginx's locations, HAProxy's backends, Traefik's
//! routers.
//!
//! In: directive trees. Out: for each host or location the directives in effect there, and which program it
//! serves. If the program is unknown, no rule reports the host.

use super::httpd;
use super::listen::{Listen, Protocol, Target};
use super::locations;
use super::nginx::Nginx;
use super::stream;
use super::traefik_routers;
use crate::classify::Kind;
use crate::finding::Location;
use crate::formats::directives::Directive;
use crate::names;
use crate::unit::{ConfigFile, Program, Unit};

/// A directive and the sections around it, outermost first.
#[derive(Clone, Debug)]
pub struct ScopedDirective<'a> {
    pub directive: Directive,
    pub within: Vec<Directive>,
    pub file: &'a ConfigFile,
}

impl ScopedDirective<'_> {
    /// Its file and line.
    pub fn place(&self) -> Location {
        self.file.option(self.directive.line, &self.directive.written)
    }
}

/// A virtual host or location.
#[derive(Clone, Debug)]
pub struct Server<'a> {
    pub kind: Kind,
    pub service: Program,
    pub file: &'a ConfigFile,
    /// Where it starts.
    pub line: usize,
    /// Directives in effect; inherited ones come first.
    pub items: Vec<ScopedDirective<'a>>,
    /// Where others connect, if that is written.
    pub listens: Vec<Listen>,
    /// Where only the machine itself connects.
    pub inside: Vec<Listen>,
    /// Whether it takes Glance's own paths, as far as that shows.
    pub takes_uploads: bool,
    /// nginx: the location that takes uploads instead, and leads them to no server.
    pub leads_nowhere: Option<ScopedDirective<'a>>,
    /// nginx: the innermost location around it, without its content.
    pub location: Option<Directive>,
    /// HAProxy: files with lists and maps for conditions.
    pub lists: Vec<&'a ConfigFile>,
    pub scope: Vec<String>,
}

impl<'a> Server<'a> {
    /// Those of httpd, nginx and Traefik in a unit. `known`: what shows which program one serves.
    pub(super) fn find(unit: &'a Unit, known: &Known<'_>) -> Vec<Self> {
        let nginx = Nginx::read(unit);
        let mut servers = httpd::servers(unit, known);
        servers.extend(locations::servers(unit, &nginx, known));
        servers.extend(stream::servers(unit, &nginx, known));
        servers.extend(traefik_routers::servers(unit, known.hosts));
        servers
    }

    /// One whose program its own lines, its file's name or its unit show.
    pub(super) fn of_unit(
        unit: &Unit,
        kind: Kind,
        file: &'a ConfigFile,
        line: usize,
        service: Option<Program>,
        items: Vec<ScopedDirective<'a>>,
        listens: Vec<Listen>,
    ) -> Option<Self> {
        let service = service.or_else(|| by_name(file)).or_else(|| unit.service())?;
        Some(Self::new(unit, kind, service, (file, line), items, listens))
    }

    /// One that starts at a line of a file. `listens`: all of them.
    pub(super) fn new(
        unit: &Unit,
        kind: Kind,
        service: Program,
        (file, line): (&'a ConfigFile, usize),
        items: Vec<ScopedDirective<'a>>,
        listens: Vec<Listen>,
    ) -> Self {
        let (inside, listens) = listens.into_iter().partition(Listen::is_inside);
        Self {
            kind,
            service,
            file,
            line,
            items,
            listens,
            inside,
            takes_uploads: false,
            leads_nowhere: None,
            location: None,
            lists: Vec::new(),
            scope: unit.scope.clone(),
        }
    }

    /// Where it leads requests on.
    pub(crate) fn targets(&self) -> impl Iterator<Item = (&ScopedDirective<'a>, Target<'_>)> {
        // In mode tcp HAProxy passes on what the browser speaks.
        let is_tcp = self.kind == Kind::Haproxy && self.last("mode").is_some_and(|item| item.directive.word() == "tcp");
        self.items.iter().filter_map(move |item| {
            let in_location = item.within.iter().any(|block| block.name.starts_with("location"));
            let target = Target::of(self.kind, &item.directive, in_location)?;
            let protocol = target.protocol.filter(|own| !is_tcp || *own != Protocol::Http);
            Some((item, Target { protocol, ..target }))
        })
    }

    /// Directives of a name.
    pub fn of_name(&self, name: &str) -> impl Iterator<Item = &ScopedDirective<'a>> {
        self.items.iter().filter(move |item| item.directive.name == name)
    }

    /// The one of them in effect: the last.
    pub fn last(&self, name: &str) -> Option<&ScopedDirective<'a>> {
        self.of_name(name).last()
    }

    /// What routes a path of the dashboard's own host to Glance (docs/same-origin.md).
    pub fn glance_below(&self) -> Option<&ScopedDirective<'a>> {
        self.of_name("proxypass").find(|item| {
            let text = item.directive.text().to_lowercase();
            names::is_glances_target(&text) && !text.contains("/api/glance")
        })
    }

    /// Where it starts.
    pub fn place(&self) -> Location {
        self.file.at(self.line)
    }
}

/// A tree as a list.
pub(super) fn flatten(tree: &[Directive]) -> Vec<&Directive> {
    tree.iter().flat_map(|d| std::iter::once(d).chain(flatten(&d.children))).collect()
}

/// Directives whose arguments show what runs behind them.
pub(super) const TELLING: [&str; 12] = [
    "wsgiscriptalias",
    "wsgidaemonprocess",
    "wsgiprocessgroup",
    "proxypass",
    "proxypassmatch",
    "proxypassreverse",
    "balancermember",
    "servername",
    "proxy_pass",
    "uwsgi_pass",
    "server_name",
    "documentroot",
];

/// Which program some directives serve. Horizon's own application decides, whatever else there is.
pub(super) fn served(items: &[ScopedDirective<'_>]) -> Option<Program> {
    let says = |names: &[&str], words: &[&str]| {
        let named = items.iter().filter(|item| names.contains(&item.directive.name.as_str()));
        named.map(|item| item.directive.text().to_lowercase()).any(|text| words.iter().any(|w| text.contains(w)))
    };
    let (glance, horizon) = (names::GLANCES_TARGETS, names::DASHBOARDS_TARGETS);
    // A process may have any name; what runs in it decides.
    let by_application = ["wsgiscriptalias", "wsgidaemonprocess"].into_iter().find_map(|name| match () {
        () if says(&[name], &horizon) => Some(Program::Horizon),
        () if says(&[name], &glance) => Some(Program::Glance),
        () => None,
    });
    by_application.or_else(|| match (says(&TELLING, &glance), says(&TELLING, &horizon)) {
        (true, false) => Some(Program::Glance),
        (false, true) => Some(Program::Horizon),
        _ => None,
    })
}

/// Other programs, which often have the dashboard's host name.
const OTHERS: [&str; 16] = [
    "keystone",
    "nova",
    "neutron",
    "cinder",
    "placement",
    "heat",
    "octavia",
    "swift",
    "barbican",
    "designate",
    "manila",
    "magnum",
    "ironic",
    "aodh",
    "gnocchi",
    "grafana",
];

/// Ports on which the dashboard's own host name leads to other programs.
const OTHER_PORTS: [u16; 14] = [5000, 35357, 6080, 6082, 8004, 8041, 8042, 8774, 8775, 8776, 8778, 9311, 9696, 9876];

/// What shows which program a server serves, other than its own lines.
pub(super) struct Known<'k> {
    /// Names of hosts.
    pub hosts: &'k [(String, Program)],
    /// HAProxy's servers in front of others.
    pub before: &'k [Server<'k>],
}

impl Known<'_> {
    /// By the name of a host, or by what leads to its address.
    pub(super) fn serves(&self, unit: &Unit, items: &[ScopedDirective<'_>], listens: &[Listen]) -> Option<Program> {
        by_host(items, listens, self.hosts).or_else(|| {
            let leads = |own: &&Server<'_>| {
                own.scope == unit.scope
                    && own.targets().any(|(_, target)| listens.iter().any(|listen| listen.takes(&target)))
            };
            let mut programs = self.before.iter().filter(leads).map(|own| own.service);
            let first = programs.next()?;
            programs.all(|program| program == first).then_some(first)
        })
    }
}

/// Which program a host serves, by the host's own name.
fn by_host(items: &[ScopedDirective<'_>], listens: &[Listen], hosts: &[(String, Program)]) -> Option<Program> {
    let telling = items.iter().filter(|item| TELLING.contains(&item.directive.name.as_str()));
    let mut texts = telling.map(|item| item.directive.text().to_lowercase());
    let others = texts.any(|text| OTHERS.iter().any(|other| text.contains(other)));
    if others || listens.iter().any(|l| l.port.is_some_and(|port| OTHER_PORTS.contains(&port))) {
        return None;
    }
    let names = items
        .iter()
        .filter(|item| matches!(item.directive.name.as_str(), "servername" | "server_name" | "serveralias"));
    let mut words = names.flat_map(|item| &item.directive.args).map(|name| {
        let name = name.split("://").last().unwrap_or(name);
        name.split(':').next().unwrap_or(name).to_lowercase()
    });
    words.find_map(|name| hosts.iter().find(|(host, _)| *host == name).map(|(_, program)| *program))
}

/// Which program a file serves, by the file's name, for example devstack's `glance-wsgi-api.conf`.
pub(super) fn by_name(file: &ConfigFile) -> Option<Program> {
    Program::named([file.name.as_str()].into_iter())
}
