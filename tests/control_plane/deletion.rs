//! Deletion: Horizon first, then Glance; each workload is restored.

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Site, fixtures, workload_patches};

/// A cloud of these kinds, its pair of resources, and each workload's spec before them.
struct Cloud {
    site: Site<'static>,
    workloads: [String; 2],
    before: [Value; 2],
}

impl Cloud {
    fn new(name: &str, glance: &str, horizon: &str) -> Self {
        let objects = [fixtures::service(glance, "glance"), fixtures::service(horizon, "horizon")].concat();
        let site = Site::with(name, &objects);
        let workloads = [format!("{}/glance", glance.to_lowercase()), format!("{}/horizon", horizon.to_lowercase())];
        let before = workloads.clone().map(|w| site.get(&w)["spec"].clone());
        site.apply(&[
            fixtures::glance("glance", json!({"workloadRef": {"kind": glance}})),
            fixtures::horizon("horizon", json!({"workloadRef": {"kind": horizon}})),
        ]);
        site.await_pair();
        Self { site, workloads, before }
    }

    fn delete(&self, resources: &[&str]) {
        self.site.kubectl(&[&["delete", "--wait=false"], resources].concat());
    }

    fn is_mounted(&self, which: usize) -> bool {
        self.site.mounted(&self.workloads[which]).is_some()
    }

    /// Both resources are gone, and nothing of ours is left in the workloads.
    fn await_restored(&self) {
        self.site.await_gone("horizon/horizon");
        self.site.await_gone("glance/glance");
        for (workload, before) in self.workloads.iter().zip(&self.before) {
            let after = self.site.get(workload);
            assert_eq!(after["spec"], *before, "{workload}");
            let annotations = after["metadata"]["annotations"].to_string();
            assert!(!annotations.contains("direct-upload.openstack.org"), "{annotations}");
        }
    }
}

const GLANCE: usize = 0;
const HORIZON: usize = 1;

/// Glance lets go only after no Horizon pod uploads directly any more.
#[rstest]
#[case::deployments("Deployment", "Deployment")]
#[case::stateful_set_and_daemon_set("StatefulSet", "DaemonSet")]
#[case::daemon_set_and_stateful_set("DaemonSet", "StatefulSet")]
fn both_at_once(#[case] glance: &str, #[case] horizon: &str) {
    let cloud = Cloud::new("delete", glance, horizon);
    let mark = cloud.site.mark();
    cloud.site.pods("hold");
    cloud.delete(&["horizon/horizon", "glance/glance"]);

    cloud.site.wait("Horizon is released", || (!cloud.is_mounted(HORIZON)).then_some(()));
    cloud.site.quiet();
    assert!(cloud.is_mounted(GLANCE), "Horizon's pods still upload");
    assert_eq!(cloud.site.condition("glance/glance", "Ready"), "False WaitingForHorizons");
    assert_eq!(cloud.site.condition("horizon/horizon", "Ready"), "False Releasing");

    cloud.site.pods("run");
    cloud.await_restored();
    let order = [HORIZON, GLANCE].map(|w| format!("patch {}", cloud.workloads[w].replacen('/', "s/", 1)));
    assert_eq!(workload_patches(&cloud.site.writes(mark)), order);
}

/// A Glance that is deleted takes its Horizon back to its own mode first.
#[test]
fn glance_first() {
    let cloud = Cloud::new("glance-first", "Deployment", "Deployment");
    let mark = cloud.site.mark();
    cloud.delete(&["glance/glance"]);
    cloud.site.await_gone("glance/glance");
    cloud.site.await_ready("horizon/horizon", "False GlanceNotFound");
    assert_eq!(workload_patches(&cloud.site.writes(mark)), ["patch deployments/horizon", "patch deployments/glance"]);
    assert_eq!(cloud.site.get("horizon/horizon")["status"]["uploadMode"], "own");
    cloud.delete(&["horizon/horizon"]);
    cloud.await_restored();
}

/// A Horizon that is deleted alone leaves its origin to retire.
#[test]
fn horizon_first() {
    let cloud = Cloud::new("horizon-first", "Deployment", "Deployment");
    cloud.delete(&["horizon/horizon"]);
    cloud.site.await_gone("horizon/horizon");
    assert_eq!(cloud.site.get("deployment/horizon")["spec"], cloud.before[HORIZON]);
    cloud.site.wait("the origin retires", || {
        cloud.site.get("glance/glance")["status"]["origins"][0]["retiresAt"].as_str().map(drop)
    });
    cloud.site.quiet();
    assert!(cloud.is_mounted(GLANCE), "open tabs still upload");
    cloud.delete(&["glance/glance"]);
    cloud.await_restored();
}

/// Without an operator both wait on their finalizers; the next operator completes the deletion.
#[test]
fn while_no_operator_runs() {
    let mut cloud = Cloud::new("down", "Deployment", "Deployment");
    cloud.site.stop();
    let mark = cloud.site.mark();
    cloud.delete(&["glance/glance", "horizon/horizon"]);
    for (which, resource) in ["glance/glance", "horizon/horizon"].into_iter().enumerate() {
        assert!(cloud.site.get(resource)["metadata"]["deletionTimestamp"].is_string());
        assert!(cloud.is_mounted(which));
    }
    cloud.site.start();
    cloud.await_restored();
    assert_eq!(workload_patches(&cloud.site.writes(mark)), ["patch deployments/horizon", "patch deployments/glance"]);
}

/// The user's own `kubectl apply` leaves our fields alone, and releasing leaves the user's change.
#[test]
fn after_the_users_own_apply() {
    let mut cloud = Cloud::new("apply", "Deployment", "Deployment");
    let mark = cloud.site.mark();
    let mut objects = fixtures::cloud();
    for object in objects.iter_mut().filter(|o| o["kind"] == "Deployment") {
        object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("registry.example.com/other:2");
    }
    cloud.site.apply(&objects);
    cloud.site.await_rollouts();
    cloud.site.await_pair();
    assert!(cloud.is_mounted(GLANCE) && cloud.is_mounted(HORIZON));
    // Another image may show another panel: it is asked, and what it says is noted, which rolls nothing.
    assert_eq!(workload_patches(&cloud.site.settled_writes(mark)), ["patch deployments/horizon"]);

    for before in &mut cloud.before {
        before["template"]["spec"]["containers"][0]["image"] = json!("registry.example.com/other:2");
    }
    cloud.delete(&["glance/glance", "horizon/horizon"]);
    cloud.await_restored();
}

/// A workload that is gone blocks nothing, nor does a namespace that is being deleted.
#[test]
fn with_the_workload_or_the_namespace() {
    let cloud = Cloud::new("terminating", "Deployment", "Deployment");
    cloud.site.kubectl(&["delete", "deployment", "horizon"]);
    cloud.delete(&["horizon/horizon"]);
    cloud.site.await_gone("horizon/horizon");

    cloud.site.apply(&fixtures::cloud());
    cloud.site.apply(&[fixtures::horizon("horizon", json!({}))]);
    cloud.site.await_pair();
    cloud.site.cluster.kubectl(&["delete", "namespace", "--wait=false", &cloud.site.namespace]);
    cloud.site.await_gone(&format!("namespace/{}", cloud.site.namespace));
}
