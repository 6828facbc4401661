//! An API other than Glance's: origins come, leave late, and its workload is restored.

use serde_json::{Value, json};

use crate::harness::{Site, fixtures, workload_patches};

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
    site.await_ready("openstackapi/keystone", "True RolledOut");
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
    site.await_ready("openstackapi/keystone", "True RolledOut");

    site.apply(&[keystone(&cors(json!([])))]);
    site.wait("no dashboard is left", || (!site.files("deployment/keystone")?.contains("cloud.")).then_some(()));
    site.await_ready("openstackapi/keystone", "True RolledOut");
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
