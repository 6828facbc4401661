//! What `kubectl explain` says about each field: what it does, its values and its default.

use direct_upload_api::crds;
use serde_json::Value;

#[test]
fn each_field_says_what_it_does() {
    let mut complaints = Vec::new();
    for crd in crds() {
        let schema = serde_json::to_value(&crd.spec.versions[0].schema).unwrap();
        let fields = &schema["openAPIV3Schema"]["properties"];
        for part in ["spec", "status"] {
            walk(&format!("{} {part}", crd.spec.names.kind), &fields[part], &mut complaints);
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

fn walk(path: &str, schema: &Value, complaints: &mut Vec<String>) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let is_optional = path.contains(" spec.") && !required.contains(&Value::from(name.as_str()));
        complaints.extend(complaint(field, is_optional).map(|what| format!("{path}: {what}")));
        let inner = if field["type"] == "array" { &field["items"] } else { field };
        // Kubernetes describes its own types: conditions and label selectors.
        if name != "conditions" && name != "selector" {
            walk(&path, inner, complaints);
        }
    }
}

fn complaint(field: &Value, is_optional: bool) -> Option<String> {
    let text = field["description"].as_str().unwrap_or_default();
    let first = text.split_whitespace().next().unwrap_or_default();
    if ["", "Its", "It", "They", "These", "As"].contains(&first) {
        return Some(format!("{text:?} does not say what it is about"));
    }
    // The schema of an enum has no descriptions of its values. A longer list is one of proper names.
    let values = field["enum"].as_array().filter(|values| values.len() < 9);
    let mut names = values.into_iter().flatten().filter_map(Value::as_str);
    if let Some(name) = names.find(|name| !text.contains(name)) {
        return Some(format!("it does not explain the value {name}"));
    }
    let is_plain = field["type"] != "object" && field["default"].is_null();
    let says = text.contains("efault") || text.contains("Without it");
    (is_optional && is_plain && !says).then(|| "it does not say its default".to_owned())
}
