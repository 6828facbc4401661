//! Would a browser's upload be let through? Asked as a browser asks, judged as a browser judges.
//!
//! In: a dashboard's origin and image panel, and Glance's public endpoint. Out: a [`PreflightReport`] with a
//! verdict by the Fetch standard's CORS-preflight fetch (§4.8) for the request that the panel's page makes
//! (with credentials or without): which requirement failed, what was received, which rule, what to change.
//!
//! [`Preflight`] is the question and [`judge`] the judgement (`same_origin`, where browsers make no
//! preflight); [`upload`] judges what a PUT without a token shows once that is granted, [`page`] the
//! dashboard's own page ([`csp`]), [`address_space`] where both are. [`head`] reads
//! what comes back, and [`explain`] and [`advise`] find the words. [`schedule`] says what many answers
//! mean over time, [`catalog`] what Keystone says of where uploads go. [`session`] judges a whole upload by a
//! person who is logged in.

pub mod address_space;
pub mod advise;
pub mod call;
pub mod catalog;
pub mod cors;
pub mod csp;
pub mod diagnose;
pub mod explain;
pub mod explain_status;
pub mod failure;
pub mod head;
pub mod headers;
pub mod observation;
pub mod outcome;
pub mod page;
pub mod preflight;
pub mod report;
pub mod response;
pub mod same_origin;
pub mod schedule;
pub mod session;
pub mod unreachable;
pub mod upload;
pub use call::CallPreflight;
pub use catalog::{TokenScope, read, request};
pub use cors::judge;
pub use failure::{Failure, Requirement};
pub use head::Unreadable;
pub use outcome::{AddressOutcome, PageOutcome, PartVerdict, PreflightOutcome, ProbeResult, PutOutcome};
pub use page::{PageWire, Redirect};
pub use preflight::{Preflight, Request, user_agent};
pub use report::{Decision, Line, PanelReport, PreflightReport, PutReport, RequestReport, ResponseReport};
pub use response::{PreflightVerdict, Response};
pub use schedule::{Due, Pace, ProbeScheduler};
pub use unreachable::{Unreachable, UnreachableKind};
pub use upload::{Answerer, UploadVerdict, Wire};
