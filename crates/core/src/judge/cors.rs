//! The judgement: a question and its answer in, the browser's decision out. Pure.
//!
//! Fetch standard §4.8 step 7 for a request whose credentials mode is not "include": Horizon's
//! upload is an XHR without `withCredentials`; the token travels as X-Auth-Token.

use super::advise::advise;
use super::failure::Failure;
use super::headers::{Extracted, Headers, extract, get};
use super::preflight::Preflight;
use super::response::{Answer, Verdict};
use super::{explain, explain_status, same_origin};

pub const ALLOW_ORIGIN: &str = "Access-Control-Allow-Origin";

pub const ALLOW_METHODS: &str = "Access-Control-Allow-Methods";

pub const ALLOW_HEADERS: &str = "Access-Control-Allow-Headers";

/// Judges an answer.
pub fn judge(asked: &Preflight, answer: &Answer) -> Verdict {
    let judged = if asked.same_origin() { same_origin::judge(asked, answer) } else { cross_origin(asked, answer) };
    let failure = judged.err();
    let advice = advise(asked, answer, failure.is_none());
    Verdict { failure, advice }
}

fn cross_origin(asked: &Preflight, answer: &Answer) -> Result<(), Failure> {
    // The standard asks for both at once; a wrong status says more about who answered.
    if !is_ok(answer.status) {
        return Err(explain_status::status(asked, answer));
    }
    if !origin_allowed(asked, &answer.headers) {
        return Err(explain::origin(asked, answer));
    }
    let methods = extract(&answer.headers, ALLOW_METHODS);
    let names = extract(&answer.headers, ALLOW_HEADERS);
    if !method_allowed(asked.method, &methods) {
        return Err(explain::methods(asked, answer, &methods));
    }
    let missing = headers_missing(&asked.headers, &names);
    if missing.is_empty() { Ok(()) } else { Err(explain::header_names(answer, &names, &missing)) }
}

/// An ok status (§2.2.3). Redirects of a preflight are never followed.
pub fn is_ok(status: u16) -> bool {
    (200..=299).contains(&status)
}

/// The CORS check (§4.10), without credentials.
pub fn origin_allowed(asked: &Preflight, headers: &Headers) -> bool {
    get(headers, ALLOW_ORIGIN).is_some_and(|value| value == "*" || value == asked.origin.as_str())
}

/// Methods are case-sensitive. The standard lets a *missing* list pass for an XHR with upload
/// listeners (use-CORS-preflight flag); no browser does, so neither do we.
fn method_allowed(method: &str, allowed: &Extracted<'_>) -> bool {
    match allowed {
        Extracted::Values(values) => is_safelisted(method) || values.iter().any(|v| *v == method || *v == "*"),
        Extracted::Null => is_safelisted(method),
        Extracted::Failure(_) => false,
    }
}

/// CORS-safelisted methods (§2.2.1).
fn is_safelisted(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "POST")
}

/// The names that are not allowed; all of them if the list does not parse.
fn headers_missing<'a>(asked: &[&'a str], allowed: &Extracted<'_>) -> Vec<&'a str> {
    let Extracted::Values(values) = allowed else { return asked.to_vec() };
    let listed = |name: &str| values.iter().any(|v| v.eq_ignore_ascii_case(name));
    // `*` stands for every name but this one (CORS non-wildcard request-header name, §2.2.2).
    let any = |name: &str| values.contains(&"*") && !name.eq_ignore_ascii_case("authorization");
    asked.iter().copied().filter(|name| !listed(name) && !any(name)).collect()
}
