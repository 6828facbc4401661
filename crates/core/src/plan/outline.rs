//! A plan: steps as data, and the state that is reached.

use direct_upload_api::{ConditionType, ProbeVerdict, Reason};
use jiff::Timestamp;

use super::step::{Action, Step};
use crate::model::Problem;
use crate::workload::Unfinished;

/// The next steps of one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// In order. The first one that waits ends what can be done now.
    pub steps: Vec<Step>,
    /// The state when nothing more happens.
    pub state: State,
    /// When to look again although nothing changed.
    pub wake: Option<Timestamp>,
    /// Name of the ConfigMap that is in use or will be.
    pub config_map: Option<String>,
    /// The same for the internal API.
    pub internal: Option<String>,
    /// The state of each region of a Horizon.
    pub regions: Vec<RegionState>,
}

/// The state that is reached.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// The operator has just started and does not see everything yet: say nothing.
    Pending,
    /// What the spec requests is in effect.
    Done(Problem),
    /// The same: it requests no direct upload, and Horizon's own mode is in effect.
    Off(Problem),
    /// A Horizon that switches to direct without problems: only its pods remain.
    Switching(Problem),
    /// Pods are being replaced, or will be after a rehearsal.
    Rolling(Problem),
    /// The workload's image is asked where it reads Horizon's files.
    Looking(Problem),
    /// A person requested that nothing is done. What would be is about this condition.
    Withheld(ConditionType, Problem),
    /// It is not, because this condition does not hold.
    Unmet(ConditionType, Problem),
    /// The resource is gone once the steps are done.
    Gone,
}

/// The condition that is not met, and why.
pub type Unmet = (ConditionType, Problem);

/// The state of one region of a Horizon.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionState {
    pub name: String,
    /// The first thing that blocks it; none without a result.
    pub news: Option<RegionNews>,
}

/// What to report about a region.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionNews {
    /// The result of its preflights, if there are any.
    pub verdict: Option<ProbeVerdict>,
    pub why: Problem,
}

impl Plan {
    /// A plan that does nothing.
    pub fn idle(state: State) -> Self {
        Self { steps: Vec::new(), state, wake: None, config_map: None, internal: None, regions: Vec::new() }
    }

    /// A plan that cannot continue: an unmet condition, or silence while still reading.
    pub fn unmet(condition: ConditionType, problem: Problem) -> Self {
        Self::idle(State::unmet(condition, problem))
    }

    pub fn wake_at(&mut self, time: Timestamp) {
        self.wake = Some(self.wake.map_or(time, |w| w.min(time)));
    }

    /// Two workloads of one resource: what can be done now for either comes before what waits.
    pub fn join(&mut self, api: &str, other: Self) {
        let (mut steps, waiting) = split(std::mem::take(&mut self.steps));
        let (more, also_waiting) = split(other.steps);
        let adds = |step: &Step| matches!(step.action, Action::AddFinalizer);
        let added = steps.iter().any(adds);
        steps.extend(more.into_iter().filter(|step| !(added && adds(step))));
        self.steps = steps.into_iter().chain(waiting).chain(also_waiting).collect();
        self.wake = [self.wake, other.wake].into_iter().flatten().min();
        self.internal = other.config_map;
        if matches!(self.state, State::Done(_)) {
            let of_api = |problem: Problem| Problem::new(problem.reason, format!("{api}: {}", problem.message()));
            match other.state {
                State::Unmet(condition, problem) => self.state = State::Unmet(condition, of_api(problem)),
                State::Rolling(problem) => self.state = State::Rolling(of_api(problem)),
                State::Pending => self.state = State::Pending,
                // The last five are of Horizons, and of whole resources.
                State::Done(_)
                | State::Off(_)
                | State::Switching(_)
                | State::Looking(_)
                | State::Withheld(..)
                | State::Gone => {}
            }
        }
    }

    /// A roll is due, but not now. Nothing is prepared for it either, because it may change until then.
    /// `config_map`: the last one that was mounted.
    pub fn hold(&mut self, (problem, wake): (Problem, Option<Timestamp>), config_map: Option<String>) {
        self.steps.clear();
        self.state = State::Unmet(ConditionType::RolledOut, problem);
        self.wake = wake;
        self.config_map = config_map;
    }

    /// Suspended: reports what it would do, and does nothing.
    pub(crate) fn suspend(self) -> Self {
        self.withhold(Reason::Suspended, "spec.suspend is true")
    }

    /// Nothing is done, and the status says what would be.
    #[must_use]
    pub fn withhold(mut self, reason: Reason, why: &str) -> Self {
        let would: Vec<_> = self.steps.iter().filter(|s| !s.action.waits()).map(ToString::to_string).collect();
        if !would.is_empty() {
            let message = format!("{why}; otherwise: {}", would.join("; "));
            let creates = self.steps.iter().any(|s| matches!(s.action, Action::ApplyConfigMap(_)));
            let condition = if creates { ConditionType::ConfigRendered } else { ConditionType::RolledOut };
            self.state = State::Withheld(condition, Problem::new(reason, message));
            self.config_map = self.config_map.filter(|_| !creates);
        }
        self.steps.clear();
        self
    }
}

/// The steps up to the first one that others must do, and those after it.
fn split(mut steps: Vec<Step>) -> (Vec<Step>, Vec<Step>) {
    let at = steps.iter().position(|step| step.action.waits()).unwrap_or(steps.len());
    let waiting = steps.split_off(at);
    (steps, waiting)
}

impl State {
    /// The condition that is not met, and why.
    pub fn lacks(&self) -> Option<(ConditionType, &Problem)> {
        match self {
            Self::Switching(why) | Self::Rolling(why) => Some((ConditionType::RolledOut, why)),
            Self::Looking(why) => Some((ConditionType::Accepted, why)),
            Self::Withheld(condition, why) | Self::Unmet(condition, why) => Some((*condition, why)),
            Self::Pending | Self::Done(_) | Self::Off(_) | Self::Gone => None,
        }
    }

    /// What a status says about it; nothing while it is not known, or the resource is gone.
    pub fn why(&self) -> Option<&Problem> {
        match self {
            Self::Done(why)
            | Self::Off(why)
            | Self::Switching(why)
            | Self::Rolling(why)
            | Self::Looking(why)
            | Self::Withheld(_, why)
            | Self::Unmet(_, why) => Some(why),
            Self::Pending | Self::Gone => None,
        }
    }

    pub fn unmet(condition: ConditionType, problem: Problem) -> Self {
        if problem.is_pending() { Self::Pending } else { Self::Unmet(condition, problem) }
    }
}

impl From<Unfinished> for State {
    fn from(unfinished: Unfinished) -> Self {
        match unfinished {
            Unfinished::Rolling(problem) => Self::Rolling(problem),
            Unfinished::Failing(_, problem) | Unfinished::Blocked(problem) => {
                Self::unmet(ConditionType::RolledOut, problem)
            }
        }
    }
}
