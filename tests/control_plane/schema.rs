//! What the API server refuses, explains and prints.

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Site, fixtures};

#[test]
fn bad_resources_are_refused() {
    let site = Site::new("schema");
    let glance = |spec: Value| fixtures::glance("bad", spec);
    let horizon = |spec: Value| fixtures::horizon("bad", spec);
    let exposed = json!([{"kind": "Ingress", "name": "horizon"}]);
    let region = json!({"name": "RegionOne", "glanceRef": {"name": "glance"}});
    let store = |tenancy: &str| json!({"store": "s", "tenancy": tenancy});
    let table = [
        (
            horizon(json!({"publicURL": "https://a.example.com", "exposedBy": exposed})),
            "publicURL and exposedBy exclude each other",
        ),
        (
            glance(json!({"publicURL": "https://a.example.com", "exposedBy": exposed})),
            "publicURL and exposedBy exclude each other",
        ),
        (horizon(json!({"exposedBy": [{"kind": "Service", "name": "x"}]})), "a Service has no scheme"),
        (glance(json!({"exposedBy": [{"kind": "Route", "name": "x", "port": 1}]})), "a Service has no scheme"),
        (glance(json!({"tls": {"enabled": true}})), "tls.enabled needs tls.secretName"),
        (glance(json!({"httpd": {"port": 9292}})), "httpd.port needs httpd.server"),
        (
            glance(json!({"cors": {"allowedOrigins": ["https://a.example.com\nallow_methods = *"]}})),
            "spec.cors.allowedOrigins[0]",
        ),
        (glance(json!({"cors": {"allowedOrigins": ["*"]}})), "spec.cors.allowedOrigins[0]"),
        (glance(json!({"cors": {"allowHeaders": ["X-A, X-B"]}})), "spec.cors.allowHeaders[0]"),
        (glance(json!({"cors": {"maxAge": 90000}})), "spec.cors.maxAge"),
        (
            glance(json!({"cors": {"allowedHorizons": {"namespaces": {"from": "Selector"}}}})),
            "from: Selector needs a selector",
        ),
        (horizon(json!({"layout": "Slackware"})), "spec.layout: Unsupported value"),
        (
            horizon(json!({"directUpload": {"verification": "Perhaps"}})),
            "spec.directUpload.verification: Unsupported value",
        ),
        (horizon(json!({"directUplaod": {}})), "unknown field \"spec.directUplaod\""),
        (horizon(json!({"paths": {"localSettingsDir": "relative"}})), "spec.paths.localSettingsDir"),
        (
            horizon(json!({"directUpload": {"glanceEndpoint": "ftp://glance.example.com"}})),
            "spec.directUpload.glanceEndpoint",
        ),
        (horizon(json!({"rollout": {"minInterval": 5}})), "spec.rollout.minInterval"),
        (horizon(json!({"directUpload": {"regions": [{"name": "RegionOne"}]}})), "a region needs its Glance"),
        (
            horizon(json!({"directUpload": {"glanceRef": {"name": "glance"}, "regions": [region]}})),
            "glanceRef and glanceEndpoint are not allowed together with regions",
        ),
        (horizon(json!({"directUpload": {"regions": [region, region]}})), "Duplicate value"),
        // As much as would overflow in the operator, and a sign that no pattern of digits has.
        (horizon(json!({"rollout": {"minInterval": "99999999999999999999999999h"}})), "spec.rollout.minInterval"),
        (horizon(json!({"deletion": {"timeout": "5h-3h"}})), "spec.deletion.timeout"),
        (glance(json!({"cors": {"retireAfter": "soon"}})), "spec.cors.retireAfter"),
        (glance(json!({"swift": [{"store": "s"}]})), "spec.swift[0].tenancy: Required value"),
        (glance(json!({"swift": [store("Both")]})), "spec.swift[0].tenancy: Unsupported value"),
        (glance(json!({"swift": [store("MultiTenant"), store("MultiTenant")]})), "Duplicate value"),
        (
            glance(json!({"swift": [{"store": "s", "tenancy": "SingleTenant", "trusts": true}]})),
            "trusts are for MultiTenant only",
        ),
        (
            glance(
                json!({"swift": [{"store": "s", "tenancy": "MultiTenant", "largeObjectSize": 1, "largeObjectChunkSize": 2}]}),
            ),
            "largeObjectSize is less than largeObjectChunkSize",
        ),
        (
            glance(json!({"swift": [{"store": "s", "tenancy": "MultiTenant", "swiftStoreConfigFile": "/x"}]})),
            "unknown field \"spec.swift[0].swiftStoreConfigFile\"",
        ),
        (glance(json!({"swift": [{"store": "s]\n[cors", "tenancy": "MultiTenant"}]})), "spec.swift[0].store"),
        (glance(json!({"cors": {"allowedHorizons": {"schemes": ["FTP"]}}})), "spec.cors.allowedHorizons.schemes"),
    ];
    for (object, expected) in table {
        let error = site
            .try_kubectl_with(&["create", "--dry-run=server", "-f", "-"], &object.to_string())
            .expect_err(&format!("accepted: {object}"));
        assert!(error.contains(expected), "{expected} in {error}");
    }
    for object in [glance(json!({})), horizon(json!({}))] {
        site.kubectl_with(&["create", "--dry-run=server", "-f", "-"], &object.to_string());
    }
}

/// A bound of 64 bits must not become another number on its way through the schema.
#[rstest]
#[case::unlimited(0)]
#[case::five_gib(5_368_709_120)]
fn a_body_limit_is_accepted(#[case] bytes: i64) {
    let site = Site::new("limit");
    let httpd = json!({"server": "ModWSGI", "limitRequestBody": bytes});
    let objects = [
        fixtures::glance("good", json!({"httpd": httpd})),
        fixtures::horizon("good", json!({"httpd": {"limitRequestBody": bytes}})),
    ];
    for object in objects {
        site.kubectl_with(&["create", "--dry-run=server", "-f", "-"], &object.to_string());
    }
}

#[rstest]
#[case("horizon.spec.directUpload", &["enabled", "glanceRef", "Default: the only one in this namespace"])]
#[case("glance.spec.cors", &["retireAfter", "How long Glance accepts an origin"])]
#[case("glance.status.origins", &["retiresAt"])]
fn explained(#[case] field: &str, #[case] expected: &[&str]) {
    let site = Site::new("explain");
    let text = site.kubectl(&["explain", field]);
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for expected in expected {
        assert!(one_line.contains(expected), "{expected} in {text}");
    }
}

#[test]
fn columns_and_short_names() {
    let site = Site::with_pair("columns", json!({}), json!({}));
    let words = |text: &str| {
        text.lines().map(|l| l.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let table = words(&site.kubectl(&["get", "hzn"]));
    assert_eq!(table[0], ["NAME", "READY", "REASON", "UPLOAD", "URL", "GLANCE", "AGE"]);
    assert_eq!(table[1][..6], ["horizon", "True", "Verified", "direct", "https://horizon.example.com", "glance"]);
    let table = words(&site.kubectl(&["get", "glc"]));
    assert_eq!(table[0], ["NAME", "READY", "REASON", "ORIGINS", "URL", "AGE"]);
    assert_eq!(table[1][..5], ["glance", "True", "RolledOut", "1", "https://glance.example.com"]);
    assert!(site.kubectl(&["get", "openstack", "-o", "wide"]).contains("new dashboard sessions upload directly"));
    site.kubectl(&["wait", "--for=condition=Ready", "horizon/horizon", "glance/glance", "--timeout=10s"]);
}
