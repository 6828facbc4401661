//! Whether a preStop sleep may be added, and what to report if not. Pure.
//!
//! The workload's owner loses nothing: their hook stays, the grace period is theirs, and by default nothing
//! is added where their own server-side apply would conflict.

use direct_upload_api::Drain;

use super::pre_stop;
use super::target::Target;
use crate::model::{Advice, PreStop, Workload, describe};

/// How long a pod continues to answer, in seconds: longer than a usual roll takes.
const SLEEP: u32 = 20;

/// The part of the grace period that the server needs to end.
const REST: i64 = 10;

/// Kubernetes' default of `terminationGracePeriodSeconds`.
const GRACE: i64 = 30;

/// A grace period in which most uploads finish, for servers that finish their requests.
const LONG: i64 = 300;

/// The decision about the drain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Draining {
    /// Our sleep, with this many seconds.
    Sleep(u32),
    /// Not requested.
    Off,
    /// The container has its own hook.
    Theirs { sleeps: bool },
    /// The sleep, plus the time that the server needs to end, is longer than this grace period.
    Unfit(i64),
    /// This manager applies the container server-side. A hook that it adds later would conflict.
    AppliedBy(String),
    /// Nobody answers while the only pods sleep, because their successors start only afterwards.
    Absent,
}

/// Decides. `default` is the meaning of an unset `enabled`.
pub fn decide(default: bool, drain: &Drain, target: &Target) -> Draining {
    let Target { workload, container } = target;
    if !drain.enabled.unwrap_or(default) {
        return Draining::Off;
    }
    if let Some(PreStop::Theirs { sleeps }) = container.pre_stop {
        return Draining::Theirs { sleeps };
    }
    let seconds = drain.pre_stop_seconds.unwrap_or(SLEEP);
    if i64::from(seconds) + REST > grace(target) {
        return Draining::Unfit(grace(target));
    }
    match &container.applied_by {
        _ if drain.enabled.is_some() => Draining::Sleep(seconds),
        Some(manager) => Draining::AppliedBy(manager.clone()),
        None if workload.roll.one_by_one && absence(workload).is_some() => Draining::Absent,
        None => Draining::Sleep(seconds),
    }
}

/// What a roll costs because it may end all pods at once.
pub fn absence(workload: &Workload) -> Option<String> {
    let (replicas, away) = (workload.replicas, workload.roll.away);
    (replicas > 0 && replicas <= away).then(|| {
        let pods = if replicas == 1 { "its only pod".to_owned() } else { format!("all {replicas} pods") };
        format!("a roll may end {pods} before a new one is ready, and no pod answers in between")
    })
}

/// What the status says about future rolls. `soon`: the first one comes immediately. Its event says what it
/// costs, not advice that would disappear a moment later.
pub fn advice(default: bool, drain: &Drain, target: &Target, soon: bool) -> Vec<Advice> {
    let name = describe(target.workload.kind, &target.workload.meta.key);
    let seconds = drain.pre_stop_seconds.unwrap_or(SLEEP);
    let draining = match decide(default, drain, target) {
        Draining::Off | Draining::Theirs { sleeps: true } => None,
        Draining::Sleep(_) if matches!(target.container.pre_stop, Some(PreStop::Ours(_))) => None,
        Draining::Sleep(_) if soon => None,
        Draining::Sleep(seconds) => Some(format!(
            "pods of {name} do not drain yet: the next roll cuts uploads in flight, and adds a preStop sleep of {seconds} s, with which later rolls let them finish; spec.rollout.notBefore delays it until a quiet time"
        )),
        Draining::Theirs { sleeps: false } => Some(format!(
            "{name} has its own preStop hook, so none is added: if its server ends at once on SIGTERM (eventlet), a roll cuts uploads in flight unless that hook sleeps; if it finishes its requests (uWSGI), uploads have terminationGracePeriodSeconds to end: in its own manifest, {}; spec.rollout.drain.enabled: false ends this advice",
            pod(&format!("terminationGracePeriodSeconds: {}", LONG.max(grace(target))))
        )),
        Draining::Unfit(grace) => Some(format!(
            "a roll of {name} cuts uploads in flight: a preStop sleep of {seconds} s does not fit into its terminationGracePeriodSeconds of {grace}, of which {REST} are for the server to end; in its own manifest, {}",
            pod(&format!("terminationGracePeriodSeconds: {}", i64::from(seconds) + REST))
        )),
        Draining::AppliedBy(manager) => {
            let (what, seconds) = match target.container.pre_stop {
                // While ours is there, only the same hook is accepted.
                Some(PreStop::Ours(seconds)) => ("the next roll removes the operator's preStop hook from", seconds),
                _ => ("a roll cuts uploads in flight in", seconds),
            };
            let container = &target.container.name;
            let container = format!("{{name: {container}, lifecycle: {{preStop: {}}}}}", pre_stop::hook(seconds));
            Some(format!(
                "{what} {name}: {manager:?} applies it server-side, and the hook could conflict with it; in its own manifest, {}",
                pod(&format!("containers: [{container}]"))
            ))
        }
        Draining::Absent => Some(format!(
            "a roll of {name} cuts uploads in flight: a preStop sleep would make the outage longer, because a new pod starts only after the old one has ended; give it a second replica, or set spec.rollout.drain.enabled: true"
        )),
    };
    let gap = absence(&target.workload)
        .map(|gap| format!("{name}: {gap}; give it a second replica and a strategy that leaves one"));
    draining.into_iter().chain(gap).map(Advice::new).collect()
}

/// The current grace period.
fn grace(target: &Target) -> i64 {
    target.workload.template.grace.unwrap_or(GRACE)
}

/// YAML to paste, in one line.
fn pod(fields: &str) -> String {
    format!("{{spec: {{template: {{spec: {{{fields}}}}}}}}}")
}
