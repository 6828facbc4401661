//! nginx's locations in front of Glance or Horizon.
//!
//! In: the trees of a unit. Out: a [`Server`] for each location that forwards requests, with what it inherits.

use super::listen::{self, Listen};
use super::nginx::Nginx;
use super::server::{Known, ScopedDirective, Server, by_name, flatten, served};
use super::stream;
use super::upload_path;
use crate::classify::Kind;
use crate::formats::directives::{self, Directive};
use crate::unit::{ConfigFile, Program, Unit};

/// All of a unit. `known`: what shows which program one serves.
pub(super) fn servers<'a>(unit: &'a Unit, nginx: &Nginx<'a>, known: &Known<'_>) -> Vec<Server<'a>> {
    let mut servers = Vec::new();
    let reader = Locations { unit, nginx, known };
    for tree in nginx.trees() {
        let others = nginx.trees().filter(|other| !std::ptr::eq(*other, tree));
        let maps: Vec<_> = others.flat_map(|tree| maps(nginx, tree)).collect();
        let mut found = Vec::new();
        reader.find(tree, &maps, Around::default(), &mut found);
        servers.extend(found.into_iter().map(|(server, _)| server));
    }
    share_tls(&mut servers);
    servers
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

/// The same of nginx, whose directives may come from several files, with ModSecurity's own rules, which are written as
/// httpd's.
pub(super) fn flat_nginx<'a>(nginx: &Nginx<'a>, tree: &[Directive], within: &[Directive]) -> Vec<ScopedDirective<'a>> {
    let mut items = Vec::new();
    for directive in tree {
        let own = Directive { children: vec![], ..directive.clone() };
        items.push(ScopedDirective { directive: own.clone(), within: within.to_vec(), file: nginx.file(directive) });
        if directive.name == "modsecurity_rules" {
            let rules = directives::httpd(directive.arg(0).unwrap_or_default()).into_iter();
            let placed = rules.map(|rule| Directive { line: directive.line + rule.line - 1, ..rule });
            let item = |directive| ScopedDirective { directive, within: within.to_vec(), file: nginx.file(&own) };
            items.extend(placed.map(item));
        }
        let deeper: Vec<_> = within.iter().cloned().chain([own]).collect();
        items.extend(flat_nginx(nginx, &directive.children, &deeper));
    }
    items
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
    known: &'s Known<'s>,
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
            let by_known = || self.known.serves(self.unit, &all, &listens);
            let service = served(&all).or_else(by_known).or_else(|| by_name(around.host?));
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
    let named = named_location(server, chosen);
    let pass = chosen.children.iter().find(passes).or_else(|| named?.children.iter().find(passes));
    let Some(pass) = pass else {
        let rest: Vec<&Directive> = server.children.iter().filter(|d| *d != chosen).collect();
        let other = upload_path::location_of(&rest).and_then(|other| other.children.iter().find(passes));
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
        if let Some(named) = named {
            enter(nginx, chosen, named, &mut own.items);
        }
    }
    if locations.iter().any(is_chosen) {
        locations.retain(|own| is_chosen(own) || !to_glance(&own.0));
    }
}

/// The location `@NAME` to which another one leads what is no file.
fn named_location<'t>(server: &'t Directive, entered: &Directive) -> Option<&'t Directive> {
    let tries = entered.children.iter().find(|own| own.name == "try_files")?;
    let name = tries.args.last().filter(|name| name.starts_with('@'))?;
    server.children.iter().find(|own| own.name == "location" && own.arg(0) == Some(name))
}

/// What counts for a request that comes to a named location through another one: the limit of the body's size, conditions and
/// logins are of the other one (ngx_http_core_module: the size is checked where the location is found; measured with 1.22).
fn enter<'a>(nginx: &Nginx<'a>, entered: &Directive, named: &Directive, items: &mut Vec<ScopedDirective<'a>>) {
    const BEFORE: [&str; 13] = [
        "client_max_body_size",
        "if",
        "set",
        "return",
        "rewrite",
        "break",
        "allow",
        "deny",
        "satisfy",
        "limit_except",
        "auth_basic",
        "auth_request",
        "auth_jwt",
    ];
    let of_named = |item: &ScopedDirective<'_>| {
        named.children.iter().any(|own| own.line == item.directive.line && own.source == item.directive.source)
    };
    items.retain(|item| !(item.directive.name == "client_max_body_size" && of_named(item)));
    let before = entered.children.iter().filter(|own| BEFORE.contains(&own.name.as_str()));
    let before: Vec<Directive> = before.cloned().collect();
    let at = items.iter().position(of_named).unwrap_or(items.len());
    items.splice(at..at, flat_nginx(nginx, &before, &[]));
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
