//! Annotations on the objects that lead browsers to Glance. They roll nothing and block nothing.

use direct_upload_api::{ConditionType, Reason};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::finalize::{blind, deadline};
use super::outline::{Plan, State};
use super::step::{Action, Step};
use crate::derive::{Adjustment, GlanceView};
use crate::model::Problem;

impl Plan {
    /// Adjusts them first, because uploads will soon come through these objects. What was refused waits.
    pub fn adjust(&mut self, view: &GlanceView, now: Timestamp) {
        if self.state == State::Pending {
            return;
        }
        let mut first = Vec::new();
        for adjustment in view.adjustments.iter().flatten() {
            match &adjustment.refused {
                Some(refusal) if now < refusal.until => self.wake_at(refusal.until),
                _ => first.push(Step::new(Action::Adjust(adjustment.clone()), why(adjustment))),
            }
        }
        let brings = view.adjustments.iter().flatten().any(|adjustment| !adjustment.annotations.is_empty());
        let secured =
            view.service.object.finalizer || self.steps.iter().any(|step| step.action == Action::AddFinalizer);
        if brings && !secured {
            first.insert(
                0,
                Step::new(Action::AddFinalizer, "so that everything is released before this resource is deleted"),
            );
        }
        let at = usize::from(self.steps.first().is_some_and(|step| step.action == Action::AddFinalizer));
        self.steps.splice(at..at, first);
    }

    /// Removes what a Glance that is being deleted has there. A refusal, or an object that cannot be seen,
    /// delays the deletion until its deadline; returns true if it does.
    pub fn give_back(&mut self, view: &GlanceView, now: Timestamp) -> bool {
        let timeout = view.service.object.spec.as_ref().map(|s| s.deletion.timeout).unwrap_or_default();
        let deadline = deadline(view.service.object.meta.deleting, timeout);
        let waits = match &view.adjustments {
            Ok(all) => all
                .iter()
                .filter_map(|a| a.refused.as_ref())
                .find(|refusal| now < refusal.until)
                .map(|refusal| Problem::new(Reason::WriteFailed, format!("deletion waits: {}", refusal.why))),
            Err(unknown) => Some(blind(&unknown.clone().into())),
        };
        self.adjust(view, now);
        match waits {
            Some(problem) if now < deadline => {
                self.state = State::unmet(ConditionType::RolledOut, problem);
                self.wake_at(deadline);
                true
            }
            _ => false,
        }
    }
}

fn why(adjustment: &Adjustment) -> &'static str {
    if adjustment.annotations.is_empty() {
        "spec.exposure.manage no longer requests anything there"
    } else {
        "spec.exposure.manage is true, and uploads need it"
    }
}

/// The server-side apply patch.
pub fn patch(adjustment: &Adjustment) -> Value {
    let Adjustment { key, uid, annotations, .. } = adjustment;
    let mut metadata = json!({"namespace": key.namespace, "name": key.name, "uid": uid});
    if !annotations.is_empty() {
        metadata["annotations"] = json!(annotations);
    }
    json!({"metadata": metadata})
}
