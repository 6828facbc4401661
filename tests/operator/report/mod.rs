//! What the operator reports.

mod calls;
mod counters;
mod gitops;
mod upload_mode;
