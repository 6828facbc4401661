//! GitOps tools and the operator at the same objects: what Argo CD and Flux see, with their own libraries.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use rstest::rstest;
use serde_json::{Value, json};
use test_support::gitops;

use crate::harness::{Answer, BINARY, Cluster, Operator, SYSTEM, Site, file, fixtures, workload_patches};

const THREE: [&str; 3] = ["glance/glance", "horizon/horizon", "openstackapi/keystone"];

/// What both tools say of all three resources.
fn verdicts(site: &Site) -> Vec<(String, String)> {
    let verdicts = gitops::health(&THREE.map(|object| site.get(object)));
    verdicts.into_iter().map(|verdict| (verdict.argo, verdict.flux)).collect()
}

fn all(argo: &str, flux: &str) -> Vec<(String, String)> {
    vec![(argo.to_owned(), flux.to_owned()); 3]
}

#[test]
fn health() {
    let mut site = Site::new("health");
    site.apply(&[fixtures::cloud(), fixtures::service("Deployment", "keystone")].concat());
    site.await_rollouts();
    site.pods("hold");
    let cors = json!({"allowedOrigins": ["https://portal.example.com"], "retireAfter": "1s"});
    let keystone = json!({"apiVersion": "cors.openstack.org/v1beta1", "kind": "OpenStackAPI", "metadata": {"name": "keystone"},
        "spec": {"service": "Keystone", "cors": cors, "rollout": {"minInterval": "1s"}}});
    site.apply(&[&fixtures::resources()[..], &[keystone]].concat());
    assert_eq!(verdicts(&site), all("Progressing", "InProgress"), "nobody has looked at them yet");

    site.start();
    site.await_ready("glance/glance", "False RollingOut");
    site.await_ready("horizon/horizon", "False SwitchingToDirect");
    site.await_ready("openstackapi/keystone", "False RollingOut");
    assert_eq!(verdicts(&site), all("Progressing", "InProgress"));

    site.pods("run");
    site.await_pair();
    site.await_ready("openstackapi/keystone", "True Verified");
    assert_eq!(verdicts(&site), all("Healthy", "Current"));

    // A Horizon needs its Glance: that one comes last.
    for object in ["horizon/horizon", "openstackapi/keystone", "glance/glance"] {
        site.edit(object, &json!({"spec": {"workloadRef": {"container": "another"}}}));
        site.await_ready(object, "False ContainerUnknown");
    }
    assert_eq!(verdicts(&site), all("Degraded", "Failed"));

    let rest = json!({"suspend": true, "workloadRef": null});
    for (object, change) in THREE.iter().zip([
        json!({"cors": {"maxAge": 7200}}),
        json!({"directUpload": {"enabled": false}}),
        json!({"cors": {"maxAge": 7200}}),
    ]) {
        site.edit(object, &json!({"spec": rest}));
        site.edit(object, &json!({"spec": change}));
        site.await_ready(object, "False Suspended");
    }
    assert_eq!(verdicts(&site), all("Suspended", "InProgress"));
}

/// How a workload gets into the cluster from Git.
#[derive(Clone, Copy)]
enum Way {
    ArgoClientSide,
    ArgoServerSide,
    Flux,
}

impl Way {
    fn sync(self, site: &Site, git: &Value) {
        let apply = |args: &[&str]| {
            let args = [&["apply", "-f", "-", "--field-manager=argocd-controller"], args].concat();
            site.kubectl_with(&args, &git.to_string());
        };
        match self {
            Self::ArgoClientSide => apply(&[]),
            Self::ArgoServerSide => apply(&["--server-side", "--force-conflicts"]),
            Self::Flux => {
                gitops::ask("flux-apply", &kubeconfig(site), git);
            }
        }
    }

    /// What the tool sees as drift, by each of its ways to look.
    fn drift(self, site: &Site, git: &Value) -> Vec<(String, Value)> {
        let tool = if matches!(self, Self::Flux) { "Flux" } else { "Argo CD" };
        let Value::Object(seen) = gitops::ask("drift", &kubeconfig(site), git) else { panic!("an object") };
        seen.into_iter().filter(|(way, _)| way.starts_with(tool)).collect()
    }
}

fn kubeconfig(site: &Site) -> PathBuf {
    site.cluster.folder().join("admin.kubeconfig")
}

/// What the operator adds is no drift for the tool that owns the workload, and its next sync neither
/// takes it away nor rolls a pod. What is drift is seen.
#[rstest]
#[case::argo_client_side(Way::ArgoClientSide, 3)]
#[case::argo_server_side(Way::ArgoServerSide, 3)]
#[case::flux(Way::Flux, 1)]
fn no_drift(#[case] way: Way, #[case] looks: usize) {
    let mut site = Site::new("drift");
    let names = ["glance", "horizon"];
    for name in names {
        site.apply(&fixtures::exposed(name, &format!("{name}.example.com")));
    }
    let git = names.map(|name| {
        let mut git = fixtures::workload("Deployment", name);
        git["metadata"]["namespace"] = json!(site.namespace);
        git
    });
    for git in &git {
        way.sync(&site, git);
    }
    site.await_rollouts();
    site.start();
    site.apply(&fixtures::resources());
    site.await_pair();
    site.quiet();

    let mark = site.mark();
    for (name, git) in names.iter().zip(&git) {
        let workload = format!("deployment/{name}");
        let before = site.get(&workload);
        assert!(site.mounted(&workload).is_some());
        let seen = way.drift(&site, git);
        assert_eq!(seen.len(), looks);
        assert!(seen.iter().all(|(_, what)| what == ""), "{seen:#?}");
        way.sync(&site, git);
        assert_eq!(site.get(&workload)["spec"], before["spec"]);
        assert_eq!(site.get(&workload)["metadata"]["generation"], before["metadata"]["generation"]);

        let mut other = git.clone();
        other["spec"]["template"]["spec"]["containers"][0]["image"] = json!("registry.example.com/other:2");
        let seen = way.drift(&site, &other);
        assert!(seen.iter().all(|(_, what)| what != ""), "{seen:#?}");
    }
    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 0);
}

/// The samples, by the definitions of Argo CD, Flux and this project.
#[test]
fn samples() {
    let cluster = Cluster::start("gitops");
    cluster.install_crds();
    cluster.create_namespace("openstack");
    cluster.create_namespace("argocd");
    cluster.create_namespace("flux-system");
    let definitions = Command::new(file("tests/gitops/definitions")).output().expect("tests/gitops/definitions starts");
    assert!(definitions.status.success(), "{}", String::from_utf8_lossy(&definitions.stderr));
    for path in String::from_utf8(definitions.stdout).expect("paths").lines() {
        cluster.kubectl(&["apply", "--server-side", "-f", path]);
        cluster.await_established(&["-f", path]);
    }
    let dry = ["apply", "--server-side", "--dry-run=server", "--validate=strict"];
    let path = |name: &str| file("samples/gitops").join(name).display().to_string();
    for folder in ["argocd", "flux"] {
        cluster.kubectl(&[&dry[..], &["-f", &path(folder)]].concat());
    }
    cluster.kubectl(&[&dry[..], &["-k", &path("resources")]].concat());
}

/// What samples/ci/kind.yaml runs in kind, here: stand-ins for kubelet and pods, the operator as a process.
#[test]
fn steps_of_ci() {
    let cluster = Cluster::start("ci");
    cluster.install();
    cluster.kubectl(&["-n", SYSTEM, "rollout", "status", "deployment/direct-upload-operator", "--timeout=90s"]);
    let operator = Operator::start(&cluster, &[]);
    operator.wait_ready();
    let steps = Command::new("sh")
        .args(["-c", r#". "$0/env" && exec "$1""#])
        .arg(cluster.folder())
        .arg(file("samples/ci/steps"))
        .output()
        .expect("samples/ci/steps starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(steps.status.success(), "{}{}\n{}", text(&steps.stdout), text(&steps.stderr), operator.log());
    assert!(text(&steps.stdout).ends_with("== all is well\n"));
}

/// The pipeline without an operator: in two halves, the second only when a browser's upload would pass.
#[test]
fn operator_less() {
    let site = Site::new("pipeline");
    let namespace = &site.namespace;
    let folder = site.cluster.folder().join(namespace);
    fs::create_dir(&folder).expect("a folder");
    let mut objects = [fixtures::cloud(), fixtures::resources()].concat();
    for object in &mut objects {
        object["metadata"]["namespace"] = json!(namespace);
    }
    fs::write(folder.join("cloud.json"), json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string())
        .expect("written");
    site.apply(&fixtures::cloud());
    site.await_rollouts();

    let out = site.cluster.folder().join(format!("{namespace}.yaml"));
    let host = format!("{namespace}.example.org");
    let edge = site.cluster.edge();
    let port = edge.private_port();
    let preflight = format!("--ca {} --resolve {host}:{port}:127.0.0.1", edge.private_ca().display());
    let promote = |stage: &str| {
        Command::new(file("samples/gitops/pipeline/promote"))
            .args([stage.as_ref(), folder.as_os_str(), out.as_os_str()])
            .env("DIRECT_UPLOAD_OPERATOR", BINARY)
            .env("ORIGINS", "https://horizon.example.com")
            .env("GLANCE_URL", format!("https://{host}:{port}"))
            .env("PREFLIGHT", &preflight)
            .output()
            .expect("promote starts")
    };
    let sync = |stage: &str| {
        let output = promote(stage);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        site.kubectl(&["apply", "-f", &out.display().to_string()]);
        site.await_rollouts();
    };
    sync("glance");
    assert!(site.files("deployment/glance").expect("files").contains("https://horizon.example.com"));
    assert_eq!(site.mounted("deployment/horizon"), None);

    let before = fs::read(&out).expect("what was rendered");
    edge.set(&host, Answer::Refuses);
    assert!(!promote("horizon").status.success(), "a browser would be refused");
    assert_eq!(fs::read(&out).expect("what was rendered"), before, "and nothing is written");

    edge.set(&host, Answer::Grants);
    let glance = site.get("deployment/glance")["spec"].clone();
    sync("horizon");
    assert!(site.files("deployment/horizon").expect("files").contains("HORIZON_IMAGES_UPLOAD_MODE = 'direct'"));
    assert_eq!(site.get("deployment/glance")["spec"], glance, "Glance is not rolled again");
}
