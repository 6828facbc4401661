//! The conditions of a status, from the state that its plan reached.

use std::cmp::Ordering;

use direct_upload_api::{ConditionStatus, ConditionType, Outlook, Reason};
use direct_upload_core::plan::State;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// The conditions that build on each other, in order.
const CHAIN: [ConditionType; 4] =
    [ConditionType::Accepted, ConditionType::OriginsResolved, ConditionType::ConfigRendered, ConditionType::RolledOut];

/// What the conditions depend on in addition to the state.
pub struct Facts<'a> {
    pub generation: i64,
    /// Name of the ConfigMap that is in use or will be.
    pub config_map: Option<&'a str>,
    /// Name of the ConfigMap that the workload mounts now.
    pub mounted: Option<&'a str>,
    /// The origins, in a sentence.
    pub origins: String,
    /// The results of the preflights.
    pub verified: (ConditionStatus, Reason, String),
    /// The existing conditions, for the transition times.
    pub before: &'a [Condition],
    pub now: Timestamp,
}

/// All conditions of a resource.
pub fn conditions(state: &State, facts: &Facts<'_>) -> Vec<Condition> {
    ConditionType::ALL
        .iter()
        .map(|type_| {
            let (status, reason, message) = judge(*type_, state, facts);
            condition(*type_, status, reason, message, facts)
        })
        .collect()
}

fn judge(type_: ConditionType, state: &State, facts: &Facts<'_>) -> (ConditionStatus, Reason, String) {
    match type_ {
        ConditionType::Ready => match (state.why(), state.lacks()) {
            (Some(why), None) => (ConditionStatus::True, why.reason, why.message()),
            (Some(why), Some(_)) => (ConditionStatus::False, why.reason, why.message()),
            (None, _) => (ConditionStatus::Unknown, Reason::Releasing, String::new()),
        },
        ConditionType::Reconciling => match state.lacks() {
            Some((_, why)) if moves(why.reason) => (ConditionStatus::True, why.reason, why.message()),
            _ => (ConditionStatus::False, Reason::Settled, "nothing is in progress".into()),
        },
        ConditionType::Stalled => match state.lacks() {
            Some((_, why)) if why.reason.is_terminal() => (ConditionStatus::True, why.reason, why.message()),
            _ => (ConditionStatus::False, Reason::Settled, "nobody needs to change anything".into()),
        },
        ConditionType::Verified => facts.verified.clone(),
        ConditionType::Accepted
        | ConditionType::OriginsResolved
        | ConditionType::ConfigRendered
        | ConditionType::RolledOut => chain(type_, state, facts),
    }
}

/// Whether the operator gets there without help.
fn moves(reason: Reason) -> bool {
    !matches!(reason.outlook(), Outlook::Stalls | Outlook::Rests)
}

/// Conditions before the unmet one are true. Those after it depend on it.
fn chain(link: ConditionType, state: &State, facts: &Facts<'_>) -> (ConditionStatus, Reason, String) {
    let place = |t: ConditionType| CHAIN.iter().position(|c| *c == t);
    // Preflights are no part of the chain.
    if let Some((unmet, why)) = state.lacks()
        && let (Some(here), Some(there)) = (place(link), place(unmet))
    {
        match here.cmp(&there) {
            Ordering::Greater => return (ConditionStatus::Unknown, why.reason, format!("depends on {unmet}")),
            Ordering::Equal => {
                let status = if why.is_unknown() { ConditionStatus::Unknown } else { ConditionStatus::False };
                return (status, why.reason, why.message());
            }
            Ordering::Less => {}
        }
    }
    match (link, facts.config_map) {
        (ConditionType::Accepted, _) => (ConditionStatus::True, Reason::Accepted, "the spec is usable".into()),
        (ConditionType::OriginsResolved, _) => (ConditionStatus::True, Reason::Resolved, facts.origins.clone()),
        (ConditionType::ConfigRendered, Some(name)) => {
            (ConditionStatus::True, Reason::Rendered, format!("ConfigMap {name}"))
        }
        (ConditionType::ConfigRendered, None) => {
            (ConditionStatus::True, Reason::NothingToRender, "no file is needed".into())
        }
        // Its files wait because of another condition.
        (_, Some(name)) if facts.mounted != Some(name) => {
            let why = state.lacks().map_or(Reason::RollingOut, |(_, why)| why.reason);
            (ConditionStatus::False, why, format!("no pod runs with ConfigMap {name} yet"))
        }
        (_, Some(name)) => (ConditionStatus::True, Reason::RolledOut, format!("every pod runs with ConfigMap {name}")),
        (_, None) => (
            ConditionStatus::True,
            Reason::NothingToRoll,
            "no pod runs with the operator's files, and none needs to".into(),
        ),
    }
}

fn condition(
    type_: ConditionType,
    status: ConditionStatus,
    reason: Reason,
    message: String,
    facts: &Facts<'_>,
) -> Condition {
    let (type_, status) = (type_.to_string(), status.to_string());
    let before = facts.before.iter().find(|c| c.type_ == type_ && c.status == status);
    Condition {
        last_transition_time: before.map_or_else(|| Time(facts.now), |c| c.last_transition_time.clone()),
        message,
        observed_generation: Some(facts.generation),
        reason: reason.to_string(),
        status,
        type_,
    }
}
