//! Requests to a Glance.

mod call;
mod canary;
mod certificates;
mod http2;
pub mod server;
mod table;
