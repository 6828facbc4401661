//! Plays a person who logs in to a dashboard and uploads an image: requests over the network, within bounds.
//! What answers mean is [`judge::session`](direct_upload_core::judge::session)'s.

mod attempt;
mod client;
mod dashboard;
mod send;
mod upload;
pub use attempt::{Event, Verify, verify};
pub(super) use client::{Client, Reach};
pub(super) use send::{Data, send};
