//! The switches in the spec: `directUpload.enabled` and `suspend`.

use serde_json::json;

use crate::harness::{Site, fixtures, workload_patches};

/// Off: Horizon is as it was, and its origin retires. On again: as before.
#[test]
fn disable_and_enable() {
    let site = Site::with("disable", &fixtures::cloud());
    let before = site.get("deployment/horizon")["spec"].clone();
    site.apply(&fixtures::resources());
    site.await_pair();

    site.edit("horizon/horizon", &json!({"spec": {"directUpload": {"enabled": false}}}));
    site.await_ready("horizon/horizon", "True DirectDisabled");
    assert_eq!(site.get("deployment/horizon")["spec"], before);
    assert_eq!(site.get("horizon/horizon")["status"]["uploadMode"], "own");
    site.wait("the origin retires", || {
        site.get("glance/glance")["status"]["origins"][0]["retiresAt"].as_str().map(drop)
    });

    let mark = site.mark();
    site.edit("horizon/horizon", &json!({"spec": {"directUpload": {"enabled": true}}}));
    site.await_ready("horizon/horizon", "True Verified");
    assert_eq!(site.get("horizon/horizon")["status"]["uploadMode"], "direct");
    site.wait("the origin stays", || {
        site.get("glance/glance")["status"]["origins"][0]["wantedBy"].is_array().then_some(())
    });
    assert_eq!(workload_patches(&site.settled_writes(mark)), ["patch deployments/horizon"], "Glance accepts it still");
}

/// Suspended from the start: the status says what would be done, and nothing else is written.
#[test]
fn suspended_from_the_start() {
    let site = Site::with("suspend", &fixtures::cloud());
    let mark = site.mark();
    let spec = json!({"suspend": true});
    site.apply(&[fixtures::glance("glance", spec.clone()), fixtures::horizon("horizon", spec)]);
    site.await_ready("glance/glance", "False Suspended");
    site.await_ready("horizon/horizon", "False Suspended");
    for expected in ["create ConfigMap", "mount glance-direct-upload-", "Deployment"] {
        let message = site.message("glance/glance", "Ready");
        assert!(message.contains(expected), "{message}");
    }
    let message = site.message("horizon/horizon", "Ready");
    assert!(message.contains("create ConfigMap"), "{message}");
    let writes = site.settled_writes(mark);
    assert!(!writes.is_empty() && writes.iter().all(|w| w.subresource == "status"), "{writes:#?}");

    for resource in ["glance/glance", "horizon/horizon"] {
        site.edit(resource, &json!({"spec": {"suspend": false}}));
    }
    site.await_pair();
}

/// Suspended later: what is in effect stays, and changes wait.
#[test]
fn suspended_later() {
    let site = Site::with_pair("suspend-later", json!({}), json!({}));
    let mark = site.mark();
    for resource in ["glance/glance", "horizon/horizon"] {
        site.edit(resource, &json!({"spec": {"suspend": true}}));
    }
    site.await_pair();
    site.apply(&fixtures::exposed("horizon", "cloud.example.com"));
    site.await_ready("glance/glance", "False Suspended");
    site.edit("horizon/horizon", &json!({"spec": {"directUpload": {"enabled": false}}}));
    site.await_ready("horizon/horizon", "False Suspended");
    let message = site.message("horizon/horizon", "Ready");
    assert!(message.contains("remove the operator's fields from Deployment"), "{message}");
    assert!(site.settled_writes(mark).iter().all(|w| w.subresource == "status"));

    for resource in ["glance/glance", "horizon/horizon"] {
        site.edit(resource, &json!({"spec": {"suspend": false}}));
    }
    site.await_ready("horizon/horizon", "True DirectDisabled");
}
