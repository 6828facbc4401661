//! Rollouts that do not end: each has its own reason. While Glance's rollout does not end, Horizon never
//! switches.

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Site, fixtures, mounted, workload_patches};

/// A cloud with this Glance, on which both resources are applied once the trouble is there.
fn begin(glance: Value, trouble: impl Fn(&Site)) -> Site<'static> {
    let kind = glance["kind"].as_str().expect("a kind").to_owned();
    let mut objects = fixtures::cloud();
    objects[0] = glance;
    let site = Site::with("rollout", &objects);
    trouble(&site);
    // These rolls are to fail: nothing shall find it out before.
    let rollout = json!({"rehearsal": "Off", "minInterval": "1s"});
    site.apply(&[
        fixtures::glance("glance", json!({"workloadRef": {"kind": kind}, "rollout": rollout})),
        fixtures::horizon("horizon", json!({})),
    ]);
    site
}

/// Glance says so, Horizon passes it on and is not switched.
fn is_stuck(site: &Site, reason: &str, words: &[&str]) {
    site.await_ready("glance/glance", &format!("False {reason}"));
    assert_eq!(site.condition("glance/glance", "RolledOut"), format!("False {reason}"));
    assert_eq!(site.condition("glance/glance", "Stalled"), format!("True {reason}"));
    site.await_ready("horizon/horizon", "False GlanceNotReady");
    // During the rollback, the Horizon says for a moment that it switches to direct.
    site.wait("both say why", || {
        let says = |object| words.iter().all(|word| site.message(object, "Ready").contains(word));
        (says("glance/glance") && says("horizon/horizon")).then_some(())
    });
    site.quiet();
    assert_eq!(site.mounted("deployment/horizon"), None, "Horizon is not switched");
}

fn deployment(patch: impl FnOnce(&mut Value)) -> Value {
    let mut workload = fixtures::workload("Deployment", "glance");
    patch(&mut workload["spec"]);
    workload
}

/// What the workload's own settings bring, and the edit that ends it.
#[rstest]
#[case::paused(deployment(|_| {}), "RolloutPaused", "kubectl rollout resume", json!({"paused": false}))]
#[case::zero(deployment(|s| s["replicas"] = json!(0)), "NoReplicas", "scaled to zero", json!({"replicas": 1}))]
#[case::partition(stateful(json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}})), "RolloutPartitioned", "partition 1", json!({"updateStrategy": {"rollingUpdate": {"partition": 0}}}))]
fn by_its_own_settings(#[case] glance: Value, #[case] reason: &str, #[case] word: &str, #[case] end: Value) {
    let kind = glance["kind"].as_str().expect("a kind").to_lowercase();
    let pause = |site: &Site| {
        if reason == "RolloutPaused" {
            site.kubectl(&["rollout", "pause", "deployment/glance"]);
        }
    };
    let site = begin(glance, pause);
    is_stuck(&site, reason, &[word]);
    site.edit(&format!("{kind}/glance"), &json!({"spec": end}));
    site.await_pair();
}

fn stateful(strategy: Value) -> Value {
    let mut workload = fixtures::workload("StatefulSet", "glance");
    workload["spec"]["updateStrategy"] = strategy;
    workload
}

/// `OnDelete`: the operator deletes no pod; when a person does, it goes on.
#[test]
fn on_delete() {
    let site = begin(stateful(json!({"type": "OnDelete"})), |_| {});
    is_stuck(&site, "RolloutOnDelete", &["OnDelete", "pods glance-0, glance-1 keep"]);
    site.kubectl(&["delete", "pods", "-l", "app=glance", "--wait=false"]);
    site.await_pair();
}

/// New pods crash: the message is the container's own.
#[test]
fn crashing_pods() {
    let site = begin(deployment(|_| {}), |site| site.pods("hold"));
    let pod = site.wait("a new pod of Glance", || {
        let new = site.list("pod").into_iter().find(|p| mounted(p).is_some())?;
        Some(format!("pod/{}", new["metadata"]["name"].as_str()?))
    });
    let behave = |how: &str| site.edit(&pod, &json!({"metadata": {"annotations": {"stand-in/behaviour": how}}}));
    behave("crash");
    is_stuck(&site, "PodsCrashing", &["container glance: CrashLoopBackOff"]);
    behave("run");
    site.pods("run");
    site.await_pair();
}

/// The progress deadline passes: the message is the controller's own, and the workload gets back what
/// it had. The next change is tried again.
#[test]
fn a_progress_deadline() {
    let site = begin(deployment(|s| s["progressDeadlineSeconds"] = json!(2)), |site| site.pods("hold"));
    is_stuck(&site, "RollFailed", &["has timed out progressing"]);
    assert_eq!(site.mounted("deployment/glance"), None);
    site.pods("run");
    site.edit("glance/glance", &json!({"spec": {"cors": {"maxAge": 600}}}));
    site.await_pair();
}

/// A quota leaves no room for a new pod: the message is the controller's own.
#[test]
fn no_room_for_a_pod() {
    let quota = |site: &Site| {
        let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full"},
            "spec": {"hard": {"pods": "4"}}});
        site.apply(&[quota]);
        site.wait("the quota counts", || {
            site.kubectl(&["get", "quota", "full", "-o", "jsonpath={.status.used.pods}"])
                .parse()
                .ok()
                .filter(|used: &u32| *used == 4)
        });
    };
    let site = begin(deployment(|_| {}), quota);
    is_stuck(&site, "ReplicaFailure", &["exceeded quota: full"]);
    site.kubectl(&["delete", "quota", "full"]);
    site.await_pair();
}

/// Pods that go on crashing get back what they had, once; the next try needs a change.
#[test]
fn a_roll_that_fails_is_taken_back() {
    let site = begin(deployment(|_| {}), |site| site.pods("hold"));
    let crash = |before: Option<&str>| {
        let pod = site.wait("a new pod of Glance", || {
            let of = |p: &Value| p["metadata"]["labels"]["app"] == "glance";
            let new = |p: &Value| of(p) && mounted(p).is_some_and(|name| Some(name.as_str()) != before);
            let new = site.list("pod").into_iter().find(new)?;
            Some(format!("pod/{}", new["metadata"]["name"].as_str()?))
        });
        site.edit(&pod, &json!({"metadata": {"annotations": {"stand-in/behaviour": "crash"}}}));
        site.await_ready("glance/glance", "False RollFailed");
        assert_eq!(site.condition("glance/glance", "Stalled"), "True RollFailed");
        assert!(site.message("glance/glance", "Ready").contains("container glance: CrashLoopBackOff"));
        assert_eq!(site.mounted("deployment/glance").as_deref(), before);
        site.pods("run");
        site.await_rollouts();
    };
    crash(None);
    site.await_ready("horizon/horizon", "False GlanceNotReady");
    site.quiet();
    let mark = site.mark();
    site.edit("deployment/glance", &json!({"metadata": {"annotations": {"example.com/note": "touched"}}}));
    assert_eq!(site.settled_writes(mark).len(), 0, "it is not tried again");

    // Another image is another roll; and one that fails later goes back to what was there before.
    let patch = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "glance:2"}]);
    site.kubectl(&["patch", "deployment", "glance", "--type=json", "-p", &patch.to_string()]);
    site.await_pair();
    let before = site.mounted("deployment/glance");
    site.pods("hold");
    site.edit("glance/glance", &json!({"spec": {"cors": {"maxAge": 600}}}));
    crash(before.as_deref());
    assert_eq!(site.condition("horizon/horizon", "Ready"), "True Verified", "it goes on with what is accepted");

    // Pods that crash long after their roll have another reason: nothing is taken from them.
    let mark = site.mark();
    let pods = site.list("pod").into_iter().filter(|p| p["metadata"]["labels"]["app"] == "horizon");
    for pod in pods {
        let pod = format!("pod/{}", pod["metadata"]["name"].as_str().expect("a name"));
        site.edit(&pod, &json!({"metadata": {"annotations": {"stand-in/behaviour": "crash"}}}));
    }
    site.await_ready("horizon/horizon", "False PodsCrashing");
    assert_eq!(workload_patches(&site.settled_writes(mark)), Vec::<String>::new());
}
