//! The effect of our server-side apply on a workload, applied to the manifest itself.
//!
//! In: the workload as JSON, and the patch to send. Out: the workload with our fields as in the patch and
//! everything else unchanged, or the name of the conflicting entry.

use std::collections::BTreeMap;

use direct_upload_api::{OPERATOR, is_ours};
use serde_json::{Map, Value, json};

use super::annotations;
use super::fields::{annotate, release_fields};

/// The lists below `/spec/template/spec` that server-side apply merges, each with the key of its items.
const LISTS: [(&str, &str); 3] = [("volumes", "name"), ("containers", "name"), ("initContainers", "name")];

/// Applies a patch: removes our earlier fields and adds those of the patch.
///
/// # Errors
/// The path of an entry with the patch's key that is not ours.
pub fn apply(workload: &mut Value, patch: &Value, applied_before: bool) -> Result<(), String> {
    let mut result = workload.clone();
    if applied_before {
        release_fields(&mut result);
    }
    let pod = object(&mut result, &["spec", "template", "spec"])?;
    let patch_pod = patch.pointer("/spec/template/spec").and_then(Value::as_object);
    for (list, key) in LISTS {
        if let Some(entries) = patch_pod.and_then(|p| p.get(list)).and_then(Value::as_array) {
            merge_list(pod, list, key, entries)?;
        }
    }
    if let Some(annotations) = patch.pointer("/metadata/annotations").and_then(Value::as_object) {
        object(&mut result, &["metadata", "annotations"])?.extend(annotations.clone());
    }
    *workload = result;
    Ok(())
}

/// Makes these our annotations on an exposing object, and records their owner.
pub fn adjust(object: &mut Value, annotations: &BTreeMap<String, String>) {
    let manager = |entry: &Value| entry["manager"].as_str().is_some_and(is_ours);
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let entries = metadata.get("managedFields").and_then(Value::as_array).cloned().unwrap_or_default();
    let (ours, mut entries): (Vec<Value>, Vec<Value>) = entries.into_iter().partition(manager);
    let names = |entry: &Value| {
        let fields = entry.pointer("/fieldsV1/f:metadata/f:annotations").and_then(Value::as_object).cloned();
        fields.into_iter().flatten().filter_map(|(name, _)| Some(name.strip_prefix("f:")?.to_owned()))
    };
    let before: Vec<String> = ours.iter().flat_map(names).chain([annotations::CLAIM.to_owned()]).collect();
    if !annotations.is_empty() {
        let fields: Map<String, Value> = annotations.keys().map(|name| (format!("f:{name}"), json!({}))).collect();
        let fields = json!({"f:metadata": {"f:annotations": fields}});
        entries.push(json!({"manager": OPERATOR, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": fields}));
    }
    metadata.insert("managedFields".into(), entries.into());
    for name in before.iter().filter(|name| !annotations.contains_key(*name)) {
        annotate(object, name, None);
    }
    for (name, value) in annotations {
        annotate(object, name, Some(value));
    }
}

fn merge_list(parent: &mut Map<String, Value>, list: &str, key: &str, entries: &[Value]) -> Result<(), String> {
    let items = parent.entry(list).or_insert(Value::Null);
    if items.is_null() {
        *items = Value::Array(Vec::new());
    }
    let Value::Array(items) = items else { return Err(format!("{list} is not a list")) };
    for entry in entries {
        let found = items.iter_mut().find(|item| item[key] == entry[key]);
        match (found, list) {
            (Some(container), "containers") => {
                let mounts = entry["volumeMounts"].as_array().map(Vec::as_slice).unwrap_or_default();
                let name = text(&container["name"]);
                if let Some(container) = container.as_object_mut() {
                    merge_list(container, "volumeMounts", "mountPath", mounts)
                        .map_err(|e| format!("containers {name}: {e}"))?;
                    if let Some(env) = entry["env"].as_array() {
                        merge_list(container, "env", "name", env).map_err(|e| format!("containers {name}: {e}"))?;
                    }
                    if let Some(hook) = entry.pointer("/lifecycle/preStop") {
                        let lifecycle = container.entry("lifecycle").or_insert(Value::Null);
                        object(lifecycle, &[])?.insert("preStop".into(), hook.clone());
                    }
                }
            }
            (Some(foreign), _) => return Err(format!("{list} {}", text(&foreign[key]))),
            (None, _) => items.push(entry.clone()),
        }
    }
    Ok(())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The object at the path; created if there is none.
///
/// # Errors
/// Something else is at the path.
pub fn object<'a>(value: &'a mut Value, path: &[&str]) -> Result<&'a mut Map<String, Value>, String> {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    let map = value.as_object_mut().ok_or_else(|| format!("the parent of {} is not a mapping", path.join(".")))?;
    match path {
        [] => Ok(map),
        [first, rest @ ..] => object(map.entry(*first).or_insert(Value::Null), rest),
    }
}
