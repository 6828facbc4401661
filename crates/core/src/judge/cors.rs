//! The checks of an answer from another origin. In: a request and its answer. Out: the browser's decision. Pure.
//!
//! Fetch standard §4.8 step 7, for the requests of Horizon's pages. The token is a header (X-Auth-Token), so
//! it is not a credential in the standard's sense. But the Django panel's request has credentials. For it,
//! `*` does not count, and the answer must allow credentials.

use direct_upload_api::web::Origin;

use super::failure::Failure;
use super::headers::{ALLOW_CREDENTIALS, ALLOW_HEADERS, ALLOW_METHODS, ALLOW_ORIGIN, Extracted, Headers, extract, get};
use super::preflight::Preflight;
use super::response::Response;
use super::{explain, explain_status};
use crate::openstack::upload::{Credentials, UploadRequest};

/// The first check that the answer to a preflight does not pass.
pub(super) fn cross_origin(asked: &Preflight, answer: &Response) -> Result<(), Failure> {
    // The standard checks both together; a wrong status says more about who answered.
    if !is_ok(answer.status) {
        return Err(explain_status::status(asked, answer));
    }
    every(&asked.uploads, |upload| lets_through(asked, upload, answer))
}

/// Judges each upload; the first failure counts. The text says if only the panel makes the difference.
pub(super) fn every(
    uploads: &[UploadRequest],
    judge: impl Fn(&UploadRequest) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Some((broken, failure)) = uploads.iter().find_map(|upload| Some((upload, judge(upload).err()?))) else {
        return Ok(());
    };
    match uploads.iter().find(|upload| judge(upload).is_ok()) {
        Some(fine) => Err(explain::of_one_panel(failure, broken.panel(), fine.panel())),
        None => Err(failure),
    }
}

/// Whether the answer to the preflight lets one upload pass.
fn lets_through(asked: &Preflight, upload: &UploadRequest, answer: &Response) -> Result<(), Failure> {
    readable(asked, upload, answer)?;
    let methods = extract(&answer.headers, ALLOW_METHODS);
    let names = extract(&answer.headers, ALLOW_HEADERS);
    if !method_allowed(upload, &methods) {
        return Err(explain::methods(upload, answer, &methods));
    }
    let missing = headers_missing(upload, &names);
    if missing.is_empty() { Ok(()) } else { Err(explain::header_names(upload, answer, &names, &missing)) }
}

/// An ok status (§2.2.3). Redirects of a preflight are never followed.
pub fn is_ok(status: u16) -> bool {
    (200..=299).contains(&status)
}

/// The CORS check (§4.10). Both the preflight's and the upload's own answer must pass it.
pub(super) fn readable(asked: &Preflight, upload: &UploadRequest, answer: &Response) -> Result<(), Failure> {
    if !origin_allowed(&asked.origin, upload.credentials, &answer.headers) {
        return Err(explain::origin(asked, upload, answer));
    }
    if upload.credentials == Credentials::Include && !credentials_allowed(&answer.headers) {
        return Err(explain::credentials(asked, answer));
    }
    Ok(())
}

/// Whether the answer names the requesting origin. `*` counts only without credentials.
pub(crate) fn origin_allowed(origin: &Origin, credentials: Credentials, headers: &Headers) -> bool {
    let any = credentials == Credentials::SameOrigin;
    get(headers, ALLOW_ORIGIN).is_some_and(|value| value == origin.as_str() || (any && value == "*"))
}

/// All lines joined are `true`, byte for byte.
fn credentials_allowed(headers: &Headers) -> bool {
    get(headers, ALLOW_CREDENTIALS).is_some_and(|value| value == "true")
}

/// Whether `*` covers every name in a list.
fn is_wild(upload: &UploadRequest, values: &[&str]) -> bool {
    upload.credentials == Credentials::SameOrigin && values.contains(&"*")
}

/// Methods are case-sensitive. The standard accepts a *missing* list for an XHR with upload listeners
/// (use-CORS-preflight flag). No browser does, so we do not either.
fn method_allowed(upload: &UploadRequest, allowed: &Extracted<'_>) -> bool {
    let method = upload.method;
    match allowed {
        Extracted::Values(values) => is_safelisted(method) || values.contains(&method) || is_wild(upload, values),
        Extracted::Null => is_safelisted(method),
        Extracted::Failure(_) => false,
    }
}

/// CORS-safelisted methods (§2.2.1).
pub(super) fn is_safelisted(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "POST")
}

/// The names that are not allowed; all of them, if the list does not parse.
fn headers_missing(upload: &UploadRequest, allowed: &Extracted<'_>) -> Vec<&'static str> {
    let Extracted::Values(values) = allowed else { return upload.headers.clone() };
    let listed = |name: &str| values.iter().any(|v| v.eq_ignore_ascii_case(name));
    // `*` covers every name except this one (CORS non-wildcard request-header name, §2.2.2).
    let any = |name: &str| is_wild(upload, values) && !name.eq_ignore_ascii_case("authorization");
    upload.headers.iter().copied().filter(|name| !listed(name) && !any(name)).collect()
}
