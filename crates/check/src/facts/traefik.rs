//! Traefik's own files, in YAML or TOML; and its routers that choose by path only. What they lead to has one host, and so
//! one origin.

use std::sync::LazyLock;

use direct_upload_core::derive::exposure_issue::read_timeout;
use direct_upload_core::manifests::{Document, documents};
use regex::Regex;
use serde_json::Value;

use crate::classify::{self, Kind};
use crate::formats::toml;
use crate::names;
use crate::objects::any_text;
use crate::unit::{ConfigFile, Program, Unit};

static PATH: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?m)^\s*(?:- )?rule\s*[:=]\s*['\x22]?Path(?:Prefix)?\(`([^`]*)`\)['\x22]?\s*$").ok());

/// Whether only the paths distinguish Glance and the dashboard (as in Sunbeam's Traefik).
pub(crate) fn shares_host(units: &[Unit], scope: &[String]) -> bool {
    let near =
        |unit: &&Unit| scope.is_empty() || unit.scope.first() == scope.first() || unit.scope.len() == scope.len();
    let files = units.iter().filter(near).flat_map(|unit| unit.of_kind(Kind::Traefik));
    let Some(path) = PATH.as_ref() else { return false };
    let of = |file: &ConfigFile| path.captures_iter(&file.text).map(|found| found[1].to_owned()).collect::<Vec<_>>();
    let paths: Vec<String> = files.flat_map(of).collect();
    let has = |words: &[&str]| paths.iter().any(|path| words.iter().any(|word| path.contains(word)));
    has(&["glance", "image"]) && has(&["horizon", "dashboard"])
}

/// The contents of a file, by its ending.
pub(crate) fn document(name: &str, text: &str) -> Option<Document> {
    if classify::ends_in(name, "toml") {
        return toml::read(text);
    }
    documents(name, text.as_bytes()).ok()?.into_iter().next()
}

/// A file of Traefik's, and its content.
pub(crate) type Written<'a> = (&'a ConfigFile, Document);

/// Those of a unit.
pub(crate) fn written(unit: &Unit) -> Vec<Written<'_>> {
    unit.of_kind(Kind::Traefik).filter_map(|file| Some((file, document(&file.name, &file.text)?))).collect()
}

/// The routers of a file that lead to Glance, each with its name.
pub(crate) fn routers<'w>(files: &[Written<'_>], document: &'w Document) -> Vec<(&'w str, &'w Value)> {
    let all = document.value["http"]["routers"].as_object().into_iter().flatten();
    let all = all.map(|(name, router)| (name.as_str(), router));
    let is_glances = |own: &(&str, &Value)| {
        any_text(own.1, &names::is_glances) || program(files, "http", own.0, own.1) == Some(Program::Glance)
    };
    all.filter(is_glances).collect()
}

/// What a router leads to, as far as its name, its service and the URLs of the servers show.
pub(super) fn program(files: &[Written<'_>], protocol: &str, name: &str, router: &Value) -> Option<Program> {
    let service = router["service"].as_str().unwrap_or_default();
    // Traefik's own pages.
    if service.ends_with("@internal") {
        return None;
    }
    let urls = urls(files, protocol, service, MOST_SERVICES);
    let texts: Vec<String> = urls.into_iter().chain([name, service]).map(str::to_lowercase).collect();
    let is_glances = texts.iter().any(|text| names::is_glances_target(text));
    let is_dashboards = texts.iter().any(|text| names::is_dashboards(text));
    match (is_glances, is_dashboards) {
        (true, false) => Some(Program::Glance),
        (false, true) => Some(Program::Horizon),
        _ => None,
    }
}

/// More services that lead to other services than any real file has.
pub(super) const MOST_SERVICES: usize = 8;

/// The URLs or addresses of the servers of a service, also of those to which it leads.
pub(super) fn urls<'w>(files: &'w [Written<'_>], protocol: &str, name: &str, depth: usize) -> Vec<&'w str> {
    let own = |file: &'w Written<'_>| file.1.value[protocol]["services"].get(bare(name));
    let Some(service) = files.iter().find_map(own).filter(|_| depth > 0) else { return Vec::new() };
    let servers = service["loadBalancer"]["servers"].as_array().into_iter().flatten();
    let direct = servers.filter_map(|server| server["url"].as_str().or_else(|| server["address"].as_str()));
    let weighted = service["weighted"]["services"].as_array().into_iter().flatten();
    let named = [&service["failover"]["service"], &service["mirroring"]["service"]].into_iter();
    let others = weighted.map(|own| &own["name"]).chain(named).filter_map(Value::as_str);
    direct.chain(others.flat_map(|other| urls(files, protocol, other, depth - 1))).collect()
}

/// The middlewares of a router, without the name of the file provider, which is their own.
pub(crate) fn middlewares(router: &Value) -> impl Iterator<Item = &str> {
    let listed = router["middlewares"].as_array().into_iter().flatten().filter_map(Value::as_str);
    listed.map(bare)
}

/// A name without that of the file provider.
pub(crate) fn bare(name: &str) -> &str {
    name.strip_suffix("@file").unwrap_or(name)
}

/// A middleware of the file provider.
pub(crate) fn middleware<'w, 'a>(files: &'w [Written<'a>], name: &str) -> Option<(&'w Written<'a>, &'w Value)> {
    files.iter().find_map(|own| Some((own, own.1.value["http"]["middlewares"].get(name)?)))
}

/// How a fix is written in a file of this name.
pub(crate) fn without_limit(name: &str, entry_point: &str) -> String {
    let option = read_timeout::option(entry_point);
    match option.rsplit_once('.') {
        Some((table, key)) if classify::ends_in(name, "toml") => {
            format!("{key} = \"0s\" in [{table}], which is no limit")
        }
        _ => format!("{option}: 0s, which is no limit"),
    }
}
