//! An outcome as documented data (docs/preflight.md): what a program reads, and what the texts are
//! made of. Holds no body, and of the answer's headers only those named here.

use direct_upload_api::Rule;
use serde::Serialize;

use super::failure::{Advice, Failure, Requirement};
use super::headers::shown;
use super::outcome::Outcome;
use super::preflight::{Preflight, Request};
use super::response::Answer;
use super::unreachable::UnreachableKind;

/// The headers that are reported; cookies and the like never.
const REPORTED: [&str; 15] = [
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Headers",
    "Access-Control-Allow-Credentials",
    "Access-Control-Max-Age",
    "Vary",
    "Allow",
    "Age",
    "X-Cache",
    "Server",
    "Via",
    "Content-Type",
    "Content-Length",
    "WWW-Authenticate",
    "X-OpenStack-Request-ID",
];

/// How many of the answer's lines are reported.
const LINES: usize = 40;

/// What was asked, what came, and what it means.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub verdict: Decision,
    pub origin: String,
    /// Glance's public endpoint.
    pub url: String,
    /// `null`: nothing was sent.
    pub request: Option<RequestReport>,
    /// `null`: nothing was received.
    pub response: Option<ResponseReport>,
    pub failure: Option<FailureReport>,
    pub unreachable: Option<UnreachableReport>,
    pub advice: Vec<AdviceReport>,
}

/// The one-word verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Decision {
    /// The browser sends the upload.
    Granted,
    /// It does not.
    Refused,
    /// No answer was had from here.
    Unknown,
}

#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub name: String,
    pub value: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct RequestReport {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<Line>,
}

#[derive(Clone, Debug, Serialize)]
pub struct ResponseReport {
    pub address: String,
    pub status: u16,
    pub headers: Vec<Line>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureReport {
    pub rule: Rule,
    pub also_possible: Vec<Rule>,
    pub requirement: Requirement,
    pub received: String,
    pub message: String,
    pub fix: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct UnreachableReport {
    pub kind: UnreachableKind,
    pub message: String,
    pub fix: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct AdviceReport {
    pub rule: Option<Rule>,
    pub message: String,
}

impl Report {
    /// Puts a question and its outcome into words.
    pub fn new(asked: &Preflight, outcome: Outcome) -> Self {
        let mut report = Self {
            verdict: Decision::Refused,
            origin: asked.origin.to_string(),
            url: asked.endpoint.to_string(),
            request: Some(RequestReport::of(asked)),
            response: None,
            failure: None,
            unreachable: None,
            advice: vec![],
        };
        match outcome {
            Outcome::Objection(failure) => {
                report.request = None;
                report.failure = Some((*failure).into());
            }
            Outcome::Unreachable(why) => {
                report.verdict = Decision::Unknown;
                report.unreachable = Some(UnreachableReport { kind: why.kind, message: why.message, fix: why.fix });
            }
            Outcome::Judged { address, answer, verdict } => {
                if verdict.granted() {
                    report.verdict = Decision::Granted;
                }
                report.response = Some(ResponseReport::of(address.to_string(), &answer));
                report.failure = verdict.failure.map(Into::into);
                report.advice = verdict.advice.into_iter().map(Into::into).collect();
            }
        }
        report
    }
}

impl RequestReport {
    fn of(asked: &Preflight) -> Self {
        let Request { method, lines, .. } = asked.request();
        let headers = lines.into_iter().map(|(name, value)| Line { name: name.to_owned(), value });
        Self { method, url: asked.url(), headers: headers.collect() }
    }
}

impl ResponseReport {
    fn of(address: String, answer: &Answer) -> Self {
        let lines = answer.headers.iter().filter_map(|(name, value)| {
            let name = REPORTED.iter().find(|known| known.eq_ignore_ascii_case(name))?;
            Some(Line { name: (*name).to_owned(), value: shown(value) })
        });
        Self { address, status: answer.status, headers: lines.take(LINES).collect() }
    }
}

impl From<Failure> for FailureReport {
    fn from(failure: Failure) -> Self {
        let Failure { requirement, rule, also, received, message, fix } = failure;
        Self { rule, also_possible: also, requirement, received, message, fix }
    }
}

impl From<Advice> for AdviceReport {
    fn from(advice: Advice) -> Self {
        Self { rule: advice.rule, message: advice.message }
    }
}
