//! The plan of a Horizon that is being deleted.

use direct_upload_api::{ConditionType, Reason};
use jiff::Timestamp;

use crate::derive::HorizonView;
use crate::model::Problem;
use crate::plan::deploy::garbage;
use crate::plan::finalize::{copied, deadline};
use crate::plan::outline::{Plan, State};
use crate::plan::step::{Action, Step};

/// The resource is being deleted: our fields leave, the pods roll, then the finalizer goes.
pub fn finalize(view: &HorizonView, now: Timestamp) -> Plan {
    let meta = &view.dashboard.object.meta;
    let mut plan = Plan::idle(State::Gone);
    if !view.dashboard.object.finalizer {
        return plan;
    }
    let deadline =
        deadline(meta.deleting, view.dashboard.object.spec.as_ref().map(|s| s.deletion.timeout).unwrap_or_default());
    let free = view.dashboard.terminating || now >= deadline;
    plan.release_all(view.dashboard.terminating, meta, &view.dashboard.tenure);
    let released = plan.steps.is_empty();
    let copied = view
        .dashboard
        .tenure
        .target
        .as_ref()
        .ok()
        .zip(view.dashboard.tenure.applied.as_ref())
        .and_then(|(t, a)| copied(t, a));
    let rolled = copied.is_some()
        || view.dashboard.tenure.has_successor
        || view.dashboard.tenure.applied.as_ref().is_none_or(|a| a.running.is_empty());
    let unseen = view.dashboard.tenure.target.as_ref().err().is_some_and(Problem::is_unknown);
    if (!released || !rolled || unseen) && !free {
        let message = "deletion waits until no pod uploads directly any more";
        plan.state = State::Unmet(ConditionType::RolledOut, Problem::new(Reason::Releasing, message));
        if let Ok(target) = &view.dashboard.tenure.target {
            let action = Action::AwaitRollout { workload: target.workload.clone() };
            plan.steps.push(Step::new(action, "Glance lets the origins go only afterwards"));
        }
        plan.wake_at(deadline);
        return plan;
    }
    if let (Ok(target), Some(applied)) = (&view.dashboard.tenure.target, &view.dashboard.tenure.applied) {
        plan.steps.extend(garbage("Horizon", &target.workload, applied, None));
    }
    let why = match copied {
        Some(left) => left.message(),
        None if rolled => "all is given back".to_owned(),
        None => "spec.deletion.timeout has passed".to_owned(),
    };
    plan.steps.push(Step::new(Action::RemoveFinalizer, why));
    plan
}
