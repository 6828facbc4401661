//! Whether a rollout is complete, and if not, why. It uses updated and ready replicas, failures and the
//! pods' own state. It never uses `Available`, which stays True while the only good pod is gone.

use std::sync::Arc;

use direct_upload_api::{Reason, WorkloadKind};

use super::target::Target;
use crate::model::{Pod, Problem, Workload, describe};

/// Why not every pod of a workload runs with the files.
#[derive(Clone, Debug, PartialEq)]
pub enum Unfinished {
    /// Pods are being replaced, and there is no fault.
    Rolling(Problem),
    /// New pods do not come up. It may not end by itself.
    Failing(RollFault, Problem),
    /// It does not end by itself, or the workload cannot be seen.
    Blocked(Problem),
}

/// What fails in a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollFault {
    /// New pods cannot be created.
    NoPods,
    /// New pods crash.
    Crash,
    /// The progress deadline is over.
    Deadline,
}

impl RollFault {
    const fn reason(self) -> Reason {
        match self {
            Self::NoPods => Reason::ReplicaFailure,
            Self::Crash => Reason::PodsCrashing,
            Self::Deadline => Reason::RolloutStuck,
        }
    }
}

impl Unfinished {
    pub const fn problem(&self) -> &Problem {
        match self {
            Self::Rolling(problem) | Self::Failing(_, problem) | Self::Blocked(problem) => problem,
        }
    }

    pub const fn is_rolling(&self) -> bool {
        matches!(self, Self::Rolling(_))
    }
}

/// How many pods a sentence names.
const NAMED: usize = 3;

/// Judges a workload's rollout of the ConfigMap that its template mounts (or of none).
///
/// # Errors
/// What is missing.
pub fn judge(workload: &Workload, config_map: Option<&str>, pods: &[Arc<Pod>]) -> Result<(), Unfinished> {
    let name = describe(workload.kind, &workload.meta.key);
    let problem = |reason, message: String| Err(Unfinished::Blocked(Problem::new(reason, format!("{name} {message}"))));
    let fails = |fault: RollFault, message: String| {
        Err(Unfinished::Failing(fault, Problem::new(fault.reason(), format!("{name} {message}"))))
    };
    let status = &workload.status;
    if workload.replicas == 0 && workload.kind != WorkloadKind::DaemonSet {
        return problem(Reason::NoReplicas, "is scaled to zero; the files take effect when it is scaled up".into());
    }
    let (new, others): (Vec<_>, Vec<_>) = pods.iter().partition(|p| p.config_map.as_deref() == config_map);
    let old = others.len();
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
            format!("has updateStrategy OnDelete; {} the old files until you delete them", keep(&others)),
        );
    }
    if workload.partition > 0 && old > 0 {
        return problem(
            Reason::RolloutPartitioned,
            format!(
                "has rollingUpdate.partition {}; {} the old files until you lower it",
                workload.partition,
                keep(&others)
            ),
        );
    }
    if let Some(message) = &status.replica_failure {
        return fails(RollFault::NoPods, format!("cannot create pods: {message}"));
    }
    if let Some((pod, trouble)) = new.iter().find_map(|p| Some((p, p.trouble.as_ref()?))) {
        return fails(RollFault::Crash, format!("does not start: pod {}: {trouble}", pod.meta.key.name));
    }
    if let Some(message) = &status.stuck {
        return fails(
            RollFault::Deadline,
            format!(
                "is stuck: {message}{}",
                hold_up(config_map, pods).map(|why| format!("; {why}")).unwrap_or_default()
            ),
        );
    }
    Err(rolls(workload))
}

/// For which pod the roll of a ConfigMap waits, and why. One at a time, the first by name, so that statuses
/// change rarely.
pub(crate) fn hold_up(config_map: Option<&str>, pods: &[Arc<Pod>]) -> Option<String> {
    let (new, others): (Vec<_>, Vec<_>) = pods.iter().partition(|p| p.config_map.as_deref() == config_map);
    let first = |pods: &[&Arc<Pod>], why: &dyn Fn(&Pod) -> Option<String>| {
        let reasons = pods.iter().filter_map(|pod| Some((pod.meta.key.name.clone(), why(pod)?)));
        reasons.min().map(|(name, why)| format!("it waits for pod {name}: {why}"))
    };
    let old = |pod: &Pod| {
        let ends = "it is being deleted, and still answers with the old files";
        let stays = "it still runs with the old files";
        Some(if pod.meta.deleting.is_some() { ends } else { stays }.to_owned())
    };
    first(&new, &|pod| pod.waits.clone()).or_else(|| first(&others, &old))
}

/// Which pods keep something.
fn keep(pods: &[&Arc<Pod>]) -> String {
    let mut names: Vec<&str> = pods.iter().map(|pod| pod.meta.key.name.as_str()).collect();
    names.sort_unstable();
    match names.as_slice() {
        [one] => format!("pod {one} keeps"),
        few if few.len() <= NAMED => format!("pods {} keep", few.join(", ")),
        many => format!("pods {} and {} more keep", many[..NAMED].join(", "), many.len() - NAMED),
    }
}

/// What is missing when a rollout just started.
pub fn rolling(target: &Target) -> Unfinished {
    rolls(&target.workload)
}

fn rolls(workload: &Workload) -> Unfinished {
    let name = describe(workload.kind, &workload.meta.key);
    Unfinished::Rolling(Problem::new(Reason::RollingOut, format!("{name} is being rolled out")))
}
