//! Deployments, StatefulSets, DaemonSets.

use direct_upload_api::{OPERATOR, WorkloadKind};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use kube_core::labels::Selector;
use serde_json::Value;

use super::decode::{decode, meta};
use super::pod_template::template;
use super::rolling::{self, attribute};
use crate::model::{DecodeError, Kind, Observed, Workload, WorkloadStatus};
use crate::workload::CONFIG_VOLUME;

impl Observed for Workload {
    fn reduce(kind: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        let workload = match kind {
            Kind::StatefulSet => stateful_set(decode(object)?),
            Kind::DaemonSet => daemon_set(decode(object)?),
            _ => deployment(decode(object)?),
        };
        Ok(Some(workload))
    }
}

fn controlling_owner(metadata: &ObjectMeta) -> Option<String> {
    let owner = metadata.owner_references.iter().flatten().find(|o| o.controller == Some(true))?;
    Some(format!("{}/{}", owner.kind, owner.name))
}

/// Who, apart from us, owns a volume with one of our names, or else last wrote anything except the status.
/// (Times are in seconds; of two writers within one second, the volume's counts.)
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

/// Whether the object lists field managers, and none of them is ours. Files list none.
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
        selector: Selector::try_from(selector).ok().filter(|selector| !selector.selects_all()),
        ..Workload::default()
    }
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

fn stateful_set(object: StatefulSet) -> Workload {
    let (spec, status) = (object.spec, object.status.unwrap_or_default());
    let strategy = spec.update_strategy.unwrap_or_default();
    // While no revision is pending, every pod has the current one, and none counts as updated.
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

fn daemon_set(object: DaemonSet) -> Workload {
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
