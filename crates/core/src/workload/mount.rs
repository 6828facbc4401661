//! What we own in a workload: one ConfigMap volume, those of Secrets, the mounts of their files, and
//! our annotations.
//!
//! The same value is read from an existing workload, and written as the server-side apply patch. If the two
//! are equal, there is nothing to do.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::Delivery;
use serde_json::{Value, json};

use super::content_name::is_content_name;
use super::names::{CONFIG_VOLUME, COPY_CONTAINER, COPY_VOLUME, POD_IP, is_ours, is_secret};
use super::{annotations, env, pre_stop};
use crate::model::{Container, EnvValue, Key, Map, PreStop, VolumeSource, Workload};
use crate::render::{File, SNIPPET_FILE};

/// Where the init container sees source and target.
const COPY_FROM: &str = "/direct-upload/from";

const COPY_TO: &str = "/direct-upload/to";

/// What we own in a workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Mount {
    /// The container that gets the files.
    pub container: String,
    /// Name of the ConfigMap.
    pub config_map: String,
    /// Path in the container → key of the ConfigMap, for read-only mounts.
    pub mounted: Map<String, String>,
    /// The same for files that an init container copies.
    pub copied: Map<String, String>,
    /// The init container, if anything is copied.
    pub copier: Option<Copier>,
    /// Secrets by the name of their volume.
    pub secrets: Secrets,
    /// Variables of the container. One may refer to those whose names come before its own.
    pub env: BTreeMap<String, EnvValue>,
    /// Seconds of the container's preStop sleep, if it is ours.
    pub pre_stop: Option<u32>,
    /// Our annotations on the workload itself (they roll nothing).
    pub annotations: Map<String, String>,
}

/// Secrets by the name of their volume.
pub type Secrets = Map<String, SecretMount>;

/// Which parts of a Secret are mounted where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretMount {
    pub secret: String,
    /// Path in the container → key of the Secret; all keys, if none is named.
    pub mounted: Map<String, Option<String>>,
}

/// The init container that copies. Its image, resources and security context stay as they are in the
/// workload, because a change of ours alone must not roll pods.
#[derive(Clone, Debug, PartialEq)]
pub struct Copier {
    pub image: String,
    pub resources: Value,
    pub security_context: Value,
}

impl Mount {
    /// The mount that brings these files to a container.
    pub fn new(container: &Container, config_map: &str, files: &[File], image: &str) -> Self {
        let with = |delivery| {
            files
                .iter()
                .filter(|f| f.delivery == delivery)
                .map(|f| (f.path.clone(), f.name.clone()))
                .collect::<Map<_, _>>()
        };
        let copied = with(Delivery::Copy);
        Self {
            container: container.name.clone(),
            config_map: config_map.to_owned(),
            mounted: with(Delivery::Mount),
            copier: (!copied.is_empty()).then(|| Copier {
                image: image.to_owned(),
                resources: container.resources.clone(),
                security_context: container.security_context.clone(),
            }),
            copied,
            secrets: Secrets::new(),
            env: BTreeMap::new(),
            pre_stop: None,
            annotations: Map::new(),
        }
    }

    /// What the workload has now; `None` if it has no ConfigMap volume of ours.
    pub fn observed(workload: &Workload) -> Option<Self> {
        let template = &workload.template;
        let config_map = template.volumes.iter().find_map(|v| match &v.source {
            VolumeSource::ConfigMap { name, .. } if v.name == CONFIG_VOLUME && is_content_name(name) => {
                Some(name.clone())
            }
            _ => None,
        })?;
        let container = template.containers.iter().find(|c| c.mounts.iter().any(|m| is_ours(&m.volume)));
        let mounts = |volume: &str| {
            let mounts = container.into_iter().flat_map(|c| &c.mounts).filter(move |m| m.volume == volume);
            mounts.map(|m| (m.path.clone(), m.sub_path.clone())).collect::<Map<_, _>>()
        };
        let from =
            |volume: &str| mounts(volume).into_iter().map(|(path, key)| (path, key.unwrap_or_default())).collect();
        let secrets = template.volumes.iter().filter_map(|v| match &v.source {
            VolumeSource::Secret(name) if is_secret(&v.name) => {
                Some((v.name.clone(), SecretMount { secret: name.clone(), mounted: mounts(&v.name) }))
            }
            _ => None,
        });
        let copier = template.init_containers.iter().find(|c| c.name == COPY_CONTAINER);
        Some(Self {
            container: container.map(|c| c.name.clone()).unwrap_or_default(),
            config_map,
            mounted: from(CONFIG_VOLUME),
            copied: from(COPY_VOLUME),
            copier: copier.map(|c| Copier {
                image: c.image.clone(),
                resources: c.resources.clone(),
                security_context: c.security_context.clone(),
            }),
            secrets: secrets.collect(),
            env: container.map(|c| c.env.clone()).filter(|env| env.contains_key(POD_IP)).unwrap_or_default(),
            pre_stop: container.and_then(|c| match c.pre_stop {
                Some(PreStop::Ours(seconds)) => Some(seconds),
                _ => None,
            }),
            annotations: our_annotations(workload),
        })
    }

    /// The folder of Horizon's snippet, and how it gets there.
    pub fn snippet(&self) -> Option<(&str, Delivery)> {
        let mounted = self.mounted.keys().map(|path| (path, Delivery::Mount));
        let mut all = mounted.chain(self.copied.keys().map(|path| (path, Delivery::Copy)));
        all.find_map(|(path, delivery)| Some((path.strip_suffix(SNIPPET_FILE)?.strip_suffix('/')?, delivery)))
    }

    /// Whether the change from `self` to `other` replaces pods. The preStop sleep is not a reason: a roll
    /// only for it would cut the uploads that it protects.
    pub fn rolls(&self, other: &Self) -> bool {
        let pod = |m: &Self| Self { annotations: Map::new(), pre_stop: None, ..m.clone() };
        pod(self) != pod(other)
    }

    /// The server-side apply patch. It has the workload's uid, so that a deleted or recreated object
    /// answers 409 and is not created.
    pub fn patch(&self, workload: &Workload) -> Value {
        let mut patch = identity(workload);
        let mut volumes = vec![json!({"name": CONFIG_VOLUME, "configMap": {"name": self.config_map}})];
        let mut mounts: Vec<Value> = self.mounted.iter().map(|(path, key)| mount(CONFIG_VOLUME, path, key)).collect();
        mounts.extend(
            self.copied.iter().map(|(path, key)| json!({"name": COPY_VOLUME, "mountPath": path, "subPath": key})),
        );
        let mut pod = serde_json::Map::new();
        if let Some(copier) = &self.copier {
            volumes.push(json!({"name": COPY_VOLUME, "emptyDir": {}}));
            pod.insert("initContainers".into(), json!([self.copy_container(copier)]));
        }
        for (volume, secret) in &self.secrets {
            volumes.push(json!({"name": volume, "secret": secret.source()}));
            mounts.extend(secret.mounted.iter().map(|(path, key)| match key {
                Some(key) => mount(volume, path, key),
                None => json!({"name": volume, "mountPath": path, "readOnly": true}),
            }));
        }
        pod.insert("volumes".into(), Value::Array(volumes));
        let mut container = json!({"name": self.container, "volumeMounts": mounts});
        if !self.env.is_empty() {
            container["env"] = env::patch(&self.env);
        }
        if let Some(seconds) = self.pre_stop {
            container["lifecycle"] = json!({"preStop": pre_stop::hook(seconds)});
        }
        pod.insert("containers".into(), json!([container]));
        patch["spec"] = json!({"template": {"spec": pod}});
        patch["metadata"]["annotations"] = json!(self.annotations.iter().collect::<BTreeMap<_, _>>());
        patch
    }

    fn copy_container(&self, copier: &Copier) -> Value {
        let mut args = vec!["copy".to_owned(), "--to".to_owned(), COPY_TO.to_owned()];
        args.extend(self.copied.values().map(|key| format!("{COPY_FROM}/{key}")));
        let mut container = json!({
            "name": COPY_CONTAINER,
            "image": copier.image,
            "args": args,
            "volumeMounts": [
                {"name": CONFIG_VOLUME, "mountPath": COPY_FROM, "readOnly": true},
                {"name": COPY_VOLUME, "mountPath": COPY_TO},
            ],
        });
        for (field, value) in [("resources", &copier.resources), ("securityContext", &copier.security_context)] {
            if value.as_object().is_some_and(|o| !o.is_empty()) {
                container[field] = value.clone();
            }
        }
        container
    }
}

impl SecretMount {
    /// Keys are named, so that the kubelet refuses a Secret that lacks one. For a missing `subPath` it
    /// would make an empty folder.
    fn source(&self) -> Value {
        let keys: BTreeSet<&String> = self.mounted.values().flatten().collect();
        let items: Vec<Value> = keys.into_iter().map(|key| json!({"key": key, "path": key})).collect();
        let mut source = json!({"secretName": self.secret});
        if !items.is_empty() {
            source["items"] = json!(items);
        }
        source
    }
}

fn our_annotations(workload: &Workload) -> Map<String, String> {
    let ours = |name: &String| annotations::ON_WORKLOADS.contains(&name.as_str());
    workload.meta.ours.clone().into_iter().filter(|(name, _)| ours(name)).collect()
}

fn mount(volume: &str, path: &str, key: &str) -> Value {
    json!({"name": volume, "mountPath": path, "subPath": key, "readOnly": true})
}

/// The patch that releases all our fields: an apply without any.
pub fn release_patch(workload: &Workload) -> Value {
    identity(workload)
}

fn identity(workload: &Workload) -> Value {
    let Key { namespace, name } = &workload.meta.key;
    let mut metadata = json!({"namespace": namespace, "name": name});
    if !workload.meta.uid.is_empty() {
        metadata["uid"] = json!(workload.meta.uid);
    }
    json!({"apiVersion": "apps/v1", "kind": workload.kind.as_str(), "metadata": metadata})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_a_map_also_if_there_are_none() {
        let patch = Mount::new(&Container::default(), "files", &[], "").patch(&Workload::default());
        assert_eq!(patch["metadata"]["annotations"], json!({}));
    }
}
