//! Dashboard and Glance with one origin. The browser needs no CORS, so a preflight proves nothing. What
//! matters is who answers. Pure.
//!
//! The request is the upload itself, with neither token nor data. The token check (keystonemiddleware's
//! `auth_token`, `_reject_auth_headers`) refuses it with 401 and `WWW-Authenticate: Keystone uri=…`. No
//! page of Horizon and no login does that. If a proxy removed that header, Glance's list of versions proves
//! the same: it is JSON and needs no token.

use direct_upload_api::Rule;

use super::explain::{failure, signature};
use super::explain_status::{challenges, redirect, scheme};
use super::failure::{Failure, Requirement};
use super::headers::{get, shown, starts_with};
use super::page::{self, PageOutcome, Redirect};
use super::preflight::{HttpRequest, Preflight};
use super::response::Response;
use super::unreachable::{Unreachable, UnreachableKind};
use super::upload::{UploadVerdict, may_be_login, who};
use crate::model::Advice;

const LEAD: &str = "let the proxy route this path, and everything below it, to Glance, and remove the path from the request (httpd: ProxyPass in a Location of the dashboard's host), and take the URL from the Keystone catalog";

/// Whether Glance itself refused an upload that has no token.
///
/// # Errors
/// Who else answered, if the answer shows it.
#[expect(clippy::too_many_lines, reason = "a table, with one arm for each group of statuses")]
pub fn judge(asked: &Preflight, answer: &Response) -> Result<(), Failure> {
    let code = answer.status;
    let from = signature(answer);
    let (rules, message, fix): (&[Rule], String, &str) = match code {
        401 if challenges(answer).any(|challenge| starts_with(challenge, "keystone")) => return Ok(()),
        301 | 302 | 303 | 307 | 308 => return Err(redirected(asked, answer)),
        401 if is_worth_asking(answer) => (
            &[Rule::OptionsFiltered, Rule::WrongEndpoint],
            format!(
                "something{from} requires credentials, but not Keystone's, and there is no list of versions: the request did not reach Glance"
            ),
            LEAD,
        ),
        // A browser's own login for this origin: see [`login`].
        401 | 407 | 511 | 561 => (
            &[Rule::OptionsFiltered, Rule::WrongEndpoint],
            format!(
                "a login in front of Glance{from} answered; the browser's upload has Glance's token and no other credentials"
            ),
            "let this path pass that login",
        ),
        403 | 451 => (
            &[Rule::OptionsFiltered, Rule::WrongEndpoint],
            format!("an access filter{from}, or the dashboard itself, refused the upload before it reached Glance"),
            LEAD,
        ),
        405 | 501 => (
            &[Rule::OptionsFiltered, Rule::WrongEndpoint],
            format!(
                "something{from} does not accept the method PUT; a dashboard or a file server answers in this way, too"
            ),
            LEAD,
        ),
        300 => (
            &[Rule::WrongEndpoint],
            format!(
                "an API's list of versions{from}: the path that reached Glance does not start with /v2/; the proxy probably forwards its own path"
            ),
            LEAD,
        ),
        200..=299 => (
            &[Rule::WrongEndpoint],
            format!(
                "a server{from} accepted an upload without a token: this is not Glance, but something that accepts every request"
            ),
            LEAD,
        ),
        411 | 413 => (
            &[Rule::BodyLimit],
            format!("a body limit{from} refused an upload of no bytes; it will refuse an image, too"),
            "lift the limit for this path: httpd LimitRequestBody 0, ingress-nginx proxy-body-size \"0\"",
        ),
        408 | 504 | 522 | 524 => (
            &[Rule::TooSlow, Rule::WrongEndpoint],
            format!("the proxy{from} gave up waiting for Glance"),
            "check whether Glance runs and its Service has endpoints; then check the proxy's backend for this path",
        ),
        500..=599 => (
            &[Rule::WrongEndpoint],
            format!("the proxy{from} has no working Glance behind this path, or Glance failed"),
            "check whether Glance's pods are ready and its log is clean; then check the proxy's backend for this path",
        ),
        _ => (
            &[Rule::WrongEndpoint],
            format!(
                "Glance did not answer{from}: without a token it answers an upload with 401 and Keystone's challenge"
            ),
            LEAD,
        ),
    };
    Err(failure(Requirement::Glance, rules, received(answer), message, fix.to_owned()))
}

/// The upload that browsers send after a redirect within the origin: with the same method and data, except after 303
/// (Fetch §4.4, HTTP-redirect fetch).
pub fn follow(asked: &Preflight, answer: &Response) -> Option<HttpRequest> {
    if answer.status == 303 {
        return None;
    }
    let request = asked.request();
    match page::redirect(&asked.origin, &request.path, answer)? {
        Redirect::Within(path) => Some(HttpRequest { path, ..request }),
        Redirect::Elsewhere(_) => None,
    }
}

/// Whether the answer comes from a login that browsers have passed, if it is in front of the dashboard, too: within
/// one origin they send its credentials or cookies with uploads.
pub fn login(asked: &Preflight, answer: &Response) -> Option<Unreachable> {
    let is_own = challenges(answer).next().is_some_and(|challenge| !starts_with(challenge, "keystone"));
    let location = get(&answer.headers, "Location").unwrap_or_default();
    let target = url::Url::parse(&asked.url()).and_then(|base| base.join(&location)).ok();
    let elsewhere = target.is_some_and(|to| to.origin().ascii_serialization() != asked.origin.as_str());
    let what = match answer.status {
        401 | 407 if is_own => "a login",
        302 | 303 | 307 if elsewhere => "a redirect to another server, such as a login's,",
        _ => return None,
    };
    let message = format!(
        "{what}{} answered the upload; if the same login protects the dashboard, browsers have passed it and send its cookie or credentials within the same origin",
        signature(answer)
    );
    let fix = "upload an image once; if that fails, let this path pass the login: Glance checks the token itself";
    Some(Unreachable::new(UnreachableKind::Unclear, message, fix))
}

/// The verdict on an upload that something else answered, if the dashboard's page was not seen either: a login that
/// browsers have passed may be in front of both.
pub fn behind_login(answer: &Response, page: &PageOutcome) -> Option<UploadVerdict> {
    let from = signature(answer);
    if answer.status == 401 && challenges(answer).next().is_some_and(|challenge| starts_with(challenge, "bearer")) {
        let message = format!(
            "something{from} answered the upload with 401 and asks for a token: it may check tokens itself, before Glance; a user's token was not tried"
        );
        let why = Unreachable::new(UnreachableKind::Unclear, message, "upload an image once");
        return Some(UploadVerdict::Unknown { by: who(answer), why });
    }
    if !(may_be_login(answer) && page.is_gate()) {
        return None;
    }
    let message = format!(
        "something{from} answered the upload with {}, and the dashboard's page was not seen either: if that is one login for both, browsers have passed it, and send its cookie or credentials within the same origin",
        answer.status
    );
    let fix = "upload an image once; if that fails, let the upload's path pass the login (Glance checks the token itself), and check that the proxy routes it to Glance";
    let why = Unreachable::new(UnreachableKind::Unclear, message, fix);
    Some(UploadVerdict::Unknown { by: who(answer), why })
}

/// A 401 that does not name the kind of credentials; a proxy may have removed it.
pub fn is_worth_asking(answer: &Response) -> bool {
    answer.status == 401 && challenges(answer).next().is_none()
}

/// Whether the list of versions is Glance's, by its headers.
pub fn lists_versions(answer: &Response) -> bool {
    let json = get(&answer.headers, "Content-Type").is_some_and(|kind| starts_with(&kind, "application/json"));
    matches!(answer.status, 200 | 300) && json
}

/// What to know about an answer of Glance.
pub fn advice(by_versions: bool) -> Vec<Advice> {
    let mut advice = vec![Advice::new(
        "dashboard and Glance have the same origin: the browser needs no CORS and sends no preflight; an upload without a token was sent instead, and Glance refused it as it should",
    )];
    if by_versions {
        advice.push(Advice::new("the refusal lacks Keystone's challenge (WWW-Authenticate): something in front of Glance removes it. The list of versions shows that it is Glance"));
    }
    advice
}

fn redirected(asked: &Preflight, answer: &Response) -> Failure {
    let failure = redirect(asked, answer);
    let message = format!("a redirect{}: Glance itself never redirects an upload", signature(answer));
    Failure {
        requirement: Requirement::Glance,
        rule: Rule::WrongEndpoint,
        also: vec![Rule::OptionsFiltered],
        message,
        fix: LEAD.to_owned(),
        ..failure
    }
}

fn received(answer: &Response) -> String {
    let status = format!("status {}{}", answer.status, signature(answer));
    match challenges(answer).next() {
        Some(challenge) => format!("{status}, WWW-Authenticate: {}", shown(scheme(challenge))),
        None => format!("{status}, no WWW-Authenticate"),
    }
}
