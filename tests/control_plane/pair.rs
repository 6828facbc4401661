//! From two resources to direct uploads, and a new host name: the order, and the small number of writes.

use serde_json::json;

use crate::harness::{Site, fixtures, workload_patches};

/// Glance accepts and is rolled out before Horizon is touched; then nothing is written any more.
#[test]
fn a_new_pair() {
    let mut site = Site::with("pair", &fixtures::cloud());
    site.pods("hold");
    let mark = site.mark();
    site.apply(&fixtures::resources());

    site.wait("Glance's workload is patched", || site.mounted("deployment/glance"));
    site.quiet();
    assert_eq!(workload_patches(&site.writes(mark)), ["patch deployments/glance"], "Glance's pods are not new yet");
    assert_eq!(site.condition("glance/glance", "Ready"), "False RollingOut");
    assert_eq!(site.condition("horizon/horizon", "Ready"), "False SwitchingToDirect");
    assert_eq!(site.condition("horizon/horizon", "Reconciling"), "True SwitchingToDirect");

    site.pods("run");
    site.await_pair();
    let writes = site.settled_writes(mark);
    assert_eq!(workload_patches(&writes), ["patch deployments/glance", "patch deployments/horizon"]);
    let listed: Vec<_> = writes.iter().map(ToString::to_string).collect();
    let jobs = listed.iter().filter(|w| w.starts_with("create jobs/")).count();
    assert_eq!(jobs, 3, "one rehearsal each, and one that reads the catalog: {listed:#?}");
    assert!(writes.len() - jobs <= 10, "{listed:#?}");

    assert!(site.files("deployment/glance").unwrap().contains("https://horizon.example.com"));
    assert!(site.files("deployment/horizon").unwrap().contains("HORIZON_IMAGES_UPLOAD_MODE = 'direct'"));
    for object in ["glance/glance", "horizon/horizon"] {
        for (type_, expected) in [
            ("Accepted", "True Accepted"),
            ("OriginsResolved", "True Resolved"),
            ("ConfigRendered", "True Rendered"),
            ("RolledOut", "True RolledOut"),
            ("Reconciling", "False Settled"),
            ("Stalled", "False Settled"),
        ] {
            assert_eq!(site.condition(object, type_), expected, "{object} {type_}");
        }
    }
    let status = &site.get("horizon/horizon")["status"];
    assert_eq!(status["uploadMode"], "direct");
    assert_eq!(status["publicURL"], "https://horizon.example.com");
    assert_eq!(status["glanceEndpoint"], "https://glance.example.com");
    assert_eq!(status["glance"]["name"], "glance");

    nothing_more_is_written(&mut site);
}

/// Neither a look at what is not ours nor a new process is a reason to write.
fn nothing_more_is_written(site: &mut Site) {
    let mark = site.mark();
    let touch = json!({"metadata": {"annotations": {"example.com/note": "touched"}}});
    for object in ["deployment/glance", "deployment/horizon", "ingress/horizon", "horizon/horizon", "glance/glance"] {
        site.edit(object, &touch);
    }
    let none: [String; 0] = [];
    let texts = |site: &Site| site.settled_writes(mark).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(texts(site), none, "after unrelated annotations");

    site.stop();
    site.start();
    assert_eq!(texts(site), none, "after SIGTERM and a new start");

    site.operator.take().expect("an operator runs").kill();
    site.start();
    assert_eq!(texts(site), none, "after SIGKILL and a new start");
}

/// The new origin is accepted at once; the old one stays until it may leave.
#[test]
fn a_new_host_name() {
    let site = Site::with_pair("host", json!({}), json!({}));
    let before = site.get("deployment/horizon")["metadata"]["generation"].clone();
    let mark = site.mark();
    site.apply(&fixtures::exposed("horizon", "cloud.example.com"));

    let origins = site.wait("both origins stand in Glance's status", || {
        let origins = site.get("glance/glance")["status"]["origins"].as_array()?.clone();
        (origins.len() == 2).then_some(origins)
    });
    site.wait("Horizon says its new URL", || {
        (site.get("horizon/horizon")["status"]["publicURL"] == "https://cloud.example.com").then_some(())
    });
    // Both are ready from before; the rehearsal comes first, and takes its time.
    site.wait("Glance's pods are told of the new origin", || {
        site.files("deployment/glance")?.contains("https://cloud.example.com").then_some(())
    });
    site.await_pair();
    site.await_rollouts();
    let writes = site.settled_writes(mark);
    let listed: Vec<_> = writes.iter().map(ToString::to_string).collect();
    let jobs = listed.iter().filter(|w| w.starts_with("create jobs/")).count();
    assert_eq!(jobs, 1, "Glance's new bytes are rehearsed: {listed:#?}");
    assert!(writes.len() - jobs <= 6, "{listed:#?}");
    assert_eq!(workload_patches(&writes), ["patch deployments/glance"], "Horizon does not roll");
    assert_eq!(site.get("deployment/horizon")["metadata"]["generation"], before);

    let named = |origin: &str| origins.iter().find(|o| o["origin"] == origin).expect("listed").clone();
    assert_eq!(named("https://cloud.example.com")["wantedBy"], json!([format!("Horizon {}/horizon", site.namespace)]));
    let ingress = json!([format!("Ingress {}/horizon", site.namespace)]);
    for origin in ["https://cloud.example.com", "https://horizon.example.com"] {
        assert_eq!(named(origin)["from"], ingress, "{origin}");
    }
    assert!(named("https://cloud.example.com")["retiresAt"].is_null());
    assert!(named("https://horizon.example.com")["wantedBy"].is_null());
    assert!(named("https://horizon.example.com")["retiresAt"].is_string());
    let files = site.files("deployment/glance").unwrap();
    assert!(files.contains("https://cloud.example.com") && files.contains("https://horizon.example.com"), "{files}");
    assert_eq!(site.condition("glance/glance", "Ready"), "True RolledOut");
    let cause = format!("networking.k8s.io/v1 Ingress {}/horizon", site.namespace);
    assert_eq!(
        causes(&site, "AcceptOrigin"),
        [("https://cloud.example.com", &cause), ("https://horizon.example.com", &cause)].map(told),
    );
    assert_eq!(causes(&site, "RetireOrigin"), [("https://horizon.example.com", &cause)].map(told));
}

fn told((origin, cause): (&str, &String)) -> String {
    format!("{origin} {cause}")
}

/// The events of this reason: each origin that one names, with the object that is its cause, in order.
fn causes(site: &Site, reason: &str) -> Vec<String> {
    let all = site.kubectl(&["get", "events.v1.events.k8s.io", "-o", "json"]);
    let all: serde_json::Value = serde_json::from_str(&all).expect("JSON");
    let events = all["items"].as_array().expect("a list").iter().filter(|event| event["reason"] == reason);
    let mut told: Vec<_> = events
        .map(|event| {
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let note = text(&event["note"]);
            let origin = note.split([' ', ',']).find(|word| word.starts_with("https://")).unwrap_or_default();
            let related = &event["related"];
            let [version, kind, namespace, name] =
                ["apiVersion", "kind", "namespace", "name"].map(|field| text(&related[field]));
            assert!(note.ends_with(&format!("{kind} {namespace}/{name}")), "{note}");
            format!("{origin} {version} {kind} {namespace}/{name}")
        })
        .collect();
    told.sort();
    told
}

/// When `retireAfter` has passed, the old origin leaves by a roll of its own.
#[test]
fn an_old_origin_retires() {
    let site = Site::with_pair("retire", json!({"cors": {"retireAfter": "3s"}}), json!({}));
    let mark = site.mark();
    site.apply(&fixtures::exposed("horizon", "cloud.example.com"));

    let old = "https://horizon.example.com";
    site.wait("both are accepted", || {
        let files = site.files("deployment/glance")?;
        (files.contains("https://cloud.example.com") && files.contains(old)).then_some(())
    });
    site.wait("the old origin is gone", || (!site.files("deployment/glance")?.contains(old)).then_some(()));
    site.await_pair();
    site.await_rollouts();
    assert_eq!(workload_patches(&site.settled_writes(mark)), ["patch deployments/glance"; 2]);
    let origins = site.get("glance/glance")["status"]["origins"].clone();
    assert_eq!(origins.as_array().map(Vec::len), Some(1), "{origins}");
    let cause = format!("networking.k8s.io/v1 Ingress {}/horizon", site.namespace);
    assert_eq!(causes(&site, "DropOrigin"), [(old, &cause)].map(told));
}

/// A roll that another resource causes waits for `minInterval`; a change of the own spec does not.
#[test]
fn a_roll_is_held_back() {
    let spec = json!({"rollout": {"minInterval": "1h"}});
    let site = Site::with_pair("interval", spec, json!({}));
    let mark = site.mark();
    site.apply(&fixtures::exposed("horizon", "cloud.example.com"));
    site.await_ready("glance/glance", "False HeldBack");
    let message = site.message("glance/glance", "Ready");
    assert!(message.contains("spec.rollout.minInterval delays it until"), "{message}");
    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 0);

    site.edit("glance/glance", &json!({"spec": {"cors": {"maxAge": 600}}}));
    site.wait("the new origin is accepted", || {
        site.files("deployment/glance")?.contains("https://cloud.example.com").then_some(())
    });
    site.await_pair();
    assert_eq!(workload_patches(&site.settled_writes(mark)), ["patch deployments/glance"], "one roll for both");
}
