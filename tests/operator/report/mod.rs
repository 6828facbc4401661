//! What is told.

mod calls;
mod gitops;
mod upload_mode;
