//! Questions to a Glance.

pub mod server;
mod table;
