//! Addresses that never get a request, no matter who names them.
//!
//! A URL may come from a resource or a catalog. The probe must not become a path to the metadata service of
//! its own machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Metadata services outside the link-local ranges: AWS and Google over IPv6, Alibaba, Azure, Oracle.
const METADATA: [IpAddr; 5] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

/// This machine.
pub(super) fn loopback() -> [IpNet; 2] {
    let (v4, v6) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST));
    [IpNet::new_assert(v4, 8), IpNet::new_assert(v6, 128)]
}

/// Why the address gets no request, if so.
pub fn refused(address: IpAddr, denied: &[IpNet]) -> Option<&'static str> {
    let address = plain(address);
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    if link_local {
        return Some("a link-local address");
    }
    if METADATA.contains(&address) {
        return Some("a cloud's metadata service");
    }
    if address.is_unspecified() || address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Some("not the address of one machine");
    }
    denied.iter().any(|range| range.contains(&address)).then_some("in a denied range")
}

/// The IPv4 address inside an IPv6 one: mapped and compatible addresses (RFC 4291 §2.5.5), NAT64 (RFC
/// 6052), 6to4 (RFC 3056).
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let v4 = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..]
        | [0, 0, 0, 0, 0, 0, high @ 1..=0xffff, low] => v4(high, low),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("169.254.169.254", true)]
    #[case("169.254.0.1", true)]
    #[case("::ffff:169.254.169.254", true)]
    #[case("64:ff9b::a9fe:a9fe", true)]
    #[case("2002:a9fe:a9fe::1", true)]
    #[case("::169.254.169.254", true)]
    #[case("fe80::1", true)]
    #[case("febf::1", true)]
    #[case("fd00:ec2::254", true)]
    #[case("0.0.0.0", true)]
    #[case("::", true)]
    #[case("224.0.0.1", true)]
    #[case("198.51.100.9", true)]
    #[case("::ffff:198.51.100.9", true)]
    #[case("198.51.101.9", false)]
    #[case("127.0.0.1", false)]
    #[case("::1", false)]
    #[case("10.0.0.1", false)]
    #[case("fec0::1", false)]
    #[case("2001:db8::1", false)]
    fn addresses(#[case] address: &str, #[case] is_refused: bool) {
        let denied = ["198.51.100.0/24".parse().unwrap()];
        assert_eq!(refused(address.parse().unwrap(), &denied).is_some(), is_refused);
    }
}
