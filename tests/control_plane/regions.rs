//! One dashboard, two regions: direct only while both accept uploads.

use serde_json::{Value, json};

use crate::harness::{Answer, Site, fixtures, workload_patches};

/// Two Glances, each at its own host.
fn cloud(near: &str, far: &str) -> Vec<Value> {
    [
        fixtures::service("Deployment", "horizon"),
        vec![fixtures::workload("Deployment", "glance"), fixtures::workload("Deployment", "far")],
        fixtures::exposed("glance", near),
        fixtures::exposed("far", far),
    ]
    .concat()
}

fn region(name: &str, glance: &str) -> Value {
    json!({"name": name, "glanceRef": {"name": glance}})
}

/// Name and reason of each region in the status.
fn regions(site: &Site) -> Vec<(String, String)> {
    let status = site.get("horizon/horizon")["status"]["regions"].clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    status.as_array().into_iter().flatten().map(|r| (text(&r["name"]), text(&r["reason"]))).collect()
}

fn stand(one: &str, two: &str) -> Vec<(String, String)> {
    vec![("RegionOne".to_owned(), one.to_owned()), ("RegionTwo".to_owned(), two.to_owned())]
}

/// A region that refuses keeps the dashboard from direct; once both grant, it switches, after both
/// Glances were rolled. A region that breaks takes it back for all. One that leaves the list lets the
/// origin go without a roll of the dashboard.
#[test]
fn both_or_none() {
    let (near, far) = ("glance-near.example.com", "glance-far.example.com");
    let mut site = Site::new("regions");
    site.flags = vec!["--preflight-patience", "3s"];
    site.apply(&cloud(near, far));
    site.await_rollouts();
    site.start();
    let edge = site.cluster.edge();
    edge.set(far, Answer::Refuses);
    let mark = site.mark();
    let direct_upload = json!({"regions": [region("RegionOne", "glance"), region("RegionTwo", "far")]});
    site.apply(&[
        fixtures::glance("glance", json!({})),
        fixtures::glance("far", json!({"workloadRef": {"name": "far"}, "cors": {"retireAfter": "2s"}})),
        fixtures::horizon("horizon", json!({"directUpload": direct_upload})),
    ]);
    site.await_ready("horizon/horizon", "False PreflightRefused");
    let judged = stand("Verified", "PreflightRefused");
    site.wait("both regions are judged", || (regions(&site) == judged).then_some(()));
    assert!(site.message("horizon/horizon", "Ready").contains("to region RegionTwo"));
    assert_eq!(site.mounted("deployment/horizon"), None);

    edge.set(far, Answer::Grants);
    site.await_ready("horizon/horizon", "True Verified");
    let patches = workload_patches(&site.settled_writes(mark));
    assert_eq!(patches.last().map(String::as_str), Some("patch deployments/horizon"), "{patches:?}");
    assert_eq!(patches.iter().filter(|p| p.ends_with("horizon")).count(), 1, "{patches:?}");
    assert_eq!(regions(&site), stand("Verified", "Verified"));
    let status = site.get("horizon/horizon")["status"].clone();
    assert_eq!((&status["uploadMode"], &status["glance"]), (&json!("direct"), &Value::Null));
    assert_eq!(status["regions"][1]["glanceEndpoint"], format!("https://{far}"));

    let mark = site.mark();
    edge.set(far, Answer::Refuses);
    site.await_ready("horizon/horizon", "False FallenBack");
    site.wait("its own mode is in force", || {
        (site.get("horizon/horizon")["status"]["uploadMode"] == "own").then_some(())
    });
    assert_eq!(workload_patches(&site.settled_writes(mark)), ["patch deployments/horizon"], "both Glances stay");
    edge.set(far, Answer::Grants);
    site.await_ready("horizon/horizon", "True Verified");

    let mark = site.mark();
    site.edit("horizon/horizon", &json!({"spec": {"directUpload": {"regions": [region("RegionOne", "glance")]}}}));
    site.wait("the second region's Glance lets go", || site.mounted("deployment/far").is_none().then_some(()));
    site.await_ready("horizon/horizon", "True Verified");
    assert_eq!(workload_patches(&site.settled_writes(mark)), ["patch deployments/far"], "the dashboard stays as it is");
    assert_eq!(regions(&site), [("RegionOne".to_owned(), "Verified".to_owned())]);
}
