//! The text that `status` prints about the resources.

use direct_upload_api::{Glance, Horizon, OpenStackAPI, Reason};
use direct_upload_operator::cli::status::text::text;
use direct_upload_operator::cli::status::tree::{Passed, upload_paths};
use rstest::{Context, rstest};
use serde_json::{Value, json};

/// Conditions as `Type Status Reason message`.
fn conditions(lines: &[&str]) -> Value {
    let condition = |line: &&str| {
        let mut parts = line.splitn(4, ' ');
        let mut part = || parts.next().unwrap();
        json!({"type": part(), "status": part(), "reason": part(), "message": part(),
               "lastTransitionTime": "2026-11-22T10:00:00Z"})
    };
    lines.iter().map(condition).collect()
}

fn horizon(status: &Value) -> Horizon {
    object("horizon.openstack.org/v1beta1", "Horizon", "horizon", status)
}

fn glance(status: &Value) -> Glance {
    object("glance.openstack.org/v1beta1", "Glance", "glance", status)
}

fn object<K: serde::de::DeserializeOwned>(version: &str, kind: &str, name: &str, status: &Value) -> K {
    let mut object = json!({"apiVersion": version, "kind": kind, "spec": {"layout": "Debian"}, "status": status,
                            "metadata": {"name": name, "namespace": "openstack"}});
    if kind == "Horizon" {
        object["spec"]["directUpload"] = json!({});
    }
    serde_json::from_value(object).unwrap()
}

/// The conditions of a resource whose chain holds.
const HOLDS: [&str; 4] = [
    "Accepted True Accepted the spec is usable",
    "OriginsResolved True Resolved browsers load the dashboard from https://horizon.example.com",
    "ConfigRendered True Rendered ConfigMap horizon-1",
    "RolledOut True RolledOut every pod runs with ConfigMap horizon-1",
];

fn with(more: &[&str]) -> Value {
    conditions(&[&HOLDS[..], more].concat())
}

fn rolled_out() -> Value {
    json!({"publicURL": "https://glance.example.com", "originCount": 1, "configMaps": ["glance-1"],
           "origins": [{"origin": "https://horizon.example.com", "wantedBy": ["Horizon openstack/horizon"]}],
           "conditions": with(&["Ready True RolledOut every pod accepts the origins"])})
}

fn verified() -> Value {
    json!({"uploadMode": "direct", "origins": ["https://horizon.example.com"], "glance": {"name": "glance"},
           "exposures": [{"url": "https://horizon.example.com/dashboard", "from": "HTTPRoute openstack/horizon"}],
           "glanceEndpoint": "https://glance.example.com", "configMaps": ["horizon-1"],
           "verification": {"verdict": "Granted", "lastTransitionTime": "2026-11-22T10:01:00Z"},
           "conditions": with(&["Ready True Verified direct", "Verified True Verified the preflight passes for each origin"])})
}

fn changed(mut status: Value, changes: &[(&str, Value)]) -> Value {
    for (field, value) in changes {
        status[field] = value.clone();
    }
    status
}

#[rstest]
#[case::verified(verified(), Some(rolled_out()))]
#[case::never_seen(json!({}), Some(rolled_out()))]
#[case::not_exposed(
    json!({"uploadMode": "own", "conditions": conditions(&[HOLDS[0],
        "OriginsResolved False NotExposed no Ingress, Route or HTTPRoute leads to Deployment horizon",
        "ConfigRendered Unknown NotExposed depends on OriginsResolved",
        "RolledOut Unknown NotExposed depends on OriginsResolved",
        "Ready False NotExposed no Ingress, Route or HTTPRoute leads to Deployment horizon"])}),
    Some(rolled_out())
)]
#[case::glance_rolls(
    changed(verified(), &[("uploadMode", json!("own")), ("verification", Value::Null), ("conditions", with(&[
        "Ready False SwitchingToDirect Glance openstack/glance is on its way to accept https://horizon.example.com",
        "Verified Unknown NotVerified there are not enough preflights for a verdict yet; it takes three answers in a row that agree"]))]),
    Some(changed(rolled_out(), &[("conditions", with(&["Ready False RollingOut 1 of 2 pods has the new files"]))]))
)]
#[case::refused(
    changed(verified(), &[
        ("uploadMode", json!("own")),
        ("verification", json!({"verdict": "Refused", "lastTransitionTime": "2026-11-22T10:02:00Z", "failures": [{
            "origin": "https://horizon.example.com", "rule": "DU012", "requirement": "one Access-Control-Allow-Origin",
            "message": "two Access-Control-Allow-Origin headers", "received": "", "fix": "let only Glance answer"}]})),
        ("conditions", with(&["Ready False PreflightRefused DU012: two Access-Control-Allow-Origin headers",
            "Verified False PreflightRefused DU012: two Access-Control-Allow-Origin headers"]))]),
    Some(rolled_out())
)]
#[case::switched_off(
    changed(verified(), &[("uploadMode", json!("own")), ("verification", Value::Null), ("configMaps", json!([])),
        ("advice", json!(["the port of https://horizon.example.com is assumed"])), ("conditions", conditions(&[
        HOLDS[0], HOLDS[1], "ConfigRendered True NothingToRender no file is needed",
        "RolledOut True NothingToRoll no pod runs with the operator's files, and none needs to",
        "Ready True DirectDisabled direct upload is off",
        "Verified Unknown NotVerified the operator sends no preflight: direct upload is off, or a condition above is not met"]))]),
    Some(rolled_out())
)]
#[case::regions(
    changed(verified(), &[("glance", Value::Null), ("glanceEndpoint", Value::Null), ("regions", json!([
        {"name": "One", "glance": {"name": "glance"}, "glanceEndpoint": "https://glance.example.com",
         "verdict": "Granted", "reason": "Verified", "message": "the preflight passes for each origin"},
        {"name": "Two", "glanceEndpoint": "https://glance.two.example.com",
         "verdict": "Granted", "reason": "Verified", "message": "the preflight passes for each origin"}]))]),
    Some(rolled_out())
)]
#[case::elsewhere(changed(verified(), &[("glance", Value::Null)]), None)]
#[case::mixed_content(
    changed(verified(), &[("uploadMode", json!("own")), ("conditions", conditions(&[HOLDS[0], HOLDS[1],
        "ConfigRendered False MixedContent http://glance.example.com is http, and the dashboard https",
        "Ready False MixedContent http://glance.example.com is http, and the dashboard https"]))]),
    Some(rolled_out())
)]
fn the_tree_says_what_each_resource_waits_for(
    #[context] context: Context,
    #[case] of_horizon: Value,
    #[case] of_glance: Option<Value>,
) {
    let glances: Vec<_> = of_glance.iter().map(glance).collect();
    let trees: Vec<_> =
        upload_paths(&[horizon(&of_horizon)], &glances, &[]).iter().map(|way| text(way, false)).collect();
    insta::with_settings!({snapshot_suffix => context.description.unwrap(), omit_expression => true}, {
        insta::assert_snapshot!("status", trees.join("\n"));
    });
}

#[test]
fn colours_are_the_only_difference() {
    let way = &upload_paths(&[horizon(&verified())], &[glance(&rolled_out())], &[])[0];
    let coloured = text(way, true);
    assert!(coloured.contains("\x1b[32m✓\x1b[0m"));
    let plain = coloured
        .split('\x1b')
        .map(|part| part.split_once('m').filter(|_| part.starts_with('[')).map_or(part, |(_, rest)| rest));
    assert_eq!(plain.collect::<String>(), text(way, false));
}

/// Resources without a Horizon come last, after the Horizons.
#[test]
fn other_apis_and_a_glance_without_horizon_stand_beside_the_tree() {
    let api = |name: &str, service: &str, status: &Value| -> OpenStackAPI {
        let mut object = json!({"apiVersion": "cors.openstack.org/v1beta1", "kind": "OpenStackAPI",
                                "metadata": {"name": name, "namespace": "openstack"}, "status": status});
        object["spec"] = json!({"service": service});
        serde_json::from_value(object).unwrap()
    };
    let waits = changed(
        rolled_out(),
        &[(
            "conditions",
            conditions(&[
                "Accepted False WorkloadNotFound there is no Deployment openstack/nova (spec.workloadRef)",
                "Ready False WorkloadNotFound there is no Deployment openstack/nova (spec.workloadRef)",
            ]),
        )],
    );
    let apis = [api("nova", "Nova", &waits), api("keystone", "Keystone", &rolled_out())];
    let trees: Vec<_> = upload_paths(&[], &[glance(&rolled_out())], &apis).iter().map(|way| text(way, false)).collect();
    insta::assert_snapshot!("status@others", trees.join("\n"));
}

/// The condition that breaks is often a general one: the cross is at the part that somebody has to look at.
#[rstest]
#[case::workload(Reason::WorkloadNotFound, "workload")]
#[case::spec(Reason::InvalidSpec, "workload")]
#[case::exposure(Reason::NotExposed, "exposure")]
#[case::plain_http(Reason::PlainHttp, "exposure")]
#[case::endpoint(Reason::EndpointNotPublic, "Glance")]
#[case::mixed(Reason::MixedContent, "Glance")]
#[case::no_endpoint(Reason::EndpointUnknown, "Glance")]
#[case::no_glance(Reason::GlanceNotFound, "Glance")]
#[case::no_consent(Reason::GlanceNotAllowed, "Glance")]
#[case::import(Reason::ImportRequired, "Glance")]
#[case::origin(Reason::OriginNotAllowed, "origin")]
#[case::path(Reason::PathUnknown, "config")]
#[case::never_read(Reason::PathNotRead, "config")]
#[case::looking(Reason::Looking, "config")]
#[case::rehearsal(Reason::RehearsalFailed, "config")]
#[case::pods(Reason::PodsCrashing, "rollout")]
#[case::preflight(Reason::PreflightRefused, "preflight")]
#[case::upload(Reason::UploadRefused, "preflight")]
fn the_cross_is_where_it_breaks(#[case] reason: Reason, #[case] place: &str) {
    let type_ = reason.condition().to_string();
    let broken = format!("{type_} False {reason} what is wrong");
    let others = HOLDS.iter().copied().filter(|line| !line.starts_with(&format!("{type_} ")));
    let ready = format!("Ready False {reason} what is wrong");
    let all: Vec<&str> = others.chain([broken.as_str(), ready.as_str()]).collect();
    let status = changed(verified(), &[("verification", Value::Null), ("conditions", conditions(&all))]);
    let way = &upload_paths(&[horizon(&status)], &[glance(&rolled_out())], &[])[0];
    let first = way.checkpoints.iter().find(|checkpoint| checkpoint.passed != Passed::Yes).unwrap();
    assert_eq!((first.name, first.told.as_str()), (place, "what is wrong"), "{}", text(way, false));
    let before = way.checkpoints.iter().take_while(|checkpoint| checkpoint.name != place);
    assert!(before.into_iter().all(|checkpoint| checkpoint.passed == Passed::Yes));
}
