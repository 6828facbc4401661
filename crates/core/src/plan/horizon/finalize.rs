//! The plan of a Horizon that is being deleted.

use direct_upload_api::{ConditionType, Reason};
use jiff::Timestamp;

use crate::derive::HorizonView;
use crate::model::{Problem, ResourceKind};
use crate::plan::finalize::{Finalization, blind, copied, deadline};
use crate::plan::outline::{Plan, State};
use crate::plan::step::{Action, Step};

/// The resource is being deleted: our fields are removed, the pods roll, then the finalizer goes.
pub fn finalize(view: &HorizonView, now: Timestamp) -> Plan {
    let dashboard = &view.dashboard;
    let meta = &dashboard.object.meta;
    let mut plan = Plan::idle(State::Gone);
    if !dashboard.object.finalizer {
        return plan;
    }
    if dashboard.terminating {
        plan.steps.push(Step::new(Action::RemoveFinalizer, "the namespace is being deleted"));
        return plan;
    }
    let finalization = match Finalization::of(meta, &dashboard.tenure) {
        Ok(finalization) => finalization,
        Err(problem) => return Plan::unmet(ConditionType::RolledOut, blind(&problem)),
    };
    let deadline =
        deadline(meta.deleting, dashboard.object.spec.as_ref().map(|s| s.deletion.timeout).unwrap_or_default());
    let copied = finalization.target.and_then(|(target, applied)| copied(target, applied));
    let rolled = copied.is_some() || finalization.is_rolled();
    let release = finalization.release_all();
    if !release.is_empty() || (!rolled && now < deadline) {
        plan.steps.extend(release);
        let message = "deletion waits until no pod uploads directly any more";
        plan.state = State::Unmet(ConditionType::RolledOut, Problem::new(Reason::Releasing, message));
        if let Some((target, _)) = finalization.target {
            let action = Action::AwaitRollout { workload: target.workload.clone() };
            plan.steps.push(Step::new(action, "Glance drops the origins only afterwards"));
        }
        plan.wake_at(deadline);
        return plan;
    }
    plan.steps.extend(finalization.collect(ResourceKind::Horizon));
    let why = match copied {
        Some(left) => left.message(),
        None if rolled => "everything is released".to_owned(),
        None => "spec.deletion.timeout has passed".to_owned(),
    };
    plan.steps.push(Step::new(Action::RemoveFinalizer, why));
    plan
}
