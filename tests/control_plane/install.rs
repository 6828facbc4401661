//! The operator for a whole cluster, as deploy/ installs it. Each test has its own cluster.

use serde_json::{Value, json};

use crate::harness::{Cluster, Operator, SYSTEM, Site, file, fixtures, poll, rolled_out, workload_patches};

const ROLE: &str = "clusterrole/direct-upload-operator";

/// Foreign or missing CRDs: the operator ends with a clear message, and has written nothing.
#[test]
fn whose_crds() {
    let cluster = Cluster::start("crds");
    cluster.kubectl(&["apply", "-k", &file("deploy").display().to_string()]);
    cluster.take_token();
    let refused = |words: &[&str]| {
        let mut operator = Operator::start(&cluster, &[]);
        let status = operator.wait();
        assert_eq!(status.code(), Some(1));
        let log = operator.log();
        for word in words {
            assert!(log.contains(word), "{word} in {log}");
        }
        let reads = ["get", "list", "watch"];
        let writes: Vec<_> =
            cluster.requests(0).into_iter().filter(|r| !reads.iter().any(|v| r["verb"] == *v)).collect();
        assert!(writes.is_empty(), "{writes:#?}");
    };
    refused(&["is not installed", "kubectl apply --server-side -k crds"]);

    cluster.install_crds();
    let crd = "crd/horizons.horizon.openstack.org";
    cluster.kubectl(&["label", crd, "app.kubernetes.io/part-of-"]);
    refused(&["horizons.horizon.openstack.org belongs to another project", "has changed nothing"]);

    cluster.install_crds();
    Operator::start(&cluster, &[]).wait_ready();
    pods_are_restricted(&cluster);
}

/// Its own pods start under Pod Security's `restricted`.
fn pods_are_restricted(cluster: &Cluster) {
    let up =
        poll(crate::harness::PATIENCE, || cluster.get(SYSTEM, "deployment/direct-upload-operator").filter(rolled_out));
    assert!(up.is_some(), "{}", cluster.kubectl(&["-n", SYSTEM, "describe", "deploy,rs"]));
    let namespace = cluster.get("", &format!("namespace/{SYSTEM}")).expect("installed");
    assert_eq!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");

    // The same for one namespace.
    cluster.create_namespace("openstack");
    cluster.kubectl(&["delete", "clusterrolebinding", "direct-upload-operator"]);
    cluster.kubectl(&["apply", "-k", &file("deploy/namespaced").display().to_string()]);
    let binding = cluster.try_kubectl(&["get", "clusterrolebinding", "direct-upload-operator"], None);
    assert!(binding.is_err(), "what it cannot see elsewhere, it must not need");
    let site = Site { cluster, namespace: "openstack".into(), operator: None, flags: Vec::new() };
    let operator = Operator::start(cluster, &["--watch-namespace", "openstack"]);
    let site = Site { operator: Some(operator), ..site };
    site.apply_sample("samples/quickstart");
    site.await_pair();
}

/// Two replicas: when the leader is killed, or ends, the other one continues its work.
#[test]
fn two_replicas() {
    let cluster = Cluster::start("replicas");
    cluster.install();
    let leads = |operator: &Operator| {
        operator.http("/metrics").is_some_and(|m| m.lines().any(|line| line == "direct_upload_leader 1"))
    };
    let await_leader = |operator: &Operator| {
        assert!(poll(crate::harness::PATIENCE, || leads(operator).then_some(())).is_some(), "{}", operator.log());
    };
    let first = Operator::start(&cluster, &[]);
    await_leader(&first);
    let second = Operator::start(&cluster, &[]);
    second.wait_ready();
    assert!(second.http("/healthz").is_some_and(|a| a.starts_with("HTTP/1.1 200")));

    let mut site = Site::on(&cluster, "replicas");
    site.apply(&fixtures::cloud());
    site.await_rollouts();
    site.pods("hold");
    let mark = site.mark();
    site.apply(&fixtures::resources());
    site.wait("the rollout of Glance has begun", || site.mounted("deployment/glance"));
    assert!(!leads(&second));
    first.kill();
    site.pods("run");
    site.operator = Some(second);
    site.await_pair();
    assert_eq!(workload_patches(&site.writes(mark)), ["patch deployments/glance", "patch deployments/horizon"]);

    let third = Operator::start(&cluster, &[]);
    third.wait_ready();
    site.stop();
    let lease = cluster.get(SYSTEM, "lease/direct-upload-operator-default").expect("a Lease");
    assert!(lease["spec"]["holderIdentity"].is_null(), "given back at the end: {lease}");
    await_leader(&third);
    let mark = site.mark();
    site.operator = Some(third);
    assert_eq!(site.settled_writes(mark).len(), 0);

    // In a namespace that is being deleted nothing is created, and nothing waits.
    cluster.kubectl(&["delete", "namespace", &site.namespace, "--timeout=60s"]);
}

/// Horizons of other namespaces: those that the Glance's selector allows.
#[test]
fn consent_by_labels() {
    let cluster = Cluster::start("consent");
    cluster.install();
    let image = Site::on(&cluster, "image");
    image.apply(&fixtures::service("Deployment", "glance"));
    let mut dashboard = Site::on(&cluster, "dashboard");
    dashboard.apply(&fixtures::service("Deployment", "horizon"));
    dashboard.operator = Some(Operator::start(&cluster, &["--no-leader-election"]));
    let selector = json!({"matchLabels": {"uploads": "yes"}});
    image.apply(&[fixtures::glance(
        "glance",
        json!({"cors": {
            "allowedHorizons": {"namespaces": {"from": "Selector", "selector": selector}}, "retireAfter": "1s",
        }}),
    )]);
    let reference = json!({"directUpload": {"glanceRef": {"name": "glance", "namespace": image.namespace}}});
    dashboard.apply(&[fixtures::horizon("horizon", reference)]);
    dashboard.await_ready("horizon/horizon", "False GlanceNotAllowed");
    image.await_ready("glance/glance", "True NoOrigins");

    let namespace = format!("namespace/{}", dashboard.namespace);
    dashboard.edit(&namespace, &json!({"metadata": {"labels": {"uploads": "yes"}}}));
    dashboard.await_ready("horizon/horizon", "True Verified");
    image.await_ready("glance/glance", "True RolledOut");

    // Consent is withdrawn: Horizon goes back first, then the origin leaves.
    let mark = cluster.mark();
    dashboard.edit(&namespace, &json!({"metadata": {"labels": {"uploads": null}}}));
    dashboard.await_ready("horizon/horizon", "False GlanceNotAllowed");
    assert_eq!(dashboard.mounted("deployment/horizon"), None);
    image.await_ready("glance/glance", "True NoOrigins");
    assert_eq!(workload_patches(&dashboard.writes(mark)).len(), 1);
}

/// What cannot be seen is unknown, not empty: the operator removes nothing.
#[test]
fn rights_that_are_lost() {
    let cluster = Cluster::start("rights");
    cluster.install();
    let mut site = Site::on(&cluster, "rights");
    site.apply(&fixtures::cloud());
    site.apply(&[
        fixtures::glance("glance", json!({"cors": {"retireAfter": "0s"}})),
        fixtures::horizon("horizon", json!({})),
    ]);
    let start = |cluster| Some(Operator::start(cluster, &["--no-leader-election"]));
    site.operator = start(&cluster);
    site.await_pair();
    site.stop();

    let mut role: Value = serde_json::from_str(&cluster.kubectl(&["get", ROLE, "-o", "json"])).expect("JSON");
    role["metadata"] = json!({"name": role["metadata"]["name"]});
    let mut less = role.clone();
    less["rules"].as_array_mut().expect("rules").retain(|rule| rule["resources"] != json!(["ingresses"]));
    let replace = |role: &Value| {
        cluster.try_kubectl(&["replace", "-f", "-"], Some(&role.to_string())).expect("replaced");
    };
    replace(&less);
    site.kubectl(&["delete", "ingress", "horizon"]);
    let mark = site.mark();
    site.operator = start(&cluster);
    site.await_ready("horizon/horizon", "False ObservationIncomplete");
    let message = site.message("horizon/horizon", "Ready");
    assert!(message.contains("ingresses"), "{message}");
    assert_eq!(site.condition("horizon/horizon", "OriginsResolved"), "Unknown ObservationIncomplete");
    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 0);
    assert!(site.mounted("deployment/horizon").is_some());
    assert!(site.files("deployment/glance").unwrap().contains("https://horizon.example.com"));

    // With the rights the answer is known again, and acted upon.
    replace(&role);
    site.await_ready("horizon/horizon", "False NotExposed");
}
