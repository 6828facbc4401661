//! The CRDs' CEL rules, each with its equivalent here.
//!
//! In: a rule's text and its value. Out: whether the rule is satisfied; `None` for an unknown rule, which a
//! test excludes. That test also compares each rule with an interpreter of CEL, which the binary does not
//! contain.

use direct_upload_api::{ExposureKind, NAMESPACE_RULE, OWN_PATHS};
use serde::Deserialize;
use serde_json::Value;

type Rule = (&'static str, fn(&Value) -> bool);

const RULES: [Rule; 19] = [
    ("!(has(self.publicURL) && has(self.exposedBy))", |v| !(has(v, "publicURL") && has(v, "exposedBy"))),
    ("!self.enabled || (has(self.secretName) && self.secretName != '')", |v| {
        v["enabled"] != true || v["secretName"].as_str().is_some_and(|name| !name.is_empty())
    }),
    ("!has(self.port) || self.server != 'None'", |v| {
        !has(v, "port") || v["server"].as_str().is_some_and(|server| server != "None")
    }),
    ("self.kind == 'Service' ? has(self.scheme) : !has(self.port)", |v| {
        if v["kind"] == "Service" { has(v, "scheme") } else { !has(v, "port") }
    }),
    (NAMESPACE_RULE, |v| {
        !has(v, "namespace") || !ExposureKind::deserialize(&v["kind"]).is_ok_and(ExposureKind::stays_in_namespace)
    }),
    ("!(has(self.regions) && (has(self.glanceRef) || has(self.glanceEndpoint)))", |v| {
        !(has(v, "regions") && (has(v, "glanceRef") || has(v, "glanceEndpoint")))
    }),
    ("has(self.glanceRef) || has(self.glanceEndpoint)", |v| has(v, "glanceRef") || has(v, "glanceEndpoint")),
    ("self.from != 'Selector' || has(self.selector)", |v| v["from"] != "Selector" || has(v, "selector")),
    ("!(has(self.allowedSchemes) && has(self.disallowedSchemes))", |v| {
        !(has(v, "allowedSchemes") && has(v, "disallowedSchemes"))
    }),
    ("!(has(self.allowedHosts) && has(self.disallowedHosts))", |v| {
        !(has(v, "allowedHosts") && has(v, "disallowedHosts"))
    }),
    ("!(has(self.allowedPorts) && has(self.disallowedPorts))", |v| {
        !(has(v, "allowedPorts") && has(v, "disallowedPorts"))
    }),
    ("!(has(self.conversion) || (has(self.decompression) && self.decompression)) || has(self.staging)", |v| {
        !(has(v, "conversion") || v["decompression"] == true) || has(v, "staging")
    }),
    (
        "!(has(self.required) && self.required) || has(self.conversion) || has(self.metadata) || (has(self.decompression) && self.decompression) || has(self.additionalPlugins)",
        |v| {
            let plugins = ["conversion", "metadata", "additionalPlugins"];
            v["required"] != true || v["decompression"] == true || plugins.iter().any(|plugin| has(v, plugin))
        },
    ),
    ("!has(self.webDownload) || !has(self.methods) || 'WebDownload' in self.methods", |v| {
        let methods = v["methods"].as_array();
        !has(v, "webDownload") || methods.is_none_or(|methods| methods.iter().any(|method| method == "WebDownload"))
    }),
    ("!has(self.workerSelfReference) || has(self.staging)", |v| !has(v, "workerSelfReference") || has(v, "staging")),
    ("has(self.workloadRef.name)", |v| has(&v["workloadRef"], "name")),
    ("!has(self.trusts) || self.tenancy == 'MultiTenant'", |v| !has(v, "trusts") || v["tenancy"] == "MultiTenant"),
    (
        "!has(self.largeObjectSize) || !has(self.largeObjectChunkSize) || self.largeObjectSize >= self.largeObjectChunkSize",
        |v| {
            let size = |field: &str| v[field].as_i64();
            size("largeObjectSize").zip(size("largeObjectChunkSize")).is_none_or(|(size, chunk)| size >= chunk)
        },
    ),
    (
        "!self.path.matches('^/(admin|api|auth|dashboard|developer|header|home|horizon|i18n|identity|media|ngdetails|project|settings|static|user)(/|$)') && !self.path.matches('/[.]{1,2}(/|$)')",
        |v| {
            let mut parts = v["path"].as_str().unwrap_or_default().split('/').skip(1);
            let first = parts.next().unwrap_or_default();
            !OWN_PATHS.contains(&first) && ![first].into_iter().chain(parts).any(|part| matches!(part, "." | ".."))
        },
    ),
];

/// Whether the value satisfies the rule; missing fields count as their defaults.
pub fn holds(rule: &str, value: &Value) -> Option<bool> {
    RULES.iter().find(|(text, _)| *text == rule).map(|(_, holds)| holds(value))
}

fn has(value: &Value, field: &str) -> bool {
    value.get(field).is_some_and(|v| !v.is_null())
}

#[cfg(test)]
mod tests {
    use kube_cel::Validator;
    use serde_json::{Map, json};

    use super::*;

    const TEXTS: [&str; 9] = ["", "x", "/x", "/admin", "/admin/x", "/administration", "/x/../y", "/x/.", "/x/.y"];

    /// Values of a field that rules distinguish.
    fn values(schema: &Value) -> Vec<Value> {
        match (schema["type"].as_str(), schema["enum"].as_array()) {
            (_, Some(words)) => words.clone(),
            (Some("boolean"), _) => vec![false.into(), true.into()],
            (Some("integer"), _) => vec![1.into(), 2.into()],
            (Some("string"), _) => TEXTS.map(Value::from).to_vec(),
            (Some("array"), _) => values(&schema["items"]).into_iter().map(|item| json!([item])).collect(),
            _ => vec![json!({}), json!({"name": "x"})],
        }
    }

    /// Objects with and without each field that the rule mentions.
    fn objects(schema: &Value, rule: &str) -> Vec<Map<String, Value>> {
        let mut objects = vec![Map::new()];
        let fields = schema["properties"].as_object().into_iter().flatten();
        // A word of CEL's own is written with underscores.
        let speaks_of = |name: &String| {
            [name.clone(), format!("__{name}__")].iter().any(|name| rule.contains(&format!("self.{name}")))
        };
        for (name, field) in fields.filter(|(name, _)| speaks_of(name)) {
            let is_required = schema["required"].as_array().is_some_and(|all| all.contains(&json!(name)));
            let without = if is_required { Vec::new() } else { objects.clone() };
            let with = |value: Value| objects.iter().map(move |o| (o.clone(), value.clone())).collect::<Vec<_>>();
            let with = values(field).into_iter().flat_map(with).map(|(mut object, value)| {
                object.insert(name.clone(), value);
                object
            });
            objects = with.chain(without).collect();
        }
        objects
    }

    fn compare(schema: &Value, seen: &mut usize) {
        for validation in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
            let rule = validation["rule"].as_str().unwrap();
            let mut alone = json!({"type": "object", "properties": {}, "x-kubernetes-validations": [validation]});
            for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                alone["properties"][name] = match field.get("default") {
                    Some(default) => json!({"type": field["type"], "default": default}),
                    None => json!({"type": field["type"]}),
                };
            }
            for object in objects(schema, rule).into_iter().map(Value::Object) {
                *seen += 1;
                let said = Validator::new().validate(&alone, &object, None);
                assert_eq!(holds(rule, &object), Some(said.is_ok()), "{rule}\n{object}\n{said:?}");
            }
        }
        match schema {
            Value::Object(map) => map.values().for_each(|value| compare(value, seen)),
            Value::Array(list) => list.iter().for_each(|value| compare(value, seen)),
            _ => {}
        }
    }

    /// A rule that the API server reads differently would let a wrong resource pass.
    #[test]
    fn rules_hold_as_cel_says() {
        let mut seen = 0;
        for crd in direct_upload_api::crds() {
            compare(&serde_json::to_value(crd).unwrap(), &mut seen);
        }
        assert!(seen > 100, "{seen} comparisons");
    }
}
