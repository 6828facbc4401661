//! What a probe requests, and within which limits.

use std::net::SocketAddr;
use std::time::Duration;

use direct_upload_api::Panel;
use direct_upload_api::web::{Endpoint, Origin, PublicUrl};
use direct_upload_core::judge::{Unreachable, UnreachableKind};
use direct_upload_core::model::Page;

use super::connect::Trust;
use super::gate::Gate;
use super::host::Host;
use super::proxy::Proxy;

/// How long one request may take, with its connection; and all that follow it together.
pub(crate) const TOTAL: Duration = Duration::from_secs(10);

/// How long to wait before the same request, where a rate limit may have answered.
pub(super) const AFTER_LIMIT: Duration = Duration::from_secs(3);

/// What to request, and how.
#[derive(Clone, Debug)]
pub struct Probe {
    pub origin: Origin,
    pub endpoint: Endpoint,
    /// The panel whose upload is judged.
    pub panel: Panel,
    /// Addresses for names; the first match counts.
    pub hosts: Vec<Host>,
    pub trust: Trust,
    pub gate: Gate,
    /// Which uploads without a token follow a granted preflight.
    pub uploads: Option<Uploads>,
    /// Which page of the dashboard may be requested.
    pub page: Option<Page>,
    /// Whether to compare the address spaces of dashboard and Glance after a granted preflight.
    pub address_spaces: bool,
    pub depth: Depth,
}

/// How much is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// The preflight.
    Preflight,
    /// If it is granted, everything else that the probe names.
    Checks,
    /// Also the result for each panel's upload, and the same again, to find servers that differ.
    Panels,
}

/// A server that gets requests.
#[derive(Clone, Debug)]
pub struct Site {
    pub origin: Origin,
    pub host: Host,
}

/// The uploads without a token that follow a granted preflight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uploads {
    /// How many bytes the second one announces: the size that uploads may have.
    pub size: u64,
}

impl Probe {
    /// The server of an origin, with the address that was given for it.
    pub fn site(&self, origin: &Origin) -> Site {
        let port = Endpoint::from(PublicUrl::with_path(origin.clone(), "")).port();
        let name = origin.host();
        let given = self.hosts.iter().find(|host| host.port == port && host.name.eq_ignore_ascii_case(name));
        let host = Host { name: name.to_owned(), port, address: given.and_then(|host| host.address) };
        Site { origin: origin.clone(), host }
    }

    /// The proxy for a server, if there is one.
    pub fn proxy(&self, site: &Site) -> Option<Proxy> {
        self.gate.proxy(&site.origin, &site.host)
    }
}

/// The addresses of a server; empty if a proxy resolves its name.
///
/// # Errors
/// It has no allowed address.
pub async fn addresses(probe: &Probe, site: &Site) -> Result<Vec<SocketAddr>, Unreachable> {
    probe.gate.addresses(&site.origin, &site.host).await
}

/// There was no answer in time.
pub(crate) fn late() -> Unreachable {
    Unreachable::new(
        UnreachableKind::Timeout,
        format!("no answer within {} s", TOTAL.as_secs()),
        "look at the server's log; a proxy that waits for a Glance that does not run gives the same result",
    )
}
