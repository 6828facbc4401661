//! The samples on a cluster: they become ready, exactly as `render` says offline.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{BINARY, Site, fixtures};

type ConfigMaps = BTreeMap<String, Value>;

/// Names and data of the ConfigMaps that `render` prints for manifests.
fn rendered(manifests: &str) -> ConfigMaps {
    let mut render = Command::new(BINARY)
        .args(["render", "-f", "-", "-o", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("render starts");
    render.stdin.take().expect("a pipe").write_all(manifests.as_bytes()).expect("render reads");
    let output = render.wait_with_output().expect("render ends");
    assert!(output.status.success(), "render: {}", output.status);
    let list: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    ours(list["items"].as_array().expect("a List"))
}

fn ours(objects: &[Value]) -> ConfigMaps {
    let ours = objects.iter().filter(|o| {
        o["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "direct-upload-operator" && !o["data"].is_null()
    });
    ours.map(|o| (o["metadata"]["name"].as_str().expect("a name").to_owned(), o["data"].clone())).collect()
}

fn as_applied(site: &Site, manifests: &str) {
    let applied = ours(&site.list("configmap"));
    assert!(!applied.is_empty());
    assert_eq!(rendered(manifests), applied);
}

#[rstest]
#[case::quickstart("quickstart", nothing_more)]
#[case::debian("layouts/debian.yaml", nothing_more)]
#[case::red_hat("layouts/redhat.yaml", nothing_more)]
#[case::kolla("layouts/kolla.yaml", nothing_more)]
#[case::openstack_helm("layouts/openstackhelm.yaml", copies)]
fn a_sample(#[case] sample: &str, #[case] check: fn(&Site)) {
    let mut site = Site::new("sample");
    let manifests = site.apply_sample(&format!("samples/{sample}"));
    site.start();
    let glance = site.list("glance")[0]["metadata"]["name"].as_str().expect("a name").to_owned();
    site.await_ready(&format!("glance/{glance}"), "True RolledOut");
    site.await_ready("horizon/horizon", "True Verified");
    as_applied(&site, &manifests);
    check(&site);
}

fn nothing_more(_: &Site) {}

/// An init container copies the file, with the main container's resources and security context.
fn copies(site: &Site) {
    let pod = site.get("deployment/horizon")["spec"]["template"]["spec"].clone();
    let named = |list: &Value, name: &str| {
        list.as_array().and_then(|l| l.iter().find(|o| o["name"] == name)).cloned().unwrap_or_default()
    };
    let copier = named(&pod["initContainers"], "direct-upload-copy");
    let main = named(&pod["containers"], "horizon");
    assert_eq!(copier["args"][0], "copy", "{copier}");
    assert_eq!(copier["securityContext"], main["securityContext"]);
    assert_eq!(copier["resources"], main["resources"]);
    assert!(named(&pod["volumes"], "direct-upload-files")["emptyDir"].is_object());
    let mounts = main["volumeMounts"].as_array().expect("mounts");
    let mount = mounts.iter().find(|m| m["name"] == "direct-upload-files").expect("a mount");
    assert!(
        mount["mountPath"].as_str().is_some_and(|p| p.ends_with("/local_settings.d/zz-direct-upload.py")),
        "{mount}"
    );
}

/// Resources for a cloud that is there.
#[rstest]
#[case::import("import/split-apis.yaml")]
#[case::multi_tenant("swift/multi-tenant.yaml")]
#[case::single_tenant("swift/single-tenant.yaml")]
#[case::httpd("httpd/glance.yaml")]
fn a_sample_of_glance(#[case] sample: &str) {
    let mut objects = [fixtures::cloud(), vec![fixtures::workload("Deployment", "glance-internal")]].concat();
    let mut site = Site::new("glance-sample");
    for object in &mut objects {
        object["metadata"]["namespace"] = json!(site.namespace);
    }
    site.apply(&objects);
    let resources = site.apply_sample(&format!("samples/{sample}"));
    site.start();
    site.await_ready("glance/glance", "True RolledOut");
    let cloud = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    as_applied(&site, &format!("{cloud}\n---\n{resources}"));
}

/// Several Horizons, one of them off.
#[test]
fn several_horizons() {
    let mut objects = [fixtures::cloud(), fixtures::service("Deployment", "second")].concat();
    objects.extend(fixtures::service("Deployment", "third"));
    objects.extend(fixtures::resources());
    let httpd = json!({"workloadRef": {"name": "second"}, "httpd": {"timeout": "1h"}, "tlsTermination": {"trustOrigins": true}});
    objects.push(fixtures::horizon("second", httpd));
    objects.push(fixtures::horizon(
        "third",
        json!({"workloadRef": {"name": "third"}, "directUpload": {"enabled": false}}),
    ));
    let mut site = Site::new("render");
    for object in &mut objects {
        object["metadata"]["namespace"] = json!(site.namespace);
    }
    site.apply(&objects);
    site.start();
    site.await_pair();
    site.await_ready("horizon/second", "True Verified");
    site.await_ready("horizon/third", "True DirectDisabled");
    // Two rolls of Glance are allowed; the set at the end is one, and render knows no other.
    let current: Vec<Value> = ["glance", "horizon", "second"]
        .map(|name| site.get(&format!("configmap/{}", site.mounted(&format!("deployment/{name}")).expect("mounted"))))
        .to_vec();
    let manifests = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
    assert_eq!(rendered(&manifests), ours(&current));
}

/// httpd terminates TLS: the Secret is mounted by name, and no Secret is ever read.
#[test]
fn tls_in_the_pod() {
    let site = Site::with("tls", &fixtures::cloud());
    let spec = json!({"tls": {"enabled": true, "secretName": "certificate"}, "httpd": {"server": "ModProxy"}});
    site.apply(&[fixtures::glance("glance", spec), fixtures::horizon("horizon", json!({}))]);
    site.await_pair();
    let pod = site.get("deployment/glance")["spec"]["template"]["spec"].clone();
    let volume = json!({"name": "direct-upload-tls", "secret": {"secretName": "certificate", "defaultMode": 420}});
    assert!(pod["volumes"].as_array().is_some_and(|v| v.contains(&volume)), "{pod}");
    let mount = json!({"name": "direct-upload-tls", "mountPath": "/etc/direct-upload/tls", "readOnly": true});
    assert!(pod["containers"][0]["volumeMounts"].as_array().is_some_and(|m| m.contains(&mount)), "{pod}");
    let files = site.files("deployment/glance").unwrap();
    assert!(files.contains("SSLCertificateFile") && files.contains("ProxyPass"), "{files}");
    // In this namespace, or in all at once.
    let secrets = site.cluster.requests(0).into_iter().filter(|r| {
        let object = &r["objectRef"];
        object["resource"] == "secrets" && [&json!(site.namespace), &Value::Null].contains(&&object["namespace"])
    });
    assert_eq!(secrets.count(), 0);
}
