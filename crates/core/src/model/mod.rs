//! Everything that is observed: cluster objects, reduced to what decisions depend on; answers from the
//! network; and what is unknown.
//!
//! Everything else is dropped before it is stored. So foreign objects cost neither memory nor reconciles.

mod advice;
mod annotations;
mod canary;
mod catalog;
mod compact;
mod condition;
mod config_map;
mod decode_error;
mod field_path;
mod gateway;
mod gateway_class;
mod http_proxy;
mod http_route;
mod ingress;
mod ingress_route;
mod istio;
mod job;
mod key;
mod kind;
mod lead;
mod listener_set;
mod meta;
mod namespace;
mod needs;
mod pod;
mod policy;
mod policy_kind;
mod probe;
mod problem;
mod reads;
mod reference_grant;
mod refused_write;
mod resource;
mod route;
mod sentence;
mod service;
mod snapshot;
mod store;
mod tls_route;
mod user_file;
mod workload;

pub use advice::{Advice, AdviceField, AdviceObject};
pub use annotations::Owners;
pub use canary::{
    CanaryClass, CanaryFailure, CanaryOutcome, CanaryQuery, CanaryRecord, CanaryStanding, StuckImages, StuckReading,
};
pub use catalog::{CatalogQuery, CatalogReading, PublicEndpoints};
pub use compact::{Map, Set};
pub use condition::{Condition, find_condition};
pub use config_map::{ConfigMap, Effects};
pub use decode_error::DecodeError;
pub use field_path::{FieldPath, PathElement};
pub use gateway::{AllowedListeners, AllowedRoutes, Gateway, Listener, ListenerStatus, ListenerTls, RouteNamespaces};
pub use gateway_class::GatewayClass;
pub use http_proxy::{HttpProxy, ProxyCondition, ProxyHeader, ProxyHost, ProxyInclude, ProxyRoute, ProxyService};
pub use http_route::{
    BackendRef, Header, HttpCors, HttpFilter, HttpMatch, HttpPath, HttpRoute, HttpRule, HttpTimeouts, ParentRef,
    RouteParentStatus,
};
pub use ingress::{Ingress, IngressPath, IngressRule, IngressTls};
pub use ingress_route::{IngressRoute, IngressRouteRef, IngressRouteRule, IngressRouteService};
pub use istio::{
    Delegate, IstioGateway, IstioHttpMatch, IstioHttpRoute, IstioL4Match, IstioL4Route, IstioRouted, IstioServer,
    StringMatch, VirtualService,
};
pub use job::{Job, JobEvent};
pub use key::{Id, Key};
pub use kind::{Kind, Observed, Registration, Selected, Watched};
pub use lead::Lead;
pub use listener_set::ListenerSet;
pub use meta::{ApiObject, Custom, GlanceObject, HorizonObject, Meta, Owner};
pub use namespace::Namespace;
pub use needs::Needs;
pub use pod::Pod;
pub use policy::{Policy, is_refused};
pub use policy_kind::{Applies, Kept, PolicyKind, RouteKind};
pub use probe::{
    ApiCall, Cause, Epoch, Observation, Page, ProbeAnswer, ProbeRecord, ProbeTarget, Reach, UploadCheck, WHOLE,
};
pub use problem::Problem;
pub use reads::Tracked;
pub(crate) use reads::{Changes, ReadPlace, ReadSource, Reads, note, note_whole, recorded};
pub use reference_grant::{GrantTo, ReferenceGrant};
pub use refused_write::RefusedWrite;
pub use resource::{ResourceId, ResourceKind};
pub use route::{Route, RouteIngress, RouteSpec, RouteTarget};
pub use sentence::{Named, Names, Sentence};
pub use service::Service;
pub use snapshot::{Answers, FileObject, Snapshot, Unread, Unwatched};
pub use store::{Known, Store, Unknown};
pub use tls_route::TlsRoute;
pub use user_file::UserFile;
pub use workload::{
    Container, EnvValue, PodTemplate, PreStop, Revision, Roll, Volume, VolumeMount, VolumeSource, Workload,
    WorkloadStatus, describe,
};
