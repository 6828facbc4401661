//! Makes `OpenStack` Horizon upload images straight from the browser to Glance, on Kubernetes, and
//! keeps it working.
//!
//! The folders tell the flow of data, pure in the middle, I/O at both ends:
//! [`observe`] → [`mod@derive`] → [`render`] → [`plan`] → [`apply`] → [`report`]. [`api`] holds the
//! custom resources, [`run`] drives the flow in a cluster and [`offline`] over files, [`verify`]
//! asks Glance as a browser does, [`check`] and [`status`] tell people what is wrong, [`cli`] is the
//! command line.
#![forbid(unsafe_code)]

pub mod apply;
pub mod cli;
pub mod observe;
pub mod probe;
pub mod report;
pub mod run;
