//! Annotations on Ingresses that lead to Glance, if `spec.exposure.manage` is set.

use serde_json::{Value, json};

use crate::harness::{Site, file, fixtures};

const NGINX: &str = "nginx.ingress.kubernetes.io";
const NAME: &str = "direct-upload-operator-exposure";

fn cloud() -> Vec<Value> {
    let mut objects = fixtures::cloud();
    for object in objects.iter_mut().filter(|object| object["kind"] == "Ingress") {
        object["spec"]["ingressClassName"] = json!("nginx");
    }
    objects
}

fn managed(manage: bool) -> Value {
    fixtures::glance("glance", json!({"exposure": {"manage": manage}}))
}

/// The shipped rules, but in this namespace alone.
fn grant(site: &Site) {
    let shipped = site.cluster.kubectl(&["kustomize", &file("deploy/exposure").display().to_string()]);
    let role = shipped.split("---\n").find(|document| document.contains("kind: ClusterRole\n")).expect("a role");
    site.kubectl_with(&["apply", "-f", "-"], role);
    let (role, subject) =
        (format!("--clusterrole={NAME}"), "--serviceaccount=direct-upload-system:direct-upload-operator");
    site.kubectl(&["create", "rolebinding", NAME, &role, subject]);
    let whole = site.try_kubectl_with(&["apply", "--dry-run=server", "-f", "-"], &shipped).expect("as shipped");
    assert!(whole.contains(&format!("clusterrolebinding.rbac.authorization.k8s.io/{NAME}")), "{whole}");
}

/// The annotations of Glance's Ingress.
fn annotations(site: &Site) -> Value {
    let mut annotations = site.get("ingress/glance")["metadata"]["annotations"].clone();
    if let Some(map) = annotations.as_object_mut() {
        map.retain(|name, _| !name.starts_with("kubectl.kubernetes.io/"));
    }
    annotations
}

fn claim(site: &Site) -> String {
    let meta = &site.get("glance/glance")["metadata"];
    format!("Glance/{}/glance/{}", site.namespace, meta["uid"].as_str().expect("a uid"))
}

fn with(site: &Site, body_size: &str) -> Value {
    json!({
        format!("{NGINX}/proxy-body-size"): body_size,
        format!("{NGINX}/proxy-request-buffering"): "off",
        format!("{NGINX}/proxy-read-timeout"): "3600",
        format!("{NGINX}/proxy-send-timeout"): "3600",
        "direct-upload.openstack.org/claim": claim(site),
    })
}

fn advice(site: &Site) -> String {
    site.get("glance/glance")["status"]["advice"].to_string()
}

fn ingress_writes(site: &Site, mark: u64) -> Vec<String> {
    let writes = site.settled_writes(mark);
    writes.iter().map(ToString::to_string).filter(|write| write.contains("ingresses/")).collect()
}

/// Set under a manager of our own, kept, and taken back: by the field, and by the resource's deletion.
#[test]
fn set_kept_and_taken_back() {
    let mut site = Site::new("manage");
    grant(&site);
    site.apply(&cloud());
    site.await_rollouts();
    site.start();
    let before = annotations(&site);
    let mark = site.mark();
    site.apply(&[managed(true), fixtures::horizon("horizon", json!({}))]);
    site.await_pair();
    assert_eq!(annotations(&site), with(&site, "0"));
    assert!(!advice(&site).contains("DU01"), "{}", advice(&site));
    assert_eq!(ingress_writes(&site, mark), ["patch ingresses/glance"]);
    let fields = site.get("ingress/glance")["metadata"]["managedFields"].clone();
    let ours =
        fields.as_array().expect("managers").iter().find(|f| f["manager"] == "direct-upload-operator/default/Glance");
    assert_eq!(ours.expect("a manager of our own")["operation"], "Apply");

    // Nothing differs, nothing is written: not by a restart, nor by the user's own apply.
    let mark = site.mark();
    site.stop();
    site.start();
    site.apply(&cloud());
    assert_eq!(ingress_writes(&site, mark), [""; 0]);
    assert_eq!(annotations(&site), with(&site, "0"));

    // Somebody takes a value for their own: it stays as they want it.
    site.edit("ingress/glance", &json!({"metadata": {"annotations": {format!("{NGINX}/proxy-body-size"): "9m"}}}));
    site.wait("the other manager is named", || advice(&site).contains("kubectl-edit").then_some(()));
    site.quiet();
    assert_eq!(annotations(&site), with(&site, "9m"));

    site.edit("glance/glance", &json!({"spec": {"exposure": {"manage": false}}}));
    let theirs = json!({format!("{NGINX}/proxy-body-size"): "9m"});
    site.wait("what is ours is taken back", || (annotations(&site) == theirs).then_some(()));
    site.edit("ingress/glance", &json!({"metadata": {"annotations": {format!("{NGINX}/proxy-body-size"): null}}}));
    site.edit("glance/glance", &json!({"spec": {"exposure": {"manage": true}}}));
    site.wait("it is set again", || (annotations(&site) == with(&site, "0")).then_some(()));
    site.kubectl(&["delete", "horizon/horizon", "glance/glance", "--timeout=60s"]);
    assert_eq!(annotations(&site), before);
}

/// What another manager has applied is named and left alone.
#[test]
fn a_foreign_owner() {
    let mut site = Site::new("manage-foreign");
    grant(&site);
    site.apply(&cloud());
    let patch = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "glance", "annotations": {format!("{NGINX}/proxy-body-size"): "8m"}}});
    site.cluster.apply_as("other", &site.namespace, "ingress/glance", &patch);
    site.await_rollouts();
    site.start();
    site.apply(&[managed(true), fixtures::horizon("horizon", json!({}))]);
    site.await_pair();
    assert_eq!(annotations(&site), with(&site, "8m"));
    let advice = advice(&site);
    assert!(advice.contains("DU014") && advice.contains("\\\"other\\\" has set it"), "{advice}");
}

/// Without the right: an advice with the next step, one try, and everything else goes on. With it, the
/// next start catches up.
#[test]
fn without_the_right() {
    let mut site = Site::new("manage-right");
    site.apply(&cloud());
    site.await_rollouts();
    site.start();
    let before = annotations(&site);
    let mark = site.mark();
    site.apply(&[managed(true), fixtures::horizon("horizon", json!({}))]);
    site.await_pair();
    let told = advice(&site);
    assert!(told.contains("cannot patch resource") && told.contains("kubectl apply -k deploy/exposure"), "{told}");
    assert_eq!(ingress_writes(&site, mark), ["patch ingresses/glance (403)"]);
    assert_eq!(annotations(&site), before);

    site.stop();
    grant(&site);
    site.start();
    site.wait("it is set", || (annotations(&site) == with(&site, "0")).then_some(()));
    site.wait("nothing is said any more", || (!advice(&site).contains("DU01")).then_some(()));

    // The right is gone again: the deletion says so and waits, and continues when it is back.
    site.kubectl(&["delete", "rolebinding", NAME]);
    site.kubectl(&["delete", "horizon/horizon", "--timeout=60s"]);
    site.kubectl(&["delete", "glance/glance", "--wait=false"]);
    site.await_ready("glance/glance", "False WriteFailed");
    assert!(site.message("glance/glance", "Ready").starts_with("deletion waits: "));
    grant(&site);
    site.stop();
    site.start();
    site.await_gone("glance/glance");
    assert_eq!(annotations(&site), before);
}
