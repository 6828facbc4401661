//! The state of each region of a Horizon.

use direct_upload_api::{ProbeVerdict, Reason, Verification};

use super::acceptance::accepted;
use crate::derive::{DestinationView, Evidence, HorizonView, Intent, NoEndpoint, NoPartner};
use crate::model::Problem;
use crate::plan::outline::{RegionNews, RegionState, State};
use crate::plan::proof::refused;

/// What is reported about a region before there is any result.
pub const UNPROVEN: &str =
    "there are not enough preflights for a verdict yet; it takes three answers in a row that agree";

/// The state of each region in the spec, in addition to the whole.
pub fn regions(view: &HorizonView, state: &State) -> Vec<RegionState> {
    let one = |destination: &DestinationView| {
        Some(RegionState { name: destination.to.region.clone()?, news: news(view, state, destination) })
    };
    view.proof.destinations.iter().filter_map(one).collect()
}

fn news(view: &HorizonView, state: &State, destination: &DestinationView) -> Option<RegionNews> {
    let blocked = |why: &Problem| Some(RegionNews { verdict: None, why: why.clone() });
    let shown = |verdict, reason, message: String| {
        Some(RegionNews { verdict: Some(verdict), why: Problem::new(reason, message) })
    };
    let verification = view.dashboard.object.spec.as_ref().map(|s| s.direct_upload.verification).unwrap_or_default();
    let partner = destination.to.partner.as_ref().err().map(NoPartner::problem);
    let endpoint = destination.to.endpoint.as_ref().err().map(NoEndpoint::problem);
    if let Some(problem) = partner.or(endpoint.filter(|_| verification != Verification::Off)) {
        return blocked(problem);
    }
    if let Intent::Own(_, problem) = &view.intent {
        return blocked(problem);
    }
    if let State::Switching(_) = state {
        let message = "switching to direct; the message of the condition Ready has the details";
        return blocked(&Problem::new(Reason::SwitchingToDirect, message));
    }
    if let (Intent::Direct, Err(why)) = (&view.intent, accepted(view, destination)) {
        return blocked(why.problem());
    }
    match &destination.evidence {
        Evidence::Pending => None,
        Evidence::None if verification == Verification::Off => {
            blocked(&Problem::new(Reason::ReadyUnverified, "spec.directUpload.verification is Off"))
        }
        Evidence::None => blocked(&Problem::new(Reason::NotVerified, UNPROVEN)),
        Evidence::Granted(..) if destination.is_uploaded_to() => {
            let message = "the operator's own whole upload passes, and so does the preflight for each origin";
            shown(ProbeVerdict::Granted, Reason::UploadVerified, message.to_owned())
        }
        Evidence::Granted(..) => {
            shown(ProbeVerdict::Granted, Reason::Verified, "the preflight passes for each origin".to_owned())
        }
        Evidence::Refused(_, failures) => {
            let message = failures.first().map(ToString::to_string).unwrap_or_default();
            shown(ProbeVerdict::Refused, refused(failures), message)
        }
        Evidence::Unknown(failures) => {
            let message = failures.first().map(ToString::to_string).unwrap_or_default();
            shown(ProbeVerdict::Unknown, Reason::PreflightUnanswered, message)
        }
    }
}
