//! What a browser recorded of an upload (HAR 1.2) → why it failed.
//!
//! In: the text of a HAR file. Out: a [`Diagnosis`]. `recording` finds the upload in it, `unanswered` knows what
//! browsers call a request without an answer; answers are judged as everywhere
//! ([`direct_upload_core::judge`]).

use direct_upload_api::web::Origin;
use direct_upload_api::{Panel, Rule};
use direct_upload_core::judge::csp::{Restriction, enforced};
use direct_upload_core::judge::{Failure, Preflight, Response, UploadVerdict, Wire, judge, upload};
use direct_upload_core::openstack::upload::{Credentials, HEADERS, METHOD, UploadRequest};
use thiserror::Error;

use crate::redact;

mod recording;
mod unanswered;

use recording::{Entry, Har, Upload};
use unanswered::Cause;

/// Why a network log shows nothing.
#[derive(Debug, Error)]
pub enum HarError {
    #[error("this is not a HAR file: {0}; save the browser's network log as HAR")]
    NotHar(String),
}

/// What a network log shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// What happened, in one sentence.
    pub verdict: String,
    /// It shows an upload that fails; else one that went through, or none.
    pub fails: bool,
    /// The rule, if one explains it.
    pub rule: Option<Rule>,
    /// What to change.
    pub fix: String,
    /// What the log has about the upload, one line per request.
    pub seen: Vec<String>,
}

/// What one step of a diagnosis finds.
struct Found {
    fails: bool,
    rule: Option<Rule>,
    verdict: String,
    fix: String,
}

impl From<Cause> for Found {
    fn from(cause: Cause) -> Self {
        Self { fails: true, rule: cause.rule, verdict: cause.verdict, fix: cause.fix }
    }
}

impl From<Failure> for Found {
    fn from(failure: Failure) -> Self {
        Self { fails: true, rule: Some(failure.rule), verdict: failure.message, fix: failure.fix }
    }
}

impl Found {
    fn fails(rule: impl Into<Option<Rule>>, verdict: impl Into<String>, fix: impl Into<String>) -> Self {
        Cause::new(rule, verdict, fix).into()
    }

    /// No failure shows.
    fn none(verdict: impl Into<String>, fix: &str) -> Self {
        Self { fails: false, rule: None, verdict: verdict.into(), fix: fix.to_owned() }
    }
}

/// Reads a network log.
///
/// # Errors [`HarError`] if the text is not a network log.
pub fn diagnose(text: &str) -> Result<Diagnosis, HarError> {
    let text = text.trim_start_matches('\u{feff}');
    let har: Har = serde_json::from_str(text).map_err(|error| HarError::NotHar(redact::error(&error.to_string())))?;
    let entries = &har.log.entries;
    let upload = Upload::last(entries);
    let shown = |entry: &&Entry| match &upload {
        Some(_) => entry.endpoint().is_some(),
        None => entry.makes_image(),
    };
    let seen = entries.iter().filter(shown).map(Entry::line).collect();
    let found = match &upload {
        Some(upload) => of_upload(upload, entries),
        None => without_upload(entries),
    };
    Ok(Diagnosis {
        verdict: redact::text(&found.verdict),
        fails: found.fails,
        rule: found.rule,
        fix: redact::text(&found.fix),
        seen,
    })
}

/// Diagnoses an upload, step by step, in the order in which a browser takes the steps.
fn of_upload(upload: &Upload<'_>, entries: &[Entry]) -> Found {
    let Some(origin) = upload.origin.clone() else {
        return Found::none(
            "the network log does not say from which page the upload came",
            "record again, with the page loaded while the log is open",
        );
    };
    let uploads = requests(upload);
    let asked = Preflight { origin, endpoint: upload.endpoint.clone(), image: "x".to_owned(), uploads, refers: true };
    let of_preflight = upload.preflight.map(Entry::error).unwrap_or_default();
    let blocked = unanswered::blocked(upload.put.error()).or_else(|| unanswered::blocked(of_preflight));
    if let Some(cause) = blocked {
        return cause.into();
    }
    if let Some(failure) = asked.objection(false) {
        return failure.into();
    }
    if let Some(found) = of_policy(upload, &asked.origin, entries) {
        return found;
    }
    let answer = upload.put.answer().filter(|_| upload.has_put());
    // An upload with an answer was sent, so this browser accepted the preflight's answer.
    if !asked.same_origin() && answer.is_none() {
        if let Some(found) = of_preflight_in(upload, &asked) {
            return found;
        }
        if upload.preflight.is_none() {
            return without_preflight(upload);
        }
    }
    match answer {
        Some(answer) => of_answer(&asked, &answer, upload.put.seconds()),
        None if !upload.has_put() => {
            Found::none("the preflight was granted, and no upload was recorded", "record again until the upload ends")
        }
        None if asked.same_origin() && upload.put.seconds() < 10.0 => {
            unanswered::cause(upload.put, &asked.endpoint).into()
        }
        None => unsent(upload, &asked).unwrap_or_else(|| unanswered::cut(upload.put).into()),
    }
}

/// The page's own policy, where its document was recorded.
fn of_policy(upload: &Upload<'_>, page: &Origin, entries: &[Entry]) -> Option<Found> {
    if upload.preflight.is_some() || upload.put.answer().is_some() {
        return None;
    }
    let is_page = |entry: &&Entry| {
        entry.request.method == "GET"
            && url::Url::parse(&entry.request.url).is_ok_and(|url| url.origin().ascii_serialization() == page.as_str())
    };
    let policies = entries.iter().filter(is_page).filter_map(Entry::answer).map(|answer| enforced(&answer.headers));
    let policies = policies.rev().find(|policies| !policies.is_empty())?;
    let forbids = policies.iter().find(|policy| !policy.admits(page, &upload.endpoint))?;
    let at = upload.endpoint.origin();
    let (why, fix) = match forbids {
        Restriction::Connections(sources) => (
            format!("its {} does not name {at}", sources.directive),
            format!("add {at} to connect-src of the dashboard's policy"),
        ),
        Restriction::Opaque => (
            "its sandbox gives the page an origin that Glance does not accept".to_owned(),
            "add allow-same-origin to sandbox in the dashboard's policy".to_owned(),
        ),
        Restriction::Scriptless => (
            "its sandbox lets the page run no script, and a script uploads".to_owned(),
            "add allow-scripts to sandbox in the dashboard's policy".to_owned(),
        ),
        Restriction::Upgrades => (
            format!("its upgrade-insecure-requests changes {at} to https"),
            "serve Glance by https, or remove upgrade-insecure-requests from the dashboard's policy".to_owned(),
        ),
    };
    let verdict = format!("the page's Content-Security-Policy blocked the request to Glance: {why}");
    Some(Found { fails: true, rule: Some(Rule::Csp), verdict, fix })
}

/// What is wrong with the preflight, if it was recorded and something is.
fn of_preflight_in(upload: &Upload<'_>, asked: &Preflight) -> Option<Found> {
    let entry = upload.preflight?;
    match entry.answer() {
        None => Some(unanswered::cause(entry, &asked.endpoint).into()),
        Some(answer) => judge(asked, &answer).failure.map(Found::from),
    }
}

/// No answer, and no preflight in the recording.
fn without_preflight(upload: &Upload<'_>) -> Found {
    let error = upload.put.error();
    if error.is_empty() || error.contains("ERR_FAILED") {
        return Found::fails(
            Rule::OriginMissing,
            "the browser did not send the upload, and the network log has no preflight: most likely the preflight was refused",
            "record again with all types of requests shown (All, not Fetch/XHR): the preflight shows which origin, method or header is not allowed, and so does the browser's console",
        );
    }
    unanswered::cause(upload.put, &upload.endpoint).into()
}

/// The browser sent no upload, although the preflight grants one without credentials. So the upload has
/// credentials.
fn unsent(upload: &Upload<'_>, asked: &Preflight) -> Option<Found> {
    let is_other = asked.panel() != Panel::Django && upload.panel == Panel::Unknown;
    let error = upload.put.error();
    if !is_other || !(error.is_empty() || error.contains("ERR_FAILED")) {
        return None;
    }
    let answer = upload.preflight?.answer()?;
    judge(&asked.for_panel(Panel::Django), &answer).failure.map(|mut failure| {
        failure.message = format!("the Django image panel sends its upload with credentials: {}", failure.message);
        failure.into()
    })
}

/// Whether the page may read an answer to the upload itself.
fn is_readable(asked: &Preflight, answer: &Response) -> bool {
    let mut granted = answer.clone();
    granted.status = 200;
    let lists = |(name, _): &(String, String)| {
        ["access-control-allow-methods", "access-control-allow-headers"].iter().all(|l| !name.eq_ignore_ascii_case(l))
    };
    granted.headers.retain(lists);
    granted.headers.push(("Access-Control-Allow-Methods".to_owned(), METHOD.to_owned()));
    granted.headers.push(("Access-Control-Allow-Headers".to_owned(), HEADERS.join(",")));
    asked.same_origin() || judge(asked, &granted).failure.is_none()
}

/// What the answer to the upload itself shows.
fn of_answer(asked: &Preflight, answer: &Response, seconds: f64) -> Found {
    let code = answer.status;
    let is_readable = is_readable(asked, answer);
    if let Some(found) = of_status(code, seconds).or_else(|| of_success(answer, is_readable)) {
        return found;
    }
    match upload::judge_complete(asked, &Wire::Response(answer.clone())) {
        UploadVerdict::Refused { failure, .. } => Found::from(*failure),
        _ if code == 401 && is_readable => Found::fails(
            None,
            "Glance refused the token (401): it had expired, or was revoked",
            "log in again and upload again",
        ),
        _ if is_readable => Found::fails(
            None,
            format!("Glance refused the upload with {code}, and the page could read this answer"),
            "read Glance's log for this request",
        ),
        UploadVerdict::Unknown { why, .. } => Found {
            fails: true,
            rule: None,
            verdict: format!("the upload was answered with {code}, which the page may not read: {}", why.message),
            fix: why.fix,
        },
        UploadVerdict::Passed { .. } => Found::fails(
            Rule::CorsOnTheWay,
            format!(
                "the upload was answered with {code}, which the page may not read: the answer lacks Glance's CORS headers"
            ),
            "let the server in front of Glance forward Glance's CORS headers for PUT as it does for OPTIONS",
        ),
    }
}

/// What a status alone shows.
fn of_status(code: u16, seconds: f64) -> Option<Found> {
    match code {
        413 => Some(Found::fails(
            Rule::BodyLimit,
            "the upload was refused because of its size (413)",
            "remove the body limit in front of Glance: LimitRequestBody 0, client_max_body_size 0",
        )),
        408 | 502 | 504 | 522 | 524 => {
            let after = if seconds < 1.0 { String::new() } else { format!(" after {seconds:.0} s") };
            let verdict = format!("a server in front of Glance ended the upload{after} ({code})");
            Some(Found::fails(Rule::TooSlow, verdict, "raise the timeouts in front of Glance"))
        }
        _ => None,
    }
}

/// An answer that says that the upload arrived.
fn of_success(answer: &Response, is_readable: bool) -> Option<Found> {
    let code = answer.status;
    if !(200..300).contains(&code) {
        return None;
    }
    let header = |name: &str| answer.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
    if header("content-type").is_some_and(|(_, kind)| kind.to_lowercase().starts_with("text/html")) {
        return Some(Found::fails(
            Rule::OptionsFiltered,
            format!(
                "a page answered the upload ({code}), for example the page of a login in front of Glance; Glance has no pages"
            ),
            "let PUT on /v2/images/ pass the login or portal in front of Glance: Glance checks the token itself",
        ));
    }
    if is_readable {
        return Some(Found::none(format!("the upload went through ({code})"), "no change is necessary"));
    }
    // Browsers send the data, and then report a failure.
    let origins =
        answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("access-control-allow-origin")).count();
    let why = match origins {
        0 => "has no Access-Control-Allow-Origin",
        1 => "is for another origin, or does not allow credentials",
        _ => "has Access-Control-Allow-Origin several times",
    };
    Some(Found::fails(
        Rule::CorsOnTheWay,
        format!("the upload arrived ({code}), but the page may not read the answer and reports a failure: it {why}"),
        "find what changes CORS headers in front of Glance, and let Glance's own reach the browser unchanged",
    ))
}

/// The uploads that the preflight is for.
fn requests(upload: &Upload<'_>) -> Vec<UploadRequest> {
    let Some(asked) = upload.preflight.and_then(|entry| entry.asked("Access-Control-Request-Headers")) else {
        return match upload.panel {
            Panel::Unknown => vec![UploadRequest::angular()],
            panel => UploadRequest::of_panel(panel),
        };
    };
    let names = |name: &&&str| asked.split(',').any(|listed| listed.trim().eq_ignore_ascii_case(name));
    let headers: Vec<&'static str> = HEADERS.iter().filter(names).copied().collect();
    let credentials = if upload.panel == Panel::Django { Credentials::Include } else { Credentials::SameOrigin };
    vec![UploadRequest { credentials, method: METHOD, headers }]
}

/// Nothing was sent to Glance.
fn without_upload(entries: &[Entry]) -> Found {
    let Some(made) = entries.iter().rfind(|entry| entry.makes_image()) else {
        return Found::none(
            "the network log has no upload of an image",
            "open the network log, upload the image, and save the log as HAR when it has failed",
        );
    };
    let code = made.response.status;
    if made.carries_image() {
        if code == 413 {
            return Found::fails(
                Rule::BodyLimit,
                "the dashboard is in legacy mode, and its own server refused the image because of its size (413)",
                "set HORIZON_IMAGES_UPLOAD_MODE = 'direct', or remove the body limit in front of the dashboard",
            );
        }
        return Found::fails(
            Rule::NoEffect,
            "the dashboard is in legacy mode: the browser sent the image to the dashboard, not to Glance",
            "set HORIZON_IMAGES_UPLOAD_MODE = 'direct' where Horizon reads it",
        );
    }
    if code >= 400 {
        return Found::fails(
            None,
            format!(
                "the dashboard did not create the image: it answered its own page with {code}, so nothing went to Glance"
            ),
            "read the dashboard's log: the session may have expired, or Glance refused the image's metadata or quota",
        );
    }
    let policies = entries.iter().filter_map(Entry::answer).flat_map(|answer| enforced(&answer.headers));
    if policies.filter(|policy| matches!(policy, Restriction::Connections(_))).count() > 0 {
        return Found::fails(
            Rule::Csp,
            "the dashboard created the image, but the browser sent nothing to Glance; the page has a Content-Security-Policy with connect-src",
            "add Glance's public origin to connect-src",
        );
    }
    Found::fails(
        None,
        "the dashboard created the image, but the browser sent nothing to Glance: the browser blocked the request, or the recording ended before",
        format!(
            "read the browser's console; mixed content ({}) and a Content-Security-Policy ({}) stop uploads in this way",
            Rule::MixedContent,
            Rule::Csp
        ),
    )
}
