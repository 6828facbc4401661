//! Rate limits in front of Glance, which our own requests may meet.

use direct_upload_api::Rule;

use super::upload::{Answerer, UploadVerdict, Wire, received, refused, who};
use crate::judge::explain::{failure, signature};
use crate::judge::failure::Requirement;
use crate::judge::response::Response;
use crate::judge::unreachable::UnreachableKind;

/// Whether the answer to a PUT may come from a rate limit, which our own requests may have met. Some close connections.
pub fn is_worth_waiting(wire: &Wire) -> bool {
    match wire {
        Wire::Response(answer) => is_limit(answer),
        Wire::Failed(why) => why.kind == UnreachableKind::Http,
        Wire::Continue | Wire::Silence(_) => false,
    }
}

/// Whether such an answer may come from a rate limit.
pub fn is_limit(answer: &Response) -> bool {
    matches!(answer.status, 429 | 503) && who(answer) != Answerer::Glance
}

/// The verdict on a PUT that came right after its preflight, as a browser sends it, and got this answer, while the
/// same PUT passes alone.
pub fn limited(wire: &Wire) -> UploadVerdict {
    let (by, found, from) = match wire {
        Wire::Response(answer) => (who(answer), received(answer), signature(answer)),
        _ => (Answerer::Nobody, "no answer".to_owned(), String::new()),
    };
    let message = format!(
        "a rate limit in front of Glance{from} refuses a PUT that comes right after its preflight, as browsers send it; after a pause it lets the same PUT pass"
    );
    let fix = "let a few requests pass at once (nginx: limit_req ... burst=20 nodelay), or leave /v2/images/ out of the limit";
    refused(by, failure(Requirement::Glance, &[Rule::OptionsFiltered], found, message, fix.to_owned()))
}
