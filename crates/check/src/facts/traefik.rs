//! Traefik's own files, in YAML or TOML; and its routers that choose by path only. What they lead to has one host, and so
//! one origin.

use std::sync::LazyLock;

use direct_upload_core::derive::exposure_issue::read_timeout;
use direct_upload_core::manifests::{Document, documents};
use regex::Regex;

use crate::classify::{self, Kind};
use crate::formats::toml;
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
