//! Removes our fields from a workload's JSON.

use serde_json::Value;

use super::names::{COPY_CONTAINER, OUR_ENV, POD_IP, is_ours as is_our_volume};
use super::{annotations, pre_stop};

/// Removes our fields, and what becomes empty because of that.
pub fn release_fields(workload: &mut Value) {
    let ours = |name: &Value| name.as_str().is_some_and(is_our_volume);
    for annotation in annotations::ON_WORKLOADS {
        remove_annotation(workload, annotation);
    }
    let Some(pod) = workload.pointer_mut("/spec/template/spec") else { return };
    drop_items(pod, "volumes", |v| ours(&v["name"]));
    drop_items(pod, "initContainers", |c| c["name"] == COPY_CONTAINER);
    for container in pod.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten() {
        let variable = |v: &Value| v["name"] == POD_IP;
        if container["env"].as_array().is_some_and(|env| env.iter().any(variable)) {
            drop_items(container, "env", |v| OUR_ENV.iter().any(|name| v["name"] == *name));
        }
        drop_items(container, "volumeMounts", |m| ours(&m["name"]));
        drop_hook(container);
    }
}

fn drop_hook(container: &mut Value) {
    let command = container.pointer("/lifecycle/preStop/exec/command").cloned().unwrap_or_default();
    let ours = serde_json::from_value::<Vec<String>>(command).is_ok_and(|c| pre_stop::seconds(&c).is_some());
    let Some(container) = container.as_object_mut().filter(|_| ours) else { return };
    let Some(Value::Object(lifecycle)) = container.get_mut("lifecycle") else { return };
    lifecycle.remove("preStop");
    if lifecycle.is_empty() {
        container.remove("lifecycle");
    }
}

/// Sets an annotation, or removes it.
pub fn annotate(object: &mut Value, name: &str, value: Option<&str>) {
    match value {
        Some(value) => object["metadata"]["annotations"][name] = value.into(),
        None => remove_annotation(object, name),
    }
}

fn remove_annotation(object: &mut Value, name: &str) {
    let Some(Value::Object(metadata)) = object.get_mut("metadata") else { return };
    let Some(Value::Object(annotations)) = metadata.get_mut("annotations") else { return };
    if annotations.remove(name).is_some() && annotations.is_empty() {
        metadata.remove("annotations");
    }
}

fn drop_items(parent: &mut Value, field: &str, gone: impl Fn(&Value) -> bool) {
    let Some(parent) = parent.as_object_mut() else { return };
    let Some(Value::Array(items)) = parent.get_mut(field) else { return };
    let before = items.len();
    items.retain(|item| !gone(item));
    if items.is_empty() && before > 0 {
        parent.remove(field);
    }
}
