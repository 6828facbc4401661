//! What the operator reports.

mod calls;
mod gitops;
mod upload_mode;
