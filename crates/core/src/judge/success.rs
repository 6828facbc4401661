//! What a successful answer shows, and Glance's refusal of a PUT without a token does not. Pure.
//!
//! Servers may change headers of successful answers only (nginx: `add_header` without `always`), or of errors
//! only (nginx: `error_page`, httpd: `ProxyErrorOverride`). Without a token, only Glance's versions are a
//! success (glance/api/versions.py). In: the answer to a GET of them, with the dashboard's origin, and the
//! verdict on the complete PUT. If the page may not read the answer to the PUT, also the answer to a GET of the
//! same path, which Glance refuses too. Out: unknown, where they contradict that verdict.

use super::browser::request_headers;
use super::cors::{every, readable};
use super::explain::signature;
use super::explain_status::challenges;
use super::headers::{ALLOW_ORIGIN, get, starts_with};
use super::preflight::{HttpRequest, Preflight};
use super::response::Response;
use super::unreachable::{Unreachable, UnreachableKind};
use super::upload::{Answerer, UploadVerdict, Wire};

/// The GET of the versions, as a script of the page would send it.
pub fn request(asked: &Preflight) -> HttpRequest {
    let mut request = asked.versions();
    request.lines = vec![("Accept", "application/json".to_owned())];
    request.lines.extend(request_headers(&asked.origin, asked.endpoint.origin()));
    request
}

/// The GET of the upload's own path. Without a token, Glance refuses it as it refuses the PUT.
pub fn refused(asked: &Preflight) -> HttpRequest {
    HttpRequest { path: asked.endpoint.upload_path(&asked.image), ..request(asked) }
}

/// Whether a successful answer can change the verdict on the complete PUT.
pub fn is_worth_asking(put: &Wire, verdict: &UploadVerdict) -> bool {
    match (put, verdict) {
        (Wire::Response(_), UploadVerdict::Passed { .. }) => true,
        (Wire::Response(answer), UploadVerdict::Refused { .. }) => {
            is_bare(answer) || may_check_tokens(answer) || is_replaced(answer)
        }
        _ => false,
    }
}

/// An answer that something else may have put in place of Glance's refusal (nginx: `error_page 401 =403`).
fn is_replaced(answer: &Response) -> bool {
    answer.status == 403
}

/// A refusal without another login's challenge.
fn is_bare(answer: &Response) -> bool {
    answer.status == 401 && challenges(answer).all(|challenge| starts_with(challenge, "keystone"))
}

/// Whether an answer may come from a gateway that checks tokens as Glance does: it asks for Keystone's, or it is one
/// for programs. Logins of people answer with a page.
fn may_check_tokens(answer: &Response) -> bool {
    let is_json = get(&answer.headers, "Content-Type").is_some_and(|kind| starts_with(&kind, "application/json"));
    let mut people = challenges(answer).filter(|c| starts_with(c, "basic") || starts_with(c, "negotiate"));
    matches!(answer.status, 401 | 403) && (asks_keystone(answer) || is_json) && people.next().is_none()
}

fn asks_keystone(answer: &Response) -> bool {
    answer.status == 401 && challenges(answer).any(|challenge| starts_with(challenge, "keystone"))
}

/// Whether the answer to the GET of the upload's own path ([`refused`]) matters, too.
pub fn is_worth_comparing(verdict: &UploadVerdict) -> bool {
    matches!(verdict, UploadVerdict::Refused { .. })
}

/// Another verdict than that on the complete PUT, if the versions show that; and, for a PUT that was refused, another
/// refusal.
pub fn judge(
    asked: &Preflight,
    put: &Wire,
    verdict: &UploadVerdict,
    versions: &Wire,
    refusal: Option<&Wire>,
) -> Option<UploadVerdict> {
    let Wire::Response(answer) = versions else { return None };
    if !(200..=300).contains(&answer.status) {
        return tokens_checked(put, verdict, answer);
    }
    let answers = Answers { asked, put, verdict, versions: answer, refusal };
    refusals_replaced(&answers).or_else(|| successes_differ(&answers))
}

/// What is compared.
#[derive(Clone, Copy)]
struct Answers<'a> {
    asked: &'a Preflight,
    put: &'a Wire,
    /// On the PUT.
    verdict: &'a UploadVerdict,
    /// To the GET of the versions.
    versions: &'a Response,
    /// To the GET of the upload's own path, if that was sent.
    refusal: Option<&'a Wire>,
}

/// Whether the page may read an answer, with each upload that is asked about.
fn may_read(asked: &Preflight, answer: &Response) -> bool {
    every(&asked.uploads, |upload| readable(asked, upload, answer)).is_ok()
}

/// The versions are refused like the PUT, although they need no token.
fn tokens_checked(put: &Wire, verdict: &UploadVerdict, answer: &Response) -> Option<UploadVerdict> {
    let is_alike = matches!(put, Wire::Response(put) if put.status == answer.status && may_check_tokens(put));
    if !is_alike || !may_check_tokens(answer) || !matches!(verdict, UploadVerdict::Refused { .. }) {
        return None;
    }
    let message = format!(
        "the versions of Glance, which need no token, were answered with {}{}, too: something in front of Glance may check tokens itself; a user's token was not tried",
        answer.status,
        signature(answer)
    );
    let fix = "upload an image once; a canary (spec.directUpload.canary) does so all the time";
    Some(unclear(Answerer::Other(String::new()), message, fix))
}

/// Both the PUT and the GET of its path get the same refusal, which is not Glance's, and the page may read it.
fn refusals_replaced(answers: &Answers<'_>) -> Option<UploadVerdict> {
    let Answers { asked, put, verdict, versions, refusal } = *answers;
    let (Wire::Response(put), Some(Wire::Response(get)), UploadVerdict::Refused { by, .. }) = (put, refusal, verdict)
    else {
        return None;
    };
    let is_replaced = is_replaced(put) && put.status == get.status;
    if !is_replaced || ![versions, put, get].iter().all(|answer| may_read(asked, answer)) {
        return None;
    }
    let message = format!(
        "a PUT and a GET without a token were both answered with {}{}, which the page may read: something in front of Glance may replace its refusals; a user's token was not tried",
        put.status,
        signature(versions)
    );
    let fix = "upload an image once; let errors of Glance pass unchanged (nginx: proxy_intercept_errors off)";
    Some(unclear(by.clone(), message, fix))
}

/// The page may read Glance's refusals and not its successes, or the reverse.
fn successes_differ(answers: &Answers<'_>) -> Option<UploadVerdict> {
    let Answers { asked, put, verdict, versions, refusal } = *answers;
    let from = signature(versions);
    // Other errors keep their CORS headers, so only PUTs lose them.
    let is_only_put = matches!(refusal, Some(Wire::Response(answer)) if may_read(asked, answer));
    let can_be_read = every(&asked.uploads, |upload| readable(asked, upload, versions));
    let (by, message, fix) = match (verdict, can_be_read) {
        (UploadVerdict::Passed { by, .. }, Err(failure)) if get(&versions.headers, ALLOW_ORIGIN).is_some() => (
            by,
            format!(
                "the page may read Glance's refusal of a PUT, but not its successful answer to a GET{from}: {}; if successful uploads are answered in this way, the page reports a failure",
                failure.message
            ),
            "upload an image once; remove what adds CORS headers in front of Glance (nginx: add_header, HAProxy: http-response, httpd: Header)",
        ),
        (UploadVerdict::Refused { by, .. }, Ok(()))
            if !is_only_put && matches!(put, Wire::Response(put) if is_bare(put)) =>
        {
            (
                by,
                format!(
                    "the page may not read the refusals of a PUT and of a GET, but it may read a successful answer to a GET{from}: something in front of Glance replaces errors, or adds CORS headers to successful answers only"
                ),
                "upload an image once; let errors of Glance pass with their CORS headers (nginx: add_header ... always, proxy_intercept_errors off; httpd: ProxyErrorOverride Off)",
            )
        }
        _ => return None,
    };
    Some(unclear(by.clone(), message, fix))
}

/// Nobody can tell without a whole upload.
fn unclear(by: Answerer, message: String, fix: &'static str) -> UploadVerdict {
    UploadVerdict::Unknown { by, why: Unreachable::new(UnreachableKind::Unclear, message, fix) }
}
