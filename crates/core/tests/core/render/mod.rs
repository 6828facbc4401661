//! Files, read back by the programs that they are for.

mod deployer;
mod error;
mod glance;
mod haproxy;
mod horizon;
pub mod httpd;
mod meaning;
mod oslo;
mod python;
