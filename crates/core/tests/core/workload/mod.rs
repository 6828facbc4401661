//! What is done to workloads.

mod content_name;
mod drain;
mod job;
mod last_roll;
pub mod rehearsal;
mod serving;
