//! Watches of an API server that does not always answer correctly.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use direct_upload_core::model::{Key, Kind};
use direct_upload_operator::observe::live::BlindSpots;
use direct_upload_operator::observe::{Live, Watches};
use serde_json::json;

use crate::api_server::{Answer, ApiServer};

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
        assert!(world.glances.contains_key(&Key::new("openstack", "second")), "{code}");
    }
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
