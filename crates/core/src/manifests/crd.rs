//! The API server's check of a custom resource, without an API server.
//!
//! In: an object and the CRD's own schema. Out: every field that the API server (and kubectl, for
//! unknown ones) would refuse, by its path.

use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use regex::bytes::RegexBuilder;
use serde_json::Value;

use super::rules;

/// More errors would hide the first.
const MOST_ERRORS: usize = 20;

/// Fields of an object in addition to those of its schema.
const METADATA: [&str; 15] = [
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

static CRDS: LazyLock<Vec<CustomResourceDefinition>> = LazyLock::new(direct_upload_api::crds);

/// Whether the group is one of ours.
pub fn is_ours(group: &str) -> bool {
    CRDS.iter().any(|crd| crd.spec.group == group)
}

/// What the API server would refuse; `None` if no CRD of ours has this version and kind.
pub fn refusals(api_version: &str, kind: &str, object: &Value) -> Option<Vec<String>> {
    let (group, version) = api_version.split_once('/')?;
    let crd = CRDS.iter().find(|crd| crd.spec.group == group && crd.spec.names.kind == kind)?;
    let version = crd.spec.versions.iter().find(|v| v.name == version)?;
    let schema = version.schema.as_ref()?.open_api_v3_schema.as_ref()?;
    let mut errors = Vec::new();
    for (name, value) in object.as_object().into_iter().flatten() {
        match (name.as_str(), schema.properties.iter().flatten().find(|(known, _)| *known == name)) {
            // Output that only the operator writes.
            ("apiVersion" | "kind" | "status", _) => {}
            ("metadata", _) => errors.extend(unknown("metadata", value, |field| METADATA.contains(&field))),
            (_, Some((_, schema))) => check(name, value, schema, &mut errors),
            (_, None) => errors.push(format!("{name}: unknown field")),
        }
    }
    for name in schema.required.iter().flatten().filter(|name| object.get(name.as_str()).is_none()) {
        errors.push(format!("{name}: is required; if you need no fields, write {name}: {{}}"));
    }
    errors.truncate(MOST_ERRORS);
    Some(errors)
}

fn unknown<'a>(
    path: &'a str,
    value: &'a Value,
    known: impl Fn(&str) -> bool + 'a,
) -> impl Iterator<Item = String> + 'a {
    value
        .as_object()
        .into_iter()
        .flatten()
        .filter(move |(name, _)| !known(name))
        .map(move |(name, _)| format!("{path}.{name}: unknown field"))
}

fn check(path: &str, value: &Value, schema: &JSONSchemaProps, errors: &mut Vec<String>) {
    if errors.len() >= MOST_ERRORS || (value.is_null() && (schema.nullable == Some(true) || schema.default.is_some())) {
        return;
    }
    let type_ = schema.type_.as_deref().unwrap_or_default();
    let fits = match type_ {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => true,
    };
    if !fits {
        return errors.push(format!("{path}: {} is not of type {type_}", shown(value)));
    }
    let allowed: Vec<&Value> = schema.enum_.iter().flatten().map(|json| &json.0).filter(|v| !v.is_null()).collect();
    if !allowed.is_empty() && !allowed.contains(&value) {
        let list = allowed.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect::<Vec<_>>();
        errors.push(format!("{path}: {} is not one of {}", shown(value), list.join(", ")));
    }
    match value {
        Value::String(text) => string(path, text, schema, errors),
        Value::Number(_) => number(path, value, schema, errors),
        Value::Array(items) => {
            array(path, items, schema, errors);
            duplicates(path, items, schema, errors);
        }
        Value::Object(_) => object(path, value, schema, errors),
        Value::Null | Value::Bool(_) => {}
    }
    for rule in schema.x_kubernetes_validations.iter().flatten() {
        if rules::holds(&rule.rule, value) == Some(false) {
            errors.push(format!("{path}: {}", rule.message.as_deref().unwrap_or(&rule.rule)));
        }
    }
}

fn string(path: &str, text: &str, schema: &JSONSchemaProps, errors: &mut Vec<String>) {
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    if schema.max_length.is_some_and(|most| length > most) {
        errors.push(format!("{path}: is longer than {} characters", schema.max_length.unwrap_or_default()));
    }
    if schema.min_length.is_some_and(|least| length < least) {
        errors.push(format!("{path}: is shorter than {} characters", schema.min_length.unwrap_or_default()));
    }
    if let Some(pattern) = &schema.pattern {
        // The API server uses Go's regular expressions, in which `\s` is only ASCII whitespace.
        let fits = RegexBuilder::new(pattern).unicode(false).build().is_ok_and(|regex| regex.is_match(text.as_bytes()));
        if !fits {
            errors.push(format!("{path}: {} does not match {pattern}", shown(&text.into())));
        }
    }
    if schema.format.as_deref() == Some("date-time") && text.parse::<jiff::Timestamp>().is_err() {
        errors.push(format!("{path}: {} is not a time; write e.g. 2026-01-31T22:00:00Z", shown(&text.into())));
    }
}

#[expect(clippy::cast_precision_loss, reason = "limits of our schemas are exact in f64, or i64's own")]
fn number(path: &str, value: &Value, schema: &JSONSchemaProps, errors: &mut Vec<String>) {
    let number = value.as_f64().unwrap_or(f64::NAN);
    if schema.minimum.is_some_and(|least| number < least) {
        errors.push(format!("{path}: {value} is less than {}", schema.minimum.unwrap_or_default()));
    }
    let wide = schema.type_.as_deref() == Some("integer") && value.as_i64().is_none();
    if wide || schema.maximum.is_some_and(|most| number > most) {
        errors.push(format!("{path}: {value} is more than {}", schema.maximum.unwrap_or(i64::MAX as f64)));
    }
}

fn array(path: &str, items: &[Value], schema: &JSONSchemaProps, errors: &mut Vec<String>) {
    let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
    if let Some(most) = schema.max_items.filter(|most| count > *most) {
        errors.push(format!("{path}: has {count} items; at most {most} are allowed"));
    }
    if let Some(least) = schema.min_items.filter(|least| count < *least) {
        errors.push(format!("{path}: has {count} items; at least {least} are needed"));
    }
    if let Some(JSONSchemaPropsOrArray::Schema(schema)) = &schema.items {
        for (at, item) in items.iter().enumerate() {
            check(&format!("{path}[{at}]"), item, schema, errors);
        }
    }
}

/// Items of a list-map that have the same key.
fn duplicates(path: &str, items: &[Value], schema: &JSONSchemaProps, errors: &mut Vec<String>) {
    let Some(keys) = schema.x_kubernetes_list_map_keys.as_ref() else { return };
    let of = |item: &Value| keys.iter().map(|key| item.get(key).cloned().unwrap_or_default()).collect::<Vec<_>>();
    for (at, item) in items.iter().enumerate() {
        if items[..at].iter().any(|earlier| of(earlier) == of(item)) {
            errors.push(format!("{path}[{at}]: duplicate {}", keys.join(", ")));
        }
    }
}

fn object(path: &str, value: &Value, schema: &JSONSchemaProps, errors: &mut Vec<String>) {
    if let Some(properties) = &schema.properties {
        errors.extend(unknown(path, value, |name| properties.contains_key(name)));
        for (name, schema) in properties {
            if let Some(value) = value.get(name) {
                check(&format!("{path}.{name}"), value, schema, errors);
            }
        }
    }
    if let Some(JSONSchemaPropsOrBool::Schema(schema)) = &schema.additional_properties {
        for (name, value) in value.as_object().into_iter().flatten() {
            check(&format!("{path}.{name}"), value, schema, errors);
        }
    }
    for name in schema.required.iter().flatten().filter(|name| value.get(name.as_str()).is_none()) {
        errors.push(format!("{path}.{name}: is required"));
    }
}

/// A value in escaped form, shortened if it is long, because it may be hostile.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    let cut: String = text.chars().take(120).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}
