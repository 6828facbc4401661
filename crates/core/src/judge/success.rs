//! What a successful answer shows, and Glance's refusal of a PUT without a token does not. Pure.
//!
//! Servers may change headers of successful answers only (nginx: `add_header` without `always`), or of errors
//! only (nginx: `error_page`, httpd: `ProxyErrorOverride`). Without a token, only Glance's versions are a
//! success (glance/api/versions.py). In: the answer to a GET of them, with the dashboard's origin, and the
//! verdict on the complete PUT. Out: that verdict, or unknown.

use super::browser::from_page;
use super::cors::{ALLOW_ORIGIN, every, readable};
use super::explain::signature;
use super::explain_status::challenges;
use super::headers::{get, lines, starts_with};
use super::preflight::{Preflight, Request};
use super::response::Response;
use super::unreachable::{Unreachable, UnreachableKind};
use super::upload::{UploadVerdict, Wire};

/// The GET of the versions, as a script of the page would send it.
pub fn request(asked: &Preflight) -> Request {
    let mut request = asked.versions();
    request.lines = vec![("Accept", "application/json".to_owned())];
    request.lines.extend(from_page(&asked.origin, asked.endpoint.origin()));
    request
}

/// Whether a successful answer can change the verdict on the complete PUT.
pub fn is_worth_asking(put: &Wire, verdict: &UploadVerdict) -> bool {
    match (put, verdict) {
        (Wire::Response(_), UploadVerdict::Passed { .. }) => true,
        (Wire::Response(answer), UploadVerdict::Refused { .. }) => answer.status == 401 && is_bare(answer),
        _ => false,
    }
}

/// Whether an answer has no trace of a CORS filter, and asks for no credentials but Keystone's. Glance's filter
/// leaves `Vary: Origin` where something removes its other headers.
fn is_bare(answer: &Response) -> bool {
    let varies = lines(&answer.headers, "Vary").any(|line| line.to_ascii_lowercase().contains("origin"));
    let has_cors = answer.headers.iter().any(|(name, _)| starts_with(name, "access-control-"));
    !varies && !has_cors && challenges(answer).all(|challenge| starts_with(challenge, "keystone"))
}

/// The verdict on the complete PUT, with what the versions show.
pub fn judge(asked: &Preflight, verdict: UploadVerdict, versions: &Wire) -> UploadVerdict {
    let answer = match versions {
        Wire::Response(answer) if (200..=300).contains(&answer.status) => answer,
        _ => return verdict,
    };
    let from = signature(answer);
    let can_be_read = every(&asked.uploads, |upload| readable(asked, upload, answer));
    let (by, message, fix) = match (verdict, can_be_read) {
        (UploadVerdict::Passed { by, .. }, Err(failure)) if get(&answer.headers, ALLOW_ORIGIN).is_some() => (
            by,
            format!(
                "the page may read Glance's refusal of a PUT, but not its successful answer to a GET{from}: {}; if successful uploads are answered in this way, the page reports a failure",
                failure.message
            ),
            "upload an image once; remove what adds CORS headers in front of Glance (nginx: add_header, HAProxy: http-response, httpd: Header)",
        ),
        (UploadVerdict::Refused { by, .. }, Ok(())) => (
            by,
            format!(
                "the page may not read the refusal of a PUT, but it may read a successful answer to a GET{from}: something in front of Glance replaces errors, or adds CORS headers to successful answers only"
            ),
            "upload an image once; let errors of Glance pass with their CORS headers (nginx: add_header ... always, proxy_intercept_errors off; httpd: ProxyErrorOverride Off)",
        ),
        (verdict, _) => return verdict,
    };
    UploadVerdict::Unknown { by, why: Unreachable::new(UnreachableKind::Unclear, message, fix) }
}
