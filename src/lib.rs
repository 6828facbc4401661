//! Lets users of `OpenStack` Horizon upload images straight from the browser to Glance, on Kubernetes.
//!
//! This crate is the operator's input and output. Its decisions are in `direct_upload_core`, see
//! docs/architecture.md. Lowest first: [`probe`] asks Glance as a browser does, [`observe`] keeps the
//! snapshot of a cluster up to date, [`apply`] carries out steps, [`report`] reports them, [`run`] drives
//! all this in a cluster, and [`cli`] is the command line.
#![forbid(unsafe_code)]

pub mod apply;
pub mod cli;
pub mod observe;
pub mod probe;
pub mod report;
pub mod run;
