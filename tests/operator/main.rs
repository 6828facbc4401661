//! The operator's input and output, and its command line as a program. The folders are those of `src`.
#![allow(clippy::too_many_lines, reason = "a test may tell one long story")]

mod api_server;
mod apply;
mod cli;
mod layouts;
mod monitoring;
mod observe;
mod probe;
mod releases;
mod report;
