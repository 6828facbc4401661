//! Uploads with cookies, as the Django panel's: logins that browsers have passed, and connections that they share.

use direct_upload_api::Rule;

use super::put_answer::answered;
use super::upload::{Answerer, UploadVerdict, Wire, refused, unknown, who};
use crate::judge::browser;
use crate::judge::explain::signature;
use crate::judge::explain_status::challenges;
use crate::judge::failure::Failure;
use crate::judge::page::PageOutcome;
use crate::judge::preflight::Preflight;
use crate::judge::response::Response;
use crate::openstack::upload::Credentials;

/// Whether browsers send cookies with an upload.
pub(crate) fn has_cookies(asked: &Preflight) -> bool {
    asked.uploads.iter().any(|upload| upload.credentials == Credentials::Include)
}

/// Whether browsers may send the PUT on a connection that they have to the dashboard: requests with cookies use the
/// same connections as pages (Fetch §2.6, connection pool; its key has whether a request has credentials).
pub fn may_share(asked: &Preflight) -> bool {
    has_cookies(asked) && asked.origin.is_https() && asked.endpoint.origin().is_https()
}

/// Whether an answer may be that of a login which browsers have passed: not Glance's, and not of a method, size or
/// server.
pub fn may_be_login(answer: &Response) -> bool {
    matches!(answer.status, 200..=299 | 301..=308 | 400..=403 | 407 | 511 | 561) && who(answer) != Answerer::Glance
}

/// The verdict on an upload with cookies, if a login answered the PUT, and another one or the same is in front of the
/// dashboard's page: browsers have passed it, and its cookie may be for all hosts of the domain (RFC 6265 §5.1.3).
/// Credentials of HTTP's own authentication are for one host only.
pub fn has_passed_login(asked: &Preflight, wire: &Wire, page: &PageOutcome) -> Option<UploadVerdict> {
    let Wire::Response(answer) = wire else { return None };
    let is_same_site = browser::site(&asked.origin, asked.endpoint.origin()) == "same-site";
    let is_login = may_be_login(answer) && challenges(answer).next().is_none();
    if !(has_cookies(asked) && is_same_site && is_login && page.is_gate()) {
        return None;
    }
    let message = format!(
        "something{} answered the PUT, and the dashboard's page was not seen either: if that is one login for both, browsers have passed it, and send its cookie with uploads of the Django panel",
        signature(answer)
    );
    let fix = "upload an image once; or let PUT on /v2/images/ pass the login: Glance checks the token itself";
    Some(unknown(who(answer), message, fix))
}

/// The verdict on all uploads of the page, of which those with cookies have another one: the worst counts.
pub fn stricter(asked: &Preflight, without: UploadVerdict, with_cookies: &UploadVerdict) -> UploadVerdict {
    let all_have = asked.uploads.iter().all(|upload| upload.credentials == Credentials::Include);
    let is_worse = matches!(with_cookies, UploadVerdict::Refused { .. });
    if all_have || is_worse { with_cookies.clone() } else { without }
}

/// The verdict on a PUT that was sent on the dashboard's connection; none if nothing is wrong with that. After 421
/// browsers use a connection of its own (RFC 9110 §15.5.20).
pub fn judge_shared(asked: &Preflight, answer: &Response) -> Option<UploadVerdict> {
    if answer.status == 421 {
        return None;
    }
    let UploadVerdict::Refused { by, failure } = answered(asked, answer) else { return None };
    let message = format!(
        "dashboard and Glance have the same address, and the dashboard's certificate also covers Glance's name: browsers send uploads with cookies (the Django panel's) on their HTTP/2 connection to the dashboard, and there something else answers; {}",
        failure.message
    );
    let fix = "use certificates that each cover one of the two names, or different addresses; or end TLS for both in one place, which routes each request by its Host".to_owned();
    let also =
        std::iter::once(failure.rule).chain(failure.also.iter().copied()).filter(|rule| *rule != Rule::WrongEndpoint);
    let failure = Failure { rule: Rule::WrongEndpoint, also: also.collect(), message, fix, ..*failure.clone() };
    Some(refused(by, failure))
}
