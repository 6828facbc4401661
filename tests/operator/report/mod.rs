//! What is told.

mod gitops;
mod upload_mode;
