//! What an upload without a token shows after a granted preflight. Pure.
//!
//! In: the answers ([`Wire`]) to two PUTs to an image that does not exist. Both have the dashboard's
//! origin, no token and no data. Out: an [`UploadVerdict`]: whether an upload reaches Glance and its answer
//! reaches the page, who answered, and the rule if not.
//!
//! - *Complete*, `Content-Length: 0`: passes servers that store a request before they forward it. The good
//!   answer is Glance's refusal because of the missing token: 401 with `WWW-Authenticate: Keystone uri=…`
//!   (keystonemiddleware, `auth_token`: `_reject_auth_headers`). The page may read it.
//! - *Announced*, `Expect: 100-continue` (RFC 9110 §10.1.1) and the length that uploads may have: a limit
//!   in front of Glance refuses it before any data is sent. A server that stores requests waits for the
//!   data, so a missing answer is not a failure.
//!
//! Neither sees what cuts a request in the middle.

use super::explain::{senders, signature};
use super::explain_status::{challenges, scheme};
use super::failure::Failure;
use super::headers::{get, shown, starts_with};
use super::response::Response;
use super::unreachable::{Unreachable, UnreachableKind};
use crate::model::Advice;

pub use super::put_answer::judge_complete;
pub(super) use super::put_cookies::has_cookies;
pub use super::put_cookies::{has_passed_login, judge_shared, may_be_login, may_share, stricter};
pub use super::put_request::{announced, complete, with_token};
pub use super::put_size::{compare, is_worth_comparing, judge_announced, outweighed, unreadable_with_token};
pub use super::put_token::{checks_tokens, is_glances, is_worth_a_token, may_filter_tokens, refuses_tokens};
pub use super::rate_limit::{is_limit, is_worth_waiting, limited};
pub use super::repetition::{Repeated, differs, mixed};

/// The answer to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wire {
    /// A final answer.
    Response(Response),
    /// `100 Continue`, and nothing else without data.
    Continue,
    /// Nothing, within this many seconds.
    Silence(u64),
    /// The connection failed, or ended without a readable answer.
    Failed(Unreachable),
}

/// Who answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "camelCase", tag = "kind", content = "signature")]
pub enum Answerer {
    /// Glance, as its token check or its request id shows.
    Glance,
    /// Something else, with the headers that identify it; there may be none.
    Other(String),
    /// Nobody.
    Nobody,
}

/// The result of a PUT without a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadVerdict {
    /// It reached Glance, and the page may read the answer.
    Passed { by: Answerer, advice: Vec<Advice> },
    /// An upload fails, or the page reports a failure.
    Refused { by: Answerer, failure: Box<Failure> },
    /// Unknown. This is not a failure, but an assumption in words.
    Unknown { by: Answerer, why: Unreachable },
}

pub(super) fn refused(by: Answerer, failure: Failure) -> UploadVerdict {
    UploadVerdict::Refused { by, failure: Box::new(failure) }
}

pub(super) fn unknown(by: Answerer, message: String, fix: &str) -> UploadVerdict {
    UploadVerdict::Unknown { by, why: Unreachable::new(UnreachableKind::Unclear, message, fix) }
}

/// Glance is recognised by its token check's challenge, or by the request id in each of its answers
/// (glance/api/middleware/context.py).
pub fn who(answer: &Response) -> Answerer {
    let keystone = answer.status == 401 && challenges(answer).any(|challenge| starts_with(challenge, "keystone"));
    if keystone || get(&answer.headers, "X-OpenStack-Request-ID").is_some() {
        return Answerer::Glance;
    }
    Answerer::Other(senders(answer).unwrap_or_default())
}

pub(super) fn received(answer: &Response) -> String {
    let status = format!("status {}{}", answer.status, signature(answer));
    match challenges(answer).next() {
        Some(challenge) => format!("{status}, WWW-Authenticate: {}", shown(scheme(challenge))),
        None => status,
    }
}

pub(super) fn silent(wire: &Wire, what: &str) -> UploadVerdict {
    let came = match wire {
        Wire::Silence(seconds) => format!("no answer within {seconds} s"),
        _ => "100 Continue and then nothing".to_owned(),
    };
    let message = format!(
        "{what} got {came}: a server in front of Glance wants the data before it asks Glance, so limits behind it are unknown"
    );
    let fix = "upload an image of that size once; a server that stores uploads first (nginx: proxy_request_buffering on) costs time and disk";
    UploadVerdict::Unknown { by: Answerer::Nobody, why: Unreachable::new(UnreachableKind::Timeout, message, fix) }
}
