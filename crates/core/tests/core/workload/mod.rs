//! What is done to workloads.

mod drain;
pub mod rehearsal;
