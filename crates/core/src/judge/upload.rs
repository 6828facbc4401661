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

use direct_upload_api::{OPERATOR, Rule};

use super::browser::{self, request_headers};
use super::cors::{every, readable};
use super::explain::{failure, signature};
use super::explain_status::{challenges, redirect, scheme};
use super::failure::{Failure, Requirement};
use super::headers::{get, shown, starts_with};
use super::outcome::{PageOutcome, PutOutcome};
use super::preflight::{HttpRequest, Preflight};
use super::response::Response;
use super::unreachable::{Unreachable, UnreachableKind};
use crate::model::Advice;
use crate::openstack::upload::Credentials;

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

/// The header with the user's token.
const TOKEN: &str = "X-Auth-Token";

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

/// The PUT that is complete: no data, no token.
pub fn complete(asked: &Preflight) -> HttpRequest {
    put(asked, 0, None)
}

/// The PUT that only announces its data. Unlike the [`complete`] one it has a token, as an upload has, which Keystone
/// has not issued.
pub fn announced(asked: &Preflight, size: u64) -> HttpRequest {
    let mut request = put(asked, size, Some(("Expect", "100-continue".to_owned())));
    request.lines.push((TOKEN, invalid_token()));
    request
}

/// The complete PUT with a token that Keystone has not issued, for servers that want one before Glance sees it.
pub fn with_token(asked: &Preflight) -> HttpRequest {
    put(asked, 0, Some((TOKEN, invalid_token())))
}

/// It has the form of Keystone's default, a Fernet token: version 0x80, a time, and whole blocks of 16 bytes.
fn invalid_token() -> String {
    const FERNET: &str = "gAAAAABo";
    const LENGTH: usize = 247;
    let filler = OPERATOR.chars().chain(['-']).cycle();
    FERNET.chars().chain(filler).take(LENGTH).collect()
}

fn put(asked: &Preflight, length: u64, more: Option<(&'static str, String)>) -> HttpRequest {
    let mut lines = vec![
        ("Accept", "*/*".to_owned()),
        ("Content-Length", length.to_string()),
        ("Content-Type", "application/octet-stream".to_owned()),
    ];
    lines.extend(more);
    lines.extend(request_headers(&asked.origin, asked.endpoint.origin()));
    lines.retain(|(name, _)| asked.refers || *name != "Referer");
    HttpRequest { method: asked.method(), path: asked.endpoint.upload_path(&asked.image), lines }
}

/// Judges the answer to the [`complete`] PUT.
pub fn judge_complete(asked: &Preflight, wire: &Wire) -> UploadVerdict {
    match wire {
        Wire::Response(answer) => answered(asked, answer),
        Wire::Continue | Wire::Silence(_) => silent(wire, "a complete PUT without data and token"),
        Wire::Failed(why) => unanswered(why),
    }
}

/// Whether the answer to the [`complete`] PUT may come from a server that only wants to see some token. It may also end
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

/// Whether an answer is Glance's, so that the one to the PUT [`with_token`] counts.
pub fn is_glances(wire: &Wire) -> bool {
    matches!(wire, Wire::Response(answer) if who(answer) == Answerer::Glance)
}

/// The verdict if a server in front of Glance answers these two PUTs, of which the second has a token, in different
/// ways: it checks tokens itself, and what it does with a user's is unknown.
pub fn checks_tokens(without: &Wire, with: &Wire) -> Option<UploadVerdict> {
    let (Wire::Response(without), Wire::Response(with)) = (without, with) else { return None };
    let refuses = |answer: &Response| matches!(answer.status, 400 | 401 | 403 | 404) && who(answer) != Answerer::Glance;
    if !(refuses(without) && refuses(with)) || without.status == with.status {
        return None;
    }
    let message = format!(
        "a PUT without a token was answered with {}, and one with an invalid token with {}{}: something in front of Glance checks tokens itself; a user's token was not tried",
        without.status,
        with.status,
        signature(with)
    );
    let fix = "upload an image once; a canary (spec.directUpload.canary) does so all the time";
    Some(unknown(who(with), message, fix))
}

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

/// Whether browsers send cookies with an upload.
pub(super) fn has_cookies(asked: &Preflight) -> bool {
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

/// The origin to which an answer redirects.
fn redirect_target(asked: &Preflight, answer: &Response) -> Option<String> {
    let location = get(&answer.headers, "Location").filter(|_| (300..400).contains(&answer.status))?;
    let target = url::Url::parse(&asked.url()).and_then(|base| base.join(&location)).ok()?;
    Some(target.origin().ascii_serialization())
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

/// Judges the answer to the [`announced`] PUT of this size.
pub fn judge_announced(size: u64, wire: &Wire) -> UploadVerdict {
    let answer = match wire {
        Wire::Response(answer) => answer,
        Wire::Continue | Wire::Silence(_) => return silent(wire, &format!("a PUT that announces {size} bytes")),
        Wire::Failed(why) => return UploadVerdict::Unknown { by: Answerer::Nobody, why: why.clone() },
    };
    let by = who(answer);
    let code = answer.status;
    let from = signature(answer);
    if code == 413 {
        let why = format!("a body limit in front of Glance{from} refuses it");
        return refused(by, size_refused(received(answer), size, &why));
    }
    if by == Answerer::Glance && code < 500 {
        return UploadVerdict::Passed { by, advice: vec![] };
    }
    unknown(
        by,
        format!("a PUT that announces {size} bytes was answered with {code}{from}, which does not show a limit"),
        "check what is in front of Glance: a limit may give this answer, and so may a server that does not know `Expect: 100-continue`, which browsers do not send",
    )
}

/// Whether an answer to the [`announced`] PUT needs a second one with a single byte, to see whether the
/// size is the cause.
pub fn is_worth_comparing(wire: &Wire) -> bool {
    match wire {
        Wire::Response(answer) => answer.status != 413 && who(answer) != Answerer::Glance,
        Wire::Failed(why) => why.kind == UnreachableKind::Http,
        Wire::Continue | Wire::Silence(_) => false,
    }
}

/// The verdict on the announced size, from the answer to that second PUT, which announced one byte.
pub fn compare(size: u64, large: &Wire, small: &Wire) -> UploadVerdict {
    let passes = match small {
        Wire::Response(small) => who(small) == Answerer::Glance,
        Wire::Continue => true,
        Wire::Silence(_) | Wire::Failed(_) => false,
    };
    let is_alike = |small: &Response, large: &Response| small.status == large.status && who(small) == who(large);
    let differs = |large: &Response| !matches!(small, Wire::Response(small) if is_alike(small, large));
    let but = "but the same request with one byte passes";
    match large {
        Wire::Response(answer) if passes && differs(answer) => {
            let why = format!("something in front of Glance{} refuses it, {but}", signature(answer));
            refused(who(answer), size_refused(received(answer), size, &why))
        }
        Wire::Failed(failed) if passes => {
            let why = format!("something in front of Glance ends the connection, {but}");
            refused(Answerer::Nobody, size_refused(failed.message.clone(), size, &why))
        }
        _ => judge_announced(size, large),
    }
}

/// The verdict on a complete PUT that something else refused because it is empty: the one that announces data reached
/// Glance.
pub fn outweighed(complete: &PutOutcome, announced: &PutOutcome) -> Option<UploadVerdict> {
    let Wire::Response(answer) = &complete.wire else { return None };
    let is_of_empty = matches!(answer.status, 400 | 411) && matches!(complete.verdict, UploadVerdict::Refused { .. });
    if !(is_of_empty && matches!(announced.verdict, UploadVerdict::Passed { .. })) {
        return None;
    }
    let message = format!(
        "a PUT without data was answered with {}{}, but one that announces data reached Glance: whether the page may read Glance's answer is unknown",
        answer.status,
        signature(answer)
    );
    Some(unknown(who(answer), message, "upload an image once"))
}

/// What a repetition of a request showed.
pub enum Repeated<'a> {
    Preflight(&'a Response),
    Put(&'a Wire),
}

/// The verdict if the same request, repeated, has another result: servers that take turns behind one address differ.
/// Limits and filters, which the repetition itself may have met, count for nothing.
pub fn differs(asked: &Preflight, first: &UploadVerdict, repeated: &Repeated<'_>) -> Option<UploadVerdict> {
    let is_limit = |answer: &Response| matches!(answer.status, 403 | 429 | 503);
    let (by, failure) = match repeated {
        Repeated::Preflight(answer) if !is_limit(answer) => (who(answer), super::cors::judge(asked, answer).failure?),
        Repeated::Put(wire @ Wire::Response(answer)) if !is_limit(answer) => {
            match (&judge_complete(asked, wire), first) {
                (
                    UploadVerdict::Refused { by, failure },
                    UploadVerdict::Passed { .. } | UploadVerdict::Unknown { .. },
                )
                | (UploadVerdict::Passed { .. }, UploadVerdict::Refused { by, failure }) => {
                    (by.clone(), (**failure).clone())
                }
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(refused(by, mixed(asked, failure)))
}

/// A failure that only some of the servers behind one address have.
pub fn mixed(asked: &Preflight, failure: Failure) -> Failure {
    let host = asked.endpoint.origin().host();
    let message = format!(
        "servers behind {host} answer the same request in different ways, so some uploads fail; one of them: {}",
        failure.message
    );
    let fix = format!("compare all servers behind {host} (replicas of Glance, of the proxy): {}", failure.fix);
    Failure { message, fix, ..failure }
}

/// Whether the answer to the [`announced`] PUT may come from a filter on tokens, which let the complete one pass.
pub fn may_filter_tokens(complete: &UploadVerdict, announced: &Wire) -> bool {
    matches!(complete, UploadVerdict::Passed { .. }) && matches!(announced, Wire::Response(_)) && !is_glances(announced)
}

/// The verdict on a PUT with a token, if something refuses it twice that lets PUTs without one pass.
pub fn refuses_tokens(asked: &Preflight, first: &Wire, second: &Wire) -> Option<UploadVerdict> {
    let refusal = |wire: &Wire| match judge_complete(asked, wire) {
        UploadVerdict::Refused { by, failure } if by != Answerer::Glance => Some((by, failure)),
        _ => None,
    };
    let (by, _) = refusal(first)?;
    let (_, failure) = refusal(second)?;
    let message = format!(
        "something in front of Glance refuses a PUT with an X-Auth-Token of the usual form, and lets one without a token pass; {}",
        failure.message
    );
    let fix = "let requests with X-Auth-Token pass up to Glance: look for rules on that header, and for limits of a header's length".to_owned();
    Some(refused(by, Failure { message, fix, ..*failure }))
}

fn size_refused(received: String, size: u64, why: &str) -> Failure {
    failure(
        Requirement::Size,
        &[Rule::BodyLimit],
        received,
        format!("an upload of {size} bytes fails before any data is sent: {why}"),
        "remove the limit in front of Glance: httpd LimitRequestBody 0, nginx client_max_body_size 0, ingress-nginx proxy-body-size \"0\""
            .to_owned(),
    )
}

fn refused(by: Answerer, failure: Failure) -> UploadVerdict {
    UploadVerdict::Refused { by, failure: Box::new(failure) }
}

fn unknown(by: Answerer, message: String, fix: &str) -> UploadVerdict {
    UploadVerdict::Unknown { by, why: Unreachable::new(UnreachableKind::Unclear, message, fix) }
}

/// Glance is recognised by its token check's challenge, or by the request id in each of its answers
/// (glance/api/middleware/context.py).
pub fn who(answer: &Response) -> Answerer {
    let keystone = answer.status == 401 && challenges(answer).any(|challenge| starts_with(challenge, "keystone"));
    if keystone || get(&answer.headers, "X-OpenStack-Request-ID").is_some() {
        return Answerer::Glance;
    }
    let signature = signature(answer);
    let bare = signature.strip_prefix(" (").and_then(|rest| rest.strip_suffix(')'));
    Answerer::Other(bare.unwrap_or_default().to_owned())
}

/// What to check if only PUT fails: its preflight has just been granted at the same place.
const PUT_TOO: &str = "let PUT on /v2/images/ pass as OPTIONS does, up to Glance";

fn answered(asked: &Preflight, answer: &Response) -> UploadVerdict {
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
                "an access or method filter in front of Glance{from} refused the PUT, although it lets OPTIONS pass; unless it is one that lets requests with an X-Auth-Token pass"
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

/// Browsers follow a redirect of an upload if they may read it (Fetch §4.4). Its target is not requested
/// here.
fn redirected(asked: &Preflight, answer: &Response) -> Judgement {
    let failure = redirect(asked, answer);
    let may_be_followed = every(&asked.uploads, |upload| readable(asked, upload, answer)).is_ok();
    let elsewhere = redirect_target(asked, answer).is_some_and(|to| to != asked.endpoint.origin().as_str());
    let lost = match answer.status {
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
            if get(&answer.headers, super::cors::ALLOW_ORIGIN).is_some() { format!(" ({})", failure.message) } else { String::new() }
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

fn received(answer: &Response) -> String {
    let status = format!("status {}{}", answer.status, signature(answer));
    match challenges(answer).next() {
        Some(challenge) => format!("{status}, WWW-Authenticate: {}", shown(scheme(challenge))),
        None => status,
    }
}

fn silent(wire: &Wire, what: &str) -> UploadVerdict {
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
