//! An API other than Glance's: origins come, leave late, and its workload is restored.

use serde_json::{Value, json};

use crate::harness::{Answer, Site, fixtures, shared, workload_patches};

fn keystone(cors: &Value) -> Value {
    let spec = json!({"service": "Keystone", "cors": cors, "rollout": {"minInterval": "1s"}});
    json!({"apiVersion": "cors.openstack.org/v1beta1", "kind": "OpenStackAPI", "metadata": {"name": "keystone"}, "spec": spec})
}

const FILE: &str = "/etc/keystone/keystone.conf.d/zz-direct-upload.conf";

#[test]
fn keystone_from_nothing_and_back() {
    let names = ["keystone", "horizon", "skyline"];
    let objects: Vec<Value> = names.iter().flat_map(|name| fixtures::service("Deployment", name)).collect();
    let mut site = Site::with("keystone", &objects);
    let before = site.get("deployment/keystone");
    let horizon = fixtures::horizon("horizon", json!({"directUpload": {"enabled": false}}));
    let cors = |dashboards: Value| {
        json!({"horizons": [{"name": "horizon"}], "dashboards": dashboards, "retireAfter": "3s",
            "allowedOrigins": ["https://portal.example.com"]})
    };
    let mark = site.mark();
    site.apply(&[horizon, keystone(&cors(json!([{"name": "skyline"}])))]);
    site.await_ready("openstackapi/keystone", "True Verified");
    let files = site.files("deployment/keystone").expect("files");
    let origins = "https://horizon.example.com,https://portal.example.com,https://skyline.example.com";
    assert!(files.contains(&format!("allowed_origin = {origins}\n")), "{files}");
    let pod = &site.get("deployment/keystone")["spec"]["template"]["spec"];
    assert!(pod["containers"][0]["volumeMounts"].as_array().expect("mounts").iter().any(|m| m["mountPath"] == FILE));
    assert_eq!(pod["containers"][0]["lifecycle"], Value::Null, "no drain is brought along");
    assert_eq!(workload_patches(&site.settled_writes(mark)), ["patch deployments/keystone"]);
    let status = site.get("openstackapi/keystone")["status"].clone();
    assert_eq!(status["originCount"], 3);
    assert_eq!(status["origins"][2]["wantedBy"][0], format!("Deployment {}/skyline", site.namespace));

    // A dashboard moves: its new origin comes at once, the old one leaves late.
    site.apply(&fixtures::exposed("skyline", "cloud.example.com"));
    site.wait("the new origin is accepted, beside the old one", || {
        let files = site.files("deployment/keystone")?;
        (files.contains("https://cloud.example.com") && files.contains("https://skyline.example.com")).then_some(())
    });
    site.wait("the old one is gone", || {
        let files = site.files("deployment/keystone")?;
        (files.contains("https://cloud.example.com") && !files.contains("https://skyline.example.com")).then_some(())
    });
    site.await_ready("openstackapi/keystone", "True Verified");

    site.apply(&[keystone(&cors(json!([])))]);
    site.wait("no dashboard is left", || (!site.files("deployment/keystone")?.contains("cloud.")).then_some(()));
    site.await_ready("openstackapi/keystone", "True Verified");
    site.quiet();
    site.stop();
    let mark = site.mark();
    site.start();
    assert!(site.settled_writes(mark).is_empty(), "at rest");

    site.kubectl(&["delete", "openstackapi/keystone", "--timeout=60s"]);
    let after = site.get("deployment/keystone");
    assert_eq!(after["spec"], before["spec"]);
    assert!(!after["metadata"]["annotations"].to_string().contains("direct-upload.openstack.org"));
}

/// Refused, the condition says by which rule and the resource is not ready; no pod is rolled because of it.
#[test]
fn a_refused_call_is_told_and_comes_right() {
    let host = "keystone-calls.example.com".to_owned();
    shared().edge().set(&host, Answer::Refuses);
    let mut site = Site::with("keystone-calls", &fixtures::service("Deployment", "keystone"));
    let mut resource = keystone(&json!({"allowedOrigins": ["https://portal.example.com"]}));
    resource["spec"]["publicURL"] = json!(format!("https://{host}/v3"));
    site.apply(&[resource]);
    site.await_ready("openstackapi/keystone", "False PreflightRefused");
    let status = site.get("openstackapi/keystone")["status"].clone();
    assert_eq!(status["publicURL"], format!("https://{host}/v3"));
    let conditions = status["conditions"].as_array().expect("conditions").clone();
    let verified = conditions.iter().find(|c| c["type"] == "Verified").expect("Verified");
    assert!(
        verified["message"].as_str().is_some_and(|said| said.starts_with("DU002: from https://portal.example.com")),
        "{verified}"
    );
    let mark = site.mark();
    shared().edge().set(&host, Answer::Grants);
    site.await_ready("openstackapi/keystone", "True Verified");
    assert!(workload_patches(&site.settled_writes(mark)).is_empty(), "pods stay as they are");
    site.stop();
}
