//! The text that a finding speaks of, wherever it is kept: a file, a key of a ConfigMap, an annotation.

use direct_upload_check as check;
use direct_upload_check::classify::{self, Kind};
use direct_upload_check::objects::object_set::ObjectSet;
use direct_upload_check::unit::ConfigFile;
use direct_upload_check::{Finding, Location, Text};
use direct_upload_core::manifests::documents;
use serde_json::{Value, json};

use super::Files;

/// A text of one program, and the line that is meant.
pub struct Spot {
    pub kind: Kind,
    pub text: String,
    /// From 1.
    pub line: usize,
    /// `[section] name`, or the directive.
    pub field: String,
    /// What the finding says about it.
    pub found: String,
    keeper: Keeper,
}

enum Keeper {
    File(usize),
    /// File, object, and the path in it.
    Object(usize, String, Vec<String>),
}

/// Objects of a file.
pub fn objects(text: &str) -> Vec<Value> {
    let mut objects = Vec::new();
    for document in documents("x.yaml", text.as_bytes()).unwrap_or_default() {
        match document.value["items"].as_array() {
            Some(items) if document.value["kind"].as_str().is_some_and(|kind| kind.ends_with("List")) => {
                objects.extend(items.clone());
            }
            _ => objects.push(document.value),
        }
    }
    objects
}

pub fn id(object: &Value) -> String {
    let meta = &object["metadata"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let namespace = meta["namespace"].as_str().unwrap_or("default");
    format!("{} {namespace}/{}", text(&object["kind"]), text(&meta["name"]))
}

/// The files with one object changed.
pub fn with_object(files: &Files, file: usize, wanted: &str, change: impl FnOnce(&mut Value)) -> Files {
    let mut files = files.clone();
    let mut all = objects(&files[file].1);
    let object = all.iter_mut().find(|object| id(object) == wanted).unwrap_or_else(|| panic!("{wanted}"));
    change(object);
    files[file].1 = format!("{:#}", json!({"apiVersion": "v1", "kind": "List", "items": all}));
    files
}

/// The field or option of a place, as it is printed.
pub fn field_of(place: &Location) -> String {
    place.field.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// The file that a finding names.
pub fn file_of(files: &Files, finding: &Finding) -> Option<usize> {
    files.iter().position(|(name, _)| Some(name) == finding.place.file.as_ref())
}

impl Spot {
    /// Where a finding's text stands; none where it speaks of a field of an object.
    pub fn find(files: &Files, finding: &Finding) -> Option<Self> {
        let at = file_of(files, finding)?;
        let found = finding.found.clone();
        let (name, text) = &files[at];
        let Some(object) = finding.place.object.as_ref().map(ToString::to_string) else {
            let kind = classify::kind(name, text)?;
            let field = field_of(&finding.place);
            return Some(Self {
                kind,
                text: text.clone(),
                line: finding.place.line?,
                field,
                found,
                keeper: Keeper::File(at),
            });
        };
        let wanted = field_of(&finding.place);
        if let Some((holder, path, field)) = snippet(&wanted) {
            let own = objects(text).into_iter().find(|o| id(o) == object)?;
            let kept = holder.split('.').fold(&own, |value, step| &value[step]);
            let text = kept[&path].as_str()?.to_owned();
            let line = text.lines().position(|line| line.contains(&field)).unwrap_or_default() + 1;
            let path = [holder.split('.').map(str::to_owned).collect(), vec![path]].concat();
            return Some(Self {
                kind: Kind::Nginx,
                text,
                line,
                field,
                found,
                keeper: Keeper::Object(at, object, path),
            });
        }
        let text = Text { name: name.clone(), text: text.clone(), named: false };
        let input = check::manifests::sort(vec![text], None, jiff::Timestamp::UNIX_EPOCH).0;
        let units = check::objects::units(&ObjectSet::new(input.objects.clone()));
        let is_it = |file: &&ConfigFile| {
            let own = field_of(&file.place);
            file.place.object == finding.place.object
                && (wanted.starts_with(&own)
                    || (finding.place.line == file.at(1).line
                        && !wanted.starts_with("data")
                        && !wanted.starts_with("spec")))
        };
        let file = units.iter().flat_map(|unit| &unit.files).find(is_it)?;
        let own = field_of(&file.place);
        let (holder, key) = own.split_once('[')?;
        let path = vec![holder.to_owned(), key.trim_end_matches(']').trim_matches('"').to_owned()];
        let field = wanted.strip_prefix(&own).unwrap_or(&wanted).trim().to_owned();
        let lines: Vec<usize> =
            (1..=file.text.lines().count()).filter(|n| file.at(*n).line == finding.place.line).collect();
        let line = if let [line] = lines.as_slice() {
            *line
        } else {
            // Encoded: the words tell.
            let word = field.rsplit(' ').next().unwrap_or_default();
            let begins = |line: &str| !word.is_empty() && line.trim_start().starts_with(word);
            file.text.lines().position(begins).unwrap_or_default() + 1
        };
        Some(Self {
            kind: file.kind,
            text: file.text.clone(),
            line,
            field,
            found,
            keeper: Keeper::Object(at, object, path),
        })
    }

    /// The files with this text instead of the old one.
    pub fn written(&self, files: &Files) -> Files {
        match &self.keeper {
            Keeper::File(at) => {
                let mut files = files.clone();
                files[*at].1.clone_from(&self.text);
                files
            }
            Keeper::Object(at, object, path) => with_object(files, *at, object, |object| {
                let (holder, key) = (path[..path.len() - 1].to_vec(), &path[path.len() - 1]);
                let secret = object["kind"] == "Secret" && holder == ["data"];
                if secret {
                    object["data"].as_object_mut().unwrap().remove(key);
                    object["stringData"][key] = json!(self.text);
                } else {
                    let holder = holder.iter().fold(object, |value, step| &mut value[step]);
                    holder[key] = json!(self.text);
                }
            }),
        }
    }

    /// Its lines, to be edited.
    pub fn lines(&self) -> Vec<String> {
        self.text.lines().map(str::to_owned).collect()
    }

    pub fn set_lines(&mut self, lines: &[String]) {
        self.text = lines.join("\n") + "\n";
    }
}

/// `metadata.annotations.NAME/configuration-snippet directive`, `data[server-snippet] directive`: the holder, the key and
/// the directive.
fn snippet(field: &str) -> Option<(&'static str, String, String)> {
    let (path, directive) = field.split_once(' ')?;
    let annotation = || {
        path.strip_prefix("metadata.annotations.")
            .or_else(|| path.strip_prefix("metadata.annotations[")?.strip_suffix(']'))
    };
    let (holder, name) = match path.strip_prefix("data[").and_then(|rest| rest.strip_suffix(']')) {
        Some(key) => ("data", key),
        None => ("metadata.annotations", annotation()?),
    };
    let is_text = name.ends_with("snippet") || name.ends_with("snippets");
    is_text.then(|| (holder, name.to_owned(), directive.to_owned()))
}
