//! What a container sees of the volumes of its pod.
//!
//! In: a volume, and where it is mounted. Out: its files at their paths, in the unit; and what of it is not in the
//! input.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Object, file, read};
use crate::classify;
use crate::finding::Location;
use crate::objects::object_set::ObjectSet;
use crate::template;
use crate::unit::Unit;

/// The ConfigMap volume from which an init container copies the file that is mounted from an `emptyDir`.
/// This is how a file gets there that the start script must own.
pub(super) fn copied_from<'a>(pod: &'a Value, volume: &Value, mount: &Value) -> Option<&'a Value> {
    let file = mount["subPath"].as_str().filter(|_| volume["emptyDir"].is_object())?;
    let mounts = |container: &'a Value| container["volumeMounts"].as_array().into_iter().flatten();
    let copies = |container: &&'a Value| {
        let words = ["command", "args"].into_iter().flat_map(|f| container[f].as_array().into_iter().flatten());
        mounts(container).any(|m| m["name"] == mount["name"])
            && words.filter_map(Value::as_str).any(|word| word.ends_with(file) || classify::base(word) == file)
    };
    let init = pod["initContainers"].as_array().into_iter().flatten().find(copies)?;
    let volumes = || pod["volumes"].as_array().into_iter().flatten();
    mounts(init).find_map(|m| volumes().find(|v| v["name"] == m["name"] && v["configMap"].is_object()))
}

/// A place of a container at which a volume is mounted.
pub(super) struct MountPoint<'a> {
    path: &'a str,
    sub_path: Option<&'a str>,
    place: &'a Location,
}

impl<'a> MountPoint<'a> {
    pub fn of(mount: &'a Value, place: &'a Location) -> Self {
        let path = mount["mountPath"].as_str().unwrap_or_default().trim_end_matches('/');
        Self { path, sub_path: mount["subPath"].as_str(), place }
    }

    /// Where a file of the volume is in the container, if it is there.
    fn path_of(&self, relative: &str) -> Option<String> {
        let path = self.path;
        match self.sub_path {
            None => Some(format!("{path}/{relative}")),
            Some(wanted) if wanted == relative => Some(path.to_owned()),
            Some(wanted) => {
                let rest = relative.strip_prefix(wanted)?.strip_prefix('/')?;
                Some(format!("{path}/{rest}"))
            }
        }
    }
}

/// Adds the files of one mount to the unit.
pub(super) fn mount(
    objects: &ObjectSet,
    namespace: &str,
    volume: &Value,
    point: &MountPoint<'_>,
    unit: &mut Unit,
    mounted: &mut BTreeSet<usize>,
) {
    let path = point.path;
    let sources = match volume["projected"]["sources"].as_array() {
        Some(sources) => sources.iter().collect(),
        None => vec![volume],
    };
    for source in sources {
        let elsewhere =
            ["hostPath", "persistentVolumeClaim", "csi", "nfs"].into_iter().find(|k| source[*k].is_object());
        if let Some(of) = elsewhere.filter(|_| holds_configuration(path)) {
            unit.unseen.push(format!("a {of} volume, mounted at {path}"));
        }
        let Some(source) = DataSource::of(source) else { continue };
        let Some(at) = objects.position(source.kind, namespace, source.name) else {
            // In a folder of drop-in files an optional one replaces options if it is there.
            let is_needed = !source.is_optional() || path.ends_with(".conf.d");
            if is_needed && !is_something_else(path) {
                unit.unseen.push(format!("{} {namespace}/{}, mounted at {path}", source.kind, source.name));
            }
            continue;
        };
        mounted.insert(at);
        let object = &objects[at];
        if let Some(key) = point.sub_path.filter(|key| object.lacks(key, source.items()) && !source.is_optional())
            && !is_something_else(path)
            && volume["projected"].is_null()
        {
            unit.unseen.push(format!("{key} of {}, which has no such key, mounted at {path}", object.id()));
        }
        if add_keys(object, &source, point, unit) && point.sub_path.is_none() {
            unit.folders.push((path.to_owned(), point.place.clone()));
        }
    }
}

/// Adds the keys of one object to the unit. Returns whether one of them is configuration.
fn add_keys(object: &Object, source: &DataSource<'_>, point: &MountPoint<'_>, unit: &mut Unit) -> bool {
    let mut brought = false;
    for held in object.texts() {
        if template::is_hidden(&held.text) && point.sub_path.is_none_or(|wanted| wanted == held.key) {
            let (key, path) = (&held.key, point.path);
            let of_mount = format!("{path}/{key}");
            if !is_something_else(point.sub_path.map_or(of_mount.as_str(), |_| path)) {
                unit.unseen.push(format!(
                    "{key} of {}, which a tool must still decrypt or fill in, mounted at {path}",
                    object.id()
                ));
            }
            continue;
        }
        let Some(path) = source.file_of(&held.key).and_then(|relative| point.path_of(relative)) else { continue };
        if crate::policy::is_glances(&path) {
            unit.unseen.extend(crate::policy::gap(&path, &held.text));
        }
        if let Some((kind, held)) = read(&path, &held) {
            unit.files.push(file(kind, Some(path), held));
            brought = true;
        } else if classify::ends_in(&path, "sh") {
            unit.scripts.push(held.text);
        }
    }
    brought
}

/// The ConfigMap or Secret of which a volume shows keys.
struct DataSource<'a> {
    kind: &'static str,
    name: &'a str,
    value: &'a Value,
}

impl<'a> DataSource<'a> {
    fn of(source: &'a Value) -> Option<Self> {
        let (config_map, secret) = (&source["configMap"], &source["secret"]);
        let (kind, value, name) = if config_map.is_object() {
            ("ConfigMap", config_map, &config_map["name"])
        } else if secret.is_object() {
            // A projected volume names it like a ConfigMap.
            let name = &secret["secretName"];
            ("Secret", secret, if name.is_string() { name } else { &secret["name"] })
        } else {
            return None;
        };
        Some(Self { kind, name: name.as_str().unwrap_or_default(), value })
    }

    fn is_optional(&self) -> bool {
        self.value["optional"] == true
    }

    fn items(&self) -> Option<&'a Vec<Value>> {
        self.value["items"].as_array()
    }

    /// The file that a key becomes; none if the volume leaves it out.
    fn file_of<'k>(&self, key: &'k str) -> Option<&'k str>
    where
        'a: 'k,
    {
        match self.items() {
            Some(items) => Some(items.iter().find(|item| item["key"] == key)?["path"].as_str().unwrap_or_default()),
            None => Some(key),
        }
    }
}

/// What programs mount in addition to configuration: certificates, keyrings, start scripts, other programs'
/// files.
fn is_something_else(path: &str) -> bool {
    const WORDS: [&str; 16] = [
        "cert",
        "/tls",
        "/ssl",
        "/pki",
        "ceph",
        "keyring",
        "/tmp/",
        ".sh",
        "policy",
        "rootwrap",
        "logging",
        "kube",
        "/run/",
        "credentials",
        "healthcheck",
        "fernet",
    ];
    const ENDINGS: [&str; 7] = [".crt", ".key", ".pem", ".css", ".svg", ".ico", "/my.cnf"];
    WORDS.iter().any(|word| path.contains(word)) || ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// Folders from which the checked programs read something.
fn holds_configuration(path: &str) -> bool {
    const FOLDERS: [&str; 8] = [
        "/etc/glance",
        "/etc/openstack-dashboard",
        "/openstack_dashboard/local",
        "/kolla/config_files",
        "/etc/apache2",
        "/etc/httpd",
        "/etc/nginx",
        "/etc/haproxy",
    ];
    !is_something_else(path) && (path == "/etc" || FOLDERS.iter().any(|folder| path.contains(folder)))
}
