//! Makes `OpenStack` Horizon upload images straight from the browser to Glance, on Kubernetes, and
//! keeps it working.
//!
//! This crate is the operator's input and output; what it decides stands in `direct_upload_core`, see
//! docs/architecture.md. Lowest first: [`probe`] asks Glance as a browser does, [`observe`] keeps the
//! snapshot of a cluster up to date, [`apply`] carries steps out, [`report`] tells of them, [`run`] drives
//! all that in a cluster, [`cli`] is the command line.
#![forbid(unsafe_code)]

pub mod apply;
pub mod cli;
pub mod observe;
pub mod probe;
pub mod report;
pub mod run;
