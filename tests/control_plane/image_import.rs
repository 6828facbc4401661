//! Imports that every image must pass, and an internal API in addition to the public one.

use serde_json::{Value, json};

use crate::harness::{Site, fixtures, workload_patches};

fn cloud() -> Vec<Value> {
    [fixtures::cloud(), vec![fixtures::workload("Deployment", "glance-internal")]].concat()
}

fn import(required: bool) -> Value {
    json!({
        "cors": {"retireAfter": "2s"},
        "imageImport": {
            "required": required,
            "methods": ["GlanceDirect"],
            "conversion": {"outputFormat": "Raw"},
            "staging": {"path": "/var/lib/glance/staging"},
            "workerSelfReference": {},
        },
        "apis": {"internal": {"workloadRef": {"name": "glance-internal"}, "importMethods": [], "policy": {"copy_image": "!"}}},
    })
}

const REFUSAL: &str = "\"upload_image\": \"!\"";

/// Both workloads get what is theirs and give it back; the second reconcile writes nothing.
#[test]
fn two_workloads() {
    let site = Site::with("apis", &cloud());
    let before: Vec<_> = ["glance", "glance-internal", "horizon"]
        .map(|name| (format!("deployment/{name}"), site.get(&format!("deployment/{name}"))["spec"].clone()))
        .into();
    let mark = site.mark();
    site.apply(&[fixtures::glance("glance", import(false)), fixtures::horizon("horizon", json!({}))]);
    site.await_pair();
    let writes = site.settled_writes(mark);
    let mut patches = workload_patches(&writes);
    patches.sort();
    assert_eq!(
        patches,
        ["patch deployments/glance", "patch deployments/glance-internal", "patch deployments/horizon"],
        "one roll each"
    );

    let public = site.files("deployment/glance").unwrap();
    assert!(
        public.contains("https://horizon.example.com") && public.contains("enabled_import_methods = [glance-direct]")
    );
    assert!(!public.contains("copy_image") && !public.contains(REFUSAL), "{public}");
    let internal = site.files("deployment/glance-internal").unwrap();
    assert!(
        internal.contains("enabled_import_methods = []") && internal.contains("\"copy_image\": \"!\""),
        "{internal}"
    );
    assert!(internal.contains("output_format = raw") && !internal.contains("[cors]"), "{internal}");
    for name in ["glance", "glance-internal"] {
        let env = site.get(&format!("deployment/{name}"))["spec"]["template"]["spec"]["containers"][0]["env"].clone();
        assert_eq!(env[0]["valueFrom"]["fieldRef"]["fieldPath"], "status.podIP", "{env}");
        assert_eq!(env[1]["value"], "http://$(DIRECT_UPLOAD_POD_IP):9292", "{env}");
    }
    assert_eq!(site.get("glance/glance")["status"]["configMaps"].as_array().map(Vec::len), Some(2));

    let mark = site.mark();
    site.edit("deployment/glance-internal", &json!({"metadata": {"annotations": {"example.com/note": "touched"}}}));
    let listed: Vec<_> = site.settled_writes(mark).iter().map(ToString::to_string).collect();
    assert_eq!(listed, Vec::<String>::new());

    site.kubectl(&["delete", "horizon/horizon", "glance/glance", "--timeout=90s"]);
    for (name, spec) in before {
        assert_eq!(site.get(&name)["spec"], spec, "{name}");
        assert_eq!(site.mounted(&name), None);
    }
}

/// The internal API leaves the spec: its workload is as it was, the public one does not roll.
#[test]
fn the_internal_api_leaves() {
    let site = Site::with("apis-leave", &cloud());
    let before = site.get("deployment/glance-internal")["spec"].clone();
    site.apply(&[fixtures::glance("glance", import(false)), fixtures::horizon("horizon", json!({}))]);
    site.await_pair();
    let mark = site.mark();
    site.edit("glance/glance", &json!({"spec": {"apis": null}}));
    site.wait("it is given back", || (site.get("deployment/glance-internal")["spec"] == before).then_some(()));
    assert_eq!(workload_patches(&site.settled_writes(mark)), ["patch deployments/glance-internal"]);
}

/// Required later: Horizon goes back first, its origin retires, and only then uploads are refused.
#[test]
fn required_of_a_direct_horizon() {
    let site = Site::with("required", &cloud());
    site.apply(&[fixtures::glance("glance", import(false)), fixtures::horizon("horizon", json!({}))]);
    site.await_pair();
    let mark = site.mark();
    site.pods("hold");
    site.edit("glance/glance", &json!({"spec": {"imageImport": {"required": true}}}));
    site.wait("our snippet leaves Horizon", || site.mounted("deployment/horizon").is_none().then_some(()));
    site.quiet();
    assert_eq!(workload_patches(&site.writes(mark)), ["patch deployments/horizon"], "its pods are not new yet");
    assert!(!site.files("deployment/glance").unwrap().contains(REFUSAL));
    assert_eq!(site.condition("glance/glance", "Ready"), "False WaitingForHorizons");
    let message = site.message("glance/glance", "Ready");
    assert!(message.contains("DU021") && message.contains("horizon"), "{message}");

    site.pods("run");
    site.await_ready("horizon/horizon", "False ImportRequired");
    let message = site.message("horizon/horizon", "Ready");
    assert!(message.contains("DU021") && message.contains("spec.imageImport.required"), "{message}");
    site.wait("uploads are refused", || site.files("deployment/glance")?.contains(REFUSAL).then_some(()));
    let files = site.files("deployment/glance").unwrap();
    assert!(!files.contains("horizon.example.com"), "the origin left before: {files}");
    assert!(!site.files("deployment/glance-internal").unwrap().contains(REFUSAL));
    site.await_ready("glance/glance", "True RolledOut");

    // Lifted: Glance takes uploads again before Horizon is switched.
    site.pods("hold");
    let mark = site.mark();
    site.edit("glance/glance", &json!({"spec": {"imageImport": {"required": false}}}));
    site.wait("the refusal leaves", || (!site.files("deployment/glance")?.contains(REFUSAL)).then_some(()));
    site.quiet();
    assert_eq!(workload_patches(&site.writes(mark)), ["patch deployments/glance"]);
    site.pods("run");
    site.await_pair();
}

/// What a schema can refuse is refused at once; the rest says why.
#[test]
fn refused() {
    let site = Site::with("import-refused", &cloud());
    for (spec, why) in [
        (json!({"imageImport": {"conversion": {"outputFormat": "Raw"}}}), "staging.path"),
        (json!({"imageImport": {"conversion": {}, "staging": {"path": "/s"}}}), "outputFormat"),
        (json!({"imageImport": {"metadata": {"properties": {}}}}), "properties"),
        (json!({"imageImport": {"required": true}}), "name one"),
        (json!({"imageImport": {"webDownload": {"allowedHosts": ["a"], "disallowedHosts": ["b"]}}}), "not both"),
        (
            json!({"imageImport": {"methods": ["GlanceDirect"], "webDownload": {"allowedHosts": ["a"]}}}),
            "methods does not include it",
        ),
        (json!({"imageImport": {"workerSelfReference": {}}}), "staging.path"),
        (json!({"apis": {"internal": {"workloadRef": {}}}}), "workloadRef.name"),
    ] {
        let resource = fixtures::glance("glance", spec.clone()).to_string();
        let refused = site.try_kubectl_with(&["apply", "-f", "-"], &resource).expect_err(&spec.to_string());
        assert!(refused.contains(why), "{spec}: {refused}");
    }
    for (spec, why) in [
        (json!({"imageImport": {"staging": {"path": "/s"}}}), "each pod's own file system"),
        (json!({"apis": {"public": {"policy": {"uplaod_image": "!"}}}}), "no rule \"uplaod_image\""),
        (
            json!({"apis": {"public": {"policy": {"upload_image": "role"}}}, "cors": {"allowedOrigins": ["https://a.example"]}}),
            "not an oslo.policy expression",
        ),
        (json!({"apis": {"internal": {"workloadRef": {"name": "glance"}}}}), "own workload"),
    ] {
        site.apply(&[fixtures::glance("glance", spec.clone())]);
        site.await_ready("glance/glance", "False InvalidSpec");
        site.wait(why, || site.message("glance/glance", "Ready").contains(why).then_some(()));
        site.kubectl(&["delete", "glance/glance", "--timeout=60s"]);
    }
}
