//! The results of preflights, and what follows for Horizon's mode.

use direct_upload_api::{ConditionType, HorizonSpec, Reason, Verification};

use super::outline::State;
use crate::derive::{Evidence, Failed, HorizonView, Throttle};
use crate::model::Problem;
use crate::workload::Applied;

/// What follows for a Horizon that should be direct.
#[derive(Clone, Debug, PartialEq)]
pub enum Proven {
    /// Its pods may be, or stay, direct.
    Go,
    /// They are not direct, and must not become direct yet.
    Wait(State),
    /// They are direct, and must not stay direct.
    Back(Problem),
}

/// Whether a Horizon may be direct. `switching`: its state in words, while there is no verdict.
pub fn proven(view: &HorizonView, spec: &HorizonSpec, switching: Problem) -> Proven {
    let backed_out = view.dashboard.backed_out().is_some();
    let applied = view.dashboard.tenure.applied.as_ref().ok();
    let mounted = applied.is_some_and(|a| a.mount.is_some());
    // Pods that still run with what was removed on purpose are going back.
    let is_direct = applied.is_some_and(Applied::sets_direct) && (mounted || !backed_out);
    if spec.direct_upload.verification == Verification::Off {
        return Proven::Go;
    }
    if is_direct {
        let breaks = view.proof.evidence.is_broken() && view.dashboard.falls_back() && view.throttle == Throttle::Now;
        return match (breaks, mounted) {
            (true, true) => Proven::Back(fallen(view)),
            (true, false) => Proven::Wait(State::Unmet(ConditionType::Verified, fallen(view))),
            (false, _) => Proven::Go,
        };
    }
    if backed_out {
        let returns = view.proof.evidence.is_granted(true) && view.throttle == Throttle::Now;
        return if returns { Proven::Go } else { Proven::Wait(State::Unmet(ConditionType::Verified, fallen(view))) };
    }
    match &view.proof.evidence {
        Evidence::Granted(weight, _) if weight.fresh => Proven::Go,
        Evidence::Unknown(_) if spec.direct_upload.verification == Verification::BestEffort => Proven::Go,
        Evidence::Refused(..) | Evidence::Unknown(_) => Proven::Wait(standing(view, spec, "")),
        Evidence::None | Evidence::Pending | Evidence::Granted(..) => Proven::Wait(State::Switching(switching)),
    }
}

/// The state of a Horizon whose pods are direct; `to`: where they upload to, in words.
pub fn standing(view: &HorizonView, spec: &HorizonSpec, to: &str) -> State {
    let verification = spec.direct_upload.verification;
    let unmet = |problem| State::Unmet(ConditionType::Verified, problem);
    let done = |reason, message| State::Done(Problem::new(reason, message));
    match &view.proof.evidence {
        _ if verification == Verification::Off => done(
            Reason::ReadyUnverified,
            format!("new dashboard sessions upload directly{to}; spec.directUpload.verification is Off"),
        ),
        Evidence::Granted(..) if view.is_upload_verified() => done(
            Reason::UploadVerified,
            format!("new dashboard sessions upload directly{to}; the operator's own whole upload passes"),
        ),
        Evidence::Granted(..) => done(
            Reason::Verified,
            format!("new dashboard sessions upload directly{to}; the preflight passes for each origin"),
        ),
        Evidence::Refused(_, failures) => {
            let hold = match view.throttle {
                Throttle::Frozen => {
                    "; most Glance endpoints refuse at the same time, so the operator suspects its own network and changes no mode"
                }
                Throttle::Now | Throttle::Later => "",
            };
            unmet(Problem::new(refused(failures), format!("{}{hold}", tell(failures))))
        }
        Evidence::Unknown(failures) if verification == Verification::BestEffort => done(
            Reason::ReadyUnverified,
            format!(
                "new dashboard sessions upload directly{to}; the operator itself gets no answer: {}",
                tell(failures)
            ),
        ),
        Evidence::Unknown(failures) => unmet(Problem::new(
            Reason::PreflightUnanswered,
            format!(
                "the operator gets no answer, which says nothing about browsers: {}; see spec.directUpload.probe, or set verification: BestEffort",
                tell(failures)
            ),
        )),
        // Nothing is reported before there is a verdict; an existing status is still valid if it is about the same origins.
        Evidence::Pending
            if view.proof.destinations.iter().all(|d| d.epoch.is_some()) && view.dashboard.has_current_status() =>
        {
            State::Pending
        }
        Evidence::Pending | Evidence::None => unmet(Problem::new(
            Reason::NotVerified,
            "no preflight has been sent yet: the operator sends it when all pods of Glance run with the same configuration; look at the Glance resource's condition RolledOut",
        )),
    }
}

/// What is refused: a preflight or, if all of those pass, the part that the first failure names.
pub fn refused(failures: &[Failed]) -> Reason {
    let preflight = failures.iter().find(|failed| failed.check.is_none());
    preflight.or(failures.first()).map_or(Reason::PreflightRefused, Failed::reason)
}

fn fallen(view: &HorizonView) -> Problem {
    let why = match &view.proof.evidence {
        Evidence::Refused(_, failures) => tell(failures),
        Evidence::Unknown(failures) => format!("the operator gets no answer: {}", tell(failures)),
        Evidence::Granted(..) => {
            "preflights pass again; direct mode returns after some minutes without a failure".to_owned()
        }
        Evidence::None | Evidence::Pending => {
            "direct mode returns when preflights have passed for some minutes without a failure".to_owned()
        }
    };
    let message =
        format!("Horizon's own HORIZON_IMAGES_UPLOAD_MODE is in effect, because the upload path failed: {why}");
    Problem::new(Reason::FallenBack, message)
}

/// The first failure in full, and how many there are.
fn tell(failures: &[Failed]) -> String {
    let Some(first) = failures.first() else { return String::new() };
    let more = match (failures.len(), &first.region) {
        (0 | 1, _) => String::new(),
        (count, None) => format!(" (and {} more origins)", count - 1),
        (count, Some(_)) => format!(" (and {} more origins and regions)", count - 1),
    };
    format!("{first}; {}{more}", first.reply.fix)
}
