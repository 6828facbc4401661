//! Texts → [`CheckInput`]: manifests become objects, the rest configuration files.

use std::fmt::Display;

use direct_upload_core::manifests::{Document, Node, documents, insert, undecodable};
use direct_upload_core::model::DecodeError;
use direct_upload_core::openstack::Release;
use jiff::Timestamp;
use serde_json::Value;

use super::classify;
use super::objects::{Object, any_text, is_local};
use super::text::Text;
use super::unit::ConfigFile;
use super::{redact, template, values};
use crate::input::CheckInput;

/// Sorts texts by what they are. Also returns what cannot be used, each with its file.
pub fn sort(texts: Vec<Text>, release: Option<Release>, now: Timestamp) -> (CheckInput, Vec<String>) {
    let mut sorter = Sorter { input: CheckInput::new(release), errors: Vec::new(), templates: Vec::new() };
    for text in texts {
        sorter.add(text);
    }
    let Sorter { mut input, errors, templates } = sorter;
    input.unseen.extend(template::told(&templates));
    input.unseen.extend(errors.iter().cloned());
    super::managed::carry_out(&mut input, now);
    (input, errors)
}

/// What is sorted so far.
struct Sorter {
    input: CheckInput,
    errors: Vec<String>,
    /// Names of files that a tool must fill in before anything can read them.
    templates: Vec<String>,
}

impl Sorter {
    fn add(&mut self, text: Text) {
        if classify::is_template(&text.name, &text.text) || (!text.named && is_charts(&text)) {
            self.templates.push(text.name);
        } else if let Some(file) = ConfigFile::on_disk(&text.name, &text.text) {
            self.add_file(text, file);
        } else {
            self.add_other(&text);
        }
    }

    fn add_file(&mut self, text: Text, file: ConfigFile) {
        match (template::is_one(&file), text.named) {
            (false, _) => self.input.files.push((text.name, file)),
            (true, true) => self.errors.extend(template::told(&[text.name])),
            (true, false) => self.templates.push(text.name),
        }
    }

    /// Adds manifests, and the files that other YAML describes (Helm values, variables of Ansible).
    fn add_other(&mut self, text: &Text) {
        if crate::policy::is_glances(&text.name) {
            self.input.unseen.extend(crate::policy::gap(&text.name, &text.text));
        }
        let used = |sorter: &Self| (sorter.input.objects.len(), sorter.input.files.len(), sorter.errors.len());
        let before = used(self);
        if may_hold_objects(text) {
            let described = documents(&text.name, text.text.as_bytes()).unwrap_or_default();
            let files = described.iter().flat_map(|document| values::files(&text.name, document));
            self.input.files.extend(files.map(|file| (text.name.clone(), file)));
            match objects(text) {
                Ok(objects) if !text.named && objects.iter().any(is_unrendered) => {
                    self.templates.push(text.name.clone());
                }
                Ok(objects) => {
                    let Self { input, errors, .. } = self;
                    for object in objects {
                        add(input, object, text.named, errors);
                    }
                }
                Err(error) => self.errors.push(format!("{}: {error}", text.name)),
            }
        }
        if text.named && used(self) == before {
            self.errors.push(format!("{}: nothing in it can be checked: it has no manifest, and no configuration of Glance, of Horizon or of a web server in front of them", text.name));
        }
    }
}

fn may_hold_objects(text: &Text) -> bool {
    let named = [".yaml", ".yml", ".json"].iter().any(|ending| text.name.ends_with(ending));
    named || text.name == "stdin" || (text.named && text.text.contains("apiVersion"))
}

/// A chart's template of something that concerns Glance or the dashboard.
fn is_charts(text: &Text) -> bool {
    let marked = text.text.contains("{{") && speaks_of_objects(&text.text);
    marked
        && ["glance", "horizon"].iter().any(|name| text.name.contains(name) || text.text.contains(name))
        && documents(&text.name, text.text.as_bytes()).is_err()
}

fn speaks_of_objects(text: &str) -> bool {
    text.lines().any(|line| line.trim_start_matches(['{', '-', ' ', '"']).starts_with("apiVersion"))
}

/// The objects of a text. What is none (Helm values, other tools' YAML) is left out.
fn objects(text: &Text) -> Result<Vec<Object>, String> {
    let documents = match documents(&text.name, text.text.as_bytes()) {
        Ok(documents) => documents,
        // A chart's templates are not manifests before they are rendered. Other tools' YAML with its own tags
        // never is.
        Err(_) if !text.named && (text.text.contains("{{") || !speaks_of_objects(&text.text)) => return Ok(Vec::new()),
        Err((document, what)) => {
            let at = document.map(|number| format!("document {number}: ")).unwrap_or_default();
            return Err(redact::error(&format!("{at}{what}")));
        }
    };
    let mut objects = Vec::new();
    for Document { value, node, .. } in documents {
        collect(&text.name, value, Some(&node), &mut objects);
    }
    Ok(objects)
}

/// A document, or the items of a List.
fn collect(file: &str, mut value: Value, node: Option<&Node>, objects: &mut Vec<Object>) {
    let kind = value["kind"].as_str().unwrap_or_default().to_owned();
    if value["apiVersion"].as_str().is_none() || kind.is_empty() {
        return;
    }
    if let (Some(of), Some(items)) = (kind.strip_suffix("List"), value["items"].as_array_mut().map(std::mem::take)) {
        for (at, mut item) in items.into_iter().enumerate() {
            if let (false, Some(map)) = (of.is_empty(), item.as_object_mut()) {
                map.entry("apiVersion").or_insert_with(|| value["apiVersion"].clone());
                map.entry("kind").or_insert_with(|| of.into());
            }
            let node = node.and_then(|node| node.at(["items", at.to_string().as_str()]));
            collect(file, item, node, objects);
        }
        return;
    }
    objects.push(Object { value, file: Some(file.to_owned()), node: node.cloned() });
}

/// A template that happens to be YAML: its objects have no names yet.
fn is_unrendered(object: &Object) -> bool {
    let written = |field: &str| object.value["metadata"][field].as_str().unwrap_or_default();
    written("name").contains("{{") || written("namespace").contains("{{")
}

/// Whether an object may handle uploads, judged by its name and the names in it.
fn speaks_of_uploads(object: &Object) -> bool {
    let ours = |text: &str| ["glance", "horizon", "dashboard"].iter().any(|name| text.contains(name));
    matches!(object.kind(), "Horizon" | "Glance" | "OpenStackAPI")
        || ours(object.name())
        || any_text(&object.value["spec"], &ours)
}

/// Adds an object. One that does not decode is reported, and affects only itself.
fn add(input: &mut CheckInput, object: Object, named: bool, errors: &mut Vec<String>) {
    // Patches and the expectations of tests name no object. A resource of ours without a name is a mistake.
    if object.name().is_empty() && !matches!(object.kind(), "Horizon" | "Glance" | "OpenStackAPI") {
        return;
    }
    if is_local(&object) {
        input.objects.push(object);
        return;
    }
    let place = object.place(&[]);
    let told = |why: &dyn Display| format!("{place}: {}: {}", object.id(), redact::error(&why.to_string()));
    match insert(&mut input.snapshot, object.value.clone()) {
        // A patch has no more than it changes; of a whole tree those of other services do not matter.
        Err(why @ DecodeError::MissingField(_)) => {
            if named || object.kind() == "Gateway" || speaks_of_uploads(&object) {
                input.unseen.push(format!("{} (a patch has only what it changes)", told(&why)));
            }
        }
        Err(why) if named || speaks_of_uploads(&object) => errors.push(told(&why)),
        Err(why) => input.unseen.push(told(&why)),
        Ok(Some(id)) => {
            let found = undecodable(&input.snapshot, &id).map(|why| told(&why));
            if named || speaks_of_uploads(&object) { errors.extend(found) } else { input.unseen.extend(found) }
        }
        Ok(None) => {}
    }
    input.objects.push(object);
}
