//! A world that is kept up to date is the world that is derived from nothing.

use std::collections::BTreeSet;

use direct_upload_api::ExposureKind;
use direct_upload_api::web::Origin;
use direct_upload_core::derive::{Derivation, HorizonView, World};
use direct_upload_core::model::{
    Answers, CanaryQuery, CanaryRecord, Cause, ConfigMap, Key, Kind, Observation, ProbeAnswer, ProbeRecord,
    RefusedWrite, Snapshot, Unknown,
};
use direct_upload_core::plan::Options;
use direct_upload_core::simulate::{Cluster, RolloutStage, simulate};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use test_support::manifests::{deployment, exposed, join, read, resource, sample, service};

/// Clouds that differ in what exposes them.
const SAMPLES: [&str; 12] = [
    "quickstart/horizon.yaml",
    "quickstart/glance.yaml",
    "quickstart/direct-upload.yaml",
    "exposure/contour.yaml",
    "exposure/gateway-api.yaml",
    "exposure/istio.yaml",
    "exposure/listener-set.yaml",
    "exposure/openshift.yaml",
    "exposure/traefik.yaml",
    "shapes/regions.yaml",
    "import/split-apis.yaml",
    "openstackapi/portal.yaml",
];

/// What happens between two looks.
#[derive(Clone, Debug)]
enum Event {
    /// An object comes or changes to one of its variants, or is of no use, or goes.
    Object(usize, u8),
    /// A namespace of a kind, or all of them, becomes known or unknown.
    Known(usize, usize, u8),
    /// A preflight has an answer.
    Answer(usize, u8),
    /// One of the operator's own uploads has ended.
    Canary(usize, bool),
    /// A write was refused.
    Refused(bool),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        12 => (any::<usize>(), 0..6_u8).prop_map(|(which, how)| Event::Object(which, how)),
        2 => (any::<usize>(), any::<usize>(), 0..4_u8).prop_map(|(kind, place, how)| Event::Known(kind, place, how)),
        3 => (any::<usize>(), 0..4_u8).prop_map(|(which, how)| Event::Answer(which, how)),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(which, passes)| Event::Canary(which, passes)),
        1 => any::<bool>().prop_map(Event::Refused),
    ];
    vec(event, 1..40)
}

/// All objects of the samples, in two namespaces; with ReplicaSets and Pods of their Deployments.
fn objects() -> Vec<(Kind, Key, Value)> {
    let cloud = SAMPLES.map(sample).join("\n---\n");
    let twice = [cloud.clone(), cloud.replace("openstack", "second").replace("second.org", "openstack.org")];
    let shared = join(&[
        &resource(
            "horizon",
            "Horizon",
            "guest",
            "horizon",
            "{directUpload: {glanceRef: {name: glance, namespace: openstack}}}",
        ),
        &service("guest", "horizon", "guest.example.com"),
        &resource(
            "cors",
            "OpenStackAPI",
            "guest",
            "keystone",
            "{service: Keystone, cors: {horizons: [{name: horizon, namespace: openstack}]}}",
        ),
        &deployment("guest", "keystone"),
        &exposed("guest", "keystone", "keystone.example.com"),
        "{apiVersion: v1, kind: Namespace, metadata: {name: guest, labels: {images: shared}}}",
    ]);
    let mut all = Vec::new();
    for document in serde_yaml::Deserializer::from_str(&[&twice[..], &[shared]].concat().join("\n---\n")) {
        let object = Value::deserialize(document).unwrap();
        let text = |field: &str| object.pointer(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (kind, key) = (text("/kind"), Key::new(text("/metadata/namespace"), text("/metadata/name")));
        if kind == "Deployment" {
            let labels = &object["spec"]["template"]["metadata"]["labels"];
            let owner = |kind: &str, name: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": format!("{kind} {name} {}", key.namespace), "controller": true}]);
            let named = |name: &str, of: Value| json!({"namespace": key.namespace, "name": name, "labels": labels, "ownerReferences": of, "uid": format!("ReplicaSet {name} {}", key.namespace)});
            let template = json!({"metadata": {"labels": labels}, "spec": object["spec"]["template"]["spec"]});
            let set = format!("{}-1", key.name);
            all.push((Kind::ReplicaSet, Key::new(&key.namespace, &set), json!({"metadata": named(&set, owner("Deployment", &key.name)), "spec": {"template": template, "replicas": 1}})));
            let status = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
            all.push((Kind::Pod, Key::new(&key.namespace, format!("{set}-a")), json!({"metadata": named(&format!("{set}-a"), owner("ReplicaSet", &set)), "spec": template["spec"], "status": status})));
        }
        let kinds: Vec<_> = Kind::registered(object["apiVersion"].as_str().unwrap_or_default(), &kind).collect();
        all.extend(kinds.into_iter().map(|kind| (kind, key.clone(), object.clone())));
    }
    all
}

/// One of an object's variants.
fn variant((kind, key, object): &(Kind, Key, Value), how: u8) -> Value {
    let mut object = match how {
        1 => serde_json::from_str(&object.to_string().replace("example.com", "example.org")).unwrap(),
        _ => object.clone(),
    };
    object["metadata"]["generation"] = how.into();
    if object["metadata"]["uid"].is_null() {
        object["metadata"]["uid"] = format!("{} {} {}", kind.registration().name, key.name, key.namespace).into();
    }
    if how == 2 {
        object["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"] = "8m".into();
        object["metadata"]["labels"]["images"] = "none".into();
        object["status"]["loadBalancer"]["ingress"] = json!([{"ip": "192.0.2.7"}]);
    }
    object
}

fn happen(snapshot: &mut Snapshot, world: &World, objects: &[(Kind, Key, Value)], event: &Event) {
    match event {
        Event::Object(which, how) => {
            let (kind, key, object) = &objects[which % objects.len()];
            match how {
                0..3 => {
                    let object = variant(&(*kind, key.clone(), object.clone()), *how);
                    if let Err(error) = snapshot.take(*kind, object, |_| Ok(())) {
                        snapshot.take_unreadable(*kind, key.clone(), error.to_string());
                    }
                }
                3 => drop(snapshot.take_unreadable(*kind, key.clone(), "an odd field".into())),
                _ => drop(snapshot.remove(*kind, key)),
            }
        }
        Event::Known(kind, place, how) => {
            let kind = Kind::ALL[kind % Kind::ALL.len()];
            let (_, key, _) = &objects[place % objects.len()];
            let scope = [String::new(), key.namespace.clone(), key.to_string(), "infra".into()][place % 4].clone();
            let unknown = |pending| Unknown { why: "forbidden".into(), pending };
            let known = match how {
                0 => Err(unknown(true)),
                1 => Err(unknown(false)),
                _ => Ok(()),
            };
            snapshot.set_known(kind, &[scope], &known);
        }
        Event::Answer(which, how) => {
            let targets: Vec<_> =
                world.probe_targets.iter().map(|(target, epoch)| (target.clone(), epoch.clone())).collect();
            let Some((target, epoch)) = which.checked_rem(targets.len()).map(|which| targets[which].clone()) else {
                return;
            };
            let refused = Cause {
                rule: None,
                requirement: "allow-origin".into(),
                message: "refused".into(),
                received: String::new(),
                fix: String::new(),
            };
            let answer = match how {
                0 => None,
                1 => Some(ProbeAnswer::Refused(refused)),
                _ => Some(ProbeAnswer::Granted(Vec::new())),
            };
            let record = answer.map(|answer| ProbeRecord {
                observation: Observation {
                    reached: "192.0.2.7".parse().ok(),
                    ..Observation::of_preflight(target.panel, answer)
                },
                epoch: epoch.unwrap_or_default(),
                firm: *how == 3,
                passed: BTreeSet::new(),
            });
            snapshot.answers.set(target, record);
        }
        Event::Canary(which, passes) => {
            let queries: Vec<CanaryQuery> = world.canary_queries.keys().cloned().collect();
            let Some(query) = which.checked_rem(queries.len()).map(|which| queries[which].clone()) else { return };
            let record =
                CanaryRecord::then(None, direct_upload_core::model::CanaryOutcome::Unknown(passes.to_string()));
            snapshot.canaries.insert(query, record);
        }
        Event::Refused(is_refused) => {
            let object = (ExposureKind::Ingress, Key::new("openstack", "glance"));
            if *is_refused {
                let why = "an admission webhook".to_owned();
                let refusal = RefusedWrite { annotations: [].into(), why, until: Timestamp::MAX };
                snapshot.refused_writes.insert(object, refusal);
            } else {
                snapshot.refused_writes.remove(&object);
            }
        }
    }
}

/// A cluster in which everything is known, before or after its objects came.
fn begin(objects: &[(Kind, Key, Value)], full: bool) -> Snapshot {
    let mut snapshot = Snapshot::unseen();
    assert!(!snapshot.answers.are_assumed() && matches!(snapshot.answers, Answers::Given(_)));
    for kind in Kind::ALL {
        snapshot.set_known(*kind, &[String::new()], &Ok(()));
    }
    for object in objects.iter().filter(|_| full) {
        let taken = snapshot.take(object.0, variant(object, 0), |_| Ok(()));
        assert!(taken.is_ok(), "{:?} {}: {taken:?}", object.0, object.1);
    }
    snapshot
}

fn differing(now: &World, fresh: &World) -> String {
    let keys = now.changed(fresh).map(|keys| keys.into_iter().map(ToString::to_string).collect::<Vec<_>>());
    format!("{keys:?}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_it_is_as_if_derived_from_nothing(full in any::<bool>(), events in events()) {
        let objects = objects();
        let mut snapshot = begin(&objects, full);
        let mut derivation = Derivation::default();
        let mut world = derivation.advance(&snapshot);
        for (number, event) in events.iter().enumerate() {
            happen(&mut snapshot, &world, &objects, event);
            world = derivation.advance(&snapshot);
            let fresh = World::of(&snapshot);
            prop_assert!(world == fresh, "after event {number}, {event:?}: {}", differing(&world, &fresh));
        }
    }
}

/// A change in one of many clouds leaves the views of the others where they are.
#[test]
fn only_what_changed_is_derived_again() {
    let cloud = |number: usize| {
        let (namespace, host) = (format!("cloud{number}"), |name: &str| format!("{name}.{number}.example.com"));
        join(&[
            &service(&namespace, "horizon", &host("horizon")),
            &service(&namespace, "glance", &host("glance")),
            &resource("horizon", "Horizon", &namespace, "horizon", "{}"),
            &resource("glance", "Glance", &namespace, "glance", "{}"),
        ])
    };
    let read =
        |clouds: &[String]| read(&clouds.iter().map(String::as_str).collect::<Vec<_>>().join("\n---\n")).snapshot;
    let clouds: Vec<_> = (0..20).map(cloud).collect();
    let mut snapshot = read(&clouds);
    let mut derivation = Derivation::default();
    let before = derivation.advance(&snapshot);
    let place =
        |world: &World| -> Vec<*const HorizonView> { world.horizons.values().map(std::ptr::from_ref).collect() };

    let moved = read(&[clouds[7].replace("horizon.7.", "new.7.")]);
    let key = Key::new("cloud7", "horizon");
    let ingress = moved.ingresses.get(&key).unwrap().unwrap();
    assert!(snapshot.ingresses.insert(key.clone(), (**ingress).clone()));
    let after = derivation.advance(&snapshot);
    let again = place(&before).into_iter().zip(place(&after)).filter(|(before, after)| before != after).count();
    assert_eq!((again, after.changed(&before)[0].as_slice()), (1, &[&key][..]));
    assert_eq!(place(&derivation.advance(&snapshot)), place(&after), "nothing changed");
}

/// Three dashboards of one Glance, all direct, in one namespace.
fn sisters() -> Snapshot {
    let dashboards = ["anna", "berta", "clara"].map(|name| {
        let workload = service("cloud", name, &format!("{name}.example.com"));
        join(&[
            &workload,
            &resource("horizon", "Horizon", "cloud", name, "{directUpload: {glanceRef: {name: glance}}}"),
        ])
    });
    let glance = join(&[
        &service("cloud", "glance", "glance.example.com"),
        &resource("glance", "Glance", "cloud", "glance", "{}"),
    ]);
    settled(Cluster::from_input(read(&join(&[&dashboards.join("\n---\n"), &glance])))).snapshot
}

/// The cluster after the operator did all that is to do.
fn settled(cluster: Cluster) -> Cluster {
    let options = Options { image: "operator".into() };
    simulate(cluster, RolloutStage::Horizon, Timestamp::UNIX_EPOCH, &options).cluster
}

/// The dashboards that differ in a later world.
fn changed_dashboards(before: &World, snapshot: &Snapshot) -> Vec<String> {
    let after = World::of(snapshot);
    after.changed(before)[0].iter().map(|key| key.name.clone()).collect()
}

/// What one dashboard renders concerns no other dashboard of its namespace.
#[test]
fn the_files_of_a_dashboard_are_its_own() {
    let mut snapshot = sisters();
    let mut derivation = Derivation::default();
    let before = derivation.advance(&snapshot);
    for view in before.horizons.values() {
        let applied = view.dashboard.tenure.applied.as_ref().unwrap();
        assert_eq!(applied.config_maps.len(), 1, "{:?}", applied.config_maps.keys().collect::<Vec<_>>());
    }

    let berta = Key::new("cloud", "berta");
    let applied = before.horizons[&berta].dashboard.tenure.applied.as_ref().unwrap();
    let mut newer = (**applied.in_use().unwrap()).clone();
    newer.meta.key.name = "berta-direct-upload-0123456789".to_owned();
    assert!(snapshot.config_maps.insert(newer.meta.key.clone(), newer));
    let after = derivation.advance(&snapshot);
    assert_eq!(after.changed(&before), [vec![&berta], vec![], vec![]]);
}

/// What Glance's pods run with: the name of its ConfigMap, and its effects.
fn of_glance(snapshot: &Snapshot, change: impl FnOnce(&mut ConfigMap)) -> Snapshot {
    let glance = Key::new("cloud", "glance");
    let applied = World::of(snapshot).glances[&glance].service.public.tenure.applied.clone().unwrap();
    let mut config_map = (**applied.in_use().unwrap()).clone();
    change(&mut config_map);
    let mut changed = snapshot.clone();
    assert!(changed.config_maps.insert(config_map.meta.key.clone(), config_map));
    changed
}

/// Glance answers an origin that it accepts in the same way, whichever others it accepts.
#[test]
fn another_origin_in_glances_files_touches_no_dashboard() {
    let snapshot = sisters();
    let before = World::of(&snapshot);
    let more = of_glance(&snapshot, |file| {
        assert!(file.effects.origins.insert(Origin::parse("https://new.example.com").unwrap()));
    });
    assert_eq!(changed_dashboards(&before, &more), Vec::<String>::new());
    let less = of_glance(&snapshot, |file| drop(file.effects.origins.pop_first()));
    assert_eq!(changed_dashboards(&before, &less), ["anna"], "the first in order of name");
    let other = of_glance(&snapshot, |file| file.effects.besides_origins += 1);
    assert_eq!(changed_dashboards(&before, &other), ["anna", "berta", "clara"]);
}

/// Pods that upload directly need only that each Glance pod accepts their origins.
#[test]
fn a_direct_dashboard_does_not_care_that_glance_rolls() {
    let mut snapshot = sisters();
    let before = World::of(&snapshot);
    let glance = Key::new("cloud", "glance");
    let mut rolling = (**snapshot.deployments.get(&glance).unwrap().unwrap()).clone();
    rolling.status.updated -= 1;
    assert!(snapshot.deployments.insert(glance.clone(), rolling));
    let after = World::of(&snapshot);
    assert!(after.glances[&glance].service.public.tenure.applied.as_ref().unwrap().rollout.is_err());
    assert_eq!(changed_dashboards(&before, &snapshot), Vec::<String>::new());

    // One that must still switch waits, and nothing is asked for it meanwhile.
    let berta = Key::new("cloud", "berta");
    let mut legacy = (**snapshot.deployments.get(&berta).unwrap().unwrap()).clone();
    legacy.template.volumes.clear();
    assert!(snapshot.deployments.insert(berta.clone(), legacy));
    let epoch =
        |world: &World, name: &str| world.horizons[&Key::new("cloud", name)].proof.destinations[0].epoch.clone();
    let after = World::of(&snapshot);
    assert_eq!((epoch(&after, "berta"), epoch(&after, "anna")), (None, epoch(&before, "anna")));
    assert!(epoch(&before, "anna").is_some());
}
