//! Tenants of a shared Glance: those without the right to use it, and those who try to misuse it.
//! docs/security.md names the purpose of each test.

use serde_json::{Value, json};

use crate::harness::{Operator, Site, fixtures, shared, workload_patches};

/// Separate namespaces, and one operator in the first that sees all of them.
fn sites(names: &[&str]) -> Vec<Site<'static>> {
    let mut sites: Vec<_> = names.iter().map(|name| Site::new(name)).collect();
    let namespaces = sites.iter().flat_map(|site| ["--watch-namespace", &site.namespace]);
    let args: Vec<_> = ["--no-leader-election"].into_iter().chain(namespaces).collect();
    let operator = Operator::start(shared(), &args);
    sites[0].operator = Some(operator);
    sites
}

/// A Horizon that goes to the first site's Glance.
fn horizon(image: &Site, name: &str) -> Value {
    let reference = json!({"name": "glance", "namespace": image.namespace});
    fixtures::horizon(name, json!({"directUpload": {"glanceRef": reference}}))
}

/// A Glance that allows everybody.
fn open(mut cors: Value, rollout: &Value) -> Value {
    cors["allowedHorizons"]["namespaces"] = json!({"from": "All"});
    fixtures::glance("glance", json!({"cors": cors, "rollout": rollout, "deletion": {"timeout": "3s"}}))
}

/// Everything that somebody can write who administers one namespace, and may use our resources there.
#[test]
fn without_consent() {
    let [image, tenant] = &sites(&["image", "mallory"])[..] else { unreachable!() };
    image.apply(&fixtures::cloud());
    image.apply(&fixtures::resources());
    image.await_pair();
    for role in ["admin", "direct-upload-editor"] {
        tenant.kubectl(&["create", "rolebinding", role, &format!("--clusterrole={role}"), "--user=mallory"]);
    }
    let apply = |objects: &[Value]| {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
        tenant.try_kubectl_with(&["--as=mallory", "apply", "-f", "-"], &list)
    };
    image.quiet();
    let mark = image.mark();

    // The victim's host name; one of their own; a way round by name; and a switch that never was.
    let name = "forged-direct-upload-0123456789";
    let files = json!({"apiVersion": "v1", "kind": "ConfigMap", "immutable": true,
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "direct-upload-operator"},
            "annotations": {"direct-upload.openstack.org/glance": format!("{}/glance", image.namespace)}},
        "data": {"zz-direct-upload.py": "HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n"}});
    let mut forged = fixtures::service("Deployment", "forged");
    let pod = &mut forged[0]["spec"]["template"]["spec"];
    pod["volumes"].as_array_mut().expect("a list").push(json!({"name": "direct-upload", "configMap": {"name": name}}));
    let elsewhere = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "elsewhere"},
        "spec": {"type": "ExternalName", "externalName": format!("horizon.{}.svc.cluster.local", image.namespace)}});
    let around = fixtures::exposed("elsewhere", "around.example.com").swap_remove(1);
    apply(
        &[
            fixtures::service("Deployment", "horizon"),
            fixtures::service("Deployment", "own"),
            vec![elsewhere, around, files],
            forged,
            vec![horizon(image, "horizon"), horizon(image, "own"), horizon(image, "forged")],
        ]
        .concat(),
    )
    .expect("a tenant may write all that");
    tenant.await_ready("horizon/horizon", "False GlanceNotAllowed");
    tenant.await_ready("horizon/own", "False GlanceNotAllowed");
    // What the operator did not bring it cannot take back, and says so.
    tenant.await_ready("horizon/forged", "False FieldConflict");

    // Consent is not theirs to give.
    let (own, other) = (tenant.namespace.as_str(), image.namespace.as_str());
    let patch = ["--type=merge", "-p", r#"{"spec":{"suspend":true},"status":{}}"#];
    for refused in [
        &["label", "namespace", own, "uploads=yes"][..],
        &[&["-n", other, "patch", "glance", "glance"][..], &patch].concat(),
        &["-n", other, "create", "configmap", "forged"],
        &[&["-n", own, "patch", "horizon", "horizon", "--subresource=status"][..], &patch].concat(),
    ] {
        let error = shared().try_kubectl(&[&["--as=mallory"][..], refused].concat(), None).expect_err("refused");
        assert!(error.contains("orbidden"), "{error}");
    }

    // All that changes on the other side: it says who claims its host name.
    image.quiet();
    let writes: Vec<_> = image.writes(mark).iter().map(ToString::to_string).collect();
    assert!(writes.iter().all(|write| write == "patch horizons/horizon/status"), "{writes:?}");
    let advice = image.get("horizon/horizon")["status"]["advice"].to_string();
    assert!(advice.contains(&format!("horizon.example.com is also claimed by Ingress {own}/horizon")), "{advice}");
    let status = &image.get("glance/glance")["status"];
    assert_eq!(status["originCount"], 1, "{status}");
    assert_eq!(status["namespaces"], json!([{"namespace": image.namespace, "origins": 1}]));
    image.await_pair();
}

/// Changing a host name again and again brings Glance no roll before `minInterval`, and no origin
/// beyond the limit; others get what they ask for.
#[test]
fn a_flapping_tenant() {
    let [image, alice, mallory] = &sites(&["image", "alice", "mallory"])[..] else { unreachable!() };
    image.apply(&fixtures::service("Deployment", "glance"));
    let host = |site: &Site, host: &str| {
        site.apply(&fixtures::exposed("horizon", host));
        site.wait(&format!("the operator sees {host}"), || {
            (site.get("horizon/horizon")["status"]["publicURL"] == format!("https://{host}")).then_some(())
        });
    };
    for (site, name) in [(alice, "alice0"), (mallory, "mallory0")] {
        site.apply(&[fixtures::workload("Deployment", "horizon"), horizon(image, "horizon")]);
        host(site, &format!("{name}.example.com"));
    }
    let limit = || json!({"allowedHorizons": {"maxOriginsPerNamespace": 3}});
    let mark = image.mark();
    image.apply(&[open(limit(), &json!({"minInterval": "1h"}))]);
    for site in [alice, mallory] {
        site.await_ready("horizon/horizon", "True Verified");
    }
    image.await_ready("glance/glance", "True RolledOut");
    assert_eq!(workload_patches(&image.settled_writes(mark)), ["patch deployments/glance"], "one roll for both");
    let granted = [alice, mallory].map(|site| json!({"namespace": site.namespace, "origins": 1}));
    let status = &image.get("glance/glance")["status"];
    assert_eq!((&status["namespaces"], &status["namespaceCount"]), (&json!(granted), &json!(2)));

    let mark = image.mark();
    for number in 1..=5 {
        host(mallory, &format!("mallory{number}.example.com"));
    }
    host(alice, "alice1.example.com");
    image.await_ready("glance/glance", "False HeldBack");
    let writes = image.settled_writes(mark);
    let others: Vec<_> = writes.iter().filter(|w| w.subresource != "status").map(ToString::to_string).collect();
    assert_eq!(others, [""; 0], "nothing is prepared for rolls that never come");
    assert!(mallory.mounted("deployment/horizon").is_some() && alice.mounted("deployment/horizon").is_some());

    image.edit("glance/glance", &json!({"spec": {"cors": {"maxAge": 600}}}));
    alice.await_ready("horizon/horizon", "True Verified");
    mallory.await_ready("horizon/horizon", "True Verified");
    image.await_ready("glance/glance", "True RolledOut");
    let files = image.files("deployment/glance").expect("files");
    for (name, expected) in [("alice0", true), ("alice1", true), ("mallory0", true), ("mallory5", true)]
        .into_iter()
        .chain((1..=4).map(|n| (["", "mallory1", "mallory2", "mallory3", "mallory4"][n], false)))
    {
        assert_eq!(files.contains(&format!("https://{name}.example.com")), expected, "{name}: {files}");
    }

    // Two of three places are taken, one of them by a name that retires.
    image.edit("glance/glance", &json!({"spec": {"rollout": {"minInterval": "1s"}}}));
    host(mallory, "mallory6.example.com");
    mallory.await_ready("horizon/horizon", "True Verified");
    host(mallory, "mallory7.example.com");
    mallory.await_ready("horizon/horizon", "False OriginNotAllowed");
    let message = mallory.message("horizon/horizon", "Ready");
    assert!(
        message.contains("https://mallory7.example.com") && message.contains("maxOriginsPerNamespace"),
        "{message}"
    );
    host(alice, "alice2.example.com");
    alice.await_ready("horizon/horizon", "True Verified");
    let files = image.files("deployment/glance").expect("files");
    assert!(files.contains("alice2") && !files.contains("mallory7"), "{files}");
    assert!(mallory.mounted("deployment/horizon").is_some(), "it stays direct with the names that it has");
}

/// Consent is taken back from somebody whose pods do not go: the origin leaves nevertheless, and no
/// other one comes in.
#[test]
fn a_tenant_who_stays() {
    let [image, mallory] = &sites(&["image", "mallory"])[..] else { unreachable!() };
    image.apply(&fixtures::service("Deployment", "glance"));
    image.apply(&[open(json!({"retireAfter": "1s"}), &json!({"minInterval": "1s"}))]);
    mallory.apply(&fixtures::service("Deployment", "horizon"));
    mallory.apply(&[horizon(image, "horizon")]);
    mallory.await_ready("horizon/horizon", "True Verified");
    image.await_ready("glance/glance", "True RolledOut");

    mallory.kubectl(&["rollout", "pause", "deployment/horizon"]);
    let mark = image.mark();
    image.edit("glance/glance", &json!({"spec": {"cors": {"allowedHorizons": {"namespaces": {"from": "Same"}}}}}));
    mallory.apply(&fixtures::exposed("horizon", "other.example.com"));
    mallory.wait("the operator sees the new host name", || {
        (mallory.get("horizon/horizon")["status"]["publicURL"] == "https://other.example.com").then_some(())
    });
    image.await_ready("glance/glance", "True NoOrigins");
    assert_eq!(image.mounted("deployment/glance"), None);
    let direct = |pod: &Value| crate::harness::mounted(pod).is_some();
    assert!(mallory.list("pod").iter().any(direct), "the tenant's pods still run with our file");
    let in_image = |entry: &Value| entry["objectRef"]["namespace"] == image.namespace.as_str();
    let entries = shared().requests(mark).into_iter().filter(in_image).map(|entry| entry.to_string());
    let named: Vec<_> = entries.filter(|entry| entry.contains("other.example.com")).collect();
    assert!(named.is_empty(), "{named:#?}");
}
