//! Rate limits in front of Glance, which our own requests may meet.

use direct_upload_api::Rule;

use super::{Answerer, UploadVerdict, Wire, received, refused, who};
use crate::judge::explain::{failure, signature};
use crate::judge::failure::Requirement;

/// Whether the answer to a PUT may come from a rate limit, which our own requests may have met.
pub fn is_worth_waiting(wire: &Wire) -> bool {
    matches!(wire, Wire::Response(answer) if matches!(answer.status, 429 | 503) && who(answer) != Answerer::Glance)
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
