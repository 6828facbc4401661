//! Finds out why an upload from the browser would fail, without sending one.
//!
//! In: configuration files and manifests, or the objects of a cluster. Out: a [`Report`] of findings,
//! each with its [`Rule`](direct_upload_api::Rule), its place, what was found and what to change.
//!
//! All of it is pure, and the caller says what time it is: [`formats`] are read → [units](mod@unit) of files that
//! one program reads → [`facts`] about one cloud → [`rules`] → findings. `derived` adds what the operator itself
//! derives from custom resources and exposures.

mod beyond;
pub mod classify;
pub mod controller;
pub mod coverage;
pub mod derived;
pub mod effects;
pub mod facts;
pub mod finding;
pub mod formats;
mod glances;
pub mod har;
mod ingress_class;
mod input;
mod inspection;
mod kinds;
pub mod managed;
pub mod manifests;
mod names;
pub mod objects;
pub mod output;
pub mod owner;
mod policy;
pub mod redact;
pub mod report;
pub mod routes;
pub mod rules;
pub mod template;
pub mod text;
pub mod traefik;
pub mod unit;
pub mod values;
pub use finding::{Finding, Location};
pub use input::CheckInput;
pub use inspection::{check, refused_panels};
pub use objects::Object;
pub use redact::error;
pub use report::{Report, Subject, Verdict};
pub use text::Text;
