//! JSON objects, as the API server or a file holds them, become [`model`](super::model) values.
//!
//! Each object decodes on its own: one that does not is named and hurts only itself.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::networking::v1 as networking;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::model::{
    ConfigMap, Container, Custom, GlanceObject, HorizonObject, Ingress, IngressPath, IngressRule, IngressTls, Key,
    Meta, Namespace, Pod, PodTemplate, Revision, Service, Volume, VolumeMount, VolumeSource, Workload, WorkloadStatus,
};
use crate::api::{DOMAIN, FINALIZER, MANAGED_BY, OPERATOR, WorkloadKind};
use crate::plan::mount::CONFIG_VOLUME;

/// One reduced object, by kind.
#[derive(Clone, Debug)]
pub enum Object {
    Horizon(HorizonObject),
    Glance(GlanceObject),
    Namespace(Namespace),
    Workload(Workload),
    Revision(RevisionKind, Revision),
    Pod(Pod),
    Service(Service),
    Ingress(Ingress),
    ConfigMap(ConfigMap),
}

/// The kinds that a rollback can return to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevisionKind {
    ReplicaSet,
    ControllerRevision,
}

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
        ("v1", "Namespace") => Object::Namespace(namespace(decode(object)?)),
        ("apps/v1", "Deployment") => Object::Workload(deployment(decode(object)?)),
        ("apps/v1", "StatefulSet") => Object::Workload(stateful_set(decode(object)?)),
        ("apps/v1", "DaemonSet") => Object::Workload(daemon_set(decode(object)?)),
        ("apps/v1", "ReplicaSet") => Object::Revision(RevisionKind::ReplicaSet, replica_set(decode(object)?)),
        ("apps/v1", "ControllerRevision") => {
            Object::Revision(RevisionKind::ControllerRevision, controller_revision(decode(object)?))
        }
        ("v1", "Pod") => Object::Pod(pod(decode(object)?)),
        ("v1", "Service") => Object::Service(service(decode(object)?)),
        ("networking.k8s.io/v1", "Ingress") => Object::Ingress(ingress(decode(object)?)),
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
    Spec: DeserializeOwned + Default,
    Status: DeserializeOwned,
{
    let metadata: ObjectMeta = decode(object.get("metadata").cloned().unwrap_or_default())?;
    let finalizer = metadata.finalizers.iter().flatten().any(|f| f == FINALIZER);
    let spec = match object.get("spec") {
        None | Some(Value::Null) => Ok(Spec::default()),
        Some(spec) => decode(spec.clone()).map_err(|e| format!("spec: {e}")),
    };
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

fn controlling_owner(metadata: &ObjectMeta) -> Option<String> {
    let owner = metadata.owner_references.iter().flatten().find(|o| o.controller == Some(true))?;
    Some(format!("{}/{}", owner.kind, owner.name))
}

/// Who, apart from us, wrote anything but the status last.
fn other_manager(metadata: &ObjectMeta) -> Option<String> {
    metadata
        .managed_fields
        .iter()
        .flatten()
        .filter(|m| m.subresource.as_deref().is_none_or(str::is_empty))
        .filter(|m| m.manager.as_deref().is_some_and(|name| !name.starts_with(OPERATOR)))
        .max_by_key(|m| m.time.as_ref().map(|t| t.0))
        .and_then(|m| m.manager.clone())
}

fn deployment(object: Deployment) -> Workload {
    let (spec, status) = (object.spec, object.status.unwrap_or_default());
    let condition = |type_: &str, value: &str| {
        let found = status
            .conditions
            .iter()
            .flatten()
            .find(|c| c.type_.as_deref() == Some(type_) && c.status.as_deref() == Some(value))?;
        Some((found.reason.clone().unwrap_or_default(), found.message.clone().unwrap_or_default()))
    };
    Workload {
        owner: controlling_owner(&object.metadata),
        other_manager: other_manager(&object.metadata),
        meta: meta(object.metadata),
        kind: WorkloadKind::Deployment,
        selector: spec.selector.match_labels.unwrap_or_default(),
        template: template(spec.template),
        replicas: spec.replicas.unwrap_or(1),
        paused: spec.paused.unwrap_or_default(),
        on_delete: false,
        partition: 0,
        status: WorkloadStatus {
            observed_generation: status.observed_generation.unwrap_or_default(),
            replicas: status.replicas.unwrap_or_default(),
            updated: status.updated_replicas.unwrap_or_default(),
            ready: status.ready_replicas.unwrap_or_default(),
            stuck: condition("Progressing", "False")
                .filter(|(reason, _)| reason == "ProgressDeadlineExceeded")
                .map(|(_, message)| message),
            replica_failure: condition("ReplicaFailure", "True").map(|(_, message)| message),
        },
    }
}

fn stateful_set(object: StatefulSet) -> Workload {
    let (spec, status) = (object.spec, object.status.unwrap_or_default());
    let strategy = spec.update_strategy.unwrap_or_default();
    // While no revision is pending, every pod is of the current one and none counts as updated.
    let settled = status.current_revision.is_some() && status.current_revision == status.update_revision;
    Workload {
        owner: controlling_owner(&object.metadata),
        other_manager: other_manager(&object.metadata),
        meta: meta(object.metadata),
        kind: WorkloadKind::StatefulSet,
        selector: spec.selector.match_labels.unwrap_or_default(),
        template: template(spec.template),
        replicas: spec.replicas.unwrap_or(1),
        paused: false,
        on_delete: strategy.type_.as_deref() == Some("OnDelete"),
        partition: strategy.rolling_update.and_then(|r| r.partition).unwrap_or_default(),
        status: WorkloadStatus {
            observed_generation: status.observed_generation.unwrap_or_default(),
            replicas: status.replicas,
            updated: if settled { status.replicas } else { status.updated_replicas.unwrap_or_default() },
            ready: status.ready_replicas.unwrap_or_default(),
            stuck: None,
            replica_failure: None,
        },
    }
}

fn daemon_set(object: DaemonSet) -> Workload {
    let (spec, status) = (object.spec, object.status.unwrap_or_default());
    let desired = status.desired_number_scheduled;
    Workload {
        owner: controlling_owner(&object.metadata),
        other_manager: other_manager(&object.metadata),
        meta: meta(object.metadata),
        kind: WorkloadKind::DaemonSet,
        selector: spec.selector.match_labels.unwrap_or_default(),
        template: template(spec.template),
        replicas: desired,
        paused: false,
        on_delete: spec.update_strategy.and_then(|s| s.type_).as_deref() == Some("OnDelete"),
        partition: 0,
        status: WorkloadStatus {
            observed_generation: status.observed_generation.unwrap_or_default(),
            replicas: status.current_number_scheduled,
            updated: status.updated_number_scheduled.unwrap_or_default(),
            ready: status.number_ready,
            stuck: None,
            replica_failure: None,
        },
    }
}

fn template(template: core::PodTemplateSpec) -> PodTemplate {
    let spec = template.spec.unwrap_or_default();
    PodTemplate {
        labels: template.metadata.and_then(|m| m.labels).unwrap_or_default(),
        containers: spec.containers.into_iter().map(container).collect(),
        init_containers: spec.init_containers.into_iter().flatten().map(container).collect(),
        volumes: spec.volumes.into_iter().flatten().map(volume).collect(),
    }
}

fn container(container: core::Container) -> Container {
    let json = |value: Result<Value, serde_json::Error>| value.unwrap_or(Value::Null);
    Container {
        name: container.name,
        image: container.image.unwrap_or_default(),
        mounts: container
            .volume_mounts
            .into_iter()
            .flatten()
            .map(|m| VolumeMount {
                volume: m.name,
                path: m.mount_path,
                sub_path: m.sub_path,
                read_only: m.read_only.unwrap_or_default(),
            })
            .collect(),
        resources: json(serde_json::to_value(container.resources)),
        security_context: json(serde_json::to_value(container.security_context)),
    }
}

fn volume(volume: core::Volume) -> Volume {
    let source = if let Some(source) = volume.config_map {
        let items = source.items.into_iter().flatten().map(|i| (i.key, i.path)).collect();
        VolumeSource::ConfigMap { name: source.name, items }
    } else if let Some(name) = volume.secret.and_then(|s| s.secret_name) {
        VolumeSource::Secret(name)
    } else if volume.empty_dir.is_some() {
        VolumeSource::EmptyDir
    } else if volume.projected.is_some() || volume.downward_api.is_some() {
        VolumeSource::Projected
    } else {
        VolumeSource::Other
    };
    Volume { name: volume.name, source }
}

/// Names of the ConfigMaps that our own volume of a template mounts.
fn our_config_maps(volumes: &[Volume]) -> BTreeSet<String> {
    volumes
        .iter()
        .filter(|v| v.name.starts_with(CONFIG_VOLUME))
        .filter_map(|v| match &v.source {
            VolumeSource::ConfigMap { name, .. } => Some(name.clone()),
            _ => None,
        })
        .collect()
}

fn replica_set(object: ReplicaSet) -> Revision {
    let template = template(object.spec.template.unwrap_or_default());
    Revision { config_maps: our_config_maps(&template.volumes), meta: meta(object.metadata) }
}

/// A ControllerRevision holds a patch of the workload: `{"spec":{"template":{…}}}`.
fn controller_revision(object: ControllerRevision) -> Revision {
    let template: Option<core::PodTemplateSpec> =
        object.data.0.pointer("/spec/template").cloned().and_then(|t| decode(t).ok());
    let template = template.map(self::template).unwrap_or_default();
    Revision { config_maps: our_config_maps(&template.volumes), meta: meta(object.metadata) }
}

fn pod(object: core::Pod) -> Pod {
    let volumes: Vec<Volume> = object.spec.and_then(|s| s.volumes).into_iter().flatten().map(volume).collect();
    let status = object.status.unwrap_or_default();
    let ready = status.conditions.iter().flatten().any(|c| c.type_ == "Ready" && c.status == "True");
    Pod {
        labels: object.metadata.labels.clone().unwrap_or_default(),
        meta: meta(object.metadata),
        config_map: our_config_maps(&volumes).into_iter().next(),
        ready,
        trouble: if ready { None } else { trouble(&status) },
    }
}

/// Waiting reasons that a pod passes through on its way up.
const PASSING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

fn trouble(status: &core::PodStatus) -> Option<String> {
    let containers = status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten());
    for container in containers {
        let state = container.state.clone().unwrap_or_default();
        let (reason, message) = if let Some(waiting) = state.waiting {
            (waiting.reason.unwrap_or_default(), waiting.message.unwrap_or_default())
        } else if let Some(ended) = state.terminated.filter(|t| t.exit_code != 0) {
            (ended.reason.unwrap_or_default(), ended.message.unwrap_or_default())
        } else {
            continue;
        };
        if !reason.is_empty() && !PASSING.contains(&reason.as_str()) {
            return Some(
                format!("container {}: {reason}: {message}", container.name).trim_end_matches(": ").to_owned(),
            );
        }
    }
    None
}

fn service(object: core::Service) -> Service {
    Service { meta: meta(object.metadata), selector: object.spec.and_then(|s| s.selector).unwrap_or_default() }
}

fn ingress(object: networking::Ingress) -> Ingress {
    let spec = object.spec.unwrap_or_default();
    let service = |backend: networking::IngressBackend| backend.service.map(|s| s.name);
    let rule = |rule: networking::IngressRule| IngressRule {
        host: rule.host.filter(|h| !h.is_empty()),
        paths: rule
            .http
            .into_iter()
            .flat_map(|http| http.paths)
            .filter_map(|p| Some(IngressPath { service: service(p.backend)?, path: p.path.unwrap_or_default() }))
            .collect(),
    };
    Ingress {
        meta: meta(object.metadata),
        rules: spec.rules.into_iter().flatten().map(rule).collect(),
        default_service: spec.default_backend.and_then(service),
        tls: spec.tls.into_iter().flatten().map(|t| IngressTls { hosts: t.hosts.unwrap_or_default() }).collect(),
        ports: object
            .status
            .and_then(|s| s.load_balancer)
            .and_then(|l| l.ingress)
            .into_iter()
            .flatten()
            .flat_map(|i| i.ports.unwrap_or_default())
            .map(|p| p.port)
            .collect(),
    }
}

fn config_map(object: core::ConfigMap) -> ConfigMap {
    let managed = object.metadata.labels.iter().flatten().any(|(k, v)| k == MANAGED_BY && v == OPERATOR);
    let data = object.data.into_iter().flatten().collect();
    ConfigMap { meta: meta(object.metadata), managed, data }
}
