//! Other field managers at our keys, and two resources for one workload.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Site, fixtures, workload_patches};

/// A server-side apply by another field manager to Horizon's Deployment.
fn by_other(site: &Site, pod: &Value) {
    let patch = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "horizon"},
        "spec": {"template": {"spec": pod}}});
    site.cluster.apply_as("other", &site.namespace, "deployment/horizon", &patch);
    site.await_rollouts();
}

fn gives_way(pod: &Value) {
    let site = Site::with("conflict", &fixtures::cloud());
    by_other(&site, pod);
    let before = site.get("deployment/horizon")["spec"].clone();
    site.apply(&fixtures::resources());
    site.await_ready("horizon/horizon", "False FieldConflict");
    let message = site.message("horizon/horizon", "Ready");
    assert!(message.contains("\"other\"") && message.contains("Deployment"), "{message}");
    assert_eq!(site.condition("horizon/horizon", "Stalled"), "True FieldConflict");
    assert_eq!(site.get("deployment/horizon")["spec"], before);

    by_other(&site, &json!({}));
    site.await_ready("horizon/horizon", "True Verified");
}

/// Another manager mounts something at our path.
#[test]
fn our_path_is_taken() {
    let path = "/etc/openstack-dashboard/local_settings.d/zz-direct-upload.py";
    let mount = json!({"mountPath": path, "name": "data", "subPath": "theirs.py"});
    gives_way(&json!({"containers": [{"name": "horizon", "volumeMounts": [mount]}]}));
}

/// Another manager has a volume of our name, from another ConfigMap.
#[test]
fn our_volume_is_another_config_map() {
    gives_way(&json!({"volumes": [{"name": "direct-upload", "configMap": {"name": "theirs", "optional": true}}]}));
}

/// Another manager has a volume of our name, of another type.
#[test]
fn our_volume_is_of_another_type() {
    gives_way(&json!({"volumes": [{"name": "direct-upload", "emptyDir": {"medium": "Memory"}}]}));
}

/// The older resource keeps the workload; when it goes, the other takes over without a roll.
#[test]
fn two_resources_for_one_workload() {
    let site = Site::with_pair("claim", json!({}), json!({}));
    site.wait("a second has passed: creation times are in seconds", || {
        let created = site.get("glance/glance")["metadata"]["creationTimestamp"].as_str()?.to_owned();
        (jiff::Timestamp::now().as_second() > created.parse::<jiff::Timestamp>().ok()?.as_second()).then_some(())
    });
    let workload = json!({"workloadRef": {"name": "glance"}});
    let second = json!({"workloadRef": {"name": "horizon"}, "directUpload": {"glanceRef": {"name": "glance"}}});
    site.apply(&[fixtures::glance("later", workload), fixtures::horizon("later", second)]);
    site.await_ready("glance/later", "False WorkloadClaimed");
    site.await_ready("horizon/later", "False WorkloadClaimed");
    let message = site.message("horizon/later", "Ready");
    assert!(message.contains(&format!("{}/horizon", site.namespace)), "{message}");
    let mode = |name: &str| site.get(name)["status"]["uploadMode"].clone();
    assert_eq!((mode("horizon/horizon"), mode("horizon/later")), (json!("direct"), json!(null)), "it counts once");

    let pods = || {
        let pods = site.list("pod").into_iter().filter(|p| p["metadata"]["labels"]["app"] == "horizon");
        pods.map(|p| p["metadata"]["uid"].to_string()).collect::<BTreeSet<_>>()
    };
    let before = pods();
    let mark = site.mark();
    site.kubectl(&["delete", "horizon/horizon", "--timeout=60s"]);
    site.await_ready("horizon/later", "True Verified");
    assert_eq!(workload_patches(&site.settled_writes(mark)), ["patch deployments/horizon"], "the claim alone");
    let claim = site.get("deployment/horizon")["metadata"]["annotations"]["direct-upload.openstack.org/claim"].clone();
    assert!(claim.as_str().is_some_and(|c| c.contains("/later/")), "{claim}");
    assert_eq!(pods(), before, "handed over without a roll");
}

/// Somebody copies a live Deployment, with what the operator put into it, and applies the copy under
/// another name: those entries are the copy's owner's, who alone can take them away.
#[test]
fn a_copied_workload() {
    let site = Site::with_pair("copied", json!({}), json!({}));
    let mut copy = site.get("deployment/horizon");
    for pointer in ["/spec/selector/matchLabels", "/spec/template/metadata/labels"] {
        *copy.pointer_mut(pointer).unwrap() = json!({"app": "second"});
    }
    let metadata = json!({"name": "second", "annotations": copy["metadata"]["annotations"]});
    let copy = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": copy["spec"]});
    let mark = site.mark();
    site.apply(&[&[copy][..], &fixtures::exposed("second", "second.example.com")].concat());
    site.await_rollouts();
    assert_eq!(workload_patches(&site.settled_writes(mark)), [""; 0], "the claim is a copy, too");

    site.apply(&[fixtures::horizon("second", json!({}))]);
    site.await_ready("horizon/second", "False FieldConflict");
    let message = site.message("horizon/second", "Ready");
    assert!(message.contains("kubectl-client-side-apply") && message.contains("Deployment"), "{message}");
    site.edit("horizon/second", &json!({"spec": {"directUpload": {"enabled": false}}}));
    site.wait("it says what it cannot take away", || {
        site.message("horizon/second", "Ready").contains("named direct-upload*").then_some(())
    });
    let mark = site.mark();
    site.kubectl(&["delete", "horizon/second", "--timeout=60s"]);
    assert_eq!(workload_patches(&site.settled_writes(mark)), [""; 0], "there is nothing to give back");
    assert!(site.mounted("deployment/second").is_some(), "as its owner wants it");
    site.await_pair();
}
