//! What something in front of Glance makes of tokens.

use super::upload::{Answerer, UploadVerdict, Wire, judge_complete, refused, unknown, who};
use crate::judge::explain::signature;
use crate::judge::failure::Failure;
use crate::judge::headers::{get, starts_with};
use crate::judge::preflight::Preflight;
use crate::judge::response::Response;
use crate::judge::unreachable::UnreachableKind;

/// Whether the answer to the [`complete`](super::upload::complete) PUT may come from a server that only wants to see some token. It may also end
/// the connection.
pub fn is_worth_a_token(wire: &Wire) -> bool {
    match wire {
        Wire::Response(answer) => {
            matches!(answer.status, 300..=399 | 400..=410 | 451) && who(answer) != Answerer::Glance
        }
        Wire::Failed(why) => why.kind == UnreachableKind::Http,
        Wire::Continue | Wire::Silence(_) => false,
    }
}

/// Whether an answer is Glance's, so that the one to the PUT [`with_token`](super::upload::with_token) counts.
pub fn is_glances(wire: &Wire) -> bool {
    matches!(wire, Wire::Response(answer) if who(answer) == Answerer::Glance)
}

/// The verdict if a server in front of Glance answers these two PUTs, of which the second has a token, in different
/// ways: it checks tokens itself, and what it does with a user's is unknown.
pub fn checks_tokens(without: &Wire, with: &Wire) -> Option<UploadVerdict> {
    let (Wire::Response(without), Wire::Response(with)) = (without, with) else { return None };
    let refuses = |answer: &Response| matches!(answer.status, 400 | 401 | 403 | 404) && who(answer) != Answerer::Glance;
    let is_login = (300..400).contains(&without.status) && with.status == 401;
    if !((refuses(without) || is_login) && refuses(with)) || without.status == with.status {
        return None;
    }
    let message = format!(
        "a PUT without a token was answered with {}, and one with an invalid token with {}{}: something in front of Glance checks tokens itself; a user's token was not tried",
        without.status,
        with.status,
        signature(with)
    );
    Some(unknown(who(with), message, TRY))
}

const TRY: &str = "upload an image once; a canary (spec.directUpload.canary) does so all the time";

/// Whether people should read the answer: gateways for programs send none.
fn is_page(answer: &Response) -> bool {
    get(&answer.headers, "Content-Type").is_some_and(|kind| starts_with(&kind, "text/html"))
}

/// Whether the answer to the [`announced`](super::upload::announced) PUT may come from a filter on tokens, which let the complete one pass.
pub fn may_filter_tokens(complete: &UploadVerdict, announced: &Wire) -> bool {
    matches!(complete, UploadVerdict::Passed { .. }) && matches!(announced, Wire::Response(_)) && !is_glances(announced)
}

/// The verdict on a PUT with a token, if something refuses it twice that lets PUTs without one pass. It may be a gateway
/// that checks tokens, which knows that this one is invalid.
pub fn refuses_tokens(asked: &Preflight, first: &Wire, second: &Wire) -> Option<UploadVerdict> {
    let refusal = |wire: &Wire| match judge_complete(asked, wire) {
        UploadVerdict::Refused { by, failure } if by != Answerer::Glance => Some((by, failure)),
        _ => None,
    };
    let (by, _) = refusal(first)?;
    let (_, failure) = refusal(second)?;
    if let Wire::Response(answer) = second
        && (matches!(answer.status, 401 | 500..=599) || (answer.status == 403 && !is_page(answer)))
    {
        let message = format!(
            "a PUT without a token reached Glance, and one with an invalid token was answered with {}{}: something in front of Glance checks tokens itself; a user's token was not tried",
            answer.status,
            signature(answer)
        );
        return Some(unknown(by, message, TRY));
    }
    let message = format!(
        "something in front of Glance refuses a PUT with an X-Auth-Token of the usual form, and lets one without a token pass; {}",
        failure.message
    );
    let fix = "let requests with X-Auth-Token pass up to Glance: look for rules on that header, and for limits of a header's length".to_owned();
    Some(refused(by, Failure { message, fix, ..*failure }))
}
