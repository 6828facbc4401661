//! The CORS options of the user's own files, which our file would replace option by option. Ours
//! repeats them, or reports what it cannot repeat.
//!
//! In: the ConfigMap with the main file, if there is one, and what a Job of Glance's own image has read of
//! all files. Out: [`UserCors`].

use std::collections::BTreeMap;
use std::path::Path;

use direct_upload_api::web::{Origin, OriginError, is_token};
use direct_upload_api::{CORS_OPTIONS, CorsFilter, CorsKind, CorsValue, CorsValues, Reason, SWIFT_STRICT};

use crate::model::{Advice, AdviceField, Container, Key, Known, Problem, Snapshot, UserFile, VolumeSource, Workload};
use crate::render::oslo::read::{self, Ini};
use crate::render::swift_proxy::{self, SwiftProxy};
use crate::workload::rehearsal::{CorsLook, CorsValueSeen};

/// What the user's own files set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserCors {
    /// Each with its source.
    pub origins: BTreeMap<Origin, UserFile>,
    /// Options other than the origins.
    pub options: CorsValues,
    /// Where they are set.
    pub source: UserFile,
    /// What could not be repeated.
    pub notes: Vec<Advice>,
    /// The whole file.
    pub ini: Ini,
}

/// Where the container's file at `path` comes from.
#[derive(Debug, PartialEq, Eq)]
enum FileSource {
    ConfigMap(Key, String),
    Secret(String),
    Unseen,
}

/// The ConfigMap with the main file, so that it can be watched.
pub fn config_map(workload: &Workload, container: &Container, path: &str) -> Option<Key> {
    match source(workload, container, path) {
        FileSource::ConfigMap(key, _) => Some(key),
        FileSource::Secret(_) | FileSource::Unseen => None,
    }
}

/// Reads the user's `[cors]` options.
///
/// # Errors
/// [`Unknown`](crate::model::Unknown) while the ConfigMap cannot be read.
pub fn read(
    snapshot: &Snapshot,
    workload: &Workload,
    container: &Container,
    path: &str,
    filter: CorsFilter,
) -> Known<UserCors> {
    let note = |text: String| UserCors { notes: vec![Advice::new(text)], ..UserCors::default() };
    let (key, item) = match source(workload, container, path) {
        FileSource::ConfigMap(key, item) => (key, item),
        FileSource::Secret(name) => {
            return Ok(note(format!(
                "{path} is in Secret {name}, which the operator does not read: list its origins in spec.cors.allowedOrigins"
            )));
        }
        FileSource::Unseen => return Ok(UserCors::default()),
    };
    let Some(text) = snapshot.referenced_config_maps.get_named(&key)?.and_then(|c| c.data.get(&item)) else {
        return Ok(note(format!("{path} comes from ConfigMap {key}, which has no key {item:?}")));
    };
    let source = UserFile::ConfigMap { key, item };
    Ok(match filter {
        CorsFilter::OsloMiddleware => parse(text, source),
        CorsFilter::Swift => of_swift(text, source),
    })
}

/// The mount with the longest path to the file counts, as in the container.
fn source(workload: &Workload, container: &Container, path: &str) -> FileSource {
    let holds = |mount: &str| path == mount || path.strip_prefix(mount).is_some_and(|rest| rest.starts_with('/'));
    let Some(mount) = container.mounts.iter().filter(|m| holds(&m.path)).max_by_key(|m| m.path.len()) else {
        return FileSource::Unseen;
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
            FileSource::ConfigMap(Key::new(workload.meta.key.namespace.clone(), name.clone()), item)
        }
        Some(VolumeSource::Secret(name)) => FileSource::Secret(name.clone()),
        _ => FileSource::Unseen,
    }
}

/// Whether the file at `path`, or another file of its folder that the CORS filter reads, is in a Secret.
pub(super) fn is_in_secret(workload: &Workload, container: &Container, path: &str) -> bool {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let is_secret = |volume: &str| {
        let volume = workload.template.volumes.iter().find(|v| v.name == volume);
        volume.is_some_and(|volume| matches!(volume.source, VolumeSource::Secret(_)))
    };
    let is_read = |mount: &str| {
        mount.strip_prefix(folder).is_some_and(|rest| {
            let rest = rest.trim_start_matches('/');
            let is_file = !rest.contains('/') && Path::new(rest).extension().is_some_and(|ending| ending == "conf");
            rest.contains(".conf.d") || is_file
        })
    };
    matches!(source(workload, container, path), FileSource::Secret(_))
        || container.mounts.iter().any(|mount| is_read(&mount.path) && is_secret(&mount.volume))
}

/// Why nothing rolls before they were read. It usually takes seconds, and is not reported.
pub fn awaited(held_up: Option<&str>) -> Problem {
    let what = "a Job of Glance's own image reads [cors] of your own files, so that the operator's file can repeat it";
    match held_up {
        None => Problem::new(Reason::ObservationPending, what),
        Some(why) => Problem::new(Reason::Looking, format!("{what}, and {why}")),
    }
}

/// What the user's files set: as far as the operator reads them itself (`file`, if it reads the main one),
/// and as a Job of the image has read all of them. Only the Job knows what other files than the main one
/// decide. For the main one, the operator sees each change immediately.
pub fn joined(file: UserCors, reads_main: bool, look: &CorsLook) -> UserCors {
    let mut joined = file;
    let found = |found: String| Advice::new(found).field(AdviceField::Section("cors"));
    // "A Secret is not read" is no longer true.
    if look.unread.is_some() || look.seen.is_some() {
        joined.notes.retain(|_| reads_main);
    }
    if let Some(why) = &look.unread {
        let held = match &look.seen {
            Some(_) => format!(
                "the operator repeats the values that it read at {}, and cannot read them again: {why}",
                look.since
            ),
            None => format!("the operator cannot read [cors] of Glance's own files, so it does not repeat them: {why}"),
        };
        joined.notes.extend(
            (look.seen.is_some() || !reads_main)
                .then(|| found(held).fix("list the origins that must be accepted in spec.cors.allowedOrigins")),
        );
    }
    let Some(seen) = &look.seen else { return joined };
    let mut notes = Vec::new();
    for option in &CORS_OPTIONS {
        if reads_main && !seen.beside.contains(option.name) {
            continue;
        }
        if let CorsKind::Origins = option.kind {
            joined.origins.clear();
        }
        joined.options.remove(&option.key);
        if let Some(count) = seen.left.get(option.name) {
            notes.push(format!("{}: {count} of its values cannot be repeated", option.name));
        }
        match (option.kind, seen.set.get(option.name)) {
            (CorsKind::Origins, Some(CorsValueSeen::List(items))) => {
                for item in items {
                    origin(item, &UserFile::OfGlance, &mut joined.origins, &mut notes);
                }
            }
            (CorsKind::Methods | CorsKind::Headers, Some(CorsValueSeen::List(items))) => {
                let items: Vec<String> = items.iter().filter(|item| is_token(item)).cloned().collect();
                if !items.is_empty() {
                    joined.options.insert(option.key, CorsValue::List(items));
                }
            }
            (CorsKind::Flag(_), Some(CorsValueSeen::Flag(flag))) => {
                joined.options.insert(option.key, CorsValue::Flag(*flag));
            }
            (CorsKind::Number(_), Some(CorsValueSeen::Number(number))) => {
                joined.options.insert(option.key, CorsValue::Number(*number));
            }
            _ => {}
        }
    }
    joined.notes.extend(notes.into_iter().map(|note| found(note).object(UserFile::OfGlance)));
    joined
}

/// The options that apply: those of the resource, and those of the user's file in addition.
pub fn merged(stated: CorsValues, users: CorsValues) -> CorsValues {
    let mut merged = stated;
    for (key, value) in users {
        match (merged.get_mut(&key), value) {
            (Some(CorsValue::List(stated)), CorsValue::List(more)) => stated.extend(more),
            (Some(_), _) => {}
            (None, value) => drop(merged.insert(key, value)),
        }
    }
    merged
}

fn parse(text: &str, source: UserFile) -> UserCors {
    let ini = read::parse(text);
    let mut cors = UserCors { source, ..UserCors::default() };
    let mut notes = Vec::new();
    for option in &CORS_OPTIONS {
        let scalar = || ini.get("cors", option.name).map(|a| a.value.trim().to_lowercase());
        let value = match option.kind {
            CorsKind::Origins => {
                for item in items(&ini, option.name, &mut notes) {
                    origin(&item, &cors.source, &mut cors.origins, &mut notes);
                }
                continue;
            }
            CorsKind::Methods | CorsKind::Headers => tokens(&ini, option.name, &mut notes),
            CorsKind::Flag(_) => scalar().and_then(|v| flag(&v)).map(CorsValue::Flag),
            CorsKind::Number(_) => scalar().and_then(|v| v.parse().ok()).map(CorsValue::Number),
        };
        if let Some(value) = value {
            cors.options.insert(option.key, value);
        }
    }
    cors.notes = notes.into_iter().map(|note| Advice::new(note).object(cors.source.clone())).collect();
    cors.ini = ini;
    cors
}

/// What the file of Swift's proxy sets.
fn of_swift(text: &str, source: UserFile) -> UserCors {
    let mut cors = UserCors { source, ..UserCors::default() };
    let (mut found, mut notes) = (Vec::new(), Vec::new());
    let own = match SwiftProxy::read(text) {
        Ok(own) => own,
        Err((line, why)) => {
            let found = format!("Swift refuses the whole file: line {line} {why}");
            cors.notes = vec![Advice::new(found).object(cors.source.clone())];
            return cors;
        }
    };
    for option in CorsFilter::Swift.options() {
        let Some(said) = own.option(option.name) else { continue };
        if said.by_set {
            let name = option.name;
            let what = format!("{}: set {name} overrides every {name} of [DEFAULT], also the operator's", said.section);
            found.push(Advice::new(what).fix(format!("remove it (line {})", said.line)));
        }
        let items = || swift_proxy::items(&said.value);
        match option.kind {
            CorsKind::Origins => {
                for item in items() {
                    match Origin::parse(item) {
                        Ok(origin) => drop(cors.origins.insert(origin, cors.source.clone())),
                        Err(error @ OriginError::Wildcard(_)) => {
                            notes.push(format!("{} is not repeated: {error}", option.name));
                        }
                        Err(error) => notes.push(format!("{} never matches a browser: {error}", option.name)),
                    }
                }
            }
            CorsKind::Methods | CorsKind::Headers => {
                let items: Vec<_> = items().filter(|item| is_token(item)).map(str::to_owned).collect();
                if !items.is_empty() {
                    cors.options.insert(option.key, CorsValue::List(items));
                }
            }
            CorsKind::Flag(_) => {
                let flag = swift_proxy::is_true(&said.value);
                cors.options.insert(option.key, CorsValue::Flag(flag));
                if option.name == SWIFT_STRICT && !flag {
                    let what = "strict_cors_mode is off: each site may read what Swift answers without a token";
                    found.push(Advice::new(what).fix("set strict_cors_mode = true"));
                }
            }
            CorsKind::Number(_) => {}
        }
    }
    let notes = notes.into_iter().map(Advice::new);
    cors.notes = notes.chain(found).map(|note| note.object(cors.source.clone())).collect();
    cors
}

fn origin(item: &str, source: &UserFile, origins: &mut BTreeMap<Origin, UserFile>, notes: &mut Vec<String>) {
    match Origin::parse(item) {
        Ok(origin) => drop(origins.insert(origin, source.clone())),
        Err(error @ OriginError::Wildcard(_)) => {
            notes.push(format!("[cors] allowed_origin is not repeated: {error}"));
        }
        Err(error) => notes.push(format!("[cors] allowed_origin never matches a browser: {error}")),
    }
}

/// `oslo_config.types.Boolean`.
fn flag(text: &str) -> Option<bool> {
    match text {
        "true" | "1" | "on" | "yes" => Some(true),
        "false" | "0" | "off" | "no" => Some(false),
        _ => None,
    }
}

fn tokens(ini: &Ini, name: &str, notes: &mut Vec<String>) -> Option<CorsValue> {
    let mut items = items(ini, name, notes);
    items.retain(|item| {
        let fits = is_token(item);
        if !fits {
            let line = ini.get("cors", name).map(|a| a.line).unwrap_or_default();
            notes.push(format!("[cors] {name} (line {line}): {item:?} is not an HTTP token"));
        }
        fits
    });
    (!items.is_empty()).then_some(CorsValue::List(items))
}

fn items(ini: &Ini, name: &str, notes: &mut Vec<String>) -> Vec<String> {
    let Some(assignment) = ini.get("cors", name) else { return Vec::new() };
    let mut known = Vec::new();
    for item in read::list(&assignment.value) {
        match item.known() {
            Some("") => {}
            Some(text) => known.push(text.to_owned()),
            None => notes.push(format!(
                "[cors] {name} (line {}) has a $substitution, which cannot be repeated",
                assignment.line
            )),
        }
    }
    known
}
