//! What an outcome counts as.

use super::check_verdict::CheckVerdict;
use super::failure::{Failure, Requirement};
use super::outcome::{PreflightOutcome, ProbeResult};
use super::unreachable::{Unreachable, UnreachableKind};
use super::upload::UploadVerdict;
use crate::model::{Advice, Cause, Observation, ProbeAnswer, UploadCheck};

impl From<ProbeResult> for Observation {
    fn from(observed: ProbeResult) -> Self {
        let ProbeResult { asked, preflight, put, size, page, addresses, .. } = observed;
        let reached = match &preflight {
            PreflightOutcome::Judged { address, .. } => Some(address.ip().to_canonical()),
            _ => None,
        };
        let same_origin = asked.same_origin() && preflight.granted() && size.is_some();
        // With the same origin, the upload itself replaced the preflight.
        let put = put.map(|put| put.verdict.into()).or(same_origin.then(|| ProbeAnswer::Granted(vec![])));
        let checks = [
            (UploadCheck::Page, page.map(|page| page.verdict.into())),
            (UploadCheck::AddressSpace, addresses.map(|addresses| addresses.verdict.into())),
            (UploadCheck::Put, put),
            (UploadCheck::Size, size.map(|size| size.verdict.into())),
        ];
        let checks = checks.into_iter().filter_map(|(check, answer)| Some((check, answer?))).collect();
        Self { panel: asked.panel(), preflight: preflight.into(), checks, reached }
    }
}

impl From<UploadVerdict> for ProbeAnswer {
    fn from(verdict: UploadVerdict) -> Self {
        match verdict {
            UploadVerdict::Passed { advice, .. } => Self::Granted(sentences(advice)),
            UploadVerdict::Refused { failure, .. } => Self::Refused((*failure).into()),
            UploadVerdict::Unknown { why, .. } => Self::Unknown(why.into()),
        }
    }
}

impl From<CheckVerdict> for ProbeAnswer {
    fn from(verdict: CheckVerdict) -> Self {
        match verdict {
            CheckVerdict::Passed(advice) => Self::Granted(sentences(advice)),
            CheckVerdict::Refused(failure) => Self::Refused((*failure).into()),
            CheckVerdict::Unknown(why) => Self::Unknown(why.into()),
        }
    }
}

impl From<PreflightOutcome> for ProbeAnswer {
    fn from(outcome: PreflightOutcome) -> Self {
        match outcome {
            PreflightOutcome::Objection(failure) => Self::Refused((*failure).into()),
            PreflightOutcome::Unreachable(why) => Self::Unknown(why.into()),
            PreflightOutcome::Judged { verdict, .. } => match verdict.failure {
                Some(failure) => Self::Refused(failure.into()),
                None => Self::Granted(sentences(verdict.advice)),
            },
        }
    }
}

impl From<Failure> for Cause {
    fn from(failure: Failure) -> Self {
        let Failure { requirement, rule, received, message, fix, .. } = failure;
        Self { rule: Some(rule), requirement: written::<Requirement>(&requirement), message, received, fix }
    }
}

impl From<Unreachable> for Cause {
    fn from(why: Unreachable) -> Self {
        let requirement = written::<UnreachableKind>(&why.kind);
        Self { rule: None, requirement, message: why.message, received: String::new(), fix: why.fix }
    }
}

fn sentences(advice: Vec<Advice>) -> Vec<String> {
    advice.into_iter().map(|advice| advice.to_string()).collect()
}

/// The serialized name of a unit variant.
fn written<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
