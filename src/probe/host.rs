//! Where a request goes.

use std::net::IpAddr;

/// A host and port, and where to find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub name: String,
    pub port: u16,
    /// Replaces the name's own address.
    pub address: Option<IpAddr>,
}
