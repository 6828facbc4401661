//! A browser's network log of an upload (HAR 1.2) → why it failed.
//!
//! In: the text of a HAR file. Out: a [`Diagnosis`]. Of each entry it reads only the method, the URL
//! without query, the status and a few headers. It never reads tokens, cookies and bodies.

use direct_upload_api::Rule;
use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_core::judge::csp::ConnectSources;
use direct_upload_core::judge::{Failure, Preflight, Response, UploadVerdict, Wire, judge, upload};
use direct_upload_core::openstack::upload::{Credentials, HEADERS, METHOD, UploadRequest};
use serde::Deserialize;
use thiserror::Error;

use crate::redact;

/// Why a network log shows nothing.
#[derive(Debug, Error)]
pub enum HarError {
    #[error("it is no HAR file: {0}; save the browser's network log as HAR")]
    NotHar(String),
}

/// What a network log shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// What happened, in one sentence.
    pub verdict: String,
    /// The rule, if one explains it.
    pub rule: Option<Rule>,
    /// What to change.
    pub fix: String,
    /// What the log has about the upload, one line per request.
    pub seen: Vec<String>,
}

#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    request: RequestPart,
    response: ResponsePart,
    /// Milliseconds.
    #[serde(default)]
    time: f64,
}

#[derive(Deserialize)]
struct RequestPart {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Header>,
}

#[derive(Deserialize)]
struct ResponsePart {
    #[serde(default)]
    status: i64,
    #[serde(default)]
    headers: Vec<Header>,
    /// Chromium's own name for the fault.
    #[serde(rename = "_error", default)]
    error: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

/// Headers of answers that a judgement needs; no others are kept.
const KEPT: [&str; 13] = [
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-allow-credentials",
    "vary",
    "server",
    "via",
    "content-length",
    "content-type",
    "allow",
    "location",
    "www-authenticate",
    "x-openstack-request-id",
];

impl Entry {
    fn asked(&self, name: &str) -> Option<&str> {
        self.request.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value.as_str())
    }

    /// Status and headers of the answer; none if there was no answer.
    fn answer(&self) -> Option<Response> {
        let status = u16::try_from(self.response.status).ok().filter(|status| *status > 0)?;
        let kept = |h: &&Header| KEPT.iter().any(|name| h.name.eq_ignore_ascii_case(name));
        // Firefox joins the lines of one name with newlines.
        let lines =
            |h: &Header| h.value.split('\n').map(|value| (h.name.clone(), value.trim().to_owned())).collect::<Vec<_>>();
        let headers = self.response.headers.iter().filter(kept).flat_map(lines).collect();
        Some(Response { status, headers })
    }

    fn error(&self) -> &str {
        self.response.error.as_deref().unwrap_or_default()
    }

    /// The public URL of Glance, if this is a request of an upload.
    fn endpoint(&self) -> Option<Endpoint> {
        let url = url::Url::parse(&self.request.url).ok()?;
        let (before, rest) = url.path().split_once("/v2/images/")?;
        let is_file = rest.split_once('/').is_some_and(|(_, what)| what == "file");
        let endpoint = format!("{}{before}", url.origin().ascii_serialization());
        is_file.then(|| Endpoint::parse(&endpoint).ok()).flatten()
    }

    fn line(&self) -> String {
        let url = self.request.url.split(['?', '#']).next().unwrap_or_default();
        let answer = match (self.answer(), self.error()) {
            (Some(answer), _) => answer.status.to_string(),
            (None, "") => "no answer".to_owned(),
            (None, error) => format!("no answer ({error})"),
        };
        redact::text(&format!("{} {url}: {answer}", self.request.method))
    }
}

/// Reads a network log.
///
/// # Errors
/// [`HarError`] if it is none.
pub fn diagnose(text: &str) -> Result<Diagnosis, HarError> {
    let text = text.trim_start_matches('\u{feff}');
    let har: Har = serde_json::from_str(text).map_err(|error| HarError::NotHar(redact::error(&error.to_string())))?;
    let entries = &har.log.entries;
    let uploads: Vec<(&Entry, Endpoint)> =
        entries.iter().filter_map(|entry| Some((entry, entry.endpoint()?))).collect();
    let is = |method: &str| uploads.iter().rfind(|(entry, _)| entry.request.method == method);
    let mut seen: Vec<String> = uploads.iter().map(|(entry, _)| entry.line()).collect();
    let Some((put, endpoint)) = is(METHOD).or_else(|| is("OPTIONS")) else {
        seen.extend(entries.iter().filter(|entry| is_metadata(entry)).map(Entry::line));
        return Ok(without_upload(entries, &seen));
    };
    let told = |rule, verdict: String, fix: &str| Diagnosis { verdict, rule, fix: fix.to_owned(), seen: seen.clone() };
    let Some(origin) = origin_of(entries, put) else {
        return Ok(told(
            None,
            "the recording does not say from which page the upload came".into(),
            "record again, with the page loaded while the log is open",
        ));
    };
    let preflight = is("OPTIONS").filter(|_| put.request.method == METHOD || put.request.method == "OPTIONS");
    let uploads = requests(preflight.map(|(entry, _)| *entry));
    let asked = Preflight { origin, endpoint: endpoint.clone(), image: "x".to_owned(), uploads };
    let by = |failure: Failure| Diagnosis {
        verdict: redact::text(&failure.message),
        rule: Some(failure.rule),
        fix: redact::text(&failure.fix),
        seen: seen.clone(),
    };
    if let Some(blocked) = blocked(put.error()).or_else(|| preflight.and_then(|(entry, _)| blocked(entry.error()))) {
        return Ok(told(Some(blocked.0), blocked.1.to_owned(), "see the rule's page for where to change it"));
    }
    if let Some(failure) = asked.objection(false) {
        return Ok(by(failure));
    }
    if let Some((entry, _)) = preflight.filter(|_| !asked.same_origin()) {
        let Some(answer) = entry.answer() else {
            let verdict = format!("the preflight got no answer ({})", or_none(entry.error()));
            return Ok(told(
                unanswered(entry.error()),
                verdict,
                "see that Glance's public URL can be reached from the browser, by a certificate that it trusts",
            ));
        };
        if let Some(failure) = judge(&asked, &answer).failure {
            return Ok(by(failure));
        }
    }
    let Some(answer) = put.answer().filter(|_| put.request.method == METHOD) else {
        if put.request.method != METHOD {
            return Ok(told(
                None,
                "the preflight was granted, and no upload was recorded".into(),
                "record again until the upload ends",
            ));
        }
        let verdict = format!(
            "the upload ended after {:.0} s without an answer that the page may read ({})",
            put.time / 1000.0,
            or_none(put.error())
        );
        let rule = if preflight.is_some() { Rule::TooSlow } else { Rule::OriginMissing };
        let fix = "a time-out or a body limit before Glance ends requests so; where no preflight was recorded, its refusal does, too";
        return Ok(told(Some(rule), verdict, fix));
    };
    Ok(of_answer(&asked, &answer, put.time, seen))
}

/// What the answer to the upload itself shows.
fn of_answer(asked: &Preflight, answer: &Response, time: f64, seen: Vec<String>) -> Diagnosis {
    let told = |rule, verdict: String, fix: &str| Diagnosis { verdict, rule, fix: fix.to_owned(), seen: seen.clone() };
    let code = answer.status;
    match code {
        413 => {
            return told(
                Some(Rule::BodyLimit),
                "the upload was refused for its size (413)".into(),
                "lift the body limit before Glance: LimitRequestBody 0, client_max_body_size 0",
            );
        }
        408 | 502 | 504 => {
            let verdict = format!("a server before Glance gave the upload up after {:.0} s ({code})", time / 1000.0);
            return told(Some(Rule::TooSlow), verdict, "raise the time-outs before Glance");
        }
        _ => {}
    }
    match upload::judge_complete(asked, &Wire::Response(answer.clone())) {
        UploadVerdict::Refused { failure, .. } if !(200..300).contains(&code) || failure.rule == Rule::CorsOnTheWay => {
            Diagnosis {
                verdict: redact::text(&failure.message),
                rule: Some(failure.rule),
                fix: redact::text(&failure.fix),
                seen,
            }
        }
        _ if (200..300).contains(&code) => {
            told(None, format!("the upload went through ({code})"), "nothing has to change")
        }
        _ if code == 401 => told(
            None,
            "Glance refused the token (401): it had expired, or was revoked".into(),
            "log in again and upload once more",
        ),
        _ => told(
            None,
            format!("Glance refused the upload with {code}; the page could read that"),
            "see Glance's log for this request",
        ),
    }
}

/// The uploads that the preflight is for.
fn requests(preflight: Option<&Entry>) -> Vec<UploadRequest> {
    let asked = preflight.and_then(|entry| entry.asked("Access-Control-Request-Headers")).unwrap_or_default();
    let names = |name: &&&str| asked.split(',').any(|listed| listed.trim().eq_ignore_ascii_case(name));
    let headers: Vec<&'static str> = HEADERS.iter().filter(names).copied().collect();
    if headers.len() == HEADERS.len() || preflight.is_none() {
        return vec![UploadRequest::angular()];
    }
    vec![UploadRequest { credentials: Credentials::SameOrigin, method: METHOD, headers }]
}

/// The page's origin: from the upload, or from the page that was loaded last.
fn origin_of(entries: &[Entry], upload: &Entry) -> Option<Origin> {
    let stated = upload.asked("Origin").map(str::to_owned);
    let of_page = || {
        let page = entries.iter().rfind(|entry| is_metadata(entry))?;
        Some(url::Url::parse(&page.request.url).ok()?.origin().ascii_serialization())
    };
    Origin::parse(&stated.or_else(of_page)?).ok()
}

/// Horizon's own request that makes the image.
fn is_metadata(entry: &Entry) -> bool {
    matches!(entry.request.method.as_str(), "PUT" | "POST") && entry.request.url.contains("/api/glance/images")
}

/// What the browser's own name for the fault means.
fn blocked(error: &str) -> Option<(Rule, &'static str)> {
    let error = error.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if has(&["csp", "content_security"]) {
        Some((Rule::Csp, "the page's Content-Security-Policy kept the browser from Glance"))
    } else if has(&["mixed"]) {
        Some((Rule::MixedContent, "the browser blocked an http request of an https page (mixed content)"))
    } else if has(&["local_network", "private_network", "insecure_private"]) {
        Some((Rule::LocalNetwork, "the browser did not let the page reach Glance's less public address"))
    } else {
        None
    }
}

fn unanswered(error: &str) -> Option<Rule> {
    let error = error.to_lowercase();
    (error.contains("name_not_resolved") || error.contains("timed_out") || error.contains("refused"))
        .then_some(Rule::NotPublic)
}

fn or_none(error: &str) -> &str {
    if error.is_empty() { "the recording says no more" } else { error }
}

/// Nothing was sent to Glance.
fn without_upload(entries: &[Entry], seen: &[String]) -> Diagnosis {
    let told = |rule, verdict: &str, fix: &str| Diagnosis {
        verdict: verdict.to_owned(),
        rule,
        fix: fix.to_owned(),
        seen: seen.to_vec(),
    };
    let multipart = |entry: &&Entry| {
        is_metadata(entry) && entry.asked("Content-Type").is_some_and(|value| value.starts_with("multipart/form-data"))
    };
    if let Some(entry) = entries.iter().rfind(multipart) {
        let code = entry.response.status;
        if code == 413 {
            return told(
                Some(Rule::BodyLimit),
                "the dashboard is in legacy mode, and its own server refused the image for its size (413)",
                "set HORIZON_IMAGES_UPLOAD_MODE = 'direct', or lift the body limit before the dashboard",
            );
        }
        return told(
            Some(Rule::NoEffect),
            "the dashboard is in legacy mode: the browser sent the image to the dashboard, not to Glance",
            "set HORIZON_IMAGES_UPLOAD_MODE = 'direct' where Horizon reads it",
        );
    }
    let policy = entries.iter().flat_map(|entry| &entry.response.headers).find_map(|header| {
        header
            .name
            .eq_ignore_ascii_case("content-security-policy")
            .then(|| ConnectSources::parse(&header.value))
            .flatten()
    });
    if policy.is_some() && entries.iter().any(is_metadata) {
        return told(
            Some(Rule::Csp),
            "the image was made, and nothing was sent to Glance; the page has a Content-Security-Policy with connect-src",
            "add Glance's public origin to connect-src",
        );
    }
    if entries.iter().any(is_metadata) {
        return told(
            None,
            "the image was made, and nothing was sent to Glance: the browser blocked the request, or the recording ended before",
            "look at the browser's console; mixed content (DU009) and a Content-Security-Policy (DU013) stop uploads so",
        );
    }
    told(
        None,
        "the recording holds no upload of an image",
        "open the network log, upload the image, and save the log as HAR when it has failed",
    )
}
