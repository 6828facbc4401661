//! Where each region stands, for the status of a Horizon.

use direct_upload_api::{GlanceRef, HorizonStatus, ProbeVerdict, Reason, RegionStatus, Verification};
use direct_upload_core::derive::{DestinationView, Evidence, HorizonView, Intent};
use direct_upload_core::model::Problem;
use direct_upload_core::plan::{Plan, accepted, refused};

/// `status.regions`; empty where the spec names none.
pub fn status(view: &HorizonView, plan: &Plan, before: &HorizonStatus) -> Vec<RegionStatus> {
    let one = |destination: &DestinationView| {
        let name = destination.to.region.clone()?;
        let earlier = before.regions.iter().find(|region| region.name == name);
        let Some((verdict, why)) = stands(view, plan, destination) else {
            // Nothing new: what was said last is still the latest news.
            return earlier.cloned().or_else(|| Some(region(name, destination, None, &unproven())));
        };
        Some(region(name, destination, verdict, &why))
    };
    view.destinations.iter().filter_map(one).collect()
}

/// `status.glance`.
pub fn glance(destination: &DestinationView) -> Option<GlanceRef> {
    let key = destination.to.key()?;
    Some(GlanceRef { name: key.name.clone(), namespace: Some(key.namespace.clone()) })
}

/// `status.glanceEndpoint`.
pub fn endpoint(destination: &DestinationView) -> Option<String> {
    destination.to.endpoint.as_ref().ok().map(ToString::to_string)
}

fn region(name: String, destination: &DestinationView, verdict: Option<ProbeVerdict>, why: &Problem) -> RegionStatus {
    RegionStatus {
        name,
        glance: glance(destination),
        glance_endpoint: endpoint(destination),
        verdict,
        reason: why.reason.to_string(),
        message: why.message(),
    }
}

/// What is to be said of one region: the first thing that stands in the way there.
fn stands(view: &HorizonView, plan: &Plan, destination: &DestinationView) -> Option<(Option<ProbeVerdict>, Problem)> {
    let verification = view.dashboard.object.spec.as_ref().map(|s| s.direct_upload.verification).unwrap_or_default();
    let endpoint = destination.to.endpoint.as_ref().err().filter(|_| verification != Verification::Off);
    if let Some(problem) = destination.to.partner.as_ref().err().or(endpoint) {
        return Some((None, problem.clone()));
    }
    if let Intent::Own(problem) = &view.intent {
        return Some((None, problem.clone()));
    }
    if plan.state.is_switching() {
        let message = "on the way to direct; the message of the condition Ready tells more";
        return Some((None, Problem::new(Reason::SwitchingToDirect, message)));
    }
    if let (Intent::Direct, Err(problem)) = (&view.intent, accepted(view, destination)) {
        return Some((None, problem));
    }
    match &destination.evidence {
        Evidence::Pending => None,
        Evidence::None if verification == Verification::Off => {
            Some((None, Problem::new(Reason::ReadyUnverified, "spec.directUpload.verification is Off")))
        }
        Evidence::None => Some((None, unproven())),
        Evidence::Granted(..) => {
            let why = Problem::new(Reason::Verified, "the preflight passes for each origin");
            Some((Some(ProbeVerdict::Granted), why))
        }
        Evidence::Refused(_, failures) => {
            let message = failures.first().map(ToString::to_string).unwrap_or_default();
            Some((Some(ProbeVerdict::Refused), Problem::new(refused(failures), message)))
        }
        Evidence::Unknown(failures) => {
            let message = failures.first().map(ToString::to_string).unwrap_or_default();
            Some((Some(ProbeVerdict::Unknown), Problem::new(Reason::PreflightUnanswered, message)))
        }
    }
}

fn unproven() -> Problem {
    Problem::new(Reason::NotVerified, "the preflight has not come to a verdict yet")
}
