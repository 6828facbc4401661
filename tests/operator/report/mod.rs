//! What the operator reports.

mod gitops;
mod upload_mode;
