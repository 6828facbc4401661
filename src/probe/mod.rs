//! Sends requests, within bounds.

pub mod address;
pub mod connect;
pub mod explain_tls;
pub mod keystone;
pub mod preflight;
pub mod proxy;
pub use connect::{Host, Trust};
pub use keystone::Credential;
pub use preflight::{Probe, probe};
pub use proxy::Proxies;
