//! Watches of an API server that does not always answer correctly.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use direct_upload_core::derive::World;
use direct_upload_core::model::{Key, Kind, Needs};
use direct_upload_operator::observe::live::BlindSpots;
use direct_upload_operator::observe::{Live, Watches};
use serde_json::json;

use crate::api_server::{Answer, ApiServer, Request};

const GLANCES: &str = "/apis/glance.openstack.org/v1beta1/glances";

fn list(version: u32, names: &[&str]) -> Answer {
    let glance = |name: &&str| {
        json!({
            "metadata": {"namespace": "openstack", "name": name, "uid": name, "resourceVersion": version.to_string()},
            "spec": {},
        })
    };
    let items: Vec<_> = names.iter().map(glance).collect();
    Answer::json(200, &json!({"metadata": {"resourceVersion": version.to_string()}, "items": items}))
}

/// A watch that is refused for a moment leaves its scope unknown, and a watch that is resumed would never
/// list: all is listed anew, and known again.
#[tokio::test]
async fn what_was_refused_for_a_moment_is_listed_anew() {
    for code in [401, 403, 500] {
        let server = ApiServer::start(move |request, nth| match (request.path.as_str(), request.is_watch()) {
            (GLANCES, false) if nth == 0 => list(1, &["first"]),
            (GLANCES, false) => list(9, &["first", "second"]),
            (GLANCES, true) if nth == 0 => Answer::status(code),
            (_, true) => Answer::Silence,
            (_, false) => Answer::json(200, &json!({"metadata": {"resourceVersion": "1"}, "items": []})),
        })
        .await;
        let live = Arc::new(Live::default());
        let _watches = Watches::start(server.client(), live.clone(), BTreeSet::new());
        let blind = BTreeMap::from([(Kind::Glance, BlindSpots { scopes: 1, objects: 0 })]);
        await_that(&format!("{code} makes Glances unknown"), || live.blind_spots() == blind).await;
        await_that(&format!("after {code} Glances are known again"), || live.blind_spots().is_empty()).await;
        let world = live.world().await;
        assert!(world.glances.get(&Key::new("openstack", "second")).is_some(), "{code}");
    }
}

/// A new leader does not act on what a late watch has brought: it knows nothing until all is listed anew.
#[tokio::test]
async fn what_a_late_watch_has_brought_is_listed_anew() {
    let server = ApiServer::start(|request, nth| match (request.path.as_str(), request.is_watch()) {
        (_, true) => Answer::Silence,
        (GLANCES, false) if nth == 0 => list(1, &["first"]),
        (GLANCES, false) => list(9, &["second"]),
        (_, false) => Answer::json(200, &json!({"metadata": {"resourceVersion": "1"}, "items": []})),
    })
    .await;
    let live = Arc::new(Live::default());
    let mut watches = Watches::start(server.client(), live.clone(), BTreeSet::new());
    let (first, second) = (Key::new("openstack", "first"), Key::new("openstack", "second"));
    await_world(&live, |world| world.glances.iter().map(|(key, _)| key).eq([&first])).await;
    watches.renew();
    let world = live.world().await;
    assert!(!world.is_read && world.glances.is_empty());
    watches.set(&Arc::default(), &Arc::default());
    await_world(&live, |world| world.glances.iter().map(|(key, _)| key).eq([&second])).await;
}

/// Envoy Gateway's group, as discovery tells it; or nothing of the kind.
fn envoy(request: &Request, served: bool) -> Option<Answer> {
    let resource = |kind: &str, plural: &str| json!({"name": plural, "singularName": "", "namespaced": true, "kind": kind, "verbs": ["get", "list", "watch"]});
    let version = "gateway.envoyproxy.io/v1alpha1";
    let group =
        json!({"name": "gateway.envoyproxy.io", "versions": [{"groupVersion": version, "version": "v1alpha1"}]});
    let groups: Vec<_> = served.then_some(group).into_iter().collect();
    match request.path.as_str() {
        "/apis" => Some(Answer::json(200, &json!({"kind": "APIGroupList", "groups": groups}))),
        "/apis/gateway.envoyproxy.io/v1alpha1" => {
            let kinds = [
                resource("ClientTrafficPolicy", "clienttrafficpolicies"),
                resource("SecurityPolicy", "securitypolicies"),
            ];
            Some(Answer::json(200, &json!({"kind": "APIResourceList", "groupVersion": version, "resources": kinds})))
        }
        _ => None,
    }
}

async fn watched_policies(served: bool, restricted: bool) -> BTreeSet<String> {
    let api = ApiServer::start(move |request, _| match envoy(request, served) {
        Some(answer) => answer,
        None if request.is_watch() => Answer::Silence,
        None => Answer::json(200, &json!({"metadata": {"resourceVersion": "1"}, "items": []})),
    })
    .await;
    let live = Arc::new(Live::default());
    let namespaces = BTreeSet::from(["openstack".to_owned()]);
    let only = if restricted { namespaces.clone() } else { BTreeSet::new() };
    let mut watches = Watches::start(api.client(), live, only);
    let mut needs = Needs { namespaces, ..Needs::default() };
    needs.named.entry(Kind::Gateway).or_default().insert(Key::new("infra", "public"));
    // What is needed may be known before it is known what the cluster serves.
    let needs = Arc::new(needs);
    watches.set(&needs, &Arc::default());
    tokio::time::timeout(Duration::from_secs(10), watches.changed()).await.expect("discovery");
    watches.set(&needs, &Arc::default());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let asked = api.asked().into_iter();
    asked.filter_map(|line| Some(line.split_once("/gateway.envoyproxy.io/v1alpha1/")?.1.to_owned())).collect()
}

/// Policies are listed beside resources and beside their Gateways; where the cluster serves none of them,
/// nothing is asked, and a restricted operator looks nowhere else.
#[tokio::test]
async fn policies_are_watched_where_they_matter() {
    assert_eq!(watched_policies(false, false).await, BTreeSet::new());
    let expected = |namespaces: &[&str]| -> BTreeSet<String> {
        let of = |namespace: &&str| {
            ["clienttrafficpolicies", "securitypolicies"].map(|k| format!("namespaces/{namespace}/{k}"))
        };
        namespaces.iter().flat_map(of).collect()
    };
    assert_eq!(watched_policies(true, false).await, expected(&["infra", "openstack"]));
    assert_eq!(watched_policies(true, true).await, expected(&["openstack"]));
}

/// The role allows to read each watched kind.
#[test]
fn the_role_has_each_kind() {
    let text = std::fs::read_to_string(test_support::file("deploy/operator/rbac.yaml")).unwrap();
    let objects = direct_upload_core::manifests::documents("rbac.yaml", text.as_bytes()).unwrap();
    let role = objects
        .iter()
        .find(|o| o.value["metadata"]["name"] == "direct-upload-operator" && o.value["kind"] == "ClusterRole");
    let rules = role.unwrap().value["rules"].as_array().unwrap().clone();
    for kind in Kind::ALL.iter().map(|kind| kind.registration()) {
        for version in kind.api_versions {
            let group = version.rsplit_once('/').map_or("", |(group, _)| group);
            let has = |list: &serde_json::Value, word: &str| list.as_array().unwrap().iter().any(|w| w == word);
            let allows = |verb| {
                rules
                    .iter()
                    .any(|r| has(&r["apiGroups"], group) && has(&r["resources"], kind.plural) && has(&r["verbs"], verb))
            };
            assert!(allows("list") && allows("watch"), "{group} {}", kind.plural);
        }
    }
}

async fn await_world(live: &Live, holds: impl Fn(&World) -> bool) {
    for _ in 0..1000 {
        if holds(&*live.world().await) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no such world within ten seconds");
}

async fn await_that(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within ten seconds: {what}");
}
