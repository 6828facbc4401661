//! Several Horizons on one Glance, and ambiguous names.

use serde_json::{Value, json};

use crate::harness::{Site, fixtures, workload_patches};

fn two_dashboards() -> Vec<Value> {
    [fixtures::cloud(), fixtures::service("Deployment", "second")].concat()
}

/// Both are ready after few rolls of Glance.
#[test]
fn two_horizons_together() {
    let site = Site::with("two", &two_dashboards());
    let mark = site.mark();
    site.apply(
        &[fixtures::resources(), vec![fixtures::horizon("second", json!({"workloadRef": {"name": "second"}}))]]
            .concat(),
    );
    site.await_pair();
    site.await_ready("horizon/second", "True Verified");
    let patches = workload_patches(&site.settled_writes(mark));
    let of = |name: &str| patches.iter().filter(|p| p.ends_with(name)).count();
    assert!(of("deployments/glance") <= 2, "{patches:?}");
    assert_eq!((of("deployments/horizon"), of("deployments/second")), (1, 1), "{patches:?}");

    // The second leaves: only its own origin retires.
    site.edit("glance/glance", &json!({"spec": {"cors": {"retireAfter": "2s"}}}));
    site.kubectl(&["delete", "horizon/second", "--timeout=60s"]);
    site.wait("the second's origin is gone", || {
        (!site.files("deployment/glance")?.contains("second.example.com")).then_some(())
    });
    assert!(site.files("deployment/glance").unwrap().contains("https://horizon.example.com"));
    site.await_pair();
}

/// One that is invalid, or whose pods do not come, holds up nobody.
#[test]
fn a_bad_neighbour() {
    let site = Site::with("neighbour", &two_dashboards());
    let unreachable =
        json!({"workloadRef": {"name": "second"}, "directUpload": {"glanceEndpoint": "https://glance.internal.svc"}});
    site.apply(
        &[
            fixtures::resources(),
            vec![
                fixtures::horizon("second", unreachable),
                fixtures::horizon("nowhere", json!({"workloadRef": {"name": "nowhere"}})),
            ],
        ]
        .concat(),
    );
    site.await_pair();
    site.await_ready("horizon/second", "False EndpointNotPublic");
    site.await_ready("horizon/nowhere", "False WorkloadNotFound");
    assert!(!site.files("deployment/glance").unwrap().contains("second.example.com"));

    site.kubectl(&["rollout", "pause", "deployment/second"]);
    site.edit("horizon/second", &json!({"spec": {"directUpload": {"glanceEndpoint": null}}}));
    site.await_ready("horizon/second", "False RolloutPaused");
    site.apply(&fixtures::exposed("horizon", "cloud.example.com"));
    site.wait("the first's new origin is accepted", || {
        site.files("deployment/glance")?.contains("https://cloud.example.com").then_some(())
    });
    site.await_pair();
}

/// Two Glances before the pair is up: nothing is chosen. Afterwards: the choice stays.
#[test]
fn two_glances() {
    let site = Site::with("ambiguous", &[fixtures::cloud(), fixtures::service("Deployment", "other")].concat());
    let other = fixtures::glance("other", json!({"workloadRef": {"name": "other"}}));
    site.apply(&[fixtures::resources(), vec![other.clone()]].concat());
    site.await_ready("horizon/horizon", "False GlanceAmbiguous");
    let message = site.message("horizon/horizon", "Ready");
    assert!(message.contains("glance or other") && message.contains("spec.directUpload.glanceRef"), "{message}");
    site.quiet();
    assert_eq!(site.mounted("deployment/horizon"), None);

    site.kubectl(&["delete", "glance/other", "--timeout=60s"]);
    site.await_pair();
    let mark = site.mark();
    site.apply(&[other]);
    site.await_ready("glance/other", "True NoOrigins");
    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 0);
    site.await_pair();
    assert_eq!(site.get("horizon/horizon")["status"]["glance"]["name"], "glance");
}

/// Whose workload, which container: the status asks instead of guessing.
#[test]
fn which_workload() {
    let mut both = fixtures::workload("Deployment", "glance-api");
    let sidecar = json!({"name": "log", "image": "registry.example.com/log:1"});
    both["spec"]["template"]["spec"]["containers"][0]["name"] = json!("api");
    both["spec"]["template"]["spec"]["containers"].as_array_mut().expect("a list").push(sidecar);
    let site = Site::with("which", &[fixtures::cloud(), vec![both]].concat());
    site.apply(&[fixtures::glance("glance", json!({"cors": {"allowedOrigins": ["https://a.example.com"]}}))]);
    site.await_ready("glance/glance", "False WorkloadAmbiguous");
    let message = site.message("glance/glance", "Ready");
    assert!(message.contains("glance or Deployment") && message.contains("spec.workloadRef.name"), "{message}");

    site.edit("glance/glance", &json!({"spec": {"workloadRef": {"name": "glance-api"}}}));
    site.await_ready("glance/glance", "False ContainerUnknown");
    let message = site.message("glance/glance", "Ready");
    assert!(message.contains("api, log") && message.contains("spec.workloadRef.container"), "{message}");

    site.edit("glance/glance", &json!({"spec": {"workloadRef": {"container": "api"}}}));
    site.await_ready("glance/glance", "True RolledOut");
    // Another workload is named: the operator releases the first one.
    site.edit("glance/glance", &json!({"spec": {"workloadRef": {"name": "glance", "container": null}}}));
    site.await_ready("glance/glance", "True RolledOut");
    site.wait("the first is given back", || site.mounted("deployment/glance-api").is_none().then_some(()));
    assert!(site.mounted("deployment/glance").is_some());
}

/// A workload that another controller owns is left to it, unless the user insists.
#[test]
fn an_owned_workload() {
    let site = Site::with("owned", &fixtures::cloud());
    site.kubectl(&["create", "configmap", "owner"]);
    let uid = site.get("configmap/owner")["metadata"]["uid"].clone();
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid, "controller": true});
    site.edit("deployment/horizon", &json!({"metadata": {"ownerReferences": [owner]}}));
    site.apply(&fixtures::resources());
    site.await_ready("horizon/horizon", "False WorkloadOwned");
    let message = site.message("horizon/horizon", "Ready");
    assert!(message.contains("ConfigMap/owner"), "{message}");
    site.edit("horizon/horizon", &json!({"spec": {"workloadRef": {"allowOwned": true}}}));
    site.await_pair();
}
