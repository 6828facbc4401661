//! The same request again: servers behind one address that differ.

use super::upload::{UploadVerdict, Wire, judge_complete, refused, who};
use crate::judge::failure::Failure;
use crate::judge::preflight::Preflight;
use crate::judge::preflight_answer::judge;
use crate::judge::response::Response;

/// What a repetition of a request showed.
pub enum Repeated<'a> {
    Preflight(&'a Response),
    Put(&'a Wire),
}

/// The verdict if the same request, repeated, has another result: servers that take turns behind one address differ.
/// Limits and filters, which the repetition itself may have met, count for nothing.
pub fn differs(asked: &Preflight, first: &UploadVerdict, repeated: &Repeated<'_>) -> Option<UploadVerdict> {
    let is_limit = |answer: &Response| matches!(answer.status, 403 | 429 | 503);
    let (by, failure) = match repeated {
        Repeated::Preflight(answer) if !is_limit(answer) => (who(answer), judge(asked, answer).failure?),
        Repeated::Put(wire @ Wire::Response(answer)) if !is_limit(answer) => {
            match (&judge_complete(asked, wire), first) {
                (
                    UploadVerdict::Refused { by, failure },
                    UploadVerdict::Passed { .. } | UploadVerdict::Unknown { .. },
                )
                | (UploadVerdict::Passed { .. }, UploadVerdict::Refused { by, failure }) => {
                    (by.clone(), (**failure).clone())
                }
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(refused(by, mixed(asked, failure)))
}

/// A failure that only some of the servers behind one address have.
pub fn mixed(asked: &Preflight, failure: Failure) -> Failure {
    let host = asked.endpoint.origin().host();
    let message = format!(
        "servers behind {host} answer the same request in different ways, so some uploads fail; one of them: {}",
        failure.message
    );
    let fix = format!("compare all servers behind {host} (replicas of Glance, of the proxy): {}", failure.fix);
    Failure { message, fix, ..failure }
}
