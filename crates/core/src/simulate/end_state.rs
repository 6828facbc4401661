//! What is printed: the end state without what belongs to one cluster and one time.
//!
//! In: a [`Simulation`]. Out: manifests, and the rendered files of each resource.

use serde_json::{Map, Value, json};

use super::simulation::Simulation;
use crate::model::ResourceId;
use crate::workload::annotations;

/// Fields of `metadata` that the API server fills in.
const FILLED_IN: [&str; 8] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Annotations with the own records of kubectl and controllers.
const RECORDS: [&str; 2] = ["kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision"];

/// ConfigMaps, then workloads, then the exposing objects that are managed, in the order of the input.
pub fn manifests(outcome: &Simulation) -> Vec<Value> {
    let Simulation { cluster, .. } = outcome;
    let config_maps = cluster.config_maps().map(|(_, object)| config_map(object));
    config_maps.chain(cluster.workloads().chain(cluster.managed()).map(clean)).collect()
}

/// Every rendered file: its resource, name and bytes. Files of an internal API have a name that no resource
/// can have.
pub fn rendered_files(outcome: &Simulation) -> Vec<(ResourceId, &str, &str)> {
    let mut files = Vec::new();
    for end in &outcome.ends {
        let mut internal = end.resource.clone();
        internal.key.name.push_str("+internal");
        for (id, key) in [(&end.resource, &end.config_map), (&internal, &end.internal)] {
            let config_map = key.as_ref().and_then(|key| outcome.cluster.config_map(key));
            let data = config_map.and_then(|c| c["data"].as_object()).into_iter().flatten();
            files.extend(data.filter_map(|(name, text)| Some((id.clone(), name.as_str(), text.as_str()?))));
        }
    }
    files
}

/// Only those annotations stay that Git can know: which Glance a Horizon uses, and whose origins these are.
fn config_map(object: &Value) -> Value {
    let mut metadata = Map::new();
    for field in ["name", "namespace", "labels"] {
        if let Some(value) = object["metadata"].get(field) {
            metadata.insert(field.into(), value.clone());
        }
    }
    let annotations: Map<String, Value> = [annotations::PARTNER.to_owned(), annotations::GRANTED.to_owned()]
        .into_iter()
        .filter_map(|name| Some((name.clone(), object["metadata"]["annotations"].get(name)?.clone())))
        .collect();
    if !annotations.is_empty() {
        metadata.insert("annotations".into(), annotations.into());
    }
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "immutable": true, "data": object["data"]})
}

fn clean(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, _| !FILLED_IN.contains(&field.as_str()));
        if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
            let before = annotations.len();
            let ours = annotations::ON_WORKLOADS;
            annotations.retain(|name, _| !ours.contains(&name.as_str()) && !RECORDS.contains(&name.as_str()));
            if annotations.is_empty() && before > 0 {
                metadata.remove("annotations");
            }
        }
    }
    object
}
