//! What the operator knows about a cluster while it reads it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use direct_upload_core::derive::{NoEndpoint, World};
use direct_upload_core::model::{Key, Kind, Problem, Unknown};
use direct_upload_core::workload::CONFIG_VOLUME;
use direct_upload_operator::observe::Live;
use direct_upload_operator::observe::live::BlindSpots;
use direct_upload_operator::observe::scope::Scope;
use proptest::prelude::*;
use serde_json::{Value, json};

/// What has not been read yet is not absent: at a start, resources come before their workloads.
#[tokio::test]
async fn workloads_that_are_not_read_yet_are_unknown_and_not_absent() {
    let live = Live::default();
    for (kind, version, name) in [
        (Kind::Glance, "glance.openstack.org/v1beta1", "glance"),
        (Kind::Horizon, "horizon.openstack.org/v1beta1", "horizon"),
    ] {
        let metadata =
            json!({"namespace": "openstack", "name": name, "uid": name, "resourceVersion": "1", "generation": 1});
        live.put(kind, json!({"apiVersion": version, "kind": format!("{kind:?}"), "metadata": metadata, "spec": {}}));
        let doubtful = live.listed(kind, &Scope::All, &HashSet::from([Key::new("openstack", name)]), live.moment());
        assert_eq!(doubtful, []);
    }
    let world = live.world().await;
    let horizon = &world.horizons[&Key::new("openstack", "horizon")];
    let glance = &world.glances[&Key::new("openstack", "glance")];
    for problem in [
        horizon.dashboard.exposures.as_ref().err(),
        glance.service.exposures.as_ref().err(),
        horizon.proof.destinations[0].to.endpoint.as_ref().err().map(NoEndpoint::problem),
    ] {
        assert!(problem.is_some_and(Problem::is_unknown), "{problem:?}");
    }
}

/// However many ask after a change, the world is derived once, and shows the change to each of them.
#[tokio::test]
async fn those_who_ask_together_share_a_derivation() {
    let live = Live::default();
    for count in 1..=2 {
        let name = format!("glance-{count}");
        let metadata = json!({"namespace": "openstack", "name": name, "uid": name, "resourceVersion": "1"});
        let version = "glance.openstack.org/v1beta1";
        live.put(Kind::Glance, json!({"apiVersion": version, "kind": "Glance", "metadata": metadata, "spec": {}}));
        let worlds = futures::future::join_all((0..100).map(|_| live.world())).await;
        assert!(worlds.iter().all(|world| world.glances.len() == count));
        assert_eq!(live.derivations().get(), u64::try_from(count).unwrap());
    }
}

/// An answer to a write of ours may be newer than a list that was under way: it is not taken for gone.
#[tokio::test]
async fn what_is_written_during_a_list_stays() {
    let live = Live::default();
    let put = |name: &str| {
        let metadata = json!({"namespace": "openstack", "name": name, "uid": name, "resourceVersion": "1"});
        live.put(
            Kind::Glance,
            json!({"apiVersion": "glance.openstack.org/v1beta1", "kind": "Glance", "metadata": metadata, "spec": {}}),
        );
    };
    put("old");
    let asked = live.moment();
    put("new");
    let doubtful = live.listed(Kind::Glance, &Scope::All, &HashSet::new(), asked);
    assert_eq!(doubtful, [(Key::new("openstack", "new"), "new".to_owned())]);
    let names = |world: Arc<World>| world.glances.iter().map(|(key, _)| key.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(live.world().await), ["new"]);
    assert_eq!(live.listed(Kind::Glance, &Scope::All, &HashSet::new(), live.moment()), []);
    assert_eq!(names(live.world().await), Vec::<String>::new());
}

/// A Glance in its `version`th state of the `life`th object of that name.
fn glance(life: u64, version: u64) -> Value {
    let metadata = json!({
        "namespace": "openstack", "name": "glance", "uid": format!("uid-{life}"), "resourceVersion": version.to_string(),
        "generation": version,
    });
    json!({"apiVersion": "glance.openstack.org/v1beta1", "kind": "Glance", "metadata": metadata, "spec": {}})
}

/// What happens to the object: it is made, or changed; or it goes.
#[derive(Clone, Debug)]
enum Happening {
    Write,
    Delete,
}

proptest! {
    /// Events come in their order. Each write has an answer besides, which comes at any time after it, also
    /// when its object is gone or made anew. In the end the snapshot shows what is so, and no ghost.
    #[test]
    fn a_late_answer_brings_nothing_back(
        happenings in prop::collection::vec((prop_oneof![3 => Just(Happening::Write), 1 => Just(Happening::Delete)], 0usize..6), 1..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _entered = runtime.enter();
        let live = Live::default();
        let doubtful = live.listed(Kind::Glance, &Scope::All, &HashSet::new(), live.moment());
        assert_eq!(doubtful, []);
        let (mut life, mut there) = (0, None);
        let mut answers = BTreeMap::<usize, Vec<Value>>::new();
        for (nth, (happening, late)) in happenings.iter().enumerate() {
            let version = u64::try_from(nth).unwrap() + 1;
            match (happening, there) {
                (Happening::Write, _) => {
                    life += u64::from(there.is_none());
                    there = Some(version);
                    live.put(Kind::Glance, glance(life, version));
                    answers.entry(nth + late).or_default().push(glance(life, version));
                }
                (Happening::Delete, Some(_)) => {
                    live.remove(Kind::Glance, &glance(life, version));
                    there = None;
                }
                (Happening::Delete, None) => {}
            }
            for answer in answers.remove(&nth).into_iter().flatten() {
                live.put(Kind::Glance, answer);
            }
        }
        for answer in answers.into_values().flatten() {
            live.put(Kind::Glance, answer);
        }
        let world = runtime.block_on(live.world());
        let seen = world.glances.get(&Key::new("openstack", "glance")).map(|view| view.service.object.meta.generation);
        prop_assert_eq!(seen, there.map(|version| i64::try_from(version).unwrap()));
    }
}

/// A deletion counts by uid: another object of the same name stays.
#[tokio::test]
async fn an_object_that_was_made_anew_is_not_forgotten() {
    let live = Live::default();
    let there = async || live.world().await.glances.len();
    live.put(Kind::Glance, glance(1, 1));
    live.put(Kind::Glance, glance(2, 2));
    live.forget_object(Kind::Glance, &Key::new("openstack", "glance"), "uid-1");
    assert_eq!(there().await, 1);
    live.forget_object(Kind::Glance, &Key::new("openstack", "glance"), "uid-2");
    assert_eq!(there().await, 0);
}

/// An object that cannot be decoded is neither what it was, nor absent: also after a restart.
#[tokio::test]
async fn an_object_that_cannot_be_decoded_is_unknown() {
    let ingress = |rules: Value| {
        let metadata = json!({"namespace": "openstack", "name": "odd", "uid": "odd", "resourceVersion": "1"});
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": {"rules": rules}})
    };
    let live = Live::default();
    live.put(Kind::Glance, glance(1, 1));
    live.put(Kind::Ingress, ingress(json!("none")));
    for kind in [Kind::Deployment, Kind::Service, Kind::HTTPRoute, Kind::Route, Kind::Ingress] {
        let doubtful = live.listed(kind, &Scope::All, &HashSet::from([Key::new("openstack", "odd")]), live.moment());
        assert_eq!(doubtful, []);
    }
    assert_eq!(live.blind_spots(), BTreeMap::from([(Kind::Ingress, BlindSpots { scopes: 0, objects: 1 })]));
    let world = live.world().await;
    let adjustments = &world.glances[&Key::new("openstack", "glance")].adjustments;
    assert!(adjustments.as_ref().is_err_and(|unknown| unknown.why.contains("Ingress openstack/odd cannot be read")));
    live.put(Kind::Ingress, ingress(json!([])));
    assert_eq!(live.blind_spots(), BTreeMap::new());
}

/// What is no longer watched is unknown, and at no moment known to be empty. A list that hangs makes
/// nothing unknown that was known.
#[tokio::test]
async fn a_scope_is_known_from_its_list_until_it_is_left() {
    let live = Live::default();
    let spots = |scopes| BTreeMap::from([(Kind::Pod, BlindSpots { scopes, objects: 0 })]);
    let scope = Scope::Namespace("openstack".to_owned());
    let why = || Unknown { why: "no answer".into(), pending: false };
    live.watched(Kind::Pod, &scope);
    assert_eq!(live.blind_spots(), spots(1));
    let doubtful = live.listed(Kind::Pod, &scope, &HashSet::new(), live.moment());
    assert_eq!(doubtful, []);
    live.watched(Kind::Pod, &scope);
    live.delayed(Kind::Pod, &scope, why());
    assert_eq!(live.blind_spots(), BTreeMap::new(), "what was known stays known");
    live.blinded(Kind::Pod, &scope, why());
    assert_eq!(live.blind_spots(), spots(1));
    live.forget(Kind::Pod, &scope, Some(&scope));
    assert_eq!(live.blind_spots(), BTreeMap::new());
    live.delayed(Kind::Pod, &scope, why());
    assert_eq!(live.blind_spots(), spots(1), "it was left, and so is not known");
}

fn object(kind: &str, api: &str, name: &str, owner: Option<(&str, &str)>, more: &Value) -> Value {
    let owners: Vec<_> = owner
        .map(|(kind, uid)| json!({"apiVersion": "apps/v1", "kind": kind, "name": uid, "uid": uid, "controller": true}))
        .into_iter()
        .collect();
    let mut object = json!({
        "apiVersion": api, "kind": kind,
        "metadata": {"namespace": "openstack", "name": name, "uid": name, "resourceVersion": "1", "generation": 1,
            "ownerReferences": owners},
    });
    if let (Some(object), Some(more)) = (object.as_object_mut(), more.as_object()) {
        object.extend(more.clone());
    }
    object
}

/// Pods of workloads that nobody named come and go: nothing is derived for them. The others each count.
#[tokio::test]
async fn pods_that_decide_nothing_cost_nothing() {
    let live = Live::default();
    let labels = json!({"app": "horizon"});
    let container = json!({"name": "horizon", "image": "horizon:1"});
    let template = json!({"metadata": {"labels": labels}, "spec": {"containers": [container]}});
    let workload = |name: &str| {
        let spec = json!({"spec": {"selector": {"matchLabels": labels}, "template": template}});
        (Kind::Deployment, object("Deployment", "apps/v1", name, None, &spec))
    };
    let set = |name: &str, of| {
        (Kind::ReplicaSet, object("ReplicaSet", "apps/v1", name, Some(("Deployment", of)), &json!({})))
    };
    let horizon = object("Horizon", "horizon.openstack.org/v1beta1", "horizon", None, &json!({"spec": {}}));
    let objects = [
        (Kind::Horizon, horizon),
        workload("horizon"),
        workload("else"),
        set("of-horizon", "horizon"),
        set("of-else", "else"),
    ];
    for kind in [
        Kind::Horizon,
        Kind::Deployment,
        Kind::ReplicaSet,
        Kind::Pod,
        Kind::StatefulSet,
        Kind::DaemonSet,
        Kind::ConfigMap,
    ] {
        assert_eq!(live.listed(kind, &Scope::All, &HashSet::new(), live.moment()), []);
    }
    for (kind, object) in objects {
        live.put(kind, object);
    }
    let pod = |name: &str, set: &str, volumes: Value| {
        let spec = json!({"spec": {"containers": [], "volumes": volumes}, "status": {"phase": "Running"}});
        object("Pod", "v1", name, Some(("ReplicaSet", set)), &spec)
    };
    let derived = async |object: Value| {
        live.world().await;
        let before = live.derivations().get();
        live.put(Kind::Pod, object.clone());
        live.world().await;
        live.remove(Kind::Pod, &object);
        live.world().await;
        live.derivations().get() - before
    };
    let ours = json!([{"name": CONFIG_VOLUME, "configMap": {"name": "horizon-direct-upload-0123456789"}}]);
    for (what, object, expected) in [
        ("of a workload that nobody named", pod("a", "of-else", json!([])), 0),
        ("of one that a Horizon names", pod("b", "of-horizon", json!([])), 2),
        ("of a set that nobody has seen", pod("c", "of-somebody", json!([])), 2),
        ("with a ConfigMap of ours", pod("d", "of-else", ours), 2),
    ] {
        assert_eq!(derived(object).await, expected, "{what}");
    }
}
