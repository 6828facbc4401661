//! How Argo CD and Flux judge every status that the operator can write, with their own libraries.

use std::process::Command;

use direct_upload_api::{ConditionType, Reason};
use direct_upload_core::model::Problem;
use direct_upload_core::plan::{Plan, State};
use direct_upload_core::simulate::Cluster;
use direct_upload_operator::report;
use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};
use test_support::gitops;
use test_support::manifests::{cloud, glance, horizon, join, read, resource};

/// Every reason that there is.
fn reasons() -> Vec<Reason> {
    let schema = schemars::schema_for!(Reason).to_value();
    let listed = schema["oneOf"].as_array().expect("a choice").iter();
    let reasons: Vec<Reason> =
        listed.map(|one| serde_json::from_value(one["const"].clone()).expect("a reason")).collect();
    assert!(reasons.len() > 50, "{reasons:?}");
    reasons
}

/// Objects of all three kinds with the status that this state deserves.
fn objects(state: &State) -> Vec<Value> {
    let api = resource("cors", "OpenStackAPI", "openstack", "keystone", "{service: Keystone}");
    let world = Cluster::from_input(read(&join(&[&cloud(), &horizon("{}"), &glance("{}"), &api]))).world();
    let plan = Plan {
        steps: Vec::new(),
        state: state.clone(),
        wake: None,
        config_map: None,
        internal: None,
        regions: Vec::new(),
    };
    let now = Timestamp::UNIX_EPOCH;
    let of = |group: &str, kind: &str, status: Value| {
        let generation = status["observedGeneration"].clone();
        json!({"apiVersion": format!("{group}.openstack.org/v1beta1"), "kind": kind, "status": status,
            "metadata": {"name": "one", "namespace": "openstack", "generation": generation}})
    };
    let horizons = world.horizons.values().map(|view| {
        let status = report::horizon(view, &plan, now).expect("a status");
        of("horizon", "Horizon", serde_json::to_value(status).expect("JSON"))
    });
    let glances = world.glances.values().map(|view| {
        let status = report::glance(view, &plan, &[], now).expect("a status");
        of("glance", "Glance", serde_json::to_value(status).expect("JSON"))
    });
    let apis = world.apis.values().map(|view| {
        let status = report::api(view, &plan, &[], now).expect("a status");
        of("cors", "OpenStackAPI", serde_json::to_value(status).expect("JSON"))
    });
    let objects: Vec<Value> = horizons.chain(glances).chain(apis).collect();
    assert_eq!(objects.len(), 3);
    objects
}

/// What the state of things means to a GitOps tool.
fn meaning(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::Suspended => ("Suspended", "InProgress"),
        terminal if terminal.is_terminal() => ("Degraded", "Failed"),
        _ => ("Progressing", "InProgress"),
    }
}

#[test]
fn every_status_means_the_same_to_argo_cd_and_flux() {
    let (mut asked, mut expected) = (Vec::new(), Vec::new());
    let mut add = |state: &State, meaning| {
        for object in objects(state) {
            asked.push(object);
            expected.push(meaning);
        }
    };
    for reason in reasons() {
        let problem = || Problem::new(reason, "it says why");
        add(&State::Unmet(ConditionType::RolledOut, problem()), meaning(reason));
        let done = if reason == Reason::Suspended { "Suspended" } else { "Healthy" };
        add(&State::Done(problem()), (done, "Current"));
    }
    let verdicts = gitops::health(&asked);
    assert_eq!(verdicts.len(), asked.len());
    for ((verdict, expected), object) in verdicts.iter().zip(expected).zip(&asked) {
        assert_eq!(verdict.both(), expected, "{object:#}");
        assert_eq!(verdict.argo_message, "it says why", "{object:#}");
    }
}

/// Before the operator has looked at a change, and before it has looked at all.
#[rstest]
#[case::changed(json!({"metadata": {"generation": 7}}), ("Progressing", "InProgress"))]
#[case::new(json!({"status": null}), ("Progressing", "InProgress"))]
#[case::deleted(json!({"metadata": {"deletionTimestamp": "2026-11-22T10:00:00Z"}}), ("Progressing", "Terminating"))]
fn a_change_that_nobody_has_looked_at_is_progress(#[case] change: Value, #[case] expected: (&str, &str)) {
    let mut objects = objects(&State::Done(Problem::new(Reason::Verified, "")));
    for object in &mut objects {
        let of = |part: &str| change[part].as_object().cloned().unwrap_or_default();
        object["metadata"].as_object_mut().expect("metadata").extend(of("metadata"));
        if change.get("status").is_some() {
            *object =
                json!({"apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": object["metadata"]});
            object["status"] = json!({"observedGeneration": -1});
        }
    }
    for verdict in gitops::health(&objects) {
        assert_eq!(verdict.both(), expected, "{verdict:?}");
    }
}

/// The bundle for OLM, by operator-framework's own rules. What is left is a mistake of theirs: the API
/// of events that went in 1.25 was v1beta1, and a rule of RBAC names no version.
#[test]
fn the_olm_bundle_is_valid() {
    let folder = tempfile::tempdir().expect("a folder");
    // A name without a dot: the library leaves hidden folders out.
    let bundle = folder.path().join("bundle");
    let made = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--locked", "--example", "olm", "--"])
        .arg(&bundle)
        .args(["registry.example.com/direct-upload-operator@sha256:0123", "https://example.com", "ops@example.com"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let Value::Array(found) = gitops::ask("olm", &bundle, &json!({})) else { panic!("a list") };
    let left: Vec<_> =
        found.iter().filter(|f| !f.as_str().is_some_and(|f| f.contains("Migrate the API(s) for events"))).collect();
    assert!(left.is_empty(), "{left:#?}");
}
