//! Files that a server in front of Glance includes, and that are not in the input.
//!
//! In: the cloud, and the server. Out: one sentence for each.

use crate::classify::{self, Kind};
use crate::facts::cloud::Cloud;
use crate::facts::server::{ScopedDirective, Server};
use crate::unit::ConfigFile;

/// Files that a package brings, which do not affect an upload; and folders of whole hosts.
const USUAL: [&str; 12] = [
    "mime.types",
    "proxy_params",
    "uwsgi_params",
    "fastcgi_params",
    "fastcgi.conf",
    "scgi_params",
    "proxy.conf",
    "options-ssl-nginx.conf",
    "options-ssl-apache.conf",
    "serve-cgi-bin.conf",
    "ports.conf",
    "letsencrypt.conf",
];

/// What a server in front of Glance includes, and what is not read: nginx's includes are followed if the files are
/// there, and files of httpd apply to each host.
pub(super) fn missing(cloud: &Cloud<'_>, server: &Server<'_>) -> Vec<String> {
    let is_inside = |item: &&ScopedDirective<'_>| {
        is_nginx(server) || (std::ptr::eq(item.file, server.file) && item.directive.line > server.line)
    };
    let named = |item: &&ScopedDirective<'_>| matches!(item.directive.name.as_str(), "include" | "includeoptional");
    let of_one = |item: &ScopedDirective<'_>| {
        let path = item.directive.arg(0)?;
        let name = classify::base(path);
        let of_hosts =
            ["sites-enabled/", "conf.d/", "modules-enabled/", "nginx/modules/", "mods-enabled/", "vhosts.d/"]
                .iter()
                .any(|folder| path.contains(folder));
        let is_there = |file: &ConfigFile| {
            let known = [file.path.as_deref(), file.place.file.as_deref()];
            fits(&file.name, name) && known.into_iter().flatten().any(|own| in_folder(own, path))
        };
        let files = || cloud.units.iter().flat_map(|unit| &unit.files);
        (!of_hosts && !USUAL.contains(&name) && (is_nginx(server) || !files().any(is_there)))
            .then(|| format!("{}: {path}, which the server in front of Glance includes", item.place()))
    };
    server.items.iter().filter(named).filter(is_inside).filter_map(of_one).collect()
}

const fn is_nginx(server: &Server<'_>) -> bool {
    matches!(server.kind, Kind::Nginx | Kind::Stream)
}

/// Whether a name fits a pattern with one `*`.
fn fits(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        Some((head, tail)) => name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail),
        None => name == pattern,
    }
}

/// Whether a file is in the folder of an included path, as far as both show it.
fn in_folder(file: &str, included: &str) -> bool {
    let folder = |path: &str| path.rsplit('/').nth(1).map(str::to_owned);
    match (folder(file), folder(included)) {
        (Some(own), Some(named)) => own == named,
        _ => true,
    }
}
