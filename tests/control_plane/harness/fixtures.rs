//! A cloud as its administrator deploys it: workloads, Services, Ingresses, and the two resources.

use serde_json::{Value, json};

/// A workload with one container; 2 replicas if the kind has replicas.
pub fn workload(kind: &str, name: &str) -> Value {
    let mut spec = json!({
        "selector": {"matchLabels": {"app": name}},
        "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {
                "containers": [{
                    "name": name,
                    "image": format!("registry.example.com/{name}:1"),
                    "volumeMounts": [{"name": "data", "mountPath": "/var/lib/data"}],
                }],
                "volumes": [{"name": "data", "emptyDir": {}}],
            },
        },
    });
    match kind {
        "Deployment" => {
            spec["replicas"] = json!(2);
            // One pod after the other, so that a held pod stops the rollout.
            spec["strategy"] = json!({"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
        }
        "StatefulSet" => {
            spec["replicas"] = json!(2);
            spec["serviceName"] = json!(name);
        }
        "DaemonSet" => {
            spec["updateStrategy"] = json!({"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
        }
        _ => {}
    }
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// A Service and an Ingress for a workload.
pub fn exposed(name: &str, host: &str) -> Vec<Value> {
    let backend = json!({"service": {"name": name, "port": {"number": 80}}});
    vec![
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": name}, "ports": [{"port": 80}]}}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name},
        "spec": {
            "tls": [{"hosts": [host]}],
            "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
        }}),
    ]
}

/// A workload of a kind with its Service and Ingress, at `https://NAME.example.com`.
pub fn service(kind: &str, name: &str) -> Vec<Value> {
    let mut objects = vec![workload(kind, name)];
    objects.extend(exposed(name, &format!("{name}.example.com")));
    objects
}

/// A cloud with Deployments for both.
pub fn cloud() -> Vec<Value> {
    [service("Deployment", "glance"), service("Deployment", "horizon")].concat()
}

/// A Glance resource. Rolls that others cause start without delay, unless the spec says otherwise.
pub fn glance(name: &str, spec: Value) -> Value {
    resource("glance.openstack.org/v1beta1", "Glance", name, spec)
}

/// A Horizon resource; as [`glance`].
pub fn horizon(name: &str, spec: Value) -> Value {
    resource("horizon.openstack.org/v1beta1", "Horizon", name, spec)
}

fn resource(api_version: &str, kind: &str, name: &str, mut spec: Value) -> Value {
    if spec.get("rollout").is_none() {
        spec["rollout"] = json!({"minInterval": "1s"});
    }
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// Both, with defaults.
pub fn resources() -> Vec<Value> {
    vec![glance("glance", json!({})), horizon("horizon", json!({}))]
}
