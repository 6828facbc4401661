//! What the operator reports.

mod calls;
mod counters;
mod events;
mod gitops;
mod upload_mode;
