//! Whether each Glance accepts a Horizon's origins, and which Glances are recorded.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::{ConditionType, Reason};

use crate::derive::{DestinationView, HorizonView};
use crate::model::{Key, Problem};
use crate::plan::horizon::HorizonPlanner;
use crate::plan::outline::{Plan, State};
use crate::plan::step::{Action, Step};
use crate::workload::{Unfinished, annotations};

/// What is not accepted yet.
pub(crate) struct UnacceptedOrigins {
    glances: Vec<Key>,
    /// Why the first Glance does not accept. One that cannot be seen yet comes before all others.
    why: Unfinished,
}

/// Whether every pod of a destination's Glance accepts every origin of this Horizon. A direct Horizon needs
/// only this, whatever rolls at Glance. One that switches needs a complete rollout.
///
/// # Errors
/// What it waits for, or what blocks it.
pub fn accepted(view: &HorizonView, destination: &DestinationView) -> Result<(), Unfinished> {
    let Some(glance) = &destination.glance else { return Ok(()) };
    let trouble = |problem: &Problem| {
        if problem.is_pending() {
            return Err(Unfinished::Blocked(problem.clone()));
        }
        let problem = Problem::new(Reason::GlanceNotReady, format!("Glance {}: {}", glance.key, problem.message()));
        Err(Unfinished::Blocked(destination.to.problem(&problem)))
    };
    let origins = destination.to.crossing(view.dashboard.origins().map_err(Unfinished::Blocked)?);
    if origins.is_empty() && !glance.refuses {
        return Ok(());
    }
    let accepted = match &glance.accepts {
        Ok(accepted) => origins.is_subset(accepted),
        Err(problem) => return trouble(problem),
    };
    let is_direct = view.dashboard.is_direct();
    if accepted && !glance.refuses && (is_direct || glance.rolled_out.is_ok()) {
        return Ok(());
    }
    match (&glance.blocked, &glance.rolled_out) {
        (Some(problem), _) | (None, Err(Unfinished::Failing(_, problem) | Unfinished::Blocked(problem))) => {
            trouble(problem)
        }
        (None, Err(Unfinished::Rolling(_)) | Ok(())) => {
            let accepts = if glance.refuses { "uploads again".to_owned() } else { list(&origins) };
            let message = format!("waiting until every pod of Glance {} accepts {accepts}", glance.key);
            Err(Unfinished::Rolling(destination.to.problem(&Problem::new(Reason::WaitingForGlance, message))))
        }
    }
}

impl HorizonPlanner<'_> {
    pub(crate) fn wait_for_glance(&self, plan: &mut Plan, held: &UnacceptedOrigins, rolls: bool) {
        for glance in &held.glances {
            let action = Action::AwaitGlance { glance: glance.clone() };
            plan.steps.push(Step::new(action, "an origin must be accepted before a browser uses it"));
        }
        plan.state = if held.why.is_rolling() && rolls {
            State::Switching(self.switching())
        } else {
            State::unmet(ConditionType::RolledOut, held.why.problem().clone())
        };
    }

    /// Whether every destination's Glance accepts.
    pub(crate) fn gate(&self) -> Result<(), UnacceptedOrigins> {
        let mut held: Option<UnacceptedOrigins> = None;
        for destination in self.view.proof.destinations.iter().filter(|_| self.direct) {
            let Err(why) = accepted(self.view, destination) else { continue };
            let held = held.get_or_insert_with(|| UnacceptedOrigins { glances: Vec::new(), why: why.clone() });
            if why.problem().is_pending() {
                held.why = why;
            }
            held.glances.extend(destination.to.key().filter(|key| !held.glances.contains(key)).cloned());
        }
        held.map_or(Ok(()), Err)
    }

    /// The Glances to which the pods upload. A new one is recorded only when all accept.
    pub fn partner(&self, accepted: bool) -> BTreeMap<String, String> {
        if !self.direct {
            return BTreeMap::new();
        }
        let noted = self.applied.in_use().and_then(|c| c.meta.ours.get(annotations::PARTNER).cloned());
        let wanted = Some(join(&self.view.partners(), ",")).filter(|keys| !keys.is_empty());
        let partner = if accepted { wanted } else { noted.or(wanted) };
        partner.map(|keys| (annotations::PARTNER.to_owned(), keys)).into_iter().collect()
    }

    /// Since when it is not direct because preflights were refused; recorded until it is direct again.
    pub fn backed_out(&self, goes: bool) -> Option<(String, String)> {
        let since = self.view.dashboard.backed_out().filter(|_| self.direct && !goes).or(self.since.as_deref())?;
        Some((annotations::BACKED_OUT.to_owned(), since.to_owned()))
    }

    pub fn switching(&self) -> Problem {
        let workload = crate::model::describe(self.target.workload.kind, &self.target.workload.meta.key);
        let (mut glances, mut origins) = (BTreeSet::new(), BTreeSet::new());
        for destination in &self.view.proof.destinations {
            let crossing = destination.to.crossing(self.view.dashboard.origins().unwrap_or_default());
            glances.extend(destination.to.key().filter(|_| !crossing.is_empty()));
            origins.extend(crossing);
        }
        let first = if glances.is_empty() {
            String::new()
        } else {
            let accepts = if glances.len() == 1 { "accepts" } else { "accept" };
            format!("first Glance {} {accepts} {}, then ", join(&glances, ", "), list(&origins))
        };
        let message = format!("switching to direct: {first}{workload} is being rolled; events list the steps");
        Problem::new(Reason::SwitchingToDirect, message)
    }

    /// Where it uploads to, in words.
    pub(super) fn whereto(&self) -> String {
        let one = |destination: &DestinationView| {
            let place = match (&destination.to.endpoint, destination.to.key()) {
                (Ok(url), _) => format!("to {url}"),
                (Err(_), Some(glance)) => format!("to Glance {glance}"),
                (Err(_), None) => return None,
            };
            let region = destination.to.region.as_ref().map(|region| format!(" ({region})")).unwrap_or_default();
            Some(format!(" {place}{region}"))
        };
        self.view.proof.destinations.iter().filter_map(one).collect::<Vec<_>>().join(",")
    }
}

fn list<T: ToString>(items: &BTreeSet<T>) -> String {
    join(items, ", ")
}

fn join<T: ToString>(items: &BTreeSet<T>, with: &str) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(with)
}
