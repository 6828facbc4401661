//! The `[cors]` options of the user's own glance-api.conf, which our file would replace option by
//! option: they are carried on, or what cannot be carried on is said.

use std::collections::BTreeSet;

use direct_upload_api::web::{Origin, OriginError};

use crate::model::{Container, Key, Known, Snapshot, VolumeSource, Workload};
use crate::render::Ini;
use crate::render::oslo::read;

/// What the user's own file sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserCors {
    pub origins: BTreeSet<Origin>,
    pub allow_methods: Vec<String>,
    pub allow_headers: Vec<String>,
    pub expose_headers: Vec<String>,
    pub allow_credentials: Option<bool>,
    pub max_age: Option<u32>,
    /// Where the file is, for the status.
    pub source: String,
    /// What could not be carried on.
    pub notes: Vec<String>,
    /// The whole file.
    pub ini: Ini,
}

/// Where the container's file at `path` comes from.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    ConfigMap(Key, String),
    Secret(String),
    Unseen,
}

/// The ConfigMap that holds the main file, so that it can be watched.
pub fn config_map(workload: &Workload, container: &Container, path: &str) -> Option<Key> {
    match source(workload, container, path) {
        Source::ConfigMap(key, _) => Some(key),
        Source::Secret(_) | Source::Unseen => None,
    }
}

/// Reads the user's `[cors]` options.
///
/// # Errors
/// [`Unknown`](crate::model::Unknown) while the ConfigMap cannot be read.
pub fn read(snapshot: &Snapshot, workload: &Workload, container: &Container, path: &str) -> Known<UserCors> {
    let note = |text: String| UserCors { notes: vec![text], ..UserCors::default() };
    let (key, item) = match source(workload, container, path) {
        Source::ConfigMap(key, item) => (key, item),
        Source::Secret(name) => {
            return Ok(note(format!(
                "{path} is in Secret {name}, which the operator does not read: origins that stand there must be listed in spec.cors.allowedOrigins"
            )));
        }
        Source::Unseen => return Ok(UserCors::default()),
    };
    let Some(text) = snapshot.sources.get_named(&key)?.and_then(|c| c.data.get(&item)) else {
        return Ok(note(format!("{path} comes from ConfigMap {key}, which has no key {item:?}")));
    };
    let source = format!("ConfigMap {key}, key {item}");
    Ok(parse(text, source))
}

/// The mount with the longest path that holds the file wins, as in the container.
fn source(workload: &Workload, container: &Container, path: &str) -> Source {
    let holds = |mount: &str| path == mount || path.strip_prefix(mount).is_some_and(|rest| rest.starts_with('/'));
    let Some(mount) = container.mounts.iter().filter(|m| holds(&m.path)).max_by_key(|m| m.path.len()) else {
        return Source::Unseen;
    };
    let inner = path.strip_prefix(&mount.path).unwrap_or_default().trim_start_matches('/');
    let file = match (&mount.sub_path, inner) {
        (Some(sub_path), "") => sub_path.clone(),
        (Some(sub_path), inner) => format!("{sub_path}/{inner}"),
        (None, inner) => inner.to_owned(),
    };
    match workload.template.volumes.iter().find(|v| v.name == mount.volume).map(|v| &v.source) {
        Some(VolumeSource::ConfigMap { name, items }) => {
            let item = items.iter().find(|(_, p)| **p == file).map_or(file, |(key, _)| key.clone());
            Source::ConfigMap(Key::new(workload.meta.key.namespace.clone(), name.clone()), item)
        }
        Some(VolumeSource::Secret(name)) => Source::Secret(name.clone()),
        _ => Source::Unseen,
    }
}

fn parse(text: &str, source: String) -> UserCors {
    let ini = read::parse(text);
    let mut cors = UserCors { source, ..UserCors::default() };
    for item in items(&ini, "allowed_origin", &mut cors.notes) {
        match Origin::parse(&item) {
            Ok(origin) => drop(cors.origins.insert(origin)),
            Err(error @ OriginError::Wildcard(_)) => {
                cors.notes.push(format!("[cors] allowed_origin is not carried on: {error}"));
            }
            Err(error) => cors.notes.push(format!("[cors] allowed_origin never matches a browser: {error}")),
        }
    }
    cors.allow_methods = items(&ini, "allow_methods", &mut cors.notes);
    cors.allow_headers = items(&ini, "allow_headers", &mut cors.notes);
    cors.expose_headers = items(&ini, "expose_headers", &mut cors.notes);
    let scalar = |name: &str| ini.get("cors", name).map(|a| a.value.trim().to_lowercase());
    cors.allow_credentials = scalar("allow_credentials").and_then(|v| match v.as_str() {
        "true" | "1" | "on" | "yes" => Some(true),
        "false" | "0" | "off" | "no" => Some(false),
        _ => None,
    });
    cors.max_age = scalar("max_age").and_then(|v| v.parse().ok());
    for note in &mut cors.notes {
        *note = format!("{}: {note}", cors.source);
    }
    cors.ini = ini;
    cors
}

fn items(ini: &Ini, name: &str, notes: &mut Vec<String>) -> Vec<String> {
    let Some(assignment) = ini.get("cors", name) else { return Vec::new() };
    let mut known = Vec::new();
    for item in read::list(&assignment.value) {
        match item.known() {
            Some("") => {}
            Some(text) if name == "allowed_origin" || is_token(text) => known.push(text.to_owned()),
            Some(text) => notes.push(format!("[cors] {name} (line {}): {text:?} is no HTTP token", assignment.line)),
            None => notes.push(format!(
                "[cors] {name} (line {}) holds a $substitution, which cannot be carried on",
                assignment.line
            )),
        }
    }
    known
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#%&'*+-.^_`|~".contains(&b))
}
