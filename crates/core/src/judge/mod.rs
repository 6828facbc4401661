//! Would a browser's upload pass? The requests are a browser's, and so is the judgement.
//!
//! In: a dashboard's origin and image panel, and Glance's public endpoint. Out: a [`PreflightReport`]. Its
//! verdict follows the Fetch standard's CORS-preflight fetch (§4.8) for the request of the panel's page
//! (with or without credentials). It says which requirement failed, what was received, which rule, and what
//! to change.
//!
//! [`Preflight`] is the request and [`judge`] the judgement (`same_origin`, if browsers send no preflight).
//! [`upload`] judges a PUT without a token after a granted preflight (and [`success`] a GET), [`page`] the dashboard's own page
//! ([`csp`]), and [`address_space`] the addresses of both. [`head`] reads answers; [`explain`] and
//! [`advise`] find the words. [`schedule`] says what many answers mean over time, [`catalog`] what Keystone
//! says about where uploads go. [`session`] judges a whole upload by a user who is logged in.

pub mod address_space;
pub mod advise;
pub mod browser;
pub mod call;
pub mod catalog;
mod check_verdict;
pub mod cors;
pub mod csp;
pub mod diagnose;
pub mod explain;
pub mod explain_status;
pub mod failure;
pub mod head;
pub mod headers;
pub mod html;
pub mod observation;
pub mod outcome;
pub mod page;
pub mod preflight;
mod preflight_answer;
mod put_answer;
mod put_cookies;
mod put_request;
mod put_size;
mod put_token;
mod rate_limit;
mod repetition;
pub mod report;
pub mod response;
pub mod same_origin;
pub mod schedule;
pub mod session;
pub mod success;
pub mod unreachable;
pub mod upload;
pub use browser::user_agent;
pub use call::CallPreflight;
pub use catalog::{TokenScope, read, request};
pub use check_verdict::CheckVerdict;
pub use failure::{Failure, Requirement};
pub use head::Unreadable;
pub use outcome::{AddressOutcome, PreflightOutcome, ProbeResult, PutOutcome};
pub use page::{PageOutcome, PageWire, Redirect};
pub use preflight::{HttpRequest, Preflight};
pub use preflight_answer::judge;
pub use report::{Decision, Line, PanelReport, PreflightReport, PutReport, RequestReport, ResponseReport};
pub use response::{PreflightVerdict, Response};
pub use schedule::{Due, Pace, ProbeScheduler};
pub use unreachable::{Unreachable, UnreachableKind};
pub use upload::{Answerer, UploadVerdict, Wire, is_limit, may_be_login, mixed};
