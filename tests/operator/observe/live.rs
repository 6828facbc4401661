//! What is known of a cluster while it is being read.

use std::collections::HashSet;
use std::sync::Arc;

use direct_upload_core::derive::World;
use direct_upload_core::model::{Key, Kind, Problem};
use direct_upload_operator::observe::Live;
use direct_upload_operator::observe::scope::Scope;
use serde_json::json;

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
        glance.exposures.as_ref().err(),
        horizon.destinations[0].to.endpoint.as_ref().err(),
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
    assert_eq!(doubtful, [Key::new("openstack", "new")]);
    let names = |world: Arc<World>| world.glances.keys().map(|key| key.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(live.world().await), ["new"]);
    assert_eq!(live.listed(Kind::Glance, &Scope::All, &HashSet::new(), live.moment()), []);
    assert_eq!(names(live.world().await), Vec::<String>::new());
}
