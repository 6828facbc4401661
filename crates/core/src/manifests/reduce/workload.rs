//! Workloads, their pods, and the revisions that a rollback can return to.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::{OPERATOR, WorkloadKind};
use k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use serde_json::Value;

use super::rolling::{self, attribute, pre_stop};
use crate::manifests::reduce::{decode, meta};
use crate::model::{
    Container, EnvValue, Pod, PodTemplate, Revision, Volume, VolumeMount, VolumeSource, Workload, WorkloadStatus,
};
use crate::ownership::{CONFIG_VOLUME, OUR_ENV, fingerprint, is_content_name};

fn controlling_owner(metadata: &ObjectMeta) -> Option<String> {
    let owner = metadata.owner_references.iter().flatten().find(|o| o.controller == Some(true))?;
    Some(format!("{}/{}", owner.kind, owner.name))
}

/// Who, apart from us, owns a volume of one of our names, or else wrote anything but the status last
/// (times are in seconds: of two writers within one, the volume's is the one that matters).
fn other_manager(metadata: &ObjectMeta) -> Option<String> {
    let ours = format!("k:{{\"name\":\"{CONFIG_VOLUME}");
    let owns = |fields: &Value| {
        let volumes = fields.pointer("/f:spec/f:template/f:spec/f:volumes").and_then(Value::as_object);
        volumes.is_some_and(|volumes| volumes.keys().any(|key| key.starts_with(&ours)))
    };
    metadata
        .managed_fields
        .iter()
        .flatten()
        .filter(|m| m.subresource.as_deref().is_none_or(str::is_empty))
        .filter(|m| m.manager.as_deref().is_some_and(|name| !name.starts_with(OPERATOR)))
        .max_by_key(|m| (m.fields_v1.as_ref().is_some_and(|f| owns(&f.0)), m.time.as_ref().map(|t| t.0)))
        .and_then(|m| m.manager.clone())
}

/// Whether field managers are told, and none of them is ours. Files tell none.
fn foreign(metadata: &ObjectMeta) -> bool {
    let managers = metadata.managed_fields.as_deref().unwrap_or_default();
    let ours = |name: &str| name.starts_with(OPERATOR);
    !managers.is_empty() && !managers.iter().any(|m| m.manager.as_deref().is_some_and(ours))
}

/// What all kinds have in common.
fn workload(kind: WorkloadKind, metadata: ObjectMeta, selector: LabelSelector, pod: core::PodTemplateSpec) -> Workload {
    Workload {
        owner: controlling_owner(&metadata),
        other_manager: other_manager(&metadata),
        foreign: foreign(&metadata),
        template: attribute(template(pod), &metadata),
        meta: meta(metadata),
        kind,
        selector: selector.match_labels.unwrap_or_default(),
        ..Workload::default()
    }
}

pub fn deployment(object: Deployment) -> Workload {
    let (spec, status) = (object.spec, object.status.unwrap_or_default());
    let condition = |type_: &str, value: &str| {
        let found = status
            .conditions
            .iter()
            .flatten()
            .find(|c| c.type_.as_deref() == Some(type_) && c.status.as_deref() == Some(value))?;
        Some((found.reason.clone().unwrap_or_default(), found.message.clone().unwrap_or_default()))
    };
    let replicas = spec.replicas.unwrap_or(1);
    Workload {
        replicas,
        roll: rolling::deployment(spec.strategy.as_ref(), replicas),
        paused: spec.paused.unwrap_or_default(),
        status: WorkloadStatus {
            observed_generation: status.observed_generation.unwrap_or_default(),
            replicas: status.replicas.unwrap_or_default(),
            updated: status.updated_replicas.unwrap_or_default(),
            ready: status.ready_replicas.unwrap_or_default(),
            landed: Some(
                condition("Progressing", "True").is_some_and(|(reason, _)| reason == "NewReplicaSetAvailable"),
            ),
            stuck: condition("Progressing", "False")
                .filter(|(reason, _)| reason == "ProgressDeadlineExceeded")
                .map(|(_, message)| message),
            replica_failure: condition("ReplicaFailure", "True").map(|(_, message)| message),
        },
        ..workload(WorkloadKind::Deployment, object.metadata, spec.selector, spec.template)
    }
}

pub fn stateful_set(object: StatefulSet) -> Workload {
    let (spec, status) = (object.spec, object.status.unwrap_or_default());
    let strategy = spec.update_strategy.unwrap_or_default();
    // While no revision is pending, every pod is of the current one and none counts as updated.
    let settled = status.current_revision.is_some() && status.current_revision == status.update_revision;
    Workload {
        roll: rolling::stateful_set(),
        replicas: spec.replicas.unwrap_or(1),
        on_delete: strategy.type_.as_deref() == Some("OnDelete"),
        partition: strategy.rolling_update.and_then(|r| r.partition).unwrap_or_default(),
        status: WorkloadStatus {
            observed_generation: status.observed_generation.unwrap_or_default(),
            replicas: status.replicas,
            updated: if settled { status.replicas } else { status.updated_replicas.unwrap_or_default() },
            ready: status.ready_replicas.unwrap_or_default(),
            landed: Some(settled),
            stuck: None,
            replica_failure: None,
        },
        ..workload(WorkloadKind::StatefulSet, object.metadata, spec.selector, spec.template)
    }
}

pub fn daemon_set(object: DaemonSet) -> Workload {
    let (spec, status) = (object.spec, object.status.unwrap_or_default());
    let desired = status.desired_number_scheduled;
    Workload {
        replicas: desired,
        roll: rolling::daemon_set(spec.update_strategy.as_ref(), desired),
        on_delete: spec.update_strategy.and_then(|s| s.type_).as_deref() == Some("OnDelete"),
        status: WorkloadStatus {
            observed_generation: status.observed_generation.unwrap_or_default(),
            replicas: status.current_number_scheduled,
            updated: status.updated_number_scheduled.unwrap_or_default(),
            ready: status.number_ready,
            landed: None,
            stuck: None,
            replica_failure: None,
        },
        ..workload(WorkloadKind::DaemonSet, object.metadata, spec.selector, spec.template)
    }
}

fn template(template: core::PodTemplateSpec) -> PodTemplate {
    let spec = template.spec.unwrap_or_default();
    PodTemplate {
        // What came as JSON goes as JSON.
        fingerprint: fingerprint(&serde_json::to_value(&spec).unwrap_or_default()),
        labels: template.metadata.and_then(|m| m.labels).unwrap_or_default(),
        containers: spec.containers.into_iter().map(container).collect(),
        init_containers: spec.init_containers.into_iter().flatten().map(container).collect(),
        volumes: spec.volumes.into_iter().flatten().map(volume).collect(),
        grace: spec.termination_grace_period_seconds,
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
        pre_stop: container.lifecycle.and_then(|l| l.pre_stop).map(pre_stop),
        env: env(container.env.unwrap_or_default()),
        applied_by: None,
        resources: json(serde_json::to_value(container.resources)),
        security_context: json(serde_json::to_value(container.security_context)),
    }
}

/// Those of our names.
fn env(variables: Vec<core::EnvVar>) -> BTreeMap<String, EnvValue> {
    let value = |from: Option<core::EnvVarSource>, text: Option<String>| match from {
        None => EnvValue::Text(text.unwrap_or_default()),
        Some(from) => from.field_ref.map_or(EnvValue::Other, |field| EnvValue::Field(field.field_path)),
    };
    let ours = variables.into_iter().filter(|v| OUR_ENV.contains(&v.name.as_str()));
    ours.map(|v| (v.name, value(v.value_from, v.value))).collect()
}

fn volume(volume: core::Volume) -> Volume {
    let source = if let Some(source) = volume.config_map {
        let items = source.items.into_iter().flatten().map(|i| (i.key, i.path)).collect();
        VolumeSource::ConfigMap { name: source.name, items }
    } else if let Some(name) = volume.secret.and_then(|s| s.secret_name) {
        VolumeSource::Secret(name)
    } else if volume.empty_dir.is_some() {
        VolumeSource::EmptyDir
    } else if volume.ephemeral.is_some() {
        VolumeSource::Ephemeral
    } else if volume.host_path.is_some() {
        VolumeSource::HostPath
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
            VolumeSource::ConfigMap { name, .. } if is_content_name(name) => Some(name.clone()),
            _ => None,
        })
        .collect()
}

pub fn replica_set(object: ReplicaSet) -> Revision {
    let template = template(object.spec.template.unwrap_or_default());
    Revision { config_maps: our_config_maps(&template.volumes), meta: meta(object.metadata) }
}

/// A ControllerRevision holds a patch of the workload: `{"spec":{"template":{…}}}`.
pub fn controller_revision(object: ControllerRevision) -> Revision {
    let template: Option<core::PodTemplateSpec> =
        object.data.0.pointer("/spec/template").cloned().and_then(|t| decode(t).ok());
    let template = template.map(self::template).unwrap_or_default();
    Revision { config_maps: our_config_maps(&template.volumes), meta: meta(object.metadata) }
}

/// The Job controller's label of its pods.
const JOB_NAME: &str = "batch.kubernetes.io/job-name";

pub fn pod(object: core::Pod) -> Pod {
    let volumes: Vec<Volume> = object.spec.and_then(|s| s.volumes).into_iter().flatten().map(volume).collect();
    let status = object.status.unwrap_or_default();
    let ready = status.conditions.iter().flatten().any(|c| c.type_ == "Ready" && c.status == "True");
    let labels = object.metadata.labels.clone().unwrap_or_default();
    Pod {
        job: labels.get(JOB_NAME).cloned(),
        labels,
        meta: meta(object.metadata),
        config_map: our_config_maps(&volumes).into_iter().next(),
        ready,
        trouble: if ready { None } else { trouble(&status) },
        answer: answer(&status),
    }
}

fn answer(status: &core::PodStatus) -> Option<String> {
    let ended = status.container_statuses.iter().flatten().find_map(|c| c.state.as_ref()?.terminated.clone())?;
    ended.message
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
