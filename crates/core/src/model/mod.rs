//! Cluster objects, reduced to what decisions depend on. Everything else is dropped before it is
//! stored, so that memory and reconciles do not follow what is not ours.

pub mod annotations;
pub mod catalog;
pub mod condition;
pub mod config_map;
pub mod exposing;
pub mod gateway;
pub mod http_route;
pub mod ingress;
pub mod job;
pub mod key;
pub mod kind;
pub mod meta;
pub mod namespace;
pub mod needs;
pub mod object;
pub mod pod;
pub mod problem;
pub mod question;
pub mod reference_grant;
pub mod refused_write;
pub mod route;
pub mod service;
pub mod snapshot;
pub mod store;
pub mod workload;
pub use annotations::Owners;
pub use catalog::{Inquiry, Published, Reading};
pub use condition::{Told, told};
pub use config_map::ConfigMap;
pub use gateway::{Gateway, Listener, ListenerStatus};
pub use http_route::{BackendRef, HttpCors, HttpFilter, HttpRoute, HttpRule, ParentRef, RouteParentStatus};
pub use ingress::{Ingress, IngressPath, IngressRule, IngressTls};
pub use job::{Job, JobEvent};
pub use key::Key;
pub use kind::{Kind, resource};
pub use meta::{ApiObject, Custom, GlanceObject, HorizonObject, Meta};
pub use namespace::Namespace;
pub use needs::Needs;
pub use object::{Object, RevisionKind};
pub use pod::Pod;
pub use problem::Problem;
pub use question::{Answered, Epoch, Question, Reach, Reply, Standing};
pub use reference_grant::{GrantTo, ReferenceGrant};
pub use refused_write::Refusal;
pub use route::{Route, RouteIngress, RouteTarget};
pub use service::Service;
pub use snapshot::{Answers, Snapshot};
pub use store::{Known, Store, Unknown};
pub use workload::{
    Container, EnvValue, PodTemplate, PreStop, Revision, Roll, Volume, VolumeMount, VolumeSource, Workload,
    WorkloadStatus, describe,
};
