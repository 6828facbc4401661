//! `render --for`: each field of each resource is in a fragment, or named, or only the operator itself reads it.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::crds;
use direct_upload_core::render::deployer::Deployer;
use direct_upload_core::simulate::{ResourceFragment, Simulation, fragments};
use rstest::rstest;
use serde_json::{Map, Value, json};
use test_support::manifests::render;

/// A field whose value is in files or pods. `base`: what else its spec needs to have an effect.
struct Sample {
    field: &'static str,
    value: Value,
    base: Value,
}

fn sample(field: &'static str, value: Value) -> Sample {
    with(json!({}), field, value)
}

fn with(base: Value, field: &'static str, value: Value) -> Sample {
    Sample { field, value, base }
}

/// Fields that decide which workload, object, URL or origin is meant, when and how the operator acts, and what it
/// asks. No tool has anything like them: the origins and URLs that follow from them are in the fragments.
const OPERATORS_OWN: &[&str] = &[
    // All three.
    "suspend",
    "workloadRef",
    "publicURL",
    "exposedBy",
    "layout",
    "paths",
    "rollout",
    "deletion",
    // A Glance. `tls` without an httpd states the scheme of the pod; with one, its test is `httpd.server`.
    "rehearsal",
    "tls",
    "cors.allowedHorizons",
    "cors.retireAfter",
    // A Horizon.
    "directUpload.glanceRef",
    "directUpload.glanceEndpoint",
    "directUpload.regions",
    "directUpload.verification",
    "directUpload.fallback",
    "directUpload.catalog",
    "directUpload.canary",
    "directUpload.probe",
    // It decides how the preflight is asked.
    "directUpload.panel",
    // An OpenStackAPI.
    "service",
    "cors.horizons",
    "cors.dashboards",
    "verification",
];

fn glance() -> Vec<Sample> {
    let staging = json!({"imageImport": {"staging": {"path": "/var/lib/glance/staging"}}});
    let httpd = json!({"httpd": {"server": "ModProxy"}});
    let stores = || json!({"swift": [{"store": "s", "tenancy": "MultiTenant"}]});
    vec![
        sample("exposure.manage", json!(true)),
        sample("cors.allowedOrigins", json!(["https://new.example.com"])),
        sample("cors.allowHeaders", json!(["X-New"])),
        sample("cors.exposeHeaders", json!(["X-New"])),
        sample("cors.allowCredentials", json!(false)),
        sample("cors.maxAge", json!(7)),
        sample("httpd.server", json!("ModProxy")),
        with(httpd.clone(), "httpd.port", json!(9999)),
        with(httpd.clone(), "httpd.backend", json!("127.0.0.1:9999")),
        with(httpd.clone(), "httpd.wsgiScript", json!("/x")),
        with(httpd.clone(), "httpd.timeout", json!("2h")),
        with(httpd.clone(), "httpd.limitRequestBody", json!(9)),
        with(httpd, "httpd.legacyHeaders", json!(true)),
        sample("swift[].store", json!("other")),
        sample("swift[].tenancy", json!("SingleTenant")),
        with(stores(), "swift[].trusts", json!(false)),
        with(stores(), "swift[].expireSoon", json!("90s")),
        with(stores(), "swift[].retries", json!(7)),
        with(stores(), "swift[].largeObjectSize", json!(4000)),
        with(stores(), "swift[].largeObjectChunkSize", json!(100)),
        with(stores(), "swift[].credentials.secretName", json!("glance-swift")),
        with(
            json!({"swift": [{"store": "s", "tenancy": "MultiTenant", "credentials": {"secretName": "glance-swift"}}]}),
            "swift[].credentials.key",
            json!("other.conf"),
        ),
        with(
            json!({"imageImport": {"decompression": true, "staging": {"path": "/s"}}}),
            "imageImport.required",
            json!(true),
        ),
        sample("imageImport.methods", json!(["GlanceDirect"])),
        with(staging.clone(), "imageImport.conversion.outputFormat", json!("Raw")),
        with(
            json!({"imageImport": {"staging": {"path": "/s"}, "conversion": {"outputFormat": "Raw"}}}),
            "imageImport.conversion.pythonInterpreter",
            json!("/usr/bin/python3"),
        ),
        sample("imageImport.metadata.properties", json!({"a": "b"})),
        with(
            json!({"imageImport": {"metadata": {"properties": {"a": "b"}}}}),
            "imageImport.metadata.ignoreUserRoles",
            json!(["r"]),
        ),
        with(staging.clone(), "imageImport.decompression", json!(true)),
        sample("imageImport.additionalPlugins", json!(["p"])),
        sample("imageImport.staging.path", json!("/s")),
        sample("imageImport.webDownload.allowedSchemes", json!(["https"])),
        sample("imageImport.webDownload.disallowedSchemes", json!(["http"])),
        sample("imageImport.webDownload.allowedHosts", json!(["a.example"])),
        sample("imageImport.webDownload.disallowedHosts", json!(["a.example"])),
        sample("imageImport.webDownload.allowedPorts", json!([443])),
        sample("imageImport.webDownload.disallowedPorts", json!([80])),
        sample("imageImport.maxParallelStores", json!(2)),
        with(staging.clone(), "imageImport.workerSelfReference.scheme", json!("HTTPS")),
        with(staging.clone(), "imageImport.workerSelfReference.port", json!(1)),
        with(staging, "imageImport.workerSelfReference.ipFamily", json!("IPv6")),
        sample("apis.public.policy", json!({"get_image": "@"})),
        sample("apis.internal.workloadRef", json!({"name": "glance-internal"})),
        with(internal(), "apis.internal.policy", json!({"get_image": "@"})),
        with(internal(), "apis.internal.importMethods", json!([])),
    ]
}

fn internal() -> Value {
    json!({"apis": {"internal": {"workloadRef": {"name": "glance-internal"}}}})
}

fn horizon() -> Vec<Sample> {
    let cors = || json!({"cors": {"enabled": true, "allowedOrigins": ["https://portal.example.com"]}});
    vec![
        sample("directUpload.enabled", json!(false)),
        sample("tlsTermination.forwardedProtoHeader", json!("X-Forwarded-Proto")),
        sample("tlsTermination.trustOrigins", json!(true)),
        sample("tlsTermination.allowHosts", json!(true)),
        with(json!({"cors": {"allowedOrigins": ["https://portal.example.com"]}}), "cors.enabled", json!(true)),
        with(json!({"cors": {"enabled": true}}), "cors.allowedOrigins", json!(["https://portal.example.com"])),
        with(cors(), "cors.allowCredentials", json!(true)),
        with(cors(), "cors.maxAge", json!(7)),
        sample("httpd.limitRequestBody", json!(7)),
        sample("httpd.timeout", json!("2h")),
        sample("httpd.glanceProxy", json!({"path": "/image", "backend": "http://glance.openstack.svc:9292"})),
    ]
}

fn api() -> Vec<Sample> {
    vec![
        sample("cors.allowedOrigins", json!(["https://new.example.com"])),
        sample("cors.allowHeaders", json!(["X-New"])),
        sample("cors.exposeHeaders", json!(["X-New"])),
        sample("cors.allowCredentials", json!(false)),
        sample("cors.maxAge", json!(7)),
    ]
}

fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (name, value) in over {
                merge(base.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(base), Value::Array(over)) if base.len() == 1 && over.len() == 1 && over[0].is_object() => {
            let over = over.into_iter().next().unwrap();
            merge(&mut base[0], over);
        }
        (base, over) => *base = over,
    }
}

/// A spec with one field.
fn nested(field: &str, value: Value) -> Value {
    field.rsplit('.').fold(value, |value, part| match part.strip_suffix("[]") {
        Some(list) => json!({list: [value]}),
        None => json!({part: value}),
    })
}

/// A cloud in which a spec of one kind is replaced.
fn outcome(kind: &str, spec: &Value) -> Simulation {
    let mut specs = BTreeMap::from([
        (
            "Glance",
            json!({"publicURL": "https://glance.example.com", "cors": {"allowedOrigins": ["https://p.example.com"]}}),
        ),
        ("Horizon", json!({"publicURL": "https://horizon.example.com", "layout": "Debian"})),
        (
            "OpenStackAPI",
            json!({
                "service": "Keystone", "publicURL": "https://keystone.example.com/v3",
                "cors": {"allowedOrigins": ["https://p.example.com"]},
            }),
        ),
    ]);
    // Its own file says which stores there are.
    merge(specs.get_mut(kind).unwrap(), spec.clone());
    let group = |kind: &str| match kind {
        "OpenStackAPI" => "cors.openstack.org".to_owned(),
        kind => format!("{}.openstack.org", kind.to_lowercase()),
    };
    let document = |(kind, spec): (&&str, &Value)| {
        let metadata = json!({"name": kind.to_lowercase(), "namespace": "openstack"});
        let object = json!({
            "apiVersion": format!("{}/v1beta1", group(kind)), "kind": kind, "metadata": metadata, "spec": spec,
        });
        format!("---\n{object}\n")
    };
    render(&specs.iter().map(document).collect::<String>())
}

fn part(deployer: Deployer, kind: &str, outcome: &Simulation) -> ResourceFragment {
    let parts = fragments(deployer, outcome);
    parts.into_iter().find(|part| part.resource.kind.name() == kind).unwrap()
}

/// The leaves of a schema: fields that hold no other fields.
fn leaves(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    let empty = Map::new();
    let (mark, schema) = match schema.get("items") {
        Some(items) if items["properties"].is_object() => ("[]", items),
        _ => ("", schema),
    };
    let fields = schema["properties"].as_object().unwrap_or(&empty);
    if fields.is_empty() {
        found.insert(path.to_owned());
    }
    for (name, field) in fields {
        let path = if path.is_empty() { name.clone() } else { format!("{path}{mark}.{name}") };
        leaves(field, &path, found);
    }
}

fn samples(kind: &str) -> Vec<Sample> {
    match kind {
        "Glance" => glance(),
        "Horizon" => horizon(),
        _ => api(),
    }
}

/// A field that somebody adds to a schema must be tested below, or belong to the operator alone.
#[test]
fn every_field_of_the_schemas_is_thought_of() {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for crd in crds() {
        let kind = crd.spec.names.kind.as_str();
        let version = serde_json::to_value(&crd.spec.versions[0]).unwrap();
        let mut all = BTreeSet::new();
        leaves(&version["schema"]["openAPIV3Schema"]["properties"]["spec"], "", &mut all);
        let tested: BTreeSet<_> = samples(kind).iter().map(|sample| sample.field).collect();
        let is_below = |field: &str, prefix: &str| {
            field.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        for field in &all {
            let own = OPERATORS_OWN.iter().find(|prefix| is_below(field, prefix));
            let is_tested = tested.iter().any(|prefix| is_below(field, prefix));
            assert_ne!(own.is_some(), is_tested, "{kind}: spec.{field} is in no list, or in both");
            used.extend(own.copied());
        }
        for field in tested {
            assert!(all.iter().any(|leaf| is_below(leaf, field)), "{kind}: there is no spec.{field}");
        }
    }
    let unused: Vec<_> = OPERATORS_OWN.iter().filter(|prefix| !used.contains(*prefix)).collect();
    assert!(unused.is_empty(), "no schema has {unused:?}");
}

/// Either the fragment changes, or what it leaves out names the field or the object that it is part of.
#[rstest]
fn every_field_is_in_the_fragment_or_named(
    #[values(Deployer::OpenStackHelm, Deployer::KollaAnsible, Deployer::OpenStackAnsible, Deployer::Rhoso)]
    deployer: Deployer,
    #[values("Glance", "Horizon", "OpenStackAPI")] kind: &str,
) {
    for Sample { field, value, mut base } in samples(kind) {
        if field.starts_with("swift[]") && base.as_object().unwrap().is_empty() {
            base = json!({"swift": [{"store": "s", "tenancy": "MultiTenant"}]});
        }
        let before = part(deployer, kind, &outcome(kind, &base));
        merge(&mut base, nested(field, value));
        let after = part(deployer, kind, &outcome(kind, &base));
        let is_named = |named: &str| {
            let named = named.replace(['[', ']'], ".");
            let parts: Vec<_> = format!("spec.{field}").split(['.', '[', ']']).map(str::to_owned).collect();
            let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            // spec.swift[s].credentials names the store, too.
            named.split(" and ").any(|named| {
                let named: Vec<_> = named.split('.').filter(|part| !part.is_empty() && *part != "s").collect();
                parts.iter().map(String::as_str).take(named.len()).eq(named.iter().copied())
            })
        };
        let named = after.fragment.left_out.iter().any(|left| is_named(&left.what.to_string()));
        assert!(
            before.fragment.files != after.fragment.files || named,
            "{kind}: nothing tells of spec.{field} in {:?}",
            after.fragment
        );
    }
}
