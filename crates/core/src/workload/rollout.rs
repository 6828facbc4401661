//! Is a rollout complete, and if not, why? Judged by updated and ready replicas, failures and the
//! pods' own state, never by `Available`, which stays True while the only good pod is gone.

use std::sync::Arc;

use direct_upload_api::{Reason, WorkloadKind};

use super::target::Target;
use crate::model::{Pod, Problem, Workload, describe};

/// Judges a workload's rollout of the ConfigMap that its template mounts (or of none).
///
/// # Errors
/// A [`Problem`] that says what is missing: [`Reason::RollingOut`] while all goes well.
pub fn judge(workload: &Workload, config_map: Option<&str>, pods: &[Arc<Pod>]) -> Result<(), Problem> {
    let name = describe(workload.kind, &workload.meta.key);
    let problem = |reason, message: String| Err(Problem::new(reason, format!("{name} {message}")));
    let status = &workload.status;
    if workload.replicas == 0 && workload.kind != WorkloadKind::DaemonSet {
        return problem(Reason::NoReplicas, "is scaled to zero; the files take effect when it is scaled up".into());
    }
    let old = pods.iter().filter(|p| p.config_map.as_deref() != config_map).count();
    let settled = status.observed_generation >= workload.meta.generation
        && status.updated == status.replicas
        && status.updated >= workload.replicas
        && status.ready >= workload.replicas
        && old == 0;
    if settled {
        return Ok(());
    }
    if workload.paused {
        return problem(Reason::RolloutPaused, "is paused; run kubectl rollout resume".into());
    }
    if workload.on_delete && old > 0 {
        return problem(
            Reason::RolloutOnDelete,
            format!("has updateStrategy OnDelete; {old} pods keep the old files until you delete them"),
        );
    }
    if workload.partition > 0 && old > 0 {
        return problem(
            Reason::RolloutPartitioned,
            format!(
                "has rollingUpdate.partition {}; {old} pods keep the old files until you lower it",
                workload.partition
            ),
        );
    }
    if let Some(message) = &status.replica_failure {
        return problem(Reason::ReplicaFailure, format!("cannot create pods: {message}"));
    }
    let new = |pod: &&Arc<Pod>| pod.config_map.as_deref() == config_map;
    if let Some((pod, trouble)) = pods.iter().filter(new).find_map(|p| Some((p, p.trouble.as_ref()?))) {
        return problem(Reason::PodsCrashing, format!("does not come up: pod {}: {trouble}", pod.meta.key.name));
    }
    if let Some(message) = &status.stuck {
        return problem(Reason::RolloutStuck, format!("is stuck: {message}"));
    }
    problem(Reason::RollingOut, "is being rolled out".into())
}

/// What is said of a rollout that was just begun.
pub fn rolling(target: &Target) -> Problem {
    let name = describe(target.workload.kind, &target.workload.meta.key);
    Problem::new(Reason::RollingOut, format!("{name} is being rolled out"))
}
