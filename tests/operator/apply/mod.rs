//! Writes, and what counts as done.

use std::sync::Arc;

use direct_upload_api::{FINALIZER, WorkloadKind};
use direct_upload_core::model::{Key, Kind, Meta, Workload};
use direct_upload_core::plan::Action;
use direct_upload_operator::apply::Applier;
use direct_upload_operator::observe::Live;
use rstest::rstest;
use serde_json::{Value, json};

use crate::api_server::{Answer, ApiServer};

const FILES: &str = "glance-direct-upload-0123456789";

fn meta(name: &str) -> Meta {
    Meta { key: Key::new("openstack", name), uid: "ours".to_owned(), ..Meta::default() }
}

fn object(uid: &str) -> Value {
    json!({"metadata": {
        "namespace": "openstack", "name": "glance", "uid": uid, "resourceVersion": "7", "finalizers": [FINALIZER],
    }})
}

/// What is given back by a write that is refused is given back only if its object is gone.
#[rstest]
#[case::conflict(409, Some("ours"), false)]
#[case::made_anew(409, Some("another"), true)]
#[case::gone(409, None, true)]
#[case::not_found(404, None, true)]
#[case::not_found_and_yet_there(404, Some("ours"), false)]
#[case::refused(403, None, false)]
#[case::failed(500, Some("ours"), false)]
#[tokio::test]
async fn a_refused_release_is_done_only_if_the_object_is_gone(
    #[case] code: u16,
    #[case] found: Option<&'static str>,
    #[case] done: bool,
) {
    let answer = move |request: &crate::api_server::Request, _| match (request.method.as_str(), found) {
        ("PATCH", _) => Answer::status(code),
        (_, Some(uid)) => Answer::json(200, &object(uid)),
        (_, None) => Answer::status(404),
    };
    let server = ApiServer::start(answer).await;
    let writer = Applier::new(server.client(), Arc::new(Live::default()), Kind::Glance, "default");
    let workload = Workload { meta: meta("glance"), kind: WorkloadKind::Deployment, ..Workload::default() };
    let release = Action::Release { workload: Arc::new(workload) };
    for action in [release, Action::RemoveFinalizer] {
        let result = writer.carry_out(&meta("glance"), &action).await;
        assert_eq!(result.is_ok(), done, "{action}: {result:?}");
    }
}

/// It may have arrived, so the workload is read before the next plan, until that succeeds.
#[rstest]
#[case::failed(504, true)]
#[case::refused(403, false)]
#[case::too_many(429, false)]
#[tokio::test]
async fn a_workload_is_read_again_if_a_write_may_have_arrived(#[case] code: u16, #[case] is_read: bool) {
    let server = ApiServer::start(move |request, number| match (request.method.as_str(), number) {
        ("PATCH", _) => Answer::status(code),
        (_, 0) => Answer::status(503),
        _ => Answer::json(200, &object("ours")),
    })
    .await;
    let live = Arc::new(Live::default());
    let writer = Applier::new(server.client(), live.clone(), Kind::Glance, "default");
    let workload = Workload { meta: meta("glance"), kind: WorkloadKind::Deployment, ..Workload::default() };
    let release = Action::Release { workload: Arc::new(workload) };
    assert!(writer.catch_up().await.is_ok());
    let before = live.moment();
    assert!(writer.carry_out(&meta("glance"), &release).await.is_err());
    assert_eq!((writer.catch_up().await.is_err(), live.moment() > before), (is_read, false));
    assert_eq!((writer.catch_up().await.is_ok(), live.moment() > before), (true, is_read));
    assert!(writer.catch_up().await.is_ok());
    let reads = server.asked().iter().filter(|asked| asked.starts_with("GET")).count();
    assert_eq!(reads, if is_read { 2 } else { 0 });
}

/// A workload that cannot be read holds nothing up: others of the same kind are worked on.
#[tokio::test]
async fn a_workload_that_must_not_be_read_is_left_to_its_watch() {
    let server = ApiServer::start(|request, _| Answer::status(if request.method == "PATCH" { 500 } else { 403 })).await;
    let writer = Applier::new(server.client(), Arc::new(Live::default()), Kind::Glance, "default");
    let workload = Workload { meta: meta("glance"), kind: WorkloadKind::Deployment, ..Workload::default() };
    let release = Action::Release { workload: Arc::new(workload) };
    assert!(writer.carry_out(&meta("glance"), &release).await.is_err());
    assert!(writer.catch_up().await.is_ok());
    assert_eq!(server.asked().len(), 2, "it is read once");
}

/// The API server applies nothing to an object whose spec does not fit its schema.
#[tokio::test]
async fn a_finalizer_goes_although_the_spec_does_not_fit() {
    let server = ApiServer::start(|request, number| match (request.method.as_str(), number) {
        ("PATCH", 0) => Answer::status(500),
        _ => Answer::json(200, &object("ours")),
    })
    .await;
    let writer = Applier::new(server.client(), Arc::new(Live::default()), Kind::Glance, "default");
    writer.carry_out(&meta("glance"), &Action::RemoveFinalizer).await.unwrap();
    let methods: Vec<_> = server.asked().iter().map(|asked| asked.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(methods, ["PATCH", "GET", "PATCH"]);
}

/// A watch may be late: the revisions are read right before a ConfigMap is deleted.
#[rstest]
#[case::referenced(FILES, false)]
#[case::not_referenced("glance-direct-upload-abcdef0123", true)]
#[tokio::test]
async fn a_config_map_that_a_revision_refers_to_stays(#[case] refers_to: &'static str, #[case] deleted: bool) {
    let replica_set = json!({
        "metadata": {"namespace": "openstack", "name": "glance-1", "uid": "rs", "resourceVersion": "5"},
        "spec": {"selector": {}, "template": {"spec": {
            "containers": [],
            "volumes": [{"name": "direct-upload", "configMap": {"name": refers_to}}],
        }}},
    });
    let server = ApiServer::start(move |request, _| match request.path.as_str() {
        "/apis/apps/v1/namespaces/openstack/replicasets" => {
            Answer::json(200, &json!({"metadata": {"resourceVersion": "9"}, "items": [replica_set.clone()]}))
        }
        _ => Answer::json(200, &json!({"kind": "Status", "status": "Success"})),
    })
    .await;
    let live = Arc::new(Live::default());
    let scope = direct_upload_operator::observe::scope::Scope::All;
    assert_eq!(live.listed(Kind::ReplicaSet, &scope, &std::collections::HashSet::new(), live.moment()), []);
    let writer = Applier::new(server.client(), live, Kind::Glance, "default");
    let collect = Action::Collect {
        config_map: Key::new("openstack", FILES),
        uid: "ours".to_owned(),
        workload: WorkloadKind::Deployment,
    };
    writer.carry_out(&meta("glance"), &collect).await.unwrap();
    let asked = server.asked();
    let delete = format!("DELETE /api/v1/namespaces/openstack/configmaps/{FILES}");
    assert_eq!(asked.contains(&delete), deleted, "{asked:?}");
}
