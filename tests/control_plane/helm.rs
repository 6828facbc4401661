//! The chart: it has the same objects as deploy/. A real API server accepts them, and the real helm
//! installs, upgrades and removes them.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, Stdio};

use rstest::rstest;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::harness::{BINARY, Cluster, Operator, PATIENCE, SYSTEM, Site, file, poll, shared, workload_patches};

const CHART: &str = "deploy/helm/direct-upload-operator";
/// With this name, the chart's objects have the names that they have in deploy/.
const RELEASE: &str = "direct-upload-operator";

fn helm(cluster: &Cluster, args: &[&str]) -> Command {
    let mut helm = Command::new(file("tests/helm/helm"));
    helm.args(args).args(["--namespace", SYSTEM]).env("KUBECONFIG", cluster.folder().join("admin.kubeconfig"));
    for (name, folder) in [("HELM_CACHE_HOME", "cache"), ("HELM_CONFIG_HOME", "config"), ("HELM_DATA_HOME", "data")] {
        helm.env(name, cluster.folder().join("helm").join(folder));
    }
    helm
}

/// What it says, if it succeeds.
fn helmed(cluster: &Cluster, args: &[&str]) -> String {
    let output = helm(cluster, args).output().expect("helm runs");
    assert!(output.status.success(), "helm {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn template(cluster: &Cluster, values: &[&str]) -> String {
    let chart = file(CHART).display().to_string();
    let set: Vec<_> = values.iter().flat_map(|value| ["--set", *value]).collect();
    helmed(cluster, &[&["template", RELEASE, &chart][..], &set].concat())
}

fn objects(text: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(text).map(|d| Value::deserialize(d).expect("YAML"));
    documents.filter(|document| !document.is_null()).collect()
}

/// By kind, namespace and name; without what only one of the two can have.
fn comparable(text: &str) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for mut object in objects(text) {
        let hook = object.pointer("/metadata/annotations/helm.sh~1hook").is_some();
        if hook || object["kind"] == "Namespace" {
            continue;
        }
        strip(&mut object);
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = format!("{} {}/{}", text("/kind"), text("/metadata/namespace"), text("/metadata/name"));
        assert!(all.insert(key.clone(), object).is_none(), "{key} twice");
    }
    all
}

/// Helm's own labels and annotations, and defaults that only one of the two spells out.
fn strip(value: &mut Value) {
    let only_helm = |name: &str| {
        name.starts_with("helm.sh/")
            || ["instance", "version", "managed-by"].iter().any(|label| name == format!("app.kubernetes.io/{label}"))
    };
    match value {
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Object(fields) => {
            fields.retain(|name, value| !(only_helm(name) || name == "imagePullPolicy" && value == "IfNotPresent"));
            fields.values_mut().for_each(strip);
            fields.retain(|_, value| *value != json!({}));
        }
        _ => {}
    }
}

/// Whichever way it is installed, and whatever is chosen, the same objects come of it.
#[rstest]
#[case::cluster_wide(&[], &["deploy"])]
#[case::one_namespace(&["watchNamespaces={openstack}"], &["deploy/namespaced"])]
#[case::catalog(
    &["catalog.secrets[0].namespace=openstack", "catalog.secrets[0].name=direct-upload-catalog"],
    &["deploy", "deploy/catalog"]
)]
#[case::canary(
    &["canary.secrets[0].namespace=openstack", "canary.secrets[0].name=direct-upload-canary"],
    &["deploy", "deploy/canary"]
)]
#[case::exposure(&["exposure.manage=true"], &["deploy", "deploy/exposure"])]
#[case::network_policy(&["networkPolicy.enabled=true"], &["deploy", "deploy/network-policy"])]
#[case::monitoring(
    &[
        "monitoring.serviceMonitor.enabled=true",
        "monitoring.prometheusRule.enabled=true",
        "monitoring.dashboard.enabled=true",
    ],
    &["deploy", "deploy/monitoring"]
)]
fn as_kustomize(#[case] values: &[&str], #[case] folders: &[&str]) {
    let cluster = shared();
    let kustomize = |folder: &&str| cluster.kubectl(&["kustomize", &file(folder).display().to_string()]);
    let folders: Vec<_> = folders.iter().chain(&["crds"]).map(kustomize).collect();
    let (mut chart, kustomize) = (comparable(&template(cluster, values)), comparable(&folders.join("\n---\n")));
    for (key, expected) in &kustomize {
        assert_eq!(chart.remove(key).as_ref(), Some(expected), "{key}");
    }
    assert!(chart.is_empty(), "only in the chart: {:?}", chart.keys());
}

/// Names of values are checked, and so are what they hold; and all that can be chosen is taken by the API
/// server.
#[test]
fn values() {
    let cluster = shared();
    let chart = file(CHART).display().to_string();
    helmed(cluster, &["lint", "--strict", &chart]);
    for (wrong, why) in [
        ("watchNamespace={openstack}", "additional properties 'watchNamespace' not allowed"),
        ("replicas=two", "/replicas"),
        ("image.digest=sha1:00", "/image/digest"),
        ("preflight.interval=1d", "/preflight/interval"),
        ("catalog.secrets[0].name=x", "missing property 'namespace'"),
    ] {
        let output = helm(cluster, &["template", RELEASE, &chart, "--set", wrong]).output().expect("helm runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(why), "{wrong}: {said}");
    }

    let all = cluster.folder().join("all.yaml");
    fs::write(&all, everything().to_string()).expect("written");
    let site = Site::new("values");
    let release = ["template", "second", &chart, "-f", &all.display().to_string()].map(str::to_owned);
    let set = format!("watchNamespaces={{{}}}", site.namespace);
    let text = helmed(cluster, &[&release.each_ref().map(String::as_str)[..], &["--set", &set]].concat());
    let known = objects(&text).into_iter().filter(|o| o["apiVersion"] != "monitoring.coreos.com/v1");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": known.collect::<Vec<_>>()});
    let dry = ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-"];
    let said = cluster.try_kubectl(&dry, Some(&list.to_string())).expect("all is taken");
    assert!(!said.contains("Warning") && said.contains("deployment.apps/second-direct-upload-operator"), "{said}");
}

/// Every value, other than its default.
fn everything() -> Value {
    json!({
        "image": {
            "repository": "registry.example.com/operator", "digest": format!("sha256:{:064}", 0),
            "pullPolicy": "Always", "pullSecrets": [{"name": "registry"}],
        },
        "replicas": 3, "instance": "second", "concurrency": 4,
        "crds": {"install": false}, "rbac": {"userRoles": false},
        "exposure": {"manage": true},
        "preflight": {"interval": "30s", "patience": "10m", "deny": ["192.0.2.0/24"]},
        "proxy": {"https": "http://proxy.example.com:3128", "noProxy": ".svc"},
        "trustedCA": {"configMap": "ca"},
        "log": {"format": "text", "filter": "debug"},
        "podDisruptionBudget": {"minAvailable": "50%"},
        "networkPolicy": {
            "enabled": true, "metricsFrom": [{"namespaceSelector": {}}], "egress": [{"ports": [{"port": 443}]}],
        },
        "monitoring": {
            "serviceMonitor": {"enabled": true, "interval": "30s", "labels": {"release": "prometheus"}},
            "prometheusRule": {"enabled": true}, "dashboard": {"enabled": true},
        },
        "serviceAccount": {"annotations": {"example.com/role": "operator"}},
        "podAnnotations": {"example.com/a": "b"}, "podLabels": {"example.com/c": "d"},
        "priorityClassName": "system-cluster-critical", "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "control-plane", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
    })
}

/// An older chart, whose CRDs are not yet those of today.
fn older_chart(cluster: &Cluster) -> String {
    let older = cluster.folder().join("older").display().to_string();
    let copied = Command::new("cp").args(["-rL"]).arg(file(CHART)).arg(&older).status().expect("cp runs");
    assert!(copied.success());
    let crd = format!("{older}/files/crds/horizons.horizon.openstack.org.yaml");
    let text = fs::read_to_string(&crd).expect("a CRD").replace("name: Upload", "name: Way");
    fs::write(&crd, text).expect("written");
    older
}

/// The operator of a release, as its pod would run: with its account and its Lease.
fn operate(cluster: &Cluster) -> Operator {
    cluster.take_token();
    let operator = Operator::start(cluster, &["--watch-namespace", "openstack"]);
    operator.wait_ready();
    operator
}

/// `helm uninstall`, while its hook's pod is held: this process is that pod.
fn uninstall(cluster: &Cluster) -> Child {
    cluster.edit("", &format!("namespace/{SYSTEM}"), &json!({"metadata": {"annotations": {"stand-in/jobs": "hold"}}}));
    helm(cluster, &["uninstall", RELEASE]).stdout(Stdio::null()).spawn().expect("helm runs")
}

/// Install, upgrade, uninstall, install again: no pod of the cloud is replaced, and nothing hangs.
#[test]
fn a_release_comes_and_goes() {
    let cluster = Cluster::start("helm");
    cluster.create_namespace("openstack");
    let older = older_chart(&cluster);
    helmed(&cluster, &["install", RELEASE, &older, "--create-namespace", "--wait", "--timeout", "90s"]);
    let mut site = Site { cluster: &cluster, namespace: "openstack".into(), operator: None, flags: Vec::new() };
    site.operator = Some(operate(&cluster));
    site.apply_sample("samples/quickstart");
    site.await_pair();
    let columns = || cluster.kubectl(&["get", "crd/horizons.horizon.openstack.org", "-o", "jsonpath={..name}"]);
    assert!(columns().contains("Way"), "{}", columns());

    let chart = file(CHART).display().to_string();
    let mark = site.mark();
    helmed(&cluster, &["upgrade", RELEASE, &chart, "--wait", "--timeout", "90s"]);
    assert!(columns().contains("Upload") && !columns().contains("Way"), "CRDs are upgraded: {}", columns());
    site.stop();
    site.operator = Some(operate(&cluster));
    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 0);

    let before = ["deployment/glance", "deployment/horizon"].map(|w| site.get(w)["spec"].clone());
    let mut helm = uninstall(&cluster);
    let job = format!("job/{RELEASE}-detach");
    let job = poll(PATIENCE, || cluster.get(SYSTEM, &job)).expect("the hook's Job");
    let args = job.pointer("/spec/template/spec/containers/0/args").and_then(Value::as_array).expect("arguments");
    let mut detach = Command::new(BINARY)
        .args(args.iter().filter_map(Value::as_str))
        .env("KUBECONFIG", cluster.operator_kubeconfig())
        .spawn()
        .expect("it starts");
    let stopped = poll(PATIENCE, || {
        let operator = cluster.get(SYSTEM, &format!("deployment/{RELEASE}"))?;
        (operator["spec"]["replicas"] == 0).then_some(())
    });
    assert!(stopped.is_some(), "the hook scales the operator down");
    site.stop();
    assert!(detach.wait().expect("it ends").success());
    for resource in ["horizon/horizon", "glance/glance"] {
        assert_eq!(site.get(resource)["metadata"]["finalizers"], Value::Null, "{resource}");
    }
    cluster.edit("", &format!("namespace/{SYSTEM}"), &json!({"metadata": {"annotations": {"stand-in/jobs": null}}}));
    assert!(helm.wait().expect("it ends").success());
    let kinds = "clusterroles,clusterrolebindings,deployments,services,serviceaccounts,roles,rolebindings,pdb";
    let left = cluster.kubectl(&["-n", SYSTEM, "get", kinds, "-o", "name"]);
    assert!(!left.contains("direct-upload"), "{left}");

    // What is kept is taken up by the next install, and no pod is replaced.
    let mark = site.mark();
    helmed(&cluster, &["install", RELEASE, &chart, "--wait", "--timeout", "90s"]);
    site.operator = Some(operate(&cluster));
    site.await_pair();
    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 0);
    assert_eq!(["deployment/glance", "deployment/horizon"].map(|w| site.get(w)["spec"].clone()), before);

    // The documented order: everything is released before the operator is removed.
    cluster.kubectl(&["delete", "horizons,glances,openstackapis", "--all", "-A", "--timeout=60s"]);
    assert_eq!(site.mounted("deployment/glance"), None);
    assert_eq!(site.mounted("deployment/horizon"), None);
    site.stop();
    helmed(&cluster, &["uninstall", RELEASE, "--no-hooks"]);
    cluster.kubectl(&["delete", "--timeout=60s", "-k", &file("crds").display().to_string()]);
}
