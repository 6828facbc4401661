//! What preflights of an OpenStackAPI show, and the resulting state. No pod depends on it.

use direct_upload_api::{ConditionType, GlanceStatus, Reason};

use crate::derive::{ApiView, Evidence, Failed};
use crate::model::Problem;
use crate::plan::outline::{Plan, State};

impl Plan {
    /// The API's state once its pods run with the files: ready only if no preflight is refused.
    pub(super) fn proven(mut self, view: &ApiView) -> Self {
        let Some(calls) = view.calls.as_ref().filter(|_| matches!(self.state, State::Done(_))) else { return self };
        let tell = |failures: &[Failed]| failures.first().map(|f| format!("{f}; {}", f.reply.fix)).unwrap_or_default();
        let is_reported = view.api.resource.status.as_ref().is_none_or(|status| self.is_reported_by(status));
        match &calls.evidence {
            Evidence::Granted(weight, _) if weight.fresh => {
                let message = "pages of each origin may call the API: the preflight passes";
                self.state = State::Done(Problem::new(Reason::Verified, message));
            }
            Evidence::Refused(weight, failures) if weight.fresh => {
                let problem = Problem::new(Reason::PreflightRefused, tell(failures));
                self.state = State::Unmet(ConditionType::Verified, problem);
            }
            Evidence::Unknown(failures) => {
                let message =
                    format!("every pod accepts the origins; the operator itself gets no answer: {}", tell(failures));
                self.state = State::Done(Problem::new(Reason::ReadyUnverified, message));
            }
            // Nothing is reported before there is a verdict; an existing status is still valid, unless the write about
            // the present files has failed.
            Evidence::Pending | Evidence::Granted(..) | Evidence::Refused(..)
                if calls.epoch.is_some() && is_reported =>
            {
                self.state = State::Pending;
            }
            Evidence::None | Evidence::Pending | Evidence::Granted(..) | Evidence::Refused(..) => {}
        }
        self
    }

    /// Whether a status is about the files that the pods run with. If not, what it says about preflights concerns
    /// former ones.
    pub fn is_reported_by(&self, status: &GlanceStatus) -> bool {
        self.config_map.as_ref().is_none_or(|name| status.config_maps.contains(name))
    }
}
