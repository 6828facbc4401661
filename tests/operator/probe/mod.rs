//! Requests to a Glance.

mod call;
mod canary;
pub mod server;
mod table;
