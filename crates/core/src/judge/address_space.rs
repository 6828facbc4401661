//! Local network access: whether a page from these addresses may connect to those. Pure.
//!
//! Browsers distinguish three IP address spaces. A request to an address in a less public space than the
//! page's own needs the user's permission. Without it, the request fails before anything is sent (Local
//! Network Access, "IP address space"; Chrome 142 and later).

use std::net::IpAddr;

use direct_upload_api::Rule;
use ipnet::IpNet;

use super::check_verdict::CheckVerdict;
use super::failure::{Failure, Requirement};
use crate::model::Advice;

/// An IP address space, the least public first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum AddressSpace {
    /// This machine.
    Loopback,
    /// The machine's network.
    Local,
    /// Everywhere.
    Public,
}

/// The local space: private (RFC 1918), shared (RFC 6598), link-local and unique local addresses. Measured in
/// Chromium 156, which takes those for benchmarks (198.18.0.0/15) and for documentation as public, but for
/// IPv6's.
const LOCAL: [&str; 9] = [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "2001:db8::/32",
];

impl AddressSpace {
    /// The space of an address.
    pub fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        if address.is_loopback() || address.is_unspecified() {
            return Self::Loopback;
        }
        let is_local =
            LOCAL.iter().filter_map(|range| range.parse::<IpNet>().ok()).any(|range| range.contains(&address));
        if is_local { Self::Local } else { Self::Public }
    }
}

/// Whether a page from the dashboard's addresses may connect to Glance's. It may not if each address of
/// Glance is in a less public space than each address of the dashboard. `is_public`: the page is taken for one of a
/// public address.
pub fn judge(dashboard: &[IpAddr], glance: &[IpAddr], is_public: bool) -> CheckVerdict {
    let spaces = |addresses: &[IpAddr]| {
        let all = || addresses.iter().copied().map(AddressSpace::of);
        all().min().zip(all().max())
    };
    let (Some(own), Some((glance_least, glance_most))) = (spaces(dashboard), spaces(glance)) else {
        return CheckVerdict::Passed(vec![]);
    };
    let (least, most) = if is_public { (AddressSpace::Public, AddressSpace::Public) } else { own };
    let named = |addresses: &[IpAddr], space: AddressSpace| {
        addresses
            .iter()
            .find(|address| AddressSpace::of(**address) == space)
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    let (here, there) = (named(dashboard, own.1), named(glance, glance_least));
    let by = if is_public { " by its Content-Security-Policy (treat-as-public-address)" } else { "" };
    let asks = format!(
        "the dashboard's address {here} is {most}{by}, Glance's {there} is {glance_least}: browsers ask each user for permission to connect to the local network, and refuse the upload without it"
    );
    if glance_most < least {
        return CheckVerdict::Refused(Box::new(Failure {
            requirement: Requirement::AddressSpace,
            rule: Rule::LocalNetwork,
            also: vec![],
            received: format!("{here} ({most}) and {there} ({glance_least})"),
            message: asks,
            fix: "give Glance's public endpoint an address as public as the dashboard's; if users resolve these names to other addresses than the operator, set spec.directUpload.probe.hostAliases, or addressSpaces: Ignore".into(),
        }));
    }
    if glance_least < most {
        return CheckVerdict::Passed(vec![
            Advice::new(format!("by some of the addresses, {asks}")).rule(Rule::LocalNetwork),
        ]);
    }
    CheckVerdict::Passed(vec![])
}
