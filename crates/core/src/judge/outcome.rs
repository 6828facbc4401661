//! What came of one preflight, and of the uploads without a token that follow it.

use std::net::{IpAddr, SocketAddr};

use direct_upload_api::Panel;

use super::failure::Failure;
use super::page::PageWire;
use super::preflight::{Preflight, Request};
use super::response::{PreflightVerdict, Response};
use super::unreachable::Unreachable;
use super::upload::{UploadVerdict, Wire, judge_complete};
use crate::model::Advice;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreflightOutcome {
    /// The upload fails whatever the answer; nothing was sent.
    Objection(Box<Failure>),
    /// No answer: nothing is known about what a browser elsewhere would get.
    Unreachable(Unreachable),
    /// An answer, judged.
    Judged { address: SocketAddr, answer: Response, verdict: Box<PreflightVerdict> },
}

/// What came of one PUT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutOutcome {
    pub request: Request,
    /// The length that it announced.
    pub length: u64,
    pub wire: Wire,
    pub verdict: UploadVerdict,
}

impl PutOutcome {
    /// What the same answer to the complete PUT means for another panel's upload.
    pub fn verdict_for(&self, asked: &Preflight) -> UploadVerdict {
        judge_complete(asked, &self.wire)
    }
}

/// What a question beside preflight and PUT shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartVerdict {
    /// Nothing speaks against uploads.
    Passed(Vec<Advice>),
    /// No upload from there can work.
    Refused(Box<Failure>),
    /// It cannot be told. No failure: an assumption, said in words.
    Unknown(Unreachable),
}

/// What came of the dashboard's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOutcome {
    /// The last request: redirects are followed.
    pub request: Request,
    pub wire: PageWire,
    pub verdict: PartVerdict,
}

/// The addresses of dashboard and Glance, and what they mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressOutcome {
    pub dashboard: Vec<IpAddr>,
    pub glance: Vec<IpAddr>,
    pub verdict: PartVerdict,
}

/// Everything that was asked at one endpoint, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeResult {
    pub asked: Preflight,
    pub preflight: PreflightOutcome,
    /// The complete PUT; none where it was not asked: switched off, or no preflight was granted, or, of the
    /// same origin, the upload itself was asked already.
    pub put: Option<PutOutcome>,
    /// The PUT that announces the size that uploads may have.
    pub size: Option<PutOutcome>,
    /// The dashboard's page; none where it was not asked.
    pub page: Option<PageOutcome>,
    /// The address spaces; none where they were not compared.
    pub addresses: Option<AddressOutcome>,
    /// What each of the two panels would get, where that was asked for; `None`: nothing is known.
    pub panels: Vec<(Panel, Option<PreflightVerdict>)>,
}

impl PreflightOutcome {
    /// Whether the upload would be let through.
    pub fn granted(&self) -> bool {
        matches!(self, Self::Judged { verdict, .. } if verdict.granted())
    }
}
