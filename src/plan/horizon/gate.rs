//! Whether Glance accepts a Horizon's origins, and which Glance is noted.

use std::collections::BTreeMap;

use super::Stage;
use crate::api::{ConditionType, Reason};
use crate::derive::{Partner, Problem, backed_out_annotation, partner_annotation};
use crate::observe::Key;
use crate::plan::step::{Action, Step};
use crate::plan::{Plan, State};

impl Stage<'_> {
    pub(super) fn wait_for_glance(&self, plan: &mut Plan, problem: &Problem, rolls: bool) {
        if let Some(glance) = self.glance() {
            let action = Action::AwaitGlance { glance };
            plan.steps.push(Step::new(action, "an origin must be accepted before a browser uses it"));
        }
        let problem =
            if problem.reason == Reason::WaitingForGlance && rolls { self.switching() } else { problem.clone() };
        plan.state = State::unmet(ConditionType::RolledOut, problem);
    }

    /// Does every Glance pod accept every origin of this Horizon? A Horizon that is direct already
    /// needs no more than that, whatever rolls at Glance; one that switches needs a rollout that is
    /// complete.
    pub(super) fn gate(&self) -> Result<(), Problem> {
        let Some(glance) = self.view.glance.as_ref().filter(|_| self.direct) else { return Ok(()) };
        let trouble = |problem: &Problem| {
            if problem.reason == Reason::ObservationPending {
                return Err(problem.clone());
            }
            Err(Problem::new(Reason::GlanceNotReady, format!("Glance {}: {}", glance.key, problem.message)))
        };
        let origins = self.view.origins()?;
        let accepted = match &glance.accepts {
            Ok(accepted) => origins.is_subset(accepted),
            Err(problem) => return trouble(problem),
        };
        if accepted && (self.applied.sets_direct() || glance.rolled_out.is_ok()) {
            return Ok(());
        }
        match (&glance.blocked, &glance.rolled_out) {
            (Some(problem), _) => trouble(problem),
            (None, Err(problem)) if problem.reason != Reason::RollingOut => trouble(problem),
            _ => {
                let message = format!("waiting until every pod of Glance {} accepts {}", glance.key, self.origins());
                Err(Problem::new(Reason::WaitingForGlance, message))
            }
        }
    }

    pub(super) fn glance(&self) -> Option<Key> {
        match &self.view.partner {
            Ok(Partner::Glance(key)) => Some(key.clone()),
            _ => None,
        }
    }

    /// The Glance that the pods upload to: a new one is noted only once it accepts.
    pub(super) fn partner(&self, accepted: bool) -> BTreeMap<String, String> {
        if !self.direct {
            return BTreeMap::new();
        }
        let noted = self.applied.in_use().and_then(|c| c.meta.ours.get(&partner_annotation()).cloned());
        let wanted = self.glance().map(|key| key.to_string());
        let partner = if accepted { wanted } else { noted.or(wanted) };
        partner.map(|key| (partner_annotation(), key)).into_iter().collect()
    }

    /// Since when it is not direct because preflights were refused: noted until it is again.
    pub(super) fn backed_out(&self, goes: bool) -> Option<(String, String)> {
        let since = self.view.backed_out().filter(|_| self.direct && !goes)?;
        Some((backed_out_annotation(), since.to_owned()))
    }

    pub(super) fn origins(&self) -> String {
        let origins = self.view.origins().unwrap_or_default();
        origins.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}
