//! The operator restores what others remove or change, but never fights over it.

use serde_json::{Value, json};

use crate::harness::{Site, fixtures, workload_patches};

/// The user's file as it was before us, by `kubectl replace`.
fn wipe(site: &Site) {
    let file = fixtures::workload("Deployment", "horizon").to_string();
    site.kubectl_with(&["replace", "-f", "-"], &file);
}

/// `kubectl replace` removes our fields; after the third time in ten minutes the operator stops restoring them.
#[test]
fn a_replaced_workload() {
    let site = Site::with_pair("replace", json!({}), json!({}));
    let config_map = site.mounted("deployment/horizon");
    for _ in 0..3 {
        // Old pods live on for a while, as in real life.
        site.pods("hold");
        wipe(&site);
        site.wait("our fields are back", || site.mounted("deployment/horizon"));
        site.pods("run");
        site.await_rollouts();
        site.await_pair();
        assert_eq!(site.mounted("deployment/horizon"), config_map);
    }
    let mark = site.mark();
    site.pods("hold");
    wipe(&site);
    site.await_ready("horizon/horizon", "False Contended");
    let message = site.message("horizon/horizon", "Ready");
    assert!(
        message.contains("removed the operator's fields from Deployment") && message.contains("4 times"),
        "{message}"
    );
    // A replace that only removes leaves no trace of its own in managedFields.
    assert!(message.contains("kubectl-client-side-apply wrote last"), "{message}");
    assert_eq!(site.condition("horizon/horizon", "Stalled"), "True Contended");
    site.pods("run");
    site.await_rollouts();
    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 0);
    assert_eq!(site.mounted("deployment/horizon"), None);
}

/// A deleted ConfigMap comes back with the same bytes, and no pod rolls.
#[test]
fn a_deleted_config_map() {
    let site = Site::with_pair("configmap", json!({}), json!({}));
    let name = format!("configmap/{}", site.mounted("deployment/glance").expect("mounted"));
    let before = site.get(&name);
    let mark = site.mark();
    site.kubectl(&["delete", &name]);
    let after =
        site.wait("it is back", || site.find(&name).filter(|c| c["metadata"]["uid"] != before["metadata"]["uid"]));
    for field in ["data", "immutable"] {
        assert_eq!(after[field], before[field]);
    }
    assert_eq!(after["metadata"]["labels"], before["metadata"]["labels"]);
    site.await_pair();
    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 0);
}

/// A ConfigMap of ours with other bytes is not what pods were given: it is replaced. One of somebody else's
/// that has taken the name stays, and that is told.
#[test]
fn a_config_map_with_other_bytes() {
    let mut site = Site::with_pair("bytes", json!({}), json!({}));
    let name = site.mounted("deployment/glance").expect("mounted");
    let object = format!("configmap/{name}");
    let ours = site.get(&object);
    let forged = |labels: &Value| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"other.conf": "[cors]\nallowed_origin = *\n"},
            "metadata": {"name": name, "labels": labels}})
    };
    let forge = |site: &mut Site, labels: &Value| {
        site.stop();
        site.kubectl(&["delete", &object]);
        site.apply(&[forged(labels)]);
        let mark = site.mark();
        site.start();
        mark
    };
    let mark = forge(&mut site, &ours["metadata"]["labels"]);
    site.wait("the right bytes are back", || (site.get_or_null(&object)["data"] == ours["data"]).then_some(()));
    site.await_pair();
    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 0, "no pod rolls");
    let restored = site.get(&object);
    assert_eq!(restored["immutable"], true);
    assert_eq!(restored["metadata"]["labels"], ours["metadata"]["labels"]);

    let mark = forge(&mut site, &json!({}));
    let theirs = site.get(&object);
    site.await_ready("glance/glance", "False WriteFailed");
    let message = site.message("glance/glance", "Ready");
    assert!(message.contains(&name), "{message}");
    assert_eq!(workload_patches(&site.writes(mark)).len(), 0, "no pod rolls");
    assert_eq!(site.get(&object)["data"], theirs["data"], "theirs stays");
    site.kubectl(&["delete", &object]);
    site.await_pair();
    assert_eq!(site.get(&object)["data"], ours["data"]);
}

/// A second pair of hands in the same list: what the user adds stays, what is ours comes back.
#[test]
fn a_removed_mount() {
    let site = Site::with_pair("mount", json!({}), json!({}));
    let pointer = "/spec/template/spec/containers/0/volumeMounts";
    let mounts = site.get("deployment/horizon").pointer(pointer).expect("mounts").clone();
    let own: Vec<_> = mounts.as_array().expect("a list").iter().filter(|m| m["name"] == "data").cloned().collect();
    let patch = json!([{"op": "replace", "path": pointer, "value": own}]).to_string();
    site.kubectl(&["patch", "deployment", "horizon", "--type=json", "-p", &patch]);
    site.wait("our mount is back", || {
        (site.get("deployment/horizon").pointer(pointer)?.as_array()?.len() == 2).then_some(())
    });
    site.await_pair();
}
