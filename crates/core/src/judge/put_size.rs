//! Whether the size alone is refused, by the PUT that only announces its data.

use direct_upload_api::Rule;

use super::put_answer::answered;
use super::upload::{Answerer, UploadVerdict, Wire, received, refused, silent, unknown, who};
use crate::judge::explain::{failure, signature};
use crate::judge::failure::{Failure, Requirement};
use crate::judge::outcome::PutOutcome;
use crate::judge::preflight::Preflight;
use crate::judge::response::Response;
use crate::judge::unreachable::UnreachableKind;

/// Judges the answer to the [`announced`](super::upload::announced) PUT of this size.
pub fn judge_announced(size: u64, wire: &Wire) -> UploadVerdict {
    let answer = match wire {
        Wire::Response(answer) => answer,
        Wire::Continue | Wire::Silence(_) => return silent(wire, &format!("a PUT that announces {size} bytes")),
        Wire::Failed(why) => return UploadVerdict::Unknown { by: Answerer::Nobody, why: why.clone() },
    };
    let by = who(answer);
    let code = answer.status;
    let from = signature(answer);
    if code == 413 {
        let why = format!("a body limit in front of Glance{from} refuses it");
        return refused(by, size_refused(received(answer), size, &why));
    }
    if by == Answerer::Glance && code < 500 {
        return UploadVerdict::Passed { by, advice: vec![] };
    }
    unknown(
        by,
        format!("a PUT that announces {size} bytes was answered with {code}{from}, which does not show a limit"),
        "check what is in front of Glance: a limit may give this answer, and so may a server that does not know `Expect: 100-continue`, which browsers do not send",
    )
}

/// Whether an answer to the [`announced`](super::upload::announced) PUT needs a second one with a single byte, to see whether the
/// size is the cause.
pub fn is_worth_comparing(wire: &Wire) -> bool {
    match wire {
        Wire::Response(answer) => answer.status != 413 && who(answer) != Answerer::Glance,
        Wire::Failed(why) => why.kind == UnreachableKind::Http,
        Wire::Continue | Wire::Silence(_) => false,
    }
}

/// The verdict on the announced size, from the answer to that second PUT, which announced one byte.
pub fn compare(size: u64, large: &Wire, small: &Wire) -> UploadVerdict {
    let passes = match small {
        Wire::Response(small) => who(small) == Answerer::Glance,
        Wire::Continue => true,
        Wire::Silence(_) | Wire::Failed(_) => false,
    };
    let is_alike = |small: &Response, large: &Response| small.status == large.status && who(small) == who(large);
    let differs = |large: &Response| !matches!(small, Wire::Response(small) if is_alike(small, large));
    let but = "but the same request with one byte passes";
    match large {
        Wire::Response(answer) if passes && differs(answer) => {
            let why = format!("something in front of Glance{} refuses it, {but}", signature(answer));
            refused(who(answer), size_refused(received(answer), size, &why))
        }
        Wire::Failed(failed) if passes => {
            let why = format!("something in front of Glance ends the connection, {but}");
            refused(Answerer::Nobody, size_refused(failed.message.clone(), size, &why))
        }
        _ => judge_announced(size, large),
    }
}

/// The verdict on a complete PUT that something else refused because it is empty: the one that announces data, and has a
/// token, reached Glance.
pub fn outweighed(complete: &PutOutcome, announced: &PutOutcome) -> Option<UploadVerdict> {
    let (by, got) = match &complete.wire {
        Wire::Response(answer) if who(answer) != Answerer::Glance && answer.status != 413 => {
            (who(answer), format!("was answered with {}{}", answer.status, signature(answer)))
        }
        Wire::Failed(why) if why.kind == UnreachableKind::Http => (Answerer::Nobody, "got no answer".to_owned()),
        _ => return None,
    };
    let is_refused = complete.settled.is_none() && matches!(complete.verdict, UploadVerdict::Refused { .. });
    if !(is_refused && matches!(announced.verdict, UploadVerdict::Passed { .. })) {
        return None;
    }
    let message =
        format!("a PUT without data and token {got}, but one that announces data and has a token reached Glance");
    Some(unknown(by, message, "upload an image once"))
}

/// The verdict if the page may read Glance's answer to the complete PUT, and not the one to the PUT that has a token and
/// announces data.
pub fn unreadable_with_token(asked: &Preflight, complete: &UploadVerdict, announced: &Wire) -> Option<UploadVerdict> {
    let Wire::Response(answer) = announced else { return None };
    let is_glances = who(answer) == Answerer::Glance && answer.status < 500;
    if !(is_glances && matches!(complete, UploadVerdict::Passed { .. })) {
        return None;
    }
    match answered(asked, answer) {
        UploadVerdict::Refused { by, failure } if failure.rule == Rule::CorsOnTheWay => {
            let message = format!("of a PUT with a token, or of an image's size, only: {}", failure.message);
            Some(refused(by, Failure { message, ..*failure }))
        }
        _ => None,
    }
}

fn size_refused(received: String, size: u64, why: &str) -> Failure {
    failure(
        Requirement::Size,
        &[Rule::BodyLimit],
        received,
        format!("an upload of {size} bytes fails before any data is sent: {why}"),
        "remove the limit in front of Glance: httpd LimitRequestBody 0, nginx client_max_body_size 0, ingress-nginx proxy-body-size \"0\""
            .to_owned(),
    )
}
