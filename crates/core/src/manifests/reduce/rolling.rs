//! What a roll does to a workload's pods, and who may decide it: strategy, preStop hooks, field managers.

use std::sync::Arc;

use direct_upload_api::OPERATOR;
use k8s_openapi::api::apps::v1::{DaemonSetUpdateStrategy, DeploymentStrategy};
use k8s_openapi::api::core::v1::LifecycleHandler;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use crate::model::{PodTemplate, PreStop, Roll};
use crate::workload::pre_stop;

/// `maxUnavailable` of this many replicas. If neither it nor `maxSurge` allows a change, one pod goes.
pub fn deployment(strategy: Option<&DeploymentStrategy>, replicas: i32) -> Roll {
    if strategy.is_some_and(|s| s.type_.as_deref() == Some("Recreate")) {
        return Roll { away: replicas, one_by_one: true };
    }
    let rolling = strategy.and_then(|s| s.rolling_update.as_ref());
    let quarter = IntOrString::String("25%".into());
    let scaled = |value: Option<&IntOrString>, up| scale(value.unwrap_or(&quarter), replicas, up);
    let surge = scaled(rolling.and_then(|r| r.max_surge.as_ref()), true);
    let away = scaled(rolling.and_then(|r| r.max_unavailable.as_ref()), false);
    Roll { away: if surge == 0 { away.max(1) } else { away }, one_by_one: false }
}

/// A pod keeps its name, so the old one ends first.
pub(crate) fn stateful_set() -> Roll {
    Roll { away: 1, one_by_one: true }
}

/// On each node the old pod ends first, unless `maxSurge` says otherwise.
pub(crate) fn daemon_set(strategy: Option<&DaemonSetUpdateStrategy>, desired: i32) -> Roll {
    let rolling = strategy.and_then(|s| s.rolling_update.as_ref());
    let scaled = |value: Option<&IntOrString>| value.map(|v| scale(v, desired, true));
    if scaled(rolling.and_then(|r| r.max_surge.as_ref())).is_some_and(|surge| surge > 0) {
        return Roll::default();
    }
    Roll { away: scaled(rolling.and_then(|r| r.max_unavailable.as_ref())).unwrap_or(1), one_by_one: true }
}

fn scale(value: &IntOrString, replicas: i32, up: bool) -> i32 {
    match value {
        IntOrString::Int(number) => *number,
        IntOrString::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or_default();
            let part = percent.saturating_mul(i64::from(replicas)).saturating_add(if up { 99 } else { 0 }) / 100;
            i32::try_from(part).unwrap_or(i32::MAX)
        }
    }
}

/// Reads a hook. Ours is known by its command.
pub fn pre_stop(hook: LifecycleHandler) -> PreStop {
    let command = hook.exec.and_then(|e| e.command).unwrap_or_default();
    if let Some(seconds) = pre_stop::seconds(&command) {
        return PreStop::Ours(seconds);
    }
    let words = command.iter().flat_map(|part| part.split_whitespace());
    let sleeps = words.map(|word| word.rsplit('/').next()).any(|word| word == Some("sleep"));
    PreStop::Theirs { sleeps: sleeps || hook.sleep.is_some() }
}

/// Records who applies each container. A hook that looks like ours, but that somebody else also applies (a
/// rendering in Git), belongs to them.
pub fn attribute(mut template: PodTemplate, metadata: &ObjectMeta) -> PodTemplate {
    for container in template.containers.iter_mut().map(Arc::make_mut) {
        let key = format!("k:{{\"name\":\"{}\"}}", container.name);
        let others = metadata.managed_fields.iter().flatten().filter_map(|entry| {
            let manager = entry.manager.as_deref().filter(|name| !name.starts_with(OPERATOR))?;
            let containers = entry.fields_v1.as_ref()?.0.pointer("/f:spec/f:template/f:spec/f:containers")?;
            Some((manager, entry.operation.as_deref() == Some("Apply"), containers.get(&key)?))
        });
        let others: Vec<(&str, bool, &Value)> = others.collect();
        container.applied_by = others.iter().find(|(_, applies, _)| *applies).map(|(name, ..)| (*name).to_owned());
        let theirs = others.iter().any(|(_, _, fields)| fields.pointer("/f:lifecycle/f:preStop").is_some());
        if theirs && matches!(container.pre_stop, Some(PreStop::Ours(_))) {
            container.pre_stop = Some(PreStop::Theirs { sleeps: true });
        }
    }
    template
}
