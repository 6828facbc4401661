//! An outcome as documented data (docs/preflight.md), for programs and for the texts. It has no body, and
//! only those headers of the answer that are named here.

use std::collections::BTreeMap;
use std::net::IpAddr;

use direct_upload_api::{Panel, Rule};
use serde::Serialize;

use super::check_verdict::CheckVerdict;
use super::failure::Failure;
use super::headers::shown;
use super::outcome::{AddressOutcome, PreflightOutcome, ProbeResult, PutOutcome};
use super::page::{PageOutcome, PageWire};
use super::preflight::{HttpRequest, Preflight};
use super::response::{PreflightVerdict, Response};
use super::unreachable::Unreachable;
use super::upload::{Answerer, UploadVerdict, Wire};
use crate::model::{Advice, Observation, WHOLE};

/// The reported headers; never cookies and the like.
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

/// How many lines of the answer are reported at most.
const LINES: usize = 40;

/// The request, the answer, and what it means.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PreflightReport {
    pub verdict: Decision,
    pub origin: String,
    /// Glance's public endpoint.
    pub url: String,
    /// The panel whose upload was judged.
    pub panel: Panel,
    /// The result for each panel's upload.
    pub panels: BTreeMap<Panel, PanelReport>,
    /// `null`: nothing was sent.
    pub request: Option<RequestReport>,
    /// `null`: nothing was received.
    pub response: Option<ResponseReport>,
    pub failure: Option<Failure>,
    pub unreachable: Option<Unreachable>,
    pub advice: Vec<AdviceReport>,
    /// The dashboard's page; `null`: not requested.
    pub page: Option<PageReport>,
    /// The addresses of dashboard and Glance; `null`: not compared.
    pub addresses: Option<AddressReport>,
    /// The complete PUT without a token; `null`: not sent.
    pub put: Option<PutReport>,
    /// The PUT that announces a size; `null`: not sent.
    pub size: Option<PutReport>,
    /// What the verdict assumes, because no request could check it.
    pub assumptions: Vec<String>,
}

/// The result for one panel's upload.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PanelReport {
    pub verdict: Decision,
    /// The likeliest rule, if it is refused.
    pub rule: Option<Rule>,
    pub message: Option<String>,
}

/// The result for the dashboard's page.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageReport {
    pub verdict: Decision,
    /// Where redirects within the origin led.
    pub url: String,
    /// `null`: no answer came.
    pub status: Option<u16>,
    pub failure: Option<Failure>,
    /// Why nothing is known; `null` unless unknown.
    pub unknown: Option<Unreachable>,
}

/// The addresses of dashboard and Glance, and what their address spaces mean.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressReport {
    pub verdict: Decision,
    pub dashboard: Vec<IpAddr>,
    pub glance: Vec<IpAddr>,
    pub failure: Option<Failure>,
    /// Why nothing is known; `null` unless unknown.
    pub unknown: Option<Unreachable>,
    pub advice: Vec<AdviceReport>,
}

/// One PUT, and its result.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PutReport {
    pub verdict: Decision,
    pub request: RequestReport,
    /// The length that it announced, in bytes.
    pub bytes: u64,
    /// `null`: no final answer came.
    pub response: Option<ResponseReport>,
    pub answered_by: Answerer,
    pub failure: Option<Failure>,
    /// Why nothing is known; `null` unless unknown.
    pub unknown: Option<Unreachable>,
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
    /// This program got no answer.
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
    /// The proxy's, if one is used.
    pub address: String,
    pub status: u16,
    pub headers: Vec<Line>,
}

#[derive(Clone, Debug, Serialize)]
pub struct AdviceReport {
    pub rule: Option<Rule>,
    pub message: String,
}

impl PreflightReport {
    /// Puts the request and its result into words.
    pub fn new(observed: ProbeResult) -> Self {
        let assumptions = Observation::from(observed.clone()).assumptions();
        let ProbeResult { asked, preflight, put, size, page, addresses, panels } = observed;
        let address = match &preflight {
            PreflightOutcome::Judged { address, .. } => address.to_string(),
            PreflightOutcome::Objection(_) | PreflightOutcome::Unreachable(_) => String::new(),
        };
        let panels = panels.into_iter().map(|(panel, verdict)| {
            // If the PUT's result is unknown for one panel, it is unknown for both.
            let known = put.as_ref().filter(|put| !matches!(put.verdict, UploadVerdict::Unknown { .. }));
            (panel, PanelReport::new(verdict, known.map(|put| put.verdict_for(&asked.for_panel(panel)))))
        });
        let mut report = Self { panels: panels.collect(), assumptions, ..Self::of_preflight(&asked, preflight) };
        let page = page.map(|page| PageReport::new(&asked, page));
        let addresses = addresses.map(AddressReport::from);
        let words = |put| PutReport::new(&asked, put, &address);
        let (put, size) = (put.map(words), size.map(words));
        let puts = [&put, &size].into_iter().flatten().map(|put| put.verdict);
        let parts = [page.as_ref().map(|page| page.verdict), addresses.as_ref().map(|addresses| addresses.verdict)];
        if puts.chain(parts.into_iter().flatten()).any(|verdict| verdict == Decision::Refused) {
            report.verdict = Decision::Refused;
        }
        if report.verdict == Decision::Granted {
            report.assumptions.push(WHOLE.to_owned());
        }
        Self { page, addresses, put, size, ..report }
    }

    fn of_preflight(asked: &Preflight, outcome: PreflightOutcome) -> Self {
        let mut report = Self {
            verdict: Decision::Refused,
            origin: asked.origin.to_string(),
            url: asked.endpoint.to_string(),
            panel: asked.panel(),
            panels: BTreeMap::new(),
            request: Some(RequestReport::new(asked, asked.request())),
            response: None,
            failure: None,
            unreachable: None,
            advice: vec![],
            page: None,
            addresses: None,
            put: None,
            size: None,
            assumptions: vec![],
        };
        match outcome {
            PreflightOutcome::Objection(failure) => {
                report.request = None;
                report.failure = Some(*failure);
            }
            PreflightOutcome::Unreachable(why) => {
                report.verdict = Decision::Unknown;
                report.unreachable = Some(why);
            }
            PreflightOutcome::Judged { address, answer, verdict } => {
                if verdict.granted() {
                    report.verdict = Decision::Granted;
                }
                report.response = Some(ResponseReport::new(address.to_string(), &answer));
                report.failure = verdict.failure;
                report.advice = verdict.advice.into_iter().map(Into::into).collect();
            }
        }
        report
    }
}

impl PanelReport {
    /// The verdict of a preflight, and of a PUT if one was sent.
    fn new(preflight: Option<PreflightVerdict>, put: Option<UploadVerdict>) -> Self {
        let Some(preflight) = preflight else {
            return Self { verdict: Decision::Unknown, rule: None, message: None };
        };
        let failure = match (preflight.failure, put) {
            (None, Some(UploadVerdict::Refused { failure, .. })) => Some(*failure),
            (failure, _) => failure,
        };
        Self {
            verdict: if failure.is_some() { Decision::Refused } else { Decision::Granted },
            rule: failure.as_ref().map(|failure| failure.rule),
            message: failure.map(|failure| failure.message),
        }
    }
}

/// A check's verdict, split into its pieces.
fn taken_apart(verdict: CheckVerdict) -> (Decision, Option<Failure>, Option<Unreachable>, Vec<AdviceReport>) {
    match verdict {
        CheckVerdict::Passed(advice) => (Decision::Granted, None, None, advice.into_iter().map(Into::into).collect()),
        CheckVerdict::Refused(failure) => (Decision::Refused, Some(*failure), None, vec![]),
        CheckVerdict::Unknown(why) => (Decision::Unknown, None, Some(why), vec![]),
    }
}

impl PageReport {
    fn new(asked: &Preflight, page: PageOutcome) -> Self {
        let (verdict, failure, unknown, _) = taken_apart(page.verdict);
        let status = match &page.wire {
            PageWire::Response(answer, _) => Some(answer.status),
            PageWire::Elsewhere(_) | PageWire::Failed(_) => None,
        };
        let url = format!("{}{}", asked.origin, shown(&page.request.path));
        Self { verdict, url, status, failure, unknown }
    }
}

impl From<AddressOutcome> for AddressReport {
    fn from(addresses: AddressOutcome) -> Self {
        let AddressOutcome { dashboard, glance, verdict } = addresses;
        let (verdict, failure, unknown, advice) = taken_apart(verdict);
        Self { verdict, dashboard, glance, failure, unknown, advice }
    }
}

impl PutReport {
    fn new(asked: &Preflight, put: PutOutcome, address: &str) -> Self {
        let PutOutcome { request, length, wire, verdict, .. } = put;
        let response = match &wire {
            Wire::Response(answer) => Some(ResponseReport::new(address.to_owned(), answer)),
            Wire::Continue | Wire::Silence(_) | Wire::Failed(_) => None,
        };
        let mut report = Self {
            verdict: Decision::Granted,
            request: RequestReport::new(asked, request),
            bytes: length,
            response,
            answered_by: Answerer::Nobody,
            failure: None,
            unknown: None,
            advice: vec![],
        };
        match verdict {
            UploadVerdict::Passed { by, advice } => {
                report.answered_by = by;
                report.advice = advice.into_iter().map(Into::into).collect();
            }
            UploadVerdict::Refused { by, failure } => {
                report.verdict = Decision::Refused;
                report.answered_by = by;
                report.failure = Some(*failure);
            }
            UploadVerdict::Unknown { by, why } => {
                report.verdict = Decision::Unknown;
                report.answered_by = by;
                report.unknown = Some(why);
            }
        }
        report
    }
}

impl RequestReport {
    fn new(asked: &Preflight, request: HttpRequest) -> Self {
        let HttpRequest { method, lines, .. } = request;
        let headers = lines.into_iter().map(|(name, value)| Line { name: name.to_owned(), value });
        Self { method, url: asked.url(), headers: headers.collect() }
    }
}

impl ResponseReport {
    fn new(address: String, answer: &Response) -> Self {
        let lines = answer.headers.iter().filter_map(|(name, value)| {
            let name = REPORTED.iter().find(|known| known.eq_ignore_ascii_case(name))?;
            Some(Line { name: (*name).to_owned(), value: shown(value) })
        });
        Self { address, status: answer.status, headers: lines.take(LINES).collect() }
    }
}

impl From<Advice> for AdviceReport {
    fn from(advice: Advice) -> Self {
        Self { rule: advice.rule, message: advice.found.to_string() }
    }
}
