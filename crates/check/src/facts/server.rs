//! Web servers in front of Glance or Horizon: httpd's virtual hosts, nginx's locations, HAProxy's backends, Traefik's
//! routers.
//!
//! In: directive trees. Out: for each host or location the directives in effect there, and which program it
//! serves. If the program is unknown, no rule reports the host.

use super::listen::{self, Listen, Protocol, Target};
use super::nginx::Nginx;
use super::stream;
use super::traefik_routers;
use super::upload_path;
use crate::classify::Kind;
use crate::finding::Location;
use crate::formats::directives::{self, Directive};
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
    /// Those of httpd, nginx and Traefik in a unit. `known`: names of hosts that serve a program.
    pub fn find(unit: &'a Unit, known: &[(String, Program)]) -> Vec<Self> {
        let mut servers = Vec::new();
        let httpd = httpd(unit);
        // Directives outside of hosts apply to all hosts, also in other files.
        let shared: Vec<ScopedDirective<'a>> =
            httpd.iter().filter(|(_, tree)| !serves_alone(tree)).flat_map(|(file, tree)| outer(file, tree)).collect();
        for (file, tree) in &httpd {
            let own = outer(file, tree);
            for host in hosts(tree) {
                let mut items = shared.clone();
                if serves_alone(tree) {
                    items.extend(own.iter().cloned());
                }
                items.extend(flat(file, &host.children, &[]));
                let at_port = || host.text().contains(":9292").then_some(Program::Glance);
                let listens = httpd_listens(file, host, &items);
                let service = served(&items).or_else(at_port).or_else(|| by_host(&items, &listens, known));
                let takes_uploads = service != Some(Program::Horizon) && upload_path::of_httpd(&mut items);
                let server = Self::of_unit(unit, Kind::Httpd, file, host.line, service, items, listens);
                servers.extend(server.map(|server| Self { takes_uploads, ..server }));
            }
            if hosts(tree).is_empty() && serves_alone(tree) {
                let items: Vec<ScopedDirective<'a>> = shared.iter().cloned().chain(own).collect();
                servers.extend(Self::of_unit(unit, Kind::Httpd, file, 1, served(&items), items, Vec::new()));
            }
        }
        let from = servers.len();
        let nginx = Nginx::read(unit);
        let reader = Locations { unit, nginx: &nginx, hosts: known };
        for tree in nginx.trees() {
            let others = nginx.trees().filter(|other| !std::ptr::eq(*other, tree));
            let maps: Vec<_> = others.flat_map(|tree| maps(&nginx, tree)).collect();
            let mut found = Vec::new();
            reader.find(tree, &maps, Around::default(), &mut found);
            servers.extend(found.into_iter().map(|(server, _)| server));
        }
        share_tls(&mut servers[from..]);
        servers.extend(stream::servers(unit, &nginx, known));
        servers.extend(traefik_routers::servers(unit, known));
        servers
    }

    fn of_unit(
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

/// The files of httpd.
pub(super) fn httpd(unit: &Unit) -> Vec<(&ConfigFile, Vec<Directive>)> {
    let texts: Vec<&str> = unit.of_kind(Kind::Httpd).map(|file| file.text.as_str()).collect();
    unit.of_kind(Kind::Httpd).zip(directives::httpd_files(&texts)).collect()
}

/// `<VirtualHost *:443 [::]:8443>`.
fn httpd_listens(file: &ConfigFile, host: &Directive, items: &[ScopedDirective<'_>]) -> Vec<Listen> {
    let engine = items.iter().rfind(|item| item.directive.name == "sslengine");
    let tls = engine.is_some_and(|item| matches!(item.directive.word().as_str(), "on" | "optional"));
    let of = |address: &String| Listen {
        tls: Some(tls),
        host: listen::host(address),
        port: listen::port(address),
        place: file.option(host.line, "VirtualHost"),
        written: format!("<VirtualHost {address}>"),
    };
    host.args.iter().map(of).collect()
}

/// `listen 443 ssl;`, `listen [::]:443 ssl http2;`; without any, port 80.
fn nginx_listens(items: &[ScopedDirective<'_>]) -> Vec<Listen> {
    let all = items.iter().any(|item| item.directive.name == "ssl" && item.directive.word() == "on");
    let of = |item: &ScopedDirective<'_>| {
        let address = item.directive.arg(0).filter(|address| !address.starts_with("unix:"))?;
        let tls = all || item.directive.args.iter().any(|word| matches!(word.as_str(), "ssl" | "quic"));
        let port = address.parse().ok().or_else(|| listen::port(address)).or(Some(80));
        let (host, written) = (listen::host(address), format!("listen {}", item.directive.text()));
        Some(Listen { tls: Some(tls), host, port, place: item.place(), written })
    };
    items.iter().filter(|item| item.directive.name == "listen").filter_map(of).collect()
}

/// nginx: an address has TLS if one of its servers says so (ngx_http_core_module, listen).
fn share_tls(servers: &mut [Server<'_>]) {
    let ends = |own: &&Listen| own.tls == Some(true);
    let address = |own: &Listen| (own.host.clone(), own.port);
    let secure: Vec<_> = servers.iter().flat_map(|own| &own.listens).filter(ends).map(address).collect();
    for listen in servers.iter_mut().flat_map(|own| &mut own.listens).filter(|own| secure.contains(&address(own))) {
        listen.tls = Some(true);
    }
}

/// Virtual hosts, also those in `<IfModule>` and the like.
pub(super) fn hosts(tree: &[Directive]) -> Vec<&Directive> {
    let inner = |d: &Directive| !d.children.is_empty() && d.name != "virtualhost";
    let deeper = tree.iter().filter(|d| inner(d)).flat_map(|d| hosts(&d.children));
    tree.iter().filter(|d| d.name == "virtualhost").chain(deeper).collect()
}

/// Whether a file serves something itself, and does not only configure what others serve.
pub(super) fn serves_alone(tree: &[Directive]) -> bool {
    !hosts(tree).is_empty()
        || flatten(tree).iter().any(|d| matches!(d.name.as_str(), "wsgiscriptalias" | "proxypass" | "proxypassmatch"))
}

fn flatten(tree: &[Directive]) -> Vec<&Directive> {
    tree.iter().flat_map(|d| std::iter::once(d).chain(flatten(&d.children))).collect()
}

/// Directives outside of all hosts.
pub(super) fn outer<'a>(file: &'a ConfigFile, tree: &[Directive]) -> Vec<ScopedDirective<'a>> {
    let rest: Vec<Directive> = tree.iter().filter(|d| d.name != "virtualhost").cloned().collect();
    flat(file, &rest, &[])
}

pub(super) fn flat<'a>(file: &'a ConfigFile, tree: &[Directive], within: &[Directive]) -> Vec<ScopedDirective<'a>> {
    let mut items = Vec::new();
    for directive in tree.iter().filter(|d| d.name != "virtualhost") {
        let own = Directive { children: vec![], ..directive.clone() };
        items.push(ScopedDirective { directive: own.clone(), within: within.to_vec(), file });
        let deeper: Vec<_> = within.iter().cloned().chain([own]).collect();
        items.extend(flat(file, &directive.children, &deeper));
    }
    items
}

/// The same of nginx, whose directives may come from several files.
pub(super) fn flat_nginx<'a>(nginx: &Nginx<'a>, tree: &[Directive], within: &[Directive]) -> Vec<ScopedDirective<'a>> {
    let mut items = Vec::new();
    for directive in tree {
        let own = Directive { children: vec![], ..directive.clone() };
        items.push(ScopedDirective { directive: own.clone(), within: within.to_vec(), file: nginx.file(directive) });
        let deeper: Vec<_> = within.iter().cloned().chain([own]).collect();
        items.extend(flat_nginx(nginx, &directive.children, &deeper));
    }
    items
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

/// Which program a host serves, by the host's own name.
pub(super) fn by_host(
    items: &[ScopedDirective<'_>],
    listens: &[Listen],
    hosts: &[(String, Program)],
) -> Option<Program> {
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
fn by_name(file: &ConfigFile) -> Option<Program> {
    Program::named([file.name.as_str()].into_iter())
}

/// nginx: what `map` blocks of a file say; they hold in each file that nginx includes.
fn maps<'a>(nginx: &Nginx<'a>, tree: &[Directive]) -> Vec<ScopedDirective<'a>> {
    let inner = tree.iter().filter(|d| d.name == "http").flat_map(|d| &d.children);
    let maps: Vec<Directive> = tree.iter().chain(inner).filter(|d| d.name == "map").cloned().collect();
    flat_nginx(nginx, &maps, &[])
}

/// Directives of nginx that a block inherits only if it has none of them itself: those of one entry go together
/// (ngx_http_headers_module, ngx_http_proxy_module, ngx_http_uwsgi_module, ngx_http_access_module).
const LISTS: [&[&str]; 6] = [
    &["add_header"],
    &["proxy_set_header"],
    &["proxy_hide_header"],
    &["uwsgi_param"],
    &["uwsgi_hide_header"],
    &["allow", "deny"],
];

/// What a block of nginx inherits.
fn inherited<'a>(outside: &[ScopedDirective<'a>], block: &[Directive]) -> Vec<ScopedDirective<'a>> {
    let is_replaced = |name: &str| {
        let list = LISTS.iter().find(|list| list.contains(&name));
        list.is_some_and(|list| block.iter().any(|own| list.contains(&own.name.as_str())))
    };
    let stays = |item: &&ScopedDirective<'_>| !item.within.is_empty() || !is_replaced(&item.directive.name);
    outside.iter().filter(stays).cloned().collect()
}

/// What is around some directives of nginx.
#[derive(Clone, Copy, Default)]
struct Around<'d> {
    /// The file of the server.
    host: Option<&'d ConfigFile>,
    location: Option<&'d Directive>,
}

/// What finds nginx's locations.
struct Locations<'s, 'a> {
    unit: &'s Unit,
    nginx: &'s Nginx<'a>,
    /// Names of hosts that serve a program.
    hosts: &'s [(String, Program)],
}

impl<'a> Locations<'_, 'a> {
    /// Each location that forwards requests, with what it inherits, and the directive that forwards them.
    fn find<'t>(
        &self,
        tree: &'t [Directive],
        outside: &[ScopedDirective<'a>],
        around: Around<'_>,
        servers: &mut Vec<(Server<'a>, &'t Directive)>,
    ) {
        let is_block =
            |d: &&Directive| matches!(d.name.as_str(), "http" | "server" | "location" | "if" | "limit_except");
        let mut items = inherited(outside, tree);
        // `if` and `limit_except` are about requests that this block handles.
        for directive in tree {
            match directive.name.as_str() {
                "http" | "server" | "location" | "upstream" | "stream" | "mail" => {}
                _ => items.extend(flat_nginx(self.nginx, std::slice::from_ref(directive), &[])),
            }
        }
        let passes = tree.iter().find(|d| PASSES.contains(&d.name.as_str()));
        if let Some(passes) = passes {
            let mut all = items.clone();
            all.extend(upstream(self.nginx, passes));
            let listens = nginx_listens(&all);
            let service =
                served(&all).or_else(|| by_host(&all, &listens, self.hosts)).or_else(|| by_name(around.host?));
            let file = self.nginx.file(passes);
            let server = Server::of_unit(self.unit, Kind::Nginx, file, passes.line, service, all, listens);
            let location = around.location.map(|own| Directive { children: vec![], ..own.clone() });
            servers.extend(server.map(|server| (Server { location, ..server }, passes)));
        }
        let is_other = |d: &&Directive| matches!(d.name.as_str(), "if" | "limit_except") || stream::is_stream(d);
        for block in tree.iter().filter(is_block).filter(|d| !is_other(d)) {
            let before = servers.len();
            let is_host = block.name == "server";
            let host = if is_host { Some(self.nginx.file(block)) } else { around.host };
            let location = Some(block).filter(|block| block.name == "location");
            self.find(&block.children, &items, Around { host, location }, servers);
            if is_host {
                let mut own = servers.split_off(before);
                only_the_uploads(self.nginx, block, &mut own);
                servers.extend(own);
            }
        }
    }
}

/// Where one location takes uploads to Glance, no other location to Glance matters.
fn only_the_uploads<'a>(nginx: &Nginx<'a>, server: &Directive, locations: &mut Vec<(Server<'a>, &Directive)>) {
    let passes = |d: &&Directive| PASSES.contains(&d.name.as_str());
    let Some(chosen) = upload_path::nginx_location(&server.children) else { return };
    let to_glance = |own: &Server<'_>| own.service == Program::Glance;
    let Some(pass) = chosen.children.iter().find(passes) else {
        let rest = server.children.iter().filter(|d| *d != chosen);
        let other = upload_path::nginx_location(rest).and_then(|other| other.children.iter().find(passes));
        // Without this location, another one would lead uploads to Glance; or each one to Glance is for other paths.
        let is_other = |own: &Server<'_>| {
            other.is_none_or(|pass| pass.line == own.line && std::ptr::eq(nginx.file(pass), own.file))
        };
        if upload_path::leads_nowhere(chosen) {
            let directive = Directive { children: vec![], ..chosen.clone() };
            let item = ScopedDirective { directive, within: vec![], file: nginx.file(chosen) };
            for (own, _) in locations.iter_mut().filter(|(own, _)| to_glance(own) && is_other(own)) {
                own.leads_nowhere = Some(item.clone());
            }
        }
        return;
    };
    let is_chosen = |own: &(Server<'_>, &Directive)| std::ptr::eq(own.1, pass) && to_glance(&own.0);
    for (own, _) in locations.iter_mut().filter(|own| is_chosen(own)) {
        own.takes_uploads = true;
    }
    if locations.iter().any(is_chosen) {
        locations.retain(|own| is_chosen(own) || !to_glance(&own.0));
    }
}

/// Directives that forward requests.
pub(super) const PASSES: [&str; 3] = ["proxy_pass", "uwsgi_pass", "grpc_pass"];

/// The servers of the upstream to which a location leads, as if they were in it.
pub(super) fn upstream<'a>(nginx: &Nginx<'a>, passes: &Directive) -> Vec<ScopedDirective<'a>> {
    let target = passes.arg(0).unwrap_or_default();
    let name = target.split("://").last().unwrap_or_default().split('/').next().unwrap_or_default();
    let is_it = |d: &&Directive| d.name == "upstream" && d.arg(0) == Some(name);
    let named = nginx.trees().find_map(|tree| flatten(tree).into_iter().find(is_it));
    let members = named.into_iter().flat_map(|d| d.children.iter()).filter(|d| d.name == "server");
    members
        .map(|d| Directive { name: "proxy_pass".into(), ..d.clone() })
        .map(|directive| ScopedDirective { file: nginx.file(&directive), directive, within: vec![] })
        .collect()
}
