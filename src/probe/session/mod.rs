//! Acts like a user who logs in to a dashboard and uploads an image, within limits.
//! [`judge::session`](direct_upload_core::judge::session) decides what answers mean.

mod attempt;
mod client;
mod dashboard;
mod send;
mod upload;
pub use attempt::{Event, Verify, verify};
pub(super) use client::{Client, Reach};
pub(super) use send::{Data, send};
