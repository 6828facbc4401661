//! Events, and what waits for them: nothing.

use std::time::Duration;

use direct_upload_core::model::{Key, Kind, Meta};
use direct_upload_core::plan::{Action, Step};
use direct_upload_operator::report::{Events, Publisher};
use tokio::time::timeout;

use crate::api_server::{Answer, ApiServer};

fn meta() -> Meta {
    Meta { key: Key::new("openstack", "glance"), uid: "ours".to_owned(), ..Meta::default() }
}

/// A failure of each step, so that no two events are repetitions of one.
fn tell(events: &Events, count: usize) {
    for number in 0..count {
        let config_map = Key::new("openstack", format!("file-{number}"));
        events.failure(&meta(), ("ApplyConfigMap", Some(("ConfigMap", config_map))), "refused");
    }
}

fn written(server: &ApiServer) -> usize {
    server.asked().iter().filter(|asked| asked.starts_with("POST") && asked.contains("/events")).count()
}

/// Work goes on although the API server does not answer.
#[tokio::test]
async fn steps_do_not_wait_for_events() {
    let server = ApiServer::start(|_, _| Answer::Silence).await;
    let (publisher, [events]) = Publisher::new(server.client(), [Kind::Glance], None);
    let publisher = tokio::spawn(publisher.run());
    tell(&events, 5000);
    events.step(&meta(), &Step::new(Action::Probe, "it returns at once"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(written(&server), 1, "one at a time");
    publisher.abort();
}

/// What waits has a limit, so an API server that writes no events costs little memory.
#[tokio::test]
async fn too_many_events_are_dropped() {
    let server = ApiServer::start(|_, _| Answer::status(409)).await;
    let (publisher, [events]) = Publisher::new(server.client(), [Kind::Glance], None);
    tell(&events, 1500);
    drop(events);
    timeout(Duration::from_secs(60), publisher.run()).await.expect("it ends");
    assert_eq!(written(&server), 1000);
}

/// Whatever was told before the operator stops is written, also after one that is refused.
#[tokio::test]
async fn the_last_events_are_written() {
    let server = ApiServer::start(|_, number| Answer::status(if number == 0 { 403 } else { 409 })).await;
    let (publisher, events) = Publisher::new(server.client(), [Kind::Horizon, Kind::Glance], None);
    for events in &events {
        tell(events, 10);
    }
    drop(events);
    timeout(Duration::from_secs(10), publisher.run()).await.expect("it ends when nobody can tell it more");
    assert_eq!(written(&server), 20);
}
