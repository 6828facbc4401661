//! Manifests → units of files, as the containers see them.
//!
//! In: objects with their places. Out: for each workload the files from its mounts, at their paths; for
//! ConfigMaps and Secrets that nothing mounts, their own files.

mod mounts;
pub mod object_set;

use std::collections::BTreeSet;

use direct_upload_api::{MANAGED_BY, OPERATOR, WorkloadKind};
use direct_upload_core::manifests::{Lines, Node};
use direct_upload_core::model::{FieldPath, Id, Key, PathElement, PolicyKind};
use direct_upload_core::openstack::release;
use k8s_openapi::ByteString;
use serde_json::Value;

use self::mounts::MountPoint;
use self::object_set::ObjectSet;
use super::classify::{self, Kind};
use super::finding::Location;
pub use super::names::any_text;
use super::unit::{self, ConfigFile, Unit};
use super::{template, values};

/// An object and its place.
#[derive(Clone, Debug)]
pub struct Object {
    pub value: Value,
    /// The file; none for one from a cluster.
    pub file: Option<String>,
    /// The line of the object itself.
    pub node: Option<Node>,
}

impl Object {
    fn text(&self, path: &[&str]) -> &str {
        #[cfg(test)]
        crate::objects::object_set::tests::count();
        path.iter().fold(&self.value, |value, name| &value[*name]).as_str().unwrap_or_default()
    }

    /// Its apiVersion.
    pub(crate) fn api_version(&self) -> &str {
        self.text(&["apiVersion"])
    }

    /// Its kind.
    pub fn kind(&self) -> &str {
        self.text(&["kind"])
    }

    /// Its kind, as the operator's rules for gateways and policies know it.
    pub(crate) fn policy_kind(&self) -> PolicyKind {
        PolicyKind::of_object(self.api_version(), self.kind())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.text(&["metadata", "name"])
    }

    /// Its namespace; `default` if none is written, like kubectl.
    pub fn namespace(&self) -> &str {
        match self.text(&["metadata", "namespace"]) {
            "" => "default",
            name => name,
        }
    }

    /// Its kind, namespace and name.
    pub fn id(&self) -> Id {
        Id::new(self.kind(), &Key::new(self.namespace(), self.name()))
    }

    /// Whether it is the object of an id.
    pub(crate) fn is(&self, id: &Id) -> bool {
        self.name() == id.key.name && self.kind() == id.kind && self.namespace() == id.key.namespace
    }

    /// The line of one of its fields. Numbers are entries of lists.
    pub fn place(&self, path: &[&str]) -> Location {
        let then = |path: FieldPath, step: &&str| match step.parse() {
            Ok(at) => path.item(at),
            Err(_) => path.field(step),
        };
        self.place_of(&path.iter().fold(FieldPath::default(), then))
    }

    /// The line of one of its fields.
    pub fn place_of(&self, field: &FieldPath) -> Location {
        let steps = field.texts();
        let line = self.node.as_ref().map(|node| node.line_of(steps.iter().map(String::as_str)));
        let field = (!steps.is_empty()).then(|| field.clone().into());
        Location { file: self.file.clone(), line, object: Some(self.id()), field }
    }

    /// Whether a field is written.
    pub fn has<'a>(&'a self, path: &[&str]) -> bool {
        let step = |value: &'a Value, step: &&str| match value {
            Value::Array(items) => items.get(step.parse::<usize>().ok()?),
            other => other.get(*step),
        };
        path.iter().try_fold(&self.value, step).is_some()
    }

    /// Whether a ConfigMap or Secret has nothing at a path of its volume.
    fn lacks(&self, path: &str, items: Option<&Vec<Value>>) -> bool {
        let first = path.split('/').next().unwrap_or_default();
        let key = match items {
            Some(items) => items.iter().find(|item| item["path"] == path).and_then(|item| item["key"].as_str()),
            None => Some(first),
        };
        let has =
            |key: &str| ["data", "stringData", "binaryData"].iter().any(|field| self.value[field].get(key).is_some());
        !key.is_some_and(has)
    }

    /// The texts of a ConfigMap or Secret.
    fn texts(&self) -> Vec<DataEntry> {
        let mut texts = Vec::new();
        let secret = self.kind() == "Secret";
        let managed = self.value["metadata"]["labels"][MANAGED_BY] == OPERATOR;
        for field in ["data", "stringData", "binaryData"] {
            for (key, value) in self.value[field].as_object().into_iter().flatten() {
                let Some(written) = value.as_str() else { continue };
                let encoded = secret && field == "data" || field == "binaryData";
                let text = if encoded { decoded(written) } else { Some(written.to_owned()) };
                let node = self.node.as_ref().and_then(|node| node.at([field, key.as_str()]));
                let lines = match node {
                    Some(node) if encoded => Lines::At(node.line),
                    Some(node) => node.lines.clone(),
                    None => Lines::Nowhere,
                };
                let place = self.place_of(&FieldPath::new(&[field]).then(PathElement::File(key.clone())));
                texts.extend(text.map(|text| DataEntry { key: key.clone(), text, lines, place, managed }));
            }
        }
        texts
    }
}

/// One key of a ConfigMap or Secret.
#[derive(Clone)]
struct DataEntry {
    key: String,
    text: String,
    lines: Lines,
    place: Location,
    managed: bool,
}

/// What a key holds, by the path under which a program sees it. uWSGI's YAML becomes the ini that it stands for.
fn read(path: &str, held: &DataEntry) -> Option<(Kind, DataEntry)> {
    if let Some(kind) = classify::kind(path, &held.text) {
        return Some((kind, held.clone()));
    }
    let is_yaml = ["yaml", "yml"].iter().any(|ending| classify::ends_in(path, ending));
    let (text, lines) = values::uwsgi_text(&held.text).filter(|_| is_yaml)?;
    let lines: Option<Vec<usize>> = lines.into_iter().map(|line| held.lines.line(line)).collect();
    Some((Kind::Uwsgi, DataEntry { text, lines: lines.map_or(Lines::Nowhere, Lines::Each), ..held.clone() }))
}

/// Base64, which may be broken into lines.
fn decoded(written: &str) -> Option<String> {
    let bytes: ByteString = serde_json::from_value(written.replace(['\r', '\n'], "").into()).ok()?;
    String::from_utf8(bytes.0).ok()
}

const WORKLOADS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// All units of some objects.
pub fn units(objects: &ObjectSet) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut mounted = BTreeSet::new();
    for workload in objects.iter().filter(|o| WORKLOADS.contains(&o.kind())) {
        let unit = workload_unit(objects, workload, &mut mounted);
        if unit.matters() {
            units.push(unit);
        }
    }
    let planes = objects.iter().filter(|o| o.kind() == "OpenStackControlPlane").map(|plane| (plane, "spec"));
    let values = objects.iter().filter(|o| is_local(o)).map(|values| (values, "data"));
    units.extend(planes.chain(values).flat_map(|(object, root)| custom_configs(object, root)));
    let holders =
        objects.iter().enumerate().filter(|(_, o)| matches!(o.kind(), "ConfigMap" | "Secret") && !is_local(o));
    for (at, object) in holders {
        if !mounted.contains(&at) {
            units.extend(loose(object));
        }
    }
    units
}

/// Whether an object holds values for kustomize, and never reaches a cluster (kustomize: annotations of resources). The
/// architecture repository of openstack-k8s-operators has a control plane's values in such ConfigMaps.
pub fn is_local(object: &Object) -> bool {
    let annotation = &object.value["metadata"]["annotations"]["config.kubernetes.io/local-config"];
    object.kind() == "ConfigMap" && (*annotation == "true" || *annotation == true)
}

/// What people add to the configuration of openstack-k8s-operators: `customServiceConfig` of Glance, of
/// each of its APIs, of the dashboard, and of the other services. `root`: the field that has the services.
fn custom_configs(plane: &Object, root: &str) -> Vec<Unit> {
    const CONFIG: &str = "customServiceConfig";
    let mut paths = Vec::new();
    let services = plane.value[root].as_object().into_iter().flatten();
    for (service, own) in services {
        texts_of(own, CONFIG, &mut vec![root.to_owned(), service.clone()], &mut paths);
    }
    let unit = |path: Vec<String>| {
        let (kind, file) = match path.get(1).map(String::as_str)? {
            "glance" => (Kind::Glance, "/etc/glance/glance.conf.d/02-config.conf".to_owned()),
            "horizon" => {
                (Kind::Settings, "/etc/openstack-dashboard/local_settings.d/9999_custom_settings.py".to_owned())
            }
            service => {
                let service = classify::service_of(service).filter(|own| *own == service)?;
                (Kind::Oslo, format!("/etc/{service}/{service}.conf.d/02-config.conf"))
            }
        };
        custom_config(plane, &path, kind, &file)
    };
    paths.into_iter().filter_map(unit).collect()
}

/// The paths of all texts under a name.
fn texts_of(value: &Value, name: &str, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    for (key, own) in value.as_object().into_iter().flatten() {
        path.push(key.clone());
        if key == name && own.is_string() {
            found.push(path.clone());
        } else {
            texts_of(own, name, path, found);
        }
        path.pop();
    }
}

fn custom_config(plane: &Object, path: &[String], kind: Kind, file: &str) -> Option<Unit> {
    let steps: Vec<&str> = path.iter().map(String::as_str).collect();
    let text = steps.iter().fold(&plane.value, |value, step| &value[*step]).as_str()?.to_owned();
    if kind == Kind::Oslo && classify::kind(file, &text) != Some(kind) {
        return None;
    }
    let node = plane.node.as_ref().and_then(|node| node.at(steps.iter().copied()));
    let lines = node.map_or(Lines::Nowhere, |node| node.lines.clone());
    let (path, name) = (Some(file.to_owned()), classify::base(file).to_owned());
    let config =
        ConfigFile { kind, path, name, text, place: plane.place(&steps), lines, managed: false, partial: false };
    // Values of many clouds have the same name, so their folder tells them apart.
    let folder = plane.file.as_deref().and_then(|file| file.rsplit_once('/')).filter(|_| is_local(plane));
    let scope = folder.map_or_else(
        || vec![plane.namespace().to_owned()],
        |(folder, _)| folder.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
    );
    let name = folder.map_or_else(|| plane.id().to_string(), |_| plane.file.clone().unwrap_or_default());
    Some(Unit {
        name: format!("{name} {}", steps.join(".")),
        scope,
        files: vec![config],
        unseen: vec!["what the operators of OpenStack add to it".to_owned()],
        ..Unit::default()
    })
}

/// A ConfigMap or Secret that no workload of the input mounts; its keys are file names.
fn loose(object: &Object) -> Option<Unit> {
    let mut unit = Unit {
        name: object.id().to_string(),
        scope: vec![object.namespace().to_owned()],
        unseen: vec!["what mounts it".to_owned()],
        ..Unit::default()
    };
    for held in object.texts().into_iter().filter(|held| !template::is_hidden(&held.text)) {
        if let Some((kind, held)) = read(&format!("{}/{}", object.name(), held.key), &held) {
            unit.files.push(file(kind, None, held));
        }
    }
    unit.copy_as_kolla(false);
    // Passwords and scripts that are named after Glance are not its configuration.
    (unit.matters() && !unit.files.is_empty()).then_some(unit)
}

fn file(kind: Kind, path: Option<String>, held: DataEntry) -> ConfigFile {
    let managed = held.managed;
    let name = path.as_deref().map_or(held.key.as_str(), classify::base).to_owned();
    ConfigFile { kind, path, name, text: held.text, place: held.place, lines: held.lines, managed, partial: false }
}

fn workload_unit(objects: &ObjectSet, workload: &Object, mounted: &mut BTreeSet<usize>) -> Unit {
    const POD: [&str; 3] = ["spec", "template", "spec"];
    let pod = &workload.value["spec"]["template"]["spec"];
    let kind = WorkloadKind::ALL.into_iter().find(|kind| kind.as_str() == workload.kind());
    let mut unit = Unit {
        name: workload.id().to_string(),
        workload: kind.map(|kind| (kind, Key::new(workload.namespace(), workload.name()))),
        scope: vec![workload.namespace().to_owned()],
        ..Unit::default()
    };
    for (at, container) in pod["containers"].as_array().into_iter().flatten().enumerate() {
        let number = at.to_string();
        let place = |more: &[&str]| workload.place(&[&POD, &["containers", &number][..], more].concat());
        if let Some(image) = container["image"].as_str() {
            unit.release = unit.release.or_else(|| release::of_image(image));
            unit.images.push(image.to_owned());
        }
        let words = ["command", "args"].iter().flat_map(|f| container[*f].as_array().into_iter().flatten());
        let command = words.filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
        if !command.is_empty() {
            let field = if container["command"].is_array() { "command" } else { "args" };
            unit.commands.push((command, place(&[field])));
        }
        for (at, variable) in container["env"].as_array().into_iter().flatten().enumerate() {
            let Some(name) = variable["name"].as_str().filter(|name| unit::is_read(name)) else { continue };
            match variable["value"].as_str() {
                Some(value) => {
                    let place = place(&["env", &at.to_string(), "value"]);
                    unit.environment.push((name.to_owned(), value.to_owned(), place));
                }
                None if variable["valueFrom"].is_object() => {
                    unit.unseen.push(format!("the value of the environment variable {name}"));
                }
                None => unit.environment.push((name.to_owned(), String::new(), place(&["env", &at.to_string()]))),
            }
        }
        environment_from(objects, workload.namespace(), container, &place(&["envFrom"]), &mut unit);
        for (at, mount) in container["volumeMounts"].as_array().into_iter().flatten().enumerate() {
            let place = place(&["volumeMounts", &at.to_string()]);
            let volumes = pod["volumes"].as_array().map(Vec::as_slice).unwrap_or_default().iter();
            let Some(volume) = volumes.rev().find(|v| v["name"] == mount["name"]) else { continue };
            let volume = mounts::copied_from(pod, volume, mount).unwrap_or(volume);
            mounts::mount(objects, workload.namespace(), volume, &MountPoint::of(mount, &place), &mut unit, mounted);
        }
    }
    unit.copy_as_kolla(false);
    unit.read_commands();
    unit
}

/// `envFrom`: the variables of whole ConfigMaps and Secrets.
fn environment_from(objects: &ObjectSet, namespace: &str, container: &Value, place: &Location, unit: &mut Unit) {
    for source in container["envFrom"].as_array().into_iter().flatten() {
        let prefix = source["prefix"].as_str().unwrap_or_default();
        for (field, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
            let Some(name) = source[field]["name"].as_str() else { continue };
            let Some(object) = objects.named(kind, namespace, name) else {
                if source[field]["optional"] != true {
                    unit.unseen.push(format!("{kind} {namespace}/{name}, whose keys are environment variables"));
                }
                continue;
            };
            let variables = object.texts().into_iter().map(|held| (format!("{prefix}{}", held.key), held.text));
            let variables = variables.filter(|(name, text)| unit::is_read(name) && !template::is_hidden(text));
            unit.environment.extend(variables.map(|(name, text)| (name, text, place.clone())));
        }
    }
}
