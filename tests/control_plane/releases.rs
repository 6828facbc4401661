//! Another build on a cluster with the objects of a release: tests/fixtures/releases/VERSION/cluster.json.
//! The test `freeze` writes it; tests/fixtures/releases/freeze runs that.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use crate::harness::{BINARY, Cluster, Operator, Site, file, fixtures, mounted, workload_patches};

const NAMESPACE: &str = "release";
/// In the order in which they are made again: what is referred to by uid comes first.
const KINDS: [&str; 7] = ["glance", "horizon", "openstackapi", "deployment", "service", "ingress", "configmap"];

fn site(cluster: &Cluster) -> Site<'_> {
    cluster.install();
    cluster.create_namespace(NAMESPACE);
    Site { cluster, namespace: NAMESPACE.into(), operator: None, flags: Vec::new() }
}

fn start(site: &mut Site) {
    let operator = Operator::start(site.cluster, &["--no-leader-election"]);
    operator.wait_ready();
    site.operator = Some(operator);
}

/// The shapes that a release is remembered by: a pair as packages have it, one as openstack-helm has it
/// with an origin that retires for ten years, another API, and a Horizon that is switched off.
fn shapes() -> Vec<Value> {
    let names = ["glance", "horizon", "image", "dashboard", "keystone", "off"];
    let mut objects: Vec<Value> = names.iter().flat_map(|name| fixtures::service("Deployment", name)).collect();
    let of_glance = |name: &str| json!({"glanceRef": {"name": name}});
    let helm = json!({"layout": "OpenStackHelm", "cors": {"retireAfter": "87600h"},
        "rollout": {"rehearsal": "Off", "minInterval": "1s"}});
    let snippets = "/var/lib/openstack/lib/python3.12/site-packages/openstack_dashboard/local/local_settings.d";
    let dashboard = json!({"layout": "OpenStackHelm", "paths": {"localSettingsDir": snippets},
        "directUpload": of_glance("image"), "rollout": {"rehearsal": "Off", "minInterval": "1s"}});
    let keystone = json!({"service": "Keystone", "cors": {"dashboards": [{"name": "horizon"}]}});
    objects.extend([
        fixtures::glance("glance", json!({})),
        fixtures::glance("image", helm),
        fixtures::horizon("horizon", json!({"directUpload": of_glance("glance")})),
        fixtures::horizon("dashboard", dashboard),
        fixtures::horizon("off", json!({"directUpload": {"enabled": false}})),
        json!({"apiVersion": "cors.openstack.org/v1beta1", "kind": "OpenStackAPI", "metadata": {"name": "keystone"},
            "spec": keystone}),
    ]);
    objects
}

const READY: [(&str, &str); 6] = [
    ("glance/glance", "True RolledOut"),
    ("glance/image", "True RolledOut"),
    ("horizon/horizon", "True Verified"),
    ("horizon/dashboard", "True Verified"),
    ("horizon/off", "True DirectDisabled"),
    ("openstackapi/keystone", "True Verified"),
];

fn await_all(site: &Site) {
    for (object, ready) in READY {
        site.await_ready(object, ready);
    }
    site.await_rollouts();
}

/// Writes what this build leaves in a cluster. At a release only: it is what later builds are held against.
#[test]
#[ignore = "writes tests/fixtures/releases"]
fn freeze() {
    let cluster = Cluster::start("freeze");
    let mut site = site(&cluster);
    site.apply(&shapes());
    site.await_rollouts();
    start(&mut site);
    await_all(&site);
    // One origin retires.
    site.apply(&fixtures::exposed("dashboard", "cloud.example.com"));
    site.wait("both origins are accepted", || {
        let files = site.files("deployment/image")?;
        (files.contains("https://dashboard.") && files.contains("https://cloud.")).then_some(())
    });
    await_all(&site);
    site.quiet();
    let mut items = Vec::new();
    // Files of older revisions belong to ReplicaSets, which the fixture leaves out.
    let in_use: BTreeSet<_> = site.list("deployment").iter().filter_map(mounted).collect();
    let kept = |object: &Value| {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        object["data"].is_null() || in_use.contains(name)
    };
    for kind in KINDS {
        for mut object in site.list(kind).into_iter().filter(kept) {
            let (api_version, kind) = type_of(kind);
            object["apiVersion"] = json!(api_version);
            object["kind"] = json!(kind);
            for field in ["resourceVersion", "creationTimestamp", "generation"] {
                object["metadata"].as_object_mut().expect("metadata").remove(field);
            }
            items.push(object);
        }
    }
    let path = file(&format!("tests/fixtures/releases/{}/cluster.json", env!("CARGO_PKG_VERSION")));
    let text = serde_json::to_string_pretty(&json!({"apiVersion": "v1", "kind": "List", "items": items}));
    fs::write(path, text.expect("JSON") + "\n").expect("written");
}

fn type_of(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "glance" => ("glance.openstack.org/v1beta1", "Glance"),
        "horizon" => ("horizon.openstack.org/v1beta1", "Horizon"),
        "openstackapi" => ("cors.openstack.org/v1beta1", "OpenStackAPI"),
        "deployment" => ("apps/v1", "Deployment"),
        "service" => ("v1", "Service"),
        "ingress" => ("networking.k8s.io/v1", "Ingress"),
        _ => ("v1", "ConfigMap"),
    }
}

/// Makes the release's objects again: with their owners of fields, and the uids that they name each other by.
fn restore(site: &Site, release: &str) -> Vec<Value> {
    let path = file(&format!("tests/fixtures/releases/{release}/cluster.json"));
    let list: Value = serde_json::from_str(&fs::read_to_string(path).expect("a fixture")).expect("JSON");
    let mut uids: BTreeMap<String, String> = BTreeMap::new();
    let mut restored = Vec::new();
    for item in list["items"].as_array().expect("items") {
        let mut text = item.to_string();
        for (old, new) in &uids {
            text = text.replace(old, new);
        }
        let mut object: Value = serde_json::from_str(&text).expect("JSON");
        let old = object["metadata"]["uid"].take().as_str().expect("a uid").to_owned();
        object["metadata"].as_object_mut().expect("metadata").remove("uid");
        if object["kind"] == "Service" {
            object["spec"]["clusterIP"].take();
            object["spec"]["clusterIPs"].take();
        }
        let created = site.kubectl_with(&["create", "-f", "-", "-o", "json"], &object.to_string());
        let created: Value = serde_json::from_str(&created).expect("JSON");
        uids.insert(old, created["metadata"]["uid"].as_str().expect("a uid").to_owned());
        restored.push(object);
    }
    site.await_rollouts();
    for object in &restored {
        if object["apiVersion"].as_str().is_some_and(|v| v.contains("openstack.org")) {
            site.kubectl_with(&["replace", "--subresource=status", "-f", "-"], &object.to_string());
        }
    }
    // An object is created by one manager; only an update can say who owns what.
    for object in restored.iter().filter(|o| o["kind"] != "Service") {
        site.kubectl_with(&["replace", "-f", "-"], &object.to_string());
    }
    site.await_rollouts();
    restored
}

/// What a release left is what this build wants: no pod is replaced, no origin lost, nothing unreadable. And
/// what a newer one may have left, this one leaves in peace.
#[test]
fn an_upgrade_and_a_downgrade() {
    let cluster = Cluster::start("releases");
    let mut site = site(&cluster);
    let restored = restore(&site, "0.1.0");
    for object in restored.iter().filter(|o| o["kind"] == "Deployment") {
        let stands = site.get(&format!("deployment/{}", object["metadata"]["name"].as_str().expect("a name")));
        assert_eq!(owners(&stands), owners(object), "owners of fields are restored");
    }
    let standing = |site: &Site| {
        let names = ["glance", "image", "horizon", "dashboard", "keystone"];
        names.map(|name| {
            let name = format!("deployment/{name}");
            // As long as the template stays, no pod rolls.
            (site.mounted(&name), site.files(&name), site.get(&name)["spec"]["template"].clone())
        })
    };
    let before = standing(&site);
    assert!(before.iter().all(|(mounted, files, _)| mounted.is_some() && files.is_some()), "{before:#?}");

    let mark = site.mark();
    start(&mut site);
    await_all(&site);
    let writes = site.settled_writes(mark);
    // The image is asked which panel Horizon shows, and that is noted: the earlier release knew nothing of it.
    let others: Vec<_> = writes.iter().filter(|write| write.subresource != "status").collect();
    let notes = others.iter().all(|w| w.resource == "jobs" || (w.verb == "patch" && w.resource == "deployments"));
    assert!(others.len() <= 4 && notes, "{others:#?}");
    assert_eq!(standing(&site), before);
    let retiring = site.get("glance/image")["status"]["origins"].to_string();
    assert!(retiring.contains("https://dashboard.example.com") && retiring.contains("retiresAt"), "{retiring}");
    let log = site.operator.as_ref().expect("it runs").log();
    assert!(!log.contains("cannot be read"), "{log}");
    site.stop();

    let back = newer(&site);
    let mark = site.mark();
    start(&mut site);
    site.await_ready("horizon/horizon", "False Undecodable");
    site.await_ready("horizon/dashboard", "True Verified");
    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 0);
    assert_eq!(standing(&site), before);
    site.stop();

    // The newer release's CRD is gone, too: what it stored stays readable.
    cluster.install_crds();
    site.edit("horizon/horizon", &back);
    start(&mut site);
    await_all(&site);
    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 0);
    assert_eq!(standing(&site), before);
}

/// The same with the earlier release's own program instead of what it left: up, down with the newer definitions, down
/// with its own, and up again.
#[test]
#[ignore = "needs PREVIOUS, a checkout of the earlier release in which `cargo build` has run"]
fn the_earlier_releases_own_program() {
    let previous = std::env::var("PREVIOUS").expect("PREVIOUS names a checkout");
    let program = format!("{previous}/target/debug/direct-upload-operator");
    let cluster = Cluster::start("previous");
    let mut site = site(&cluster);
    let install_crds = |folder: &str| {
        cluster.kubectl(&["apply", "--server-side", "--force-conflicts", "-k", &format!("{folder}/crds")]);
        std::thread::sleep(std::time::Duration::from_secs(3)); // the API server takes them a moment later
    };
    let names = ["glance", "image", "horizon", "dashboard", "keystone", "off"];
    let standing = |site: &Site| names.map(|name| site.get(&format!("deployment/{name}"))["spec"]["template"].clone());
    let run = |site: &mut Site, program: &str| {
        let operator = Operator::start_program(program, &cluster, &["--no-leader-election"]);
        operator.wait_ready();
        site.operator = Some(operator);
        for (object, _) in READY {
            site.wait(&format!("{object} is ready"), || {
                site.condition(object, "Ready").starts_with("True").then_some(())
            });
        }
        site.await_rollouts();
        site.quiet();
    };

    install_crds(&previous);
    site.apply(&shapes());
    site.await_rollouts();
    run(&mut site, &program);
    site.apply(&fixtures::exposed("dashboard", "cloud.example.com"));
    site.wait("both origins are accepted", || {
        let files = site.files("deployment/image")?;
        (files.contains("https://dashboard.") && files.contains("https://cloud.")).then_some(())
    });
    site.quiet();
    site.await_rollouts();
    let before = standing(&site);
    let origins = |site: &Site| site.files("deployment/image");
    let accepted = origins(&site);

    let own = file("").display().to_string();
    for (crds, program) in [(&own, BINARY), (&own, program.as_str()), (&previous, &program), (&own, BINARY)] {
        site.stop();
        install_crds(crds);
        run(&mut site, program);
        assert_eq!(standing(&site), before, "after {program} with {crds}/crds");
        assert_eq!(origins(&site), accepted, "after {program} with {crds}/crds");
        let log = site.operator.as_ref().expect("it runs").log();
        assert!(!log.contains("cannot be read"), "{log}");
    }
}

/// Who owns which fields, but for those of the controllers.
fn owners(object: &Value) -> BTreeMap<String, Value> {
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let ours = entries.filter(|e| e["manager"].as_str().is_some_and(|m| m.starts_with("direct-upload-operator/")));
    ours.map(|e| (e["manager"].to_string(), e["fieldsV1"].clone())).collect()
}

/// As a newer release may leave it: a value that this one's CRD does not know, and more of everything that it
/// does. Answers what takes the value back.
fn newer(site: &Site) -> Value {
    let crd = fs::read_to_string(file("crds/horizons.horizon.openstack.org.yaml")).expect("a CRD");
    let mut crd: Value = serde_yaml::from_str(&crd).expect("YAML");
    let layout = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/layout";
    crd.pointer_mut(layout).and_then(Value::as_object_mut).expect("an object").remove("enum").expect("an enum");
    site.kubectl_with(&["apply", "--server-side", "-f", "-"], &crd.to_string());
    let before = site.get("horizon/horizon")["spec"]["layout"].clone();
    site.wait("the API server has the newer schema", || {
        let nix = json!({"spec": {"layout": "Nix"}}).to_string();
        site.try_kubectl_with(&["patch", "horizon/horizon", "--type=merge", "-p", &nix], "").ok()
    });
    let noted = json!({"metadata": {"annotations": {"direct-upload.openstack.org/newer": "something"}}});
    for object in ["deployment/glance", "deployment/horizon", "glance/glance", "horizon/dashboard"] {
        site.edit(object, &noted);
    }
    let mut condition = site.get("horizon/dashboard")["status"]["conditions"][0].clone();
    condition["type"] = json!("Newer");
    condition["reason"] = json!("NobodyKnowsYet");
    let patch = json!([
        {"op": "add", "path": "/status/conditions/-", "value": condition},
        {"op": "replace", "path": "/status/conditions/0/reason", "value": "NobodyKnowsYet"},
    ]);
    let args = ["patch", "horizon/dashboard", "--subresource=status", "--type=json", "-p", &patch.to_string()];
    site.kubectl(&args);
    json!({"spec": {"layout": before}})
}
