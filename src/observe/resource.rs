//! What the API server calls each kind.

use kube::api::ApiResource;

use super::live::Kind;

/// The API resource of a kind; where several versions may be served, the preferred one.
pub fn resource(kind: Kind) -> ApiResource {
    let (group, version, name, plural) = match kind {
        Kind::Horizon => ("horizon.openstack.org", "v1beta1", "Horizon", "horizons"),
        Kind::Glance => ("glance.openstack.org", "v1beta1", "Glance", "glances"),
        Kind::OpenStackAPI => ("cors.openstack.org", "v1beta1", "OpenStackAPI", "openstackapis"),
        Kind::Namespace => ("", "v1", "Namespace", "namespaces"),
        Kind::Deployment => ("apps", "v1", "Deployment", "deployments"),
        Kind::StatefulSet => ("apps", "v1", "StatefulSet", "statefulsets"),
        Kind::DaemonSet => ("apps", "v1", "DaemonSet", "daemonsets"),
        Kind::ReplicaSet => ("apps", "v1", "ReplicaSet", "replicasets"),
        Kind::ControllerRevision => ("apps", "v1", "ControllerRevision", "controllerrevisions"),
        Kind::Pod => ("", "v1", "Pod", "pods"),
        Kind::Job => ("batch", "v1", "Job", "jobs"),
        Kind::JobEvent => ("", "v1", "Event", "events"),
        Kind::Service => ("", "v1", "Service", "services"),
        Kind::Ingress => ("networking.k8s.io", "v1", "Ingress", "ingresses"),
        Kind::ConfigMap | Kind::Source => ("", "v1", "ConfigMap", "configmaps"),
        Kind::HTTPRoute => ("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes"),
        Kind::Gateway => ("gateway.networking.k8s.io", "v1", "Gateway", "gateways"),
        Kind::ReferenceGrant => ("gateway.networking.k8s.io", "v1", "ReferenceGrant", "referencegrants"),
        Kind::Route => ("route.openshift.io", "v1", "Route", "routes"),
    };
    let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version,
        kind: name.to_owned(),
        plural: plural.to_owned(),
    }
}
