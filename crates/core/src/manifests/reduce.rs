//! JSON objects, as the API server or a file holds them, become [`model`](super::model) values.
//!
//! Each object decodes on its own: one that does not is named and hurts only itself.

pub mod exposing;
pub mod job;
pub mod rolling;
pub mod workload;

use direct_upload_api::{DOMAIN, FINALIZER, MANAGED_BY, OPERATOR};
use jiff::Timestamp;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::{ConfigMap, Custom, Key, Meta, Namespace, Object, RevisionKind};

/// Reduces an object; `None` for a kind that plays no role here.
///
/// # Errors
/// The decoder's words, with the field, if the object is not of its kind's shape.
pub fn reduce(object: Value) -> Result<Option<Object>, serde_json::Error> {
    let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    Ok(Some(match (api_version.as_str(), kind.as_str()) {
        ("horizon.openstack.org/v1beta1", "Horizon") => Object::Horizon(custom(&object)?),
        ("glance.openstack.org/v1beta1", "Glance") => Object::Glance(custom(&object)?),
        ("cors.openstack.org/v1beta1", "OpenStackAPI") => Object::Api(custom(&object)?),
        ("v1", "Namespace") => Object::Namespace(namespace(decode(object)?)),
        ("apps/v1", "Deployment") => Object::Workload(workload::deployment(decode(object)?)),
        ("apps/v1", "StatefulSet") => Object::Workload(workload::stateful_set(decode(object)?)),
        ("apps/v1", "DaemonSet") => Object::Workload(workload::daemon_set(decode(object)?)),
        ("apps/v1", "ReplicaSet") => Object::Revision(RevisionKind::ReplicaSet, workload::replica_set(decode(object)?)),
        ("apps/v1", "ControllerRevision") => {
            Object::Revision(RevisionKind::ControllerRevision, workload::controller_revision(decode(object)?))
        }
        ("v1", "Pod") => Object::Pod(workload::pod(decode(object)?)),
        ("batch/v1", "Job") => Object::Job(job::job(decode(object)?)),
        ("v1", "Event") => match job::event(decode(object)?) {
            Some(event) => Object::JobEvent(event),
            None => return Ok(None),
        },
        ("v1", "Service") => Object::Service(exposing::service(decode(object)?)),
        ("networking.k8s.io/v1", "Ingress") => Object::Ingress(exposing::ingress(decode(object)?)),
        ("gateway.networking.k8s.io/v1", "HTTPRoute") => Object::HttpRoute(exposing::http_route(object)?),
        ("gateway.networking.k8s.io/v1", "Gateway") => Object::Gateway(exposing::gateway(object)?),
        ("gateway.networking.k8s.io/v1" | "gateway.networking.k8s.io/v1beta1", "ReferenceGrant") => {
            Object::ReferenceGrant(exposing::reference_grant(object)?)
        }
        ("route.openshift.io/v1", "Route") => Object::Route(exposing::route(object)?),
        ("v1", "ConfigMap") => Object::ConfigMap(config_map(decode(object)?)),
        _ => return Ok(None),
    }))
}

fn decode<T: DeserializeOwned>(object: Value) -> Result<T, serde_json::Error> {
    serde_path_to_error::deserialize(object).map_err(|e| {
        use serde::de::Error;
        // At the root the decoder's own words already name the field.
        if e.path().iter().next().is_none() { e.into_inner() } else { Error::custom(e) }
    })
}

fn custom<Spec, Status>(object: &Value) -> Result<Custom<Spec, Status>, serde_json::Error>
where
    Spec: DeserializeOwned,
    Status: DeserializeOwned,
{
    let metadata: ObjectMeta = decode(object.get("metadata").cloned().unwrap_or_default())?;
    let finalizer = metadata.finalizers.iter().flatten().any(|f| f == FINALIZER);
    let spec = match object.get("spec") {
        None | Some(Value::Null) => decode(serde_json::json!({})),
        Some(spec) => decode(spec.clone()),
    };
    let spec = spec.map_err(|e| format!("spec: {e}"));
    let status = object.get("status").cloned().and_then(|s| decode(s).ok());
    Ok(Custom { meta: meta(metadata), finalizer, spec, status })
}

fn meta(metadata: ObjectMeta) -> Meta {
    Meta {
        key: Key::new(metadata.namespace.unwrap_or_default(), metadata.name.unwrap_or_default()),
        uid: metadata.uid.unwrap_or_default(),
        created: metadata.creation_timestamp.map(|t| t.0),
        deleting: metadata.deletion_timestamp.map(|t| t.0),
        generation: metadata.generation.unwrap_or_default(),
        ours: metadata
            .annotations
            .into_iter()
            .flatten()
            .filter(|(name, _)| name.strip_prefix(DOMAIN).is_some_and(|rest| rest.starts_with('/')))
            .collect(),
    }
}

fn namespace(object: core::Namespace) -> Namespace {
    let terminating = object.status.and_then(|s| s.phase).is_some_and(|p| p == "Terminating");
    let labels = object.metadata.labels.clone().unwrap_or_default();
    let mut meta = meta(object.metadata);
    // A namespace is its own key: cluster-scoped kinds live under the empty namespace.
    meta.key = Key::new("", meta.key.name);
    if terminating && meta.deleting.is_none() {
        meta.deleting = Some(Timestamp::UNIX_EPOCH);
    }
    Namespace { meta, labels }
}

fn config_map(object: core::ConfigMap) -> ConfigMap {
    let managed = object.metadata.labels.iter().flatten().any(|(k, v)| k == MANAGED_BY && v == OPERATOR);
    let data = object.data.into_iter().flatten().collect();
    ConfigMap { meta: meta(object.metadata), managed, data }
}
