//! Web servers in front of other services.

use super::haproxy;
use super::httpd::{self, flat, hosts, outer, serves_alone};
use super::locations::{PASSES, flat_nginx, upstream};
use super::nginx::Nginx;
use super::server::{ScopedDirective, TELLING, served};
use crate::classify::{self, Kind};
use crate::formats::directives::Directive;
use crate::unit::Unit;

/// A virtual host or location in front of another service.
#[derive(Clone, Debug)]
pub struct OtherServer<'a> {
    /// Its name, as in paths.
    pub service: &'static str,
    pub kind: Kind,
    /// Directives in effect; inherited ones come first.
    pub items: Vec<ScopedDirective<'a>>,
}

impl<'a> OtherServer<'a> {
    /// All of a unit that name a service, in what leads requests on or in the names of hosts.
    pub fn find(unit: &'a Unit) -> Vec<Self> {
        let mut found = Vec::new();
        for (file, tree) in httpd::files(unit) {
            let outside = outer(file, &tree);
            for host in hosts(&tree) {
                let items = outside.iter().cloned().chain(flat(file, &host.children, &[])).collect();
                found.extend(Self::new(Kind::Httpd, items));
            }
            if hosts(&tree).is_empty() && serves_alone(&tree) {
                found.extend(Self::new(Kind::Httpd, outside));
            }
        }
        let nginx = Nginx::read(unit);
        for tree in nginx.trees() {
            Self::of_nginx(&nginx, tree, &[], &mut found);
        }
        found.extend(haproxy::others(unit));
        found
    }

    fn new(kind: Kind, items: Vec<ScopedDirective<'a>>) -> Option<Self> {
        if served(&items).is_some() {
            return None;
        }
        let mut telling = items.iter().filter(|item| TELLING.contains(&item.directive.name.as_str()));
        let service = telling.find_map(|item| classify::service_of(&item.directive.text().to_lowercase()))?;
        Some(Self { service, kind, items })
    }

    fn of_nginx(nginx: &Nginx<'a>, tree: &[Directive], outside: &[ScopedDirective<'a>], found: &mut Vec<Self>) {
        let is_block = |d: &&Directive| matches!(d.name.as_str(), "http" | "server" | "location");
        let mut items = outside.to_vec();
        let is_apart = |d: &Directive| matches!(d.name.as_str(), "upstream" | "stream" | "mail");
        for directive in tree.iter().filter(|d| !is_block(d) && !is_apart(d)) {
            items.extend(flat_nginx(nginx, std::slice::from_ref(directive), &[]));
        }
        if let Some(passes) = tree.iter().find(|d| PASSES.contains(&d.name.as_str())) {
            let all = items.iter().cloned().chain(upstream(nginx, passes)).collect();
            found.extend(Self::new(Kind::Nginx, all));
        }
        for block in tree.iter().filter(is_block) {
            Self::of_nginx(nginx, &block.children, &items, found);
        }
    }
}
