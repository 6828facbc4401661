//! Makes `OpenStack` Horizon upload images straight from the browser to Glance, on Kubernetes, and
//! keeps it working.
//!
//! The folders tell the flow of data, pure in the middle, I/O at both ends:
//! [`observe`] → [`mod@derive`] → [`render`] → [`plan`] → [`apply`] → [`report`]. [`api`] holds the
//! custom resources, [`run`] drives the flow in a cluster and [`offline`] over files, [`verify`]
//! asks Glance as a browser does, [`check`] and [`status`] tell people what is wrong, [`cli`] is the
//! command line.
#![forbid(unsafe_code)]

pub mod api;
pub mod apply;
pub mod check;
pub mod cli;
pub mod derive;
pub mod observe;
pub mod offline;
pub mod plan;
pub mod render;
pub mod report;
pub mod run;
pub mod status;
pub mod verify;
