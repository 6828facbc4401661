//! The result of one preflight, and of the uploads without a token that follow it.

use std::net::{IpAddr, SocketAddr};

use direct_upload_api::Panel;

use super::check_verdict::CheckVerdict;
use super::failure::Failure;
use super::page::PageOutcome;
use super::preflight::{HttpRequest, Preflight};
use super::response::{PreflightVerdict, Response};
use super::unreachable::Unreachable;
use super::upload::{self, UploadVerdict, Wire, judge_complete};

/// The result of one preflight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreflightOutcome {
    /// The upload fails whatever the answer is; nothing was sent.
    Objection(Box<Failure>),
    /// No answer: nothing is known about a browser elsewhere.
    Unreachable(Unreachable),
    /// An answer, judged.
    Judged { address: SocketAddr, answer: Response, verdict: Box<PreflightVerdict> },
}

/// The result of one PUT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutOutcome {
    pub request: HttpRequest,
    /// The length that it announced.
    pub length: u64,
    pub wire: Wire,
    pub verdict: UploadVerdict,
    /// The verdict, if more than this answer decided it, whichever panel sends the upload.
    pub settled: Option<UploadVerdict>,
    /// The verdict on an upload with cookies (the Django panel's), if it is another one.
    pub with_cookies: Option<UploadVerdict>,
}

impl PutOutcome {
    /// What the same answers to the complete PUT mean for another panel's upload.
    pub fn verdict_for(&self, asked: &Preflight) -> UploadVerdict {
        let with_cookies = self.with_cookies.as_ref().filter(|_| upload::has_cookies(asked));
        with_cookies.or(self.settled.as_ref()).cloned().unwrap_or_else(|| judge_complete(asked, &self.wire))
    }
}

/// The addresses of dashboard and Glance, and what they mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressOutcome {
    pub dashboard: Vec<IpAddr>,
    pub glance: Vec<IpAddr>,
    pub verdict: CheckVerdict,
}

/// Everything that was sent to one endpoint, and its results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeResult {
    pub asked: Preflight,
    pub preflight: PreflightOutcome,
    /// The complete PUT. None if it was not sent: turned off, no granted preflight, or, with the same
    /// origin, the upload itself was already sent.
    pub put: Option<PutOutcome>,
    /// The PUT that announces the size that uploads may have.
    pub size: Option<PutOutcome>,
    /// The dashboard's page; none if it was not requested.
    pub page: Option<PageOutcome>,
    /// The address spaces; none if they were not compared.
    pub addresses: Option<AddressOutcome>,
    /// The result for each of the two panels, if it was requested; `None`: nothing is known.
    pub panels: Vec<(Panel, Option<PreflightVerdict>)>,
}

impl PreflightOutcome {
    /// Whether the upload would pass.
    pub fn granted(&self) -> bool {
        matches!(self, Self::Judged { verdict, .. } if verdict.granted())
    }
}
