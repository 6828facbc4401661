//! What is done to workloads.

mod drain;
mod last_roll;
pub mod rehearsal;
mod serving;
