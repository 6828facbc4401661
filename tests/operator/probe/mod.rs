//! Requests to a Glance.

mod canary;
pub mod server;
mod table;
