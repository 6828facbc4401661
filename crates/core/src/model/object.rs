//! Any reduced object.

use super::config_map::ConfigMap;
use super::gateway::Gateway;
use super::http_route::HttpRoute;
use super::ingress::Ingress;
use super::job::{Job, JobEvent};
use super::meta::{ApiObject, GlanceObject, HorizonObject};
use super::namespace::Namespace;
use super::pod::Pod;
use super::reference_grant::ReferenceGrant;
use super::route::Route;
use super::service::Service;
use super::workload::{Revision, Workload};

/// One reduced object, by kind.
#[derive(Clone, Debug)]
pub enum Object {
    Horizon(HorizonObject),
    Glance(GlanceObject),
    Api(ApiObject),
    Namespace(Namespace),
    Workload(Workload),
    Revision(RevisionKind, Revision),
    Pod(Pod),
    Job(Job),
    JobEvent(JobEvent),
    Service(Service),
    Ingress(Ingress),
    HttpRoute(HttpRoute),
    Gateway(Gateway),
    ReferenceGrant(ReferenceGrant),
    Route(Route),
    ConfigMap(ConfigMap),
}

/// The kinds that a rollback can return to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevisionKind {
    ReplicaSet,
    ControllerRevision,
}
