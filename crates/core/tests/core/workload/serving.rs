//! Which pods serve, and what a roll waits for.

use direct_upload_core::model::{Key, Kind, Snapshot};
use direct_upload_core::workload::{Applied, Inventory};
use rstest::rstest;
use serde_json::{Value, json};

const OLD: &str = "glance-direct-upload-1111111111";

fn metadata(name: &str, owner: Option<(&str, &str)>) -> Value {
    let owners: Vec<_> = owner
        .into_iter()
        .map(|(kind, uid)| json!({"apiVersion": "apps/v1", "kind": kind, "name": "x", "uid": uid, "controller": true}))
        .collect();
    json!({"namespace": "cloud", "name": name, "uid": format!("uid-of-{name}"), "labels": {"app": "glance"}, "ownerReferences": owners})
}

/// A workload of this kind without our files, its two ReplicaSets or those of others, and one pod.
fn applied(kind: Kind, selector: &Value, pod: Value) -> Applied {
    let mut snapshot = Snapshot::complete();
    let mut take = |kind, object| snapshot.take(kind, object, |_| Ok(())).unwrap();
    let template =
        json!({"metadata": {"labels": {"app": "glance"}}, "spec": {"containers": [{"name": "glance", "image": "x"}]}});
    let status = json!({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "observedGeneration": 1});
    let mut meta = metadata("glance", None);
    meta["generation"] = 1.into();
    take(
        kind,
        json!({"metadata": meta, "spec": {"replicas": 2, "selector": selector, "template": template, "serviceName": "x"}, "status": status}),
    );
    for (name, of) in [("mine", "uid-of-glance"), ("theirs", "uid-of-another")] {
        let meta = metadata(name, Some(("Deployment", of)));
        take(Kind::ReplicaSet, json!({"metadata": meta, "spec": {"selector": selector, "template": template}}));
    }
    take(Kind::Pod, pod);
    let workloads = if kind == Kind::Deployment { &snapshot.deployments } else { &snapshot.stateful_sets };
    let workload = workloads.get(&Key::new("cloud", "glance")).unwrap().unwrap();
    Applied::find(&Inventory::take(&snapshot, "cloud"), workload, "glance").unwrap()
}

/// A ready pod with files of ours that the workload no longer has.
fn pod(owner: Option<(&str, &str)>) -> Value {
    json!({
        "metadata": metadata("pod", owner),
        "spec": {"containers": [], "volumes": [{"name": "direct-upload-config", "configMap": {"name": OLD}}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn by_label() -> Value {
    json!({"matchLabels": {"app": "glance"}})
}

const MINE: Option<(&str, &str)> = Some(("ReplicaSet", "uid-of-mine"));

#[rstest]
#[case::its_own(Kind::Deployment, MINE, true)]
#[case::of_a_set_that_is_not_seen_yet(Kind::Deployment, Some(("ReplicaSet", "uid-of-new")), true)]
#[case::of_another_deployment(Kind::Deployment, Some(("ReplicaSet", "uid-of-theirs")), false)]
#[case::of_another_kind(Kind::Deployment, Some(("StatefulSet", "uid-of-theirs")), false)]
#[case::nobodys(Kind::Deployment, None, false)]
#[case::of_a_stateful_set(Kind::StatefulSet, Some(("StatefulSet", "uid-of-glance")), true)]
#[case::of_another_stateful_set(Kind::StatefulSet, Some(("StatefulSet", "uid-of-another")), false)]
#[case::of_a_set_beside_a_stateful_set(Kind::StatefulSet, MINE, false)]
fn only_pods_of_its_controllers_serve(#[case] kind: Kind, #[case] owner: Option<(&str, &str)>, #[case] serves: bool) {
    let applied = applied(kind, &by_label(), pod(owner));
    let expected = serves.then(|| OLD.to_owned()).into_iter().collect();
    assert_eq!(applied.running, expected);
    assert_eq!(applied.rollout.is_err(), serves, "{:?}", applied.rollout);
}

#[rstest]
#[case::expression(json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["glance"]}]}), true)]
#[case::both(json!({"matchLabels": {"app": "glance"}, "matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}), true)]
#[case::the_expression_says_no(json!({"matchLabels": {"app": "glance"}, "matchExpressions": [{"key": "tier", "operator": "Exists"}]}), false)]
#[case::the_label_says_no(json!({"matchLabels": {"app": "horizon"}, "matchExpressions": [{"key": "app", "operator": "Exists"}]}), false)]
fn the_whole_selector_counts(#[case] selector: Value, #[case] serves: bool) {
    assert_eq!(applied(Kind::Deployment, &selector, pod(MINE)).running.len(), usize::from(serves));
}

#[rstest]
#[case::failed("Failed", false, false)]
#[case::succeeded("Succeeded", false, false)]
#[case::ends("Running", true, true)]
fn what_has_ended_serves_nobody(#[case] phase: &str, #[case] deleting: bool, #[case] serves: bool) {
    let mut pod = pod(MINE);
    pod["status"]["phase"] = phase.into();
    if deleting {
        pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    }
    let applied = applied(Kind::Deployment, &by_label(), pod);
    assert_eq!(applied.running.len(), usize::from(serves));
    let rollout = applied.rollout.map_err(|unfinished| unfinished.problem().message());
    let expected = "it waits for pod pod: it is being deleted, and still answers with the old files";
    assert_eq!(rollout.is_err(), serves);
    assert_eq!(applied.held_up.as_deref(), serves.then_some(expected));
}

#[rstest]
#[case(json!([{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}]), "Pending", "it has no node: 0/3 nodes are available")]
#[case(json!([]), "Pending", "it has not started yet")]
#[case(json!([]), "Running", "it runs, and is not ready yet")]
fn a_roll_names_the_new_pod_that_it_waits_for(#[case] conditions: Value, #[case] phase: &str, #[case] why: &str) {
    let mut snapshot = Snapshot::complete();
    let mut take = |kind, object| snapshot.take(kind, object, |_| Ok(())).unwrap();
    let status = json!({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 1, "observedGeneration": 1});
    let template = json!({"metadata": {"labels": {"app": "glance"}}, "spec": {"containers": []}});
    take(
        Kind::Deployment,
        json!({"metadata": metadata("glance", None), "spec": {"replicas": 2, "selector": by_label(), "template": template}, "status": status}),
    );
    take(
        Kind::Pod,
        json!({"metadata": metadata("new", MINE), "spec": {"containers": []}, "status": {"phase": phase, "conditions": conditions}}),
    );
    let workload = snapshot.deployments.get(&Key::new("cloud", "glance")).unwrap().unwrap();
    let applied = Applied::find(&Inventory::take(&snapshot, "cloud"), workload, "glance").unwrap();
    assert_eq!(applied.rollout.unwrap_err().problem().message(), "Deployment cloud/glance is being rolled out");
    assert_eq!(applied.held_up, Some(format!("it waits for pod new: {why}")));
}
