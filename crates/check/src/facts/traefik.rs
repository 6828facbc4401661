//! Traefik's own files, in YAML or TOML; and its routers that choose by path only. What they lead to has one host, and so
//! one origin.

use std::sync::LazyLock;

use direct_upload_core::derive::exposure_issue::read_timeout;
use direct_upload_core::manifests::{Document, documents};
use regex::Regex;
use serde_json::Value;

use crate::classify::{self, Kind};
use crate::formats::toml;
use crate::objects::any_text;
use crate::unit::{ConfigFile, Unit};

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
pub(crate) fn routers(document: &Document) -> Vec<(&str, &Value)> {
    let all = document.value["http"]["routers"].as_object().into_iter().flatten();
    let leads =
        |name: &str, router: &Value| name.contains("glance") || any_text(router, &|text| text.contains("glance"));
    all.map(|(name, router)| (name.as_str(), router)).filter(|(name, router)| leads(name, router)).collect()
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
