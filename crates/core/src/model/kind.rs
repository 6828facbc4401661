//! What is watched, and where in the snapshot it is.

use direct_upload_api::WorkloadKind;
use kube_core::discovery::ApiResource;

use super::key::Key;
use super::object::{Object, RevisionKind};
use super::snapshot::Snapshot;
use super::store::Known;

/// Everything that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Horizon,
    Glance,
    OpenStackAPI,
    Namespace,
    Deployment,
    StatefulSet,
    DaemonSet,
    ReplicaSet,
    ControllerRevision,
    Pod,
    /// Jobs with our label.
    Job,
    /// Warnings that a Job's pods cannot be created.
    JobEvent,
    Service,
    Ingress,
    HTTPRoute,
    /// A Gateway that a route names, by name.
    Gateway,
    ReferenceGrant,
    /// OpenShift's.
    Route,
    /// ConfigMaps with our label.
    ConfigMap,
    /// A ConfigMap with a workload's main file, by name.
    Source,
}

/// Does something with the store of a kind, whatever its type.
macro_rules! on_store {
    ($snapshot:expr, $kind:expr, $store:ident => $body:expr) => {
        on_store!(@ $snapshot, $kind, $store, $body;
            Horizon horizons, Glance glances, OpenStackAPI apis, Namespace namespaces, Deployment deployments,
            StatefulSet stateful_sets, DaemonSet daemon_sets, ReplicaSet replica_sets,
            ControllerRevision controller_revisions, Pod pods, Job jobs, JobEvent job_events, Service services,
            Ingress ingresses, HTTPRoute http_routes, Gateway gateways, ReferenceGrant reference_grants,
            Route routes, ConfigMap config_maps, Source sources)
    };
    (@ $snapshot:expr, $kind:expr, $store:ident, $body:expr; $($name:ident $field:ident),*) => {
        match $kind { $(Kind::$name => { let $store = &mut $snapshot.$field; $body })* }
    };
}

impl Snapshot {
    /// Takes an object in; whether that changes anything.
    pub fn take_in(&mut self, kind: Kind, key: Key, object: Object) -> bool {
        match object {
            Object::Horizon(item) => self.horizons.insert(key, item),
            Object::Glance(item) => self.glances.insert(key, item),
            Object::Api(item) => self.apis.insert(key, item),
            Object::Namespace(item) => self.namespaces.insert(key, item),
            Object::Workload(item) => match item.kind {
                WorkloadKind::Deployment => self.deployments.insert(key, item),
                WorkloadKind::StatefulSet => self.stateful_sets.insert(key, item),
                WorkloadKind::DaemonSet => self.daemon_sets.insert(key, item),
            },
            Object::Revision(RevisionKind::ReplicaSet, item) => self.replica_sets.insert(key, item),
            Object::Revision(RevisionKind::ControllerRevision, item) => self.controller_revisions.insert(key, item),
            Object::Pod(item) => self.pods.insert(key, item),
            Object::Job(item) => self.jobs.insert(key, item),
            Object::JobEvent(item) => self.job_events.insert(key, item),
            Object::Service(item) => self.services.insert(key, item),
            Object::Ingress(item) => self.ingresses.insert(key, item),
            Object::HttpRoute(item) => self.http_routes.insert(key, item),
            Object::Gateway(item) => self.gateways.insert(key, item),
            Object::ReferenceGrant(item) => self.reference_grants.insert(key, item),
            Object::Route(item) => self.routes.insert(key, item),
            Object::ConfigMap(item) if kind == Kind::Source => self.sources.insert(key, item),
            Object::ConfigMap(item) => self.config_maps.insert(key, item),
        }
    }

    /// Takes an object out; whether it was there.
    pub fn take_out(&mut self, kind: Kind, key: &Key) -> bool {
        on_store!(self, kind, store => store.remove(key))
    }

    pub fn set_known(&mut self, kind: Kind, names: &[String], known: &Known<()>) {
        for name in names {
            on_store!(self, kind, store => store.set_known(name, known.clone()));
        }
    }
}

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
