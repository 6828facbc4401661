//! httpd's virtual hosts in front of Glance or Horizon.
//!
//! In: the files of a unit. Out: a [`Server`] for each host, with the directives of the main server that it inherits.

use super::listen::{self, Listen};
use super::server::{Known, ScopedDirective, Server, flatten, served};
use super::upload_path;
use crate::classify::Kind;
use crate::formats::directives::{self, Directive};
use crate::unit::{ConfigFile, Program, Unit};

/// All of a unit. `known`: what shows which program one serves.
pub(super) fn servers<'a>(unit: &'a Unit, known: &Known<'_>) -> Vec<Server<'a>> {
    let mut servers = Vec::new();
    let httpd = files(unit);
    // Directives outside of hosts apply to all hosts, also in other files.
    let shared: Vec<ScopedDirective<'a>> =
        httpd.iter().filter(|(_, tree)| !serves_alone(tree)).flat_map(|(file, tree)| outer(file, tree)).collect();
    let (rewrites, shared): (Vec<_>, Vec<_>) = shared.into_iter().partition(is_rewrite);
    for (file, tree) in &httpd {
        let own = outer(file, tree);
        for host in hosts(tree) {
            let mut items = shared.clone();
            if serves_alone(tree) {
                items.extend(own.iter().filter(|item| !is_rewrite(item)).cloned());
            }
            items.extend(flat(file, &host.children, &[]));
            let rules = own.iter().filter(|item| is_rewrite(item)).chain(&rewrites);
            inherit(&mut items, rules);
            let at_port = || host.text().contains(":9292").then_some(Program::Glance);
            let listens = listens_of(file, host, &items);
            let service = served(&items).or_else(at_port).or_else(|| known.serves(unit, &items, &listens));
            let takes_uploads = service != Some(Program::Horizon) && upload_path::of_httpd(&mut items);
            let server = Server::of_unit(unit, Kind::Httpd, file, host.line, service, items, listens);
            servers.extend(server.map(|server| Server { takes_uploads, ..server }));
        }
        if hosts(tree).is_empty() && serves_alone(tree) {
            let items: Vec<ScopedDirective<'a>> = shared.iter().chain(&rewrites).cloned().chain(own).collect();
            servers.extend(Server::of_unit(unit, Kind::Httpd, file, 1, served(&items), items, Vec::new()));
        }
    }
    servers
}

/// Whether a directive is one of mod_rewrite for a whole server.
fn is_rewrite(item: &ScopedDirective<'_>) -> bool {
    let is_part = |block: &Directive| !matches!(block.name.as_str(), "ifmodule" | "ifdefine" | "ifversion");
    matches!(item.directive.name.as_str(), "rewritecond" | "rewriterule" | "rewriteoptions")
        && !item.within.iter().any(is_part)
}

/// Adds the rules of the main server, which a host has only if one of them asks for it (mod_rewrite, RewriteOptions).
fn inherit<'a, 'r>(items: &mut Vec<ScopedDirective<'a>>, rules: impl Iterator<Item = &'r ScopedDirective<'a>> + Clone)
where
    'a: 'r,
{
    let asks = |item: &ScopedDirective<'_>, words: &[&str]| {
        let own = item.directive.args.iter().map(|word| word.to_ascii_lowercase());
        item.directive.name == "rewriteoptions" && own.into_iter().any(|word| words.contains(&word.as_str()))
    };
    let takes = items.iter().any(|item| asks(item, &["inherit", "inheritbefore"]));
    let gives = rules.clone().any(|item| asks(item, &["inheritdown", "inheritdownbefore"]))
        && !items.iter().any(|item| asks(item, &["ignoreinherit"]));
    if !takes && !gives {
        return;
    }
    let is_first = items.iter().any(|item| asks(item, &["inheritbefore"]))
        || (gives && rules.clone().any(|item| asks(item, &["inheritdownbefore"])));
    let at = if is_first { 0 } else { items.len() };
    items.splice(at..at, rules.cloned());
}

/// The files of httpd.
pub(super) fn files(unit: &Unit) -> Vec<(&ConfigFile, Vec<Directive>)> {
    let texts: Vec<&str> = unit.of_kind(Kind::Httpd).map(|file| file.text.as_str()).collect();
    unit.of_kind(Kind::Httpd).zip(directives::httpd_files(&texts)).collect()
}

/// `<VirtualHost *:443 [::]:8443>`.
fn listens_of(file: &ConfigFile, host: &Directive, items: &[ScopedDirective<'_>]) -> Vec<Listen> {
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
