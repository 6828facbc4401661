//! The judgement of the answer to a preflight, or to the upload itself with the same origin. Pure.

use super::advise::advise;
use super::cors::cross_origin;
use super::preflight::Preflight;
use super::response::{PreflightVerdict, Response};
use super::same_origin;

/// Judges an answer.
pub fn judge(asked: &Preflight, answer: &Response) -> PreflightVerdict {
    let judged = if asked.same_origin() { same_origin::judge(asked, answer) } else { cross_origin(asked, answer) };
    let failure = judged.err();
    let advice = advise(asked, answer, failure.is_none());
    PreflightVerdict { failure, advice }
}
