//! The CRDs' CEL rules, each with its counterpart here.
//!
//! In: a rule's text and the value it stands on. Out: whether it holds; `None` for a rule that is
//! not known, which a test rules out.

use direct_upload_api::OWN_PATHS;
use serde_json::Value;

type Rule = (&'static str, fn(&Value) -> bool);

const RULES: [Rule; 18] = [
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

/// Whether the rule holds for the value; fields that are not there count as their defaults.
pub fn holds(rule: &str, value: &Value) -> Option<bool> {
    RULES.iter().find(|(text, _)| *text == rule).map(|(_, holds)| holds(value))
}

fn has(value: &Value, field: &str) -> bool {
    value.get(field).is_some_and(|v| !v.is_null())
}
