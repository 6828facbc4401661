//! The answer to the complete PUT: whose it is, what it means, and whether the page may read it.

use direct_upload_api::Rule;

use super::upload::{Answerer, UploadVerdict, Wire, received, refused, silent, unknown, who};
use crate::judge::cors::{every, readable};
use crate::judge::explain::{failure, signature};
use crate::judge::explain_status::{challenges, redirect, scheme};
use crate::judge::failure::{Failure, Requirement};
use crate::judge::headers::{ALLOW_ORIGIN, get, shown, starts_with};
use crate::judge::preflight::Preflight;
use crate::judge::response::Response;
use crate::judge::unreachable::{Unreachable, UnreachableKind};
use crate::model::Advice;

/// Judges the answer to the [`complete`](super::upload::complete) PUT.
pub fn judge_complete(asked: &Preflight, wire: &Wire) -> UploadVerdict {
    match wire {
        Wire::Response(answer) => answered(asked, answer),
        Wire::Continue | Wire::Silence(_) => silent(wire, "a complete PUT without data and token"),
        Wire::Failed(why) => unanswered(why),
    }
}

/// What to check if only PUT fails: its preflight has just been granted at the same place.
const PUT_TOO: &str = "let PUT on /v2/images/ pass as OPTIONS does, up to Glance";

pub(super) fn answered(asked: &Preflight, answer: &Response) -> UploadVerdict {
    let by = who(answer);
    let check = || every(&asked.uploads, |upload| readable(asked, upload, answer).map_err(|f| unreadable(answer, f)));
    if by == Answerer::Glance {
        return match (answer.status, check()) {
            (500.., _) => refused(by, broken(answer)),
            (_, Ok(())) => UploadVerdict::Passed { advice: oddities(answer), by },
            (_, Err(failure)) => refused(by, failure),
        };
    }
    match other(asked, answer) {
        // If the page may read a 401, it may well be Glance's, and a proxy has removed its marks.
        Judgement::Unless if answer.status == 401 && check().is_ok() => unknown(
            by,
            format!(
                "a PUT without a token was answered with {}{}; the page may read that, but nothing in it shows that it is Glance's",
                answer.status,
                signature(answer)
            ),
            "upload an image once, and check that no proxy removes WWW-Authenticate or X-OpenStack-Request-ID",
        ),
        Judgement::Unless => refused(by, not_glance(answer, check().is_ok())),
        Judgement::Refused(failure) => refused(by, failure),
        Judgement::Unknown(message, fix) => unknown(by, message, fix),
    }
}

/// What an answer means that is not known to be Glance's.
enum Judgement {
    Refused(Failure),
    /// Refused, unless the page may read it.
    Unless,
    Unknown(String, &'static str),
}

#[expect(clippy::too_many_lines, reason = "a table, with one arm for each group of statuses")]
fn other(asked: &Preflight, answer: &Response) -> Judgement {
    let code = answer.status;
    let from = signature(answer);
    let html = get(&answer.headers, "Content-Type").is_some_and(|kind| starts_with(&kind, "text/html"));
    let (rules, message, fix): (&[Rule], String, &str) = match code {
        301 | 302 | 303 | 307 | 308 => return redirected(asked, answer),
        300 => (
            &[Rule::WrongEndpoint],
            format!(
                "an API's list of versions{from} answered the PUT: the path that reached it does not start with /v2/"
            ),
            "let the proxy in front of Glance remove its own path from the request, and take the URL from the Keystone catalog",
        ),
        401 | 407 | 511 | 561 if challenges(answer).next().is_some() || code != 401 => (
            &[Rule::OptionsFiltered],
            format!(
                "a login in front of Glance{from} requires its own credentials; the upload has only Glance's token"
            ),
            "let PUT on /v2/images/ pass that login: Glance checks the token itself",
        ),
        403 | 451 => (
            &[Rule::OptionsFiltered],
            format!(
                "an access or method filter in front of Glance{from} refused the PUT, although it lets OPTIONS pass; unless it lets requests with an X-Auth-Token pass, or refuses only this program's User-Agent"
            ),
            PUT_TOO,
        ),
        405 | 501 => (
            &[Rule::OptionsFiltered],
            format!("something in front of Glance{from} does not accept the method PUT, although it lets OPTIONS pass"),
            PUT_TOO,
        ),
        411 | 413 => (
            &[Rule::BodyLimit],
            format!("a body limit in front of Glance{from} refused a PUT of no bytes; it will refuse an image, too"),
            "lift the limit: httpd LimitRequestBody 0, nginx client_max_body_size 0, ingress-nginx proxy-body-size \"0\"",
        ),
        429 => {
            return Judgement::Unknown(
                format!("a rate limit in front of Glance{from} answered, perhaps because of these requests"),
                "raise the limit, or leave /v2/images/ out of it",
            );
        }
        200..=299 if html => (
            &[Rule::OptionsFiltered, Rule::WrongEndpoint],
            format!(
                "a page{from}, such as a login, answered the PUT; Glance answers an upload without a token with 401"
            ),
            "let PUT on /v2/images/ pass the login or portal in front of Glance",
        ),
        200..=299 => (
            &[Rule::WrongEndpoint, Rule::CorsOnTheWay],
            format!(
                "a server{from} accepted a PUT without a token: this is not Glance, but something that accepts every request"
            ),
            "compare what is routed to Glance for PUT and for OPTIONS",
        ),
        408 | 504 | 522 | 524 => (
            &[Rule::TooSlow],
            format!(
                "a proxy{from} gave up waiting for Glance's answer to a PUT of no bytes, although it had one to OPTIONS"
            ),
            "check what is routed to Glance for PUT, and whether that answers; then check the proxy's timeouts",
        ),
        500..=599 => (
            &[Rule::CorsOnTheWay],
            format!(
                "a proxy{from} has no working Glance behind it for PUT, although it has one for OPTIONS, or Glance failed"
            ),
            "check what is routed to Glance for PUT, whether its pods are ready and its log is clean",
        ),
        _ => return Judgement::Unless,
    };
    Judgement::Refused(failure(Requirement::Glance, rules, received(answer), message, fix.to_owned()))
}

/// The URL to which an answer redirects.
fn redirect_url(asked: &Preflight, answer: &Response) -> Option<url::Url> {
    let location = get(&answer.headers, "Location").filter(|_| (300..400).contains(&answer.status))?;
    url::Url::parse(&asked.url()).and_then(|base| base.join(&location)).ok()
}

/// Browsers follow a redirect of an upload if they may read it (Fetch §4.4). Its target is not requested
/// here.
fn redirected(asked: &Preflight, answer: &Response) -> Judgement {
    let failure = redirect(asked, answer);
    let may_be_followed = every(&asked.uploads, |upload| readable(asked, upload, answer)).is_ok();
    let elsewhere = redirect_url(asked, answer)
        .is_some_and(|to| to.origin().ascii_serialization() != asked.endpoint.origin().as_str());
    let location = get(&answer.headers, "Location");
    let names_user = redirect_url(asked, answer).is_some_and(|to| !to.username().is_empty() || to.password().is_some());
    let is_loop = redirect_url(asked, answer).is_some_and(|to| to.as_str() == asked.url())
        && get(&answer.headers, "Set-Cookie").is_none();
    let lost = match answer.status {
        _ if location.is_none() => Some("without a Location, the page takes it for the answer"),
        _ if names_user => Some("browsers do not follow one with a user's name in its URL"),
        _ if is_loop => Some("it leads to the same URL again"),
        303 => Some("browsers follow a 303 by GET, without the data"),
        _ if elsewhere => Some("browsers follow one to another server with Origin: null, which Glance does not accept"),
        _ => None,
    };
    if let (true, Some(why)) = (may_be_followed, lost) {
        let message = format!("a redirect{} answered the PUT: {why}", signature(answer));
        return Judgement::Refused(Failure { requirement: Requirement::Glance, message, ..failure });
    }
    if may_be_followed && failure.rule != Rule::OptionsFiltered {
        return Judgement::Unknown(
            format!(
                "a redirect{} answered the PUT; browsers follow it, but this program did not, so it does not know what answers there",
                signature(answer)
            ),
            "let PUT on /v2/images/ lead to Glance without a redirect",
        );
    }
    let message = format!("a redirect{} answered the PUT: Glance itself never redirects an upload", signature(answer));
    Judgement::Refused(Failure { requirement: Requirement::Glance, message, fix: PUT_TOO.to_owned(), ..failure })
}

fn not_glance(answer: &Response, is_readable: bool) -> Failure {
    let from = signature(answer);
    let rules: &[Rule] = match answer.status {
        401 => &[Rule::OptionsFiltered, Rule::CorsOnTheWay],
        _ if is_readable => &[Rule::WrongEndpoint, Rule::OptionsFiltered],
        404 | 410 => &[Rule::WrongEndpoint, Rule::CorsOnTheWay],
        _ => &[Rule::CorsOnTheWay, Rule::WrongEndpoint],
    };
    failure(
        Requirement::Glance,
        rules,
        received(answer),
        format!(
            "Glance did not answer the PUT{from}: without a token it answers with 401, Keystone's challenge and CORS headers"
        ),
        format!("{PUT_TOO}; compare what is routed to Glance for PUT and for OPTIONS"),
    )
}

fn broken(answer: &Response) -> Failure {
    failure(
        Requirement::Glance,
        &[Rule::CorsOnTheWay],
        received(answer),
        "Glance itself failed on a PUT without a token".to_owned(),
        "look at Glance's log".to_owned(),
    )
}

/// Glance answered, and the page may not read it. The preflight's answer was right, so that one header does
/// not come from Glance: oslo.middleware treats both alike.
fn unreadable(answer: &Response, failure: Failure) -> Failure {
    let from = signature(answer);
    let mut also = failure.also;
    if failure.rule != Rule::CorsOnTheWay {
        also.insert(0, failure.rule);
    }
    also.retain(|rule| *rule != Rule::CorsOnTheWay);
    Failure {
        rule: Rule::CorsOnTheWay,
        also,
        received: format!("status {}{from}, {}", answer.status, failure.received),
        message: format!(
            "Glance answered the PUT, but the page may not read it, so it reports a failure even if the image is active; the preflight was granted, so a server in front of Glance removes CORS headers from the answer to PUT, or adds its own{}",
            if get(&answer.headers, ALLOW_ORIGIN).is_some() { format!(" ({})", failure.message) } else { String::new() }
        ),
        fix: "find what changes CORS headers in front of Glance (httpd: `Header ... Access-Control-...`; nginx: add_header, proxy_hide_header; HAProxy: http-response set-header, del-header; an HTTPRoute's filters) and remove it, so that Glance's own CORS headers reach the browser unchanged".to_owned(),
        ..failure
    }
}

fn oddities(answer: &Response) -> Vec<Advice> {
    let other: Vec<_> =
        challenges(answer).filter(|challenge| !starts_with(challenge, "keystone")).map(scheme).collect();
    let mut advice = Vec::new();
    if answer.status == 401 && !other.is_empty() {
        advice.push(
            Advice::new(format!(
                "there is another challenge ({}) in addition to Keystone's: a login in front of Glance may require it",
                shown(&other.join(", "))
            ))
            .rule(Rule::OptionsFiltered),
        );
    }
    if answer.status != 401 {
        advice.push(Advice::new(format!(
                "Glance answers a PUT without a token with {}, not with 401: does it check tokens at all ([paste_deploy] flavor, allow_anonymous_access)?",
                answer.status
            )));
    }
    advice
}

/// OPTIONS has just been answered there. What ends a PUT without an answer ends an upload, too. Names,
/// routes and TLS are not the cause.
fn unanswered(why: &Unreachable) -> UploadVerdict {
    if why.kind != UnreachableKind::Http {
        return UploadVerdict::Unknown { by: Answerer::Nobody, why: why.clone() };
    }
    let rules = [Rule::OptionsFiltered, Rule::CorsOnTheWay];
    let message = "the connection ended without an answer that can be read, although OPTIONS was answered at the same place: something in front of Glance ends PUTs".to_owned();
    refused(Answerer::Nobody, failure(Requirement::Glance, &rules, why.message.clone(), message, PUT_TOO.to_owned()))
}
