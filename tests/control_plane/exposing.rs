//! Gateway API and similar kinds: CRDs that appear later, controllers that report, watches that break.

use serde_json::{Value, json};

use crate::harness::{Cluster, Operator, Site, fixtures, workload_patches};

const ROLE: &str = "clusterrole/direct-upload-operator";

/// A CRD that takes everything.
fn crd(group: &str, version: &str, kind: &str, plural: &str) -> Value {
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let mut crd = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase(), "listKind": format!("{kind}List")},
            "versions": [{
                "name": version, "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": open, "status": open}}},
            }],
        },
    });
    if group.ends_with("k8s.io") {
        let approved = "https://github.com/kubernetes-sigs/gateway-api";
        crd["metadata"]["annotations"] = json!({"api-approved.kubernetes.io": approved});
    }
    crd
}

fn install_gateway_api(cluster: &Cluster) {
    let group = "gateway.networking.k8s.io";
    let kinds = [("HTTPRoute", "httproutes"), ("Gateway", "gateways"), ("ReferenceGrant", "referencegrants")];
    for (kind, plural) in kinds {
        apply(cluster, &crd(group, "v1", kind, plural));
        cluster.await_established(&[&format!("crd/{plural}.{group}")]);
    }
}

fn apply(cluster: &Cluster, object: &Value) {
    cluster.try_kubectl(&["apply", "-f", "-"], Some(&object.to_string())).expect("applied");
}

/// A Gateway for routes of all namespaces.
fn gateway(port: u16) -> Value {
    let listener = json!({"name": "https", "port": port, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "x"}]},
        "allowedRoutes": {"namespaces": {"from": "All"}}});
    json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "public", "namespace": "infra"},
        "spec": {"gatewayClassName": "x", "listeners": [listener]}})
}

fn http_route(name: &str, host: &str) -> Value {
    json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": name},
        "spec": {"parentRefs": [{"name": "public", "namespace": "infra"}], "hostnames": [host],
            "rules": [{"backendRefs": [{"name": name, "port": 80}]}]}})
}

/// The Gateway's controller judges a route as it stands.
fn accept(site: &Site, name: &str) {
    let generation = site.get(&format!("httproute/{name}"))["metadata"]["generation"].clone();
    let accepted = json!({"type": "Accepted", "status": "True", "reason": "Accepted", "message": "",
        "observedGeneration": generation, "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let status = json!({"status": {"parents": [{"controllerName": "example.com/x",
        "parentRef": {"name": "public", "namespace": "infra"}, "conditions": [accepted]}]}});
    let patch = status.to_string();
    site.kubectl(&["patch", "httproute", name, "--subresource=status", "--type=merge", "-p", &patch]);
}

/// A cloud whose Services nothing exposes yet.
fn unexposed() -> Vec<Value> {
    fixtures::cloud().into_iter().filter(|object| object["kind"] != "Ingress").collect()
}

/// Gateway API is installed while the operator runs, and removed again.
#[test]
fn gateway_api_comes_later() {
    let cluster = Cluster::start("gateway-api");
    cluster.install();
    let mut site = Site::on(&cluster, "gateway");
    site.operator = Some(Operator::start(&cluster, &["--no-leader-election"]));
    site.apply(&[unexposed(), fixtures::resources()].concat());
    site.await_ready("horizon/horizon", "False EndpointUnknown");

    install_gateway_api(&cluster);
    cluster.create_namespace("infra");
    apply(&cluster, &gateway(8443));
    site.apply(&[http_route("glance", "glance.example.com"), http_route("horizon", "horizon.example.com")]);
    site.wait("the status says what is missing", || {
        site.message("horizon/horizon", "Ready").contains("no controller has accepted it").then_some(())
    });
    accept(&site, "glance");
    accept(&site, "horizon");
    site.await_pair();
    assert_eq!(site.get("horizon/horizon")["status"]["publicURL"], "https://horizon.example.com:8443");
    assert!(site.files("deployment/glance").unwrap().contains("https://horizon.example.com:8443"));

    // The host changes: until the controller has looked, nothing is known, and nothing is done.
    let mark = site.mark();
    site.edit("httproute/horizon", &json!({"spec": {"hostnames": ["cloud.example.com"]}}));
    site.await_ready("horizon/horizon", "False ObservationIncomplete");
    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 0);
    accept(&site, "horizon");
    site.await_pair();
    assert!(site.files("deployment/glance").unwrap().contains("https://cloud.example.com:8443"));

    // Rights are taken away: unknown, and nothing leaves. Who does not depend on them goes on.
    let role: Value = serde_json::from_str(&cluster.kubectl(&["get", ROLE, "-o", "json"])).expect("JSON");
    let mut less = role.clone();
    less["metadata"] = json!({"name": role["metadata"]["name"]});
    less["rules"].as_array_mut().expect("rules").retain(|rule| !rule["resources"].to_string().contains("httproutes"));
    cluster.try_kubectl(&["replace", "-f", "-"], Some(&less.to_string())).expect("replaced");
    let mut other = Site::on(&cluster, "other");
    site.stop();
    let operator = Operator::start(&cluster, &["--no-leader-election"]);
    site.operator = Some(operator);
    let mark = site.mark();
    site.await_ready("horizon/horizon", "False ObservationIncomplete");
    let message = site.message("horizon/horizon", "Ready");
    assert!(message.contains("httproutes") && message.contains("forbidden"), "{message}");
    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 0);
    assert!(site.files("deployment/glance").unwrap().contains("https://cloud.example.com:8443"));
    other.operator = site.operator.take();
    let by_ingress = |name: &str| json!({"exposedBy": [{"kind": "Ingress", "name": name}]});
    other.apply(&fixtures::cloud());
    other.apply(&[
        fixtures::glance("glance", by_ingress("glance")),
        fixtures::horizon("horizon", by_ingress("horizon")),
    ]);
    other.await_pair();
}

/// A policy of Envoy Gateway beside the Gateway: the status says what it does to uploads, and with which
/// manifest that goes; the operator writes none. The kind is installed while the operator runs.
#[test]
fn a_policy_in_the_way() {
    let cluster = Cluster::start("policies");
    cluster.install();
    install_gateway_api(&cluster);
    cluster.create_namespace("infra");
    apply(&cluster, &gateway(443));
    let mut site = Site::on(&cluster, "policies");
    site.operator = Some(Operator::start(&cluster, &["--no-leader-election"]));
    site.apply(&[unexposed(), fixtures::resources()].concat());
    for name in ["glance", "horizon"] {
        site.apply(&[http_route(name, &format!("{name}.example.com"))]);
        accept(&site, name);
    }
    site.await_pair();
    let advice = |site: &Site| site.get("glance/glance")["status"]["advice"].to_string();
    assert!(advice(&site).contains("timeouts.request: is missing"), "{}", advice(&site));
    let mark = site.mark();

    let (group, kind, plural) = ("gateway.envoyproxy.io", "BackendTrafficPolicy", "backendtrafficpolicies");
    apply(&cluster, &crd(group, "v1alpha1", kind, plural));
    cluster.await_established(&[&format!("crd/{plural}.{group}")]);
    let target = json!([{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public"}]);
    apply(
        &cluster,
        &json!({"apiVersion": format!("{group}/v1alpha1"), "kind": kind, "metadata": {"name": "all", "namespace": "infra"},
            "spec": {"targetRefs": target, "timeout": {"http": {"requestTimeout": "15s"}}}}),
    );
    let told = site.wait("the policy is told", || Some(advice(&site)).filter(|told| told.contains(kind)));
    assert!(told.contains("BackendTrafficPolicy infra/all") && told.contains("glance-uploads"), "{told}");
    assert!(!told.contains("timeouts.request: is missing"), "the policy says what the route does not: {told}");
    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 0);
    let policies = cluster.kubectl(&["get", plural, "-A", "-o", "name"]);
    assert_eq!(policies.lines().count(), 1, "{policies}");
}

/// An operator for one namespace sees Gateways of another only where it is granted.
#[test]
fn a_gateway_elsewhere() {
    let cluster = Cluster::start("gateway-elsewhere");
    cluster.install();
    install_gateway_api(&cluster);
    cluster.create_namespace("infra");
    cluster.create_namespace("openstack");
    cluster.kubectl(&["delete", "clusterrolebinding", "direct-upload-operator"]);
    cluster.kubectl(&["apply", "-k", &crate::harness::file("deploy/namespaced").display().to_string()]);
    apply(&cluster, &gateway(443));
    let mut site = Site { cluster: &cluster, namespace: "openstack".into(), operator: None, flags: Vec::new() };
    site.apply(&[unexposed(), fixtures::resources()].concat());
    for name in ["glance", "horizon"] {
        site.apply(&[http_route(name, &format!("{name}.example.com"))]);
        accept(&site, name);
    }
    site.operator = Some(Operator::start(&cluster, &["--watch-namespace", "openstack"]));
    site.await_ready("horizon/horizon", "False ObservationIncomplete");
    let message = site.message("horizon/horizon", "Ready");
    assert!(message.contains("Gateway infra/public, which cannot be seen"), "{message}");

    let rules =
        ["create", "role", "gateways", "--verb=get,list,watch", "--resource=gateways.gateway.networking.k8s.io"];
    cluster.kubectl(&[&["-n", "infra"], &rules[..]].concat());
    let subject = "--serviceaccount=direct-upload-system:direct-upload-operator";
    cluster.kubectl(&["-n", "infra", "create", "rolebinding", "gateways", "--role=gateways", subject]);
    site.await_pair();
}
