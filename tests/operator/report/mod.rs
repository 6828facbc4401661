//! What the operator reports.

mod calls;
mod counters;
mod events;
mod former_origins;
mod gitops;
mod upload_mode;
