//! The ConfigMap for a set of files: immutable, and named after its content.
//!
//! So a pod of an old ReplicaSet that restarts during a roll gets the files it was made for. And a changed
//! name rolls the pods.

use std::collections::BTreeMap;

use direct_upload_api::{MANAGED_BY, OPERATOR};
use serde_json::{Value, json};

use super::annotations;
use super::content_name::{content_hash, content_name};
use super::purpose::Purpose;
use crate::model::{ConfigMap, Key, ResourceKind, Workload};
use crate::render::{File, says_enough};

/// A ConfigMap to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigMapDraft {
    pub key: Key,
    pub data: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    /// The workload, whose deletion also deletes the ConfigMap: (kind, name, uid).
    pub owner: (String, String, String),
}

/// Whether a ConfigMap belongs to a resource's kind and this workload.
pub fn is_for(config_map: &ConfigMap, kind: ResourceKind, workload: &Workload) -> bool {
    Purpose::for_workload(&config_map.meta, &workload.meta.uid) == Some(Purpose::Files(kind))
}

impl ConfigMapDraft {
    /// The draft for a resource's files.
    pub fn new(kind: ResourceKind, resource: &Key, workload: &Workload, files: &[File]) -> Self {
        let data: BTreeMap<_, _> = files.iter().map(|f| (f.name.clone(), f.contents.clone())).collect();
        let name = content_name(&resource.name, &data);
        let purpose = (annotations::FOR.to_owned(), Purpose::Files(kind).note(workload));
        Self {
            key: Key::new(resource.namespace.clone(), name),
            data,
            annotations: BTreeMap::from([purpose]),
            owner: (workload.kind.to_string(), workload.meta.key.name.clone(), workload.meta.uid.clone()),
        }
    }

    /// Bytes of keys and values, as the API server counts them.
    pub fn size(&self) -> usize {
        self.data.iter().map(|(key, text)| key.len() + text.len()).sum()
    }

    /// The manifest. Without a known uid (without a cluster) it has no owner reference.
    pub fn manifest(&self) -> Value {
        let mut metadata = json!({
            "namespace": self.key.namespace,
            "name": self.key.name,
            "labels": {MANAGED_BY: OPERATOR},
            "annotations": self.annotations,
        });
        let (kind, name, uid) = &self.owner;
        if !uid.is_empty() {
            // Not the resource, because its deletion would remove files from pods that still roll.
            metadata["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid}]);
        }
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "immutable": true, "data": self.data})
    }
}

/// Whether a ConfigMap still has the bytes that its name stands for.
pub fn is_intact(config_map: &ConfigMap) -> bool {
    config_map.meta.key.name.ends_with(&content_hash(&config_map.data))
}

/// Whether a ConfigMap in use means the same as these files. If a newer build only writes them differently,
/// or allows more on its own, no pod may roll.
pub fn means(config_map: &ConfigMap, files: &[File]) -> bool {
    config_map.data.len() == files.len()
        && files.iter().all(|file| {
            let text = config_map.data.get(&file.name);
            text.is_some_and(|text| says_enough(file, text))
        })
}
