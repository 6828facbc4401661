//! Pods.

use k8s_openapi::api::core::v1 as core;
use serde_json::Value;

use super::decode::{decode, meta, owner};
use super::pod_template::{our_config_maps, volume};
use crate::model::{DecodeError, Kind, Observed, Pod, Volume};

impl Observed for Pod {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        decode(object).map(|object| Some(pod(object)))
    }
}

/// The Job controller's label of its pods.
const JOB_NAME: &str = "batch.kubernetes.io/job-name";

fn pod(object: core::Pod) -> Pod {
    let volumes: Vec<Volume> = object.spec.and_then(|s| s.volumes).into_iter().flatten().map(volume).collect();
    let status = object.status.unwrap_or_default();
    let ready = status.conditions.iter().flatten().any(|c| c.type_ == "Ready" && c.status == "True");
    let labels = object.metadata.labels.clone().unwrap_or_default();
    Pod {
        job: labels.get(JOB_NAME).cloned(),
        labels,
        owner: owner(&object.metadata),
        meta: meta(object.metadata),
        ended: matches!(status.phase.as_deref(), Some("Failed" | "Succeeded")),
        config_map: our_config_maps(&volumes).into_iter().next(),
        ready,
        trouble: if ready { None } else { trouble(&status) },
        waits: (!ready).then(|| waits(&status)),
        answer: answer(&status),
    }
}

/// Each word stays the same while the pod waits for the same thing.
fn waits(status: &core::PodStatus) -> String {
    let unscheduled = status.conditions.iter().flatten().find(|c| c.type_ == "PodScheduled" && c.status == "False");
    match unscheduled.and_then(|condition| condition.message.as_deref()) {
        Some(why) => format!("it has no node: {why}"),
        None if status.phase.as_deref() == Some("Running") => "it runs, and is not ready yet".to_owned(),
        None => "it has not started yet".to_owned(),
    }
}

fn answer(status: &core::PodStatus) -> Option<String> {
    let ended = status.container_statuses.iter().flatten().find_map(|c| c.state.as_ref()?.terminated.clone())?;
    ended.message
}

/// Waiting reasons of a pod that starts normally.
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
