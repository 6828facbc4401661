//! Rehearsals: new files are tried in a Job of the workload's own image.

pub mod draft;
pub mod job;
pub mod outcome;
