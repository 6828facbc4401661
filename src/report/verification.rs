//! The results of preflights, for the status of a Horizon.

use direct_upload_api::{
    ConditionStatus, ConditionType, HorizonStatus, ProbeFailure, ProbeVerdict, Reason, Verification, VerificationStatus,
};
use direct_upload_core::derive::{ApiView, Evidence, Failed, HorizonView};
use direct_upload_core::plan::{Plan, refused};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// How many failures a status lists at most.
const LISTED: usize = 10;

/// `status.verification`. Without a new verdict, the existing one stays.
pub fn status(evidence: &Evidence, before: &HorizonStatus, now: Timestamp) -> Option<VerificationStatus> {
    let (verdict, failures) = match evidence {
        Evidence::None => return None,
        Evidence::Pending => return before.verification.clone(),
        Evidence::Granted(..) => (ProbeVerdict::Granted, Vec::new()),
        Evidence::Refused(_, failures) => (ProbeVerdict::Refused, failures.iter().take(LISTED).map(failure).collect()),
        Evidence::Unknown(failures) => (ProbeVerdict::Unknown, failures.iter().take(LISTED).map(failure).collect()),
    };
    let same = before.verification.as_ref().filter(|v| v.verdict == verdict);
    let last_transition_time = same.map_or_else(|| Time(now), |v| v.last_transition_time.clone());
    Some(VerificationStatus { verdict, last_transition_time, failures })
}

fn failure(Failed { region, origin, reply, .. }: &Failed) -> ProbeFailure {
    ProbeFailure {
        origin: origin.clone(),
        region: region.clone(),
        rule: reply.rule.map(|rule| rule.to_string()),
        requirement: reply.requirement.clone(),
        message: reply.message.clone(),
        received: reply.received.clone(),
        fix: reply.fix.clone(),
    }
}

/// The condition `Verified`: status, reason, message.
pub fn condition(view: &HorizonView, evidence: &Evidence, before: &HorizonStatus) -> (ConditionStatus, Reason, String) {
    let unknown = |why: &str| (ConditionStatus::Unknown, Reason::NotVerified, why.to_owned());
    let all =
        |failures: &[Failed]| failures.iter().take(LISTED).map(ToString::to_string).collect::<Vec<_>>().join("; ");
    match evidence {
        Evidence::Granted(..) if view.is_upload_verified() => (
            ConditionStatus::True,
            Reason::UploadVerified,
            passes(view, "the operator's own whole upload passes, and "),
        ),
        Evidence::Granted(..) => (ConditionStatus::True, Reason::Verified, passes(view, "")),
        Evidence::Refused(_, failures) => (ConditionStatus::False, refused(failures), all(failures)),
        Evidence::Unknown(failures) => (ConditionStatus::Unknown, Reason::PreflightUnanswered, all(failures)),
        Evidence::Pending => match before.verification.as_ref().map(|v| v.verdict) {
            // No new verdict, so the last one stays.
            Some(ProbeVerdict::Granted) => (ConditionStatus::True, Reason::Verified, passes(view, "")),
            _ => {
                unknown("there are not enough preflights for a verdict yet; it takes three answers in a row that agree")
            }
        },
        Evidence::None if off(view) => unknown("spec.directUpload.verification is Off"),
        Evidence::None => {
            unknown("the operator sends no preflight: direct upload is off, or a condition above is not met")
        }
    }
}

/// That it passes, and what that does not prove.
fn passes(view: &HorizonView, more: &str) -> String {
    let assumed = view.proof.assumptions.iter().map(|assumption| format!("; {assumption}"));
    std::iter::once(format!("{more}the preflight passes for each origin")).chain(assumed).collect()
}

fn off(view: &HorizonView) -> bool {
    view.dashboard.object.spec.as_ref().is_ok_and(|s| s.direct_upload.verification == Verification::Off)
}

/// What preflights of an API's calls show. While there are too few for a verdict, the one in the status stands.
#[must_use]
pub fn of_calls(view: &ApiView, plan: &Plan) -> Option<ProbeVerdict> {
    match view.calls.as_ref()?.evidence {
        Evidence::Granted(..) => Some(ProbeVerdict::Granted),
        Evidence::Refused(..) => Some(ProbeVerdict::Refused),
        Evidence::Unknown(_) => Some(ProbeVerdict::Unknown),
        Evidence::Pending => was_granted(view, plan).then_some(ProbeVerdict::Granted),
        Evidence::None => None,
    }
}

/// Whether the status says so, of the ConfigMap that is in use or will be.
fn was_granted(view: &ApiView, plan: &Plan) -> bool {
    let verified = ConditionType::Verified.to_string();
    let told = view.api.resource.status.iter().filter(|status| plan.is_reported_by(status));
    told.flat_map(|status| &status.conditions)
        .any(|c| c.type_ == verified && ConditionStatus::of(c) == ConditionStatus::True)
}

/// A Glance's: what a preflight shows depends on the dashboard. Of another API: what its own show.
pub(crate) fn of_accepting(view: &ApiView, plan: &Plan) -> (ConditionStatus, Reason, String) {
    let unknown = |why: &str| (ConditionStatus::Unknown, Reason::NotVerified, why.to_owned());
    let Some(calls) = &view.calls else {
        return unknown("each Horizon's own condition Verified has the results of its preflights");
    };
    let all =
        |failures: &[Failed]| failures.iter().take(LISTED).map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let granted = || {
        (ConditionStatus::True, Reason::Verified, "the preflight of the API's calls passes for each origin".to_owned())
    };
    match (&calls.evidence, &calls.exposures) {
        (Evidence::Granted(..), _) => granted(),
        (Evidence::Refused(_, failures), _) => (ConditionStatus::False, refused(failures), all(failures)),
        (Evidence::Unknown(failures), _) => (ConditionStatus::Unknown, Reason::PreflightUnanswered, all(failures)),
        (Evidence::Pending, _) => {
            if was_granted(view, plan) {
                granted()
            } else {
                unknown("there are not enough preflights for a verdict yet; it takes three answers in a row that agree")
            }
        }
        (Evidence::None, Err(problem)) => {
            unknown(&format!("the operator sends no preflight: {problem}; or set spec.publicURL"))
        }
        (Evidence::None, Ok(_)) => unknown(
            "the operator sends no preflight: only the API's own origin is requested, or spec.verification.preflight is Ignore",
        ),
    }
}

/// What works but is unwise.
pub fn advice(evidence: &Evidence) -> Vec<String> {
    match evidence {
        Evidence::Granted(_, advice) => advice.clone(),
        Evidence::None | Evidence::Pending | Evidence::Refused(..) | Evidence::Unknown(_) => Vec::new(),
    }
}
