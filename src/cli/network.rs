//! Arguments of commands that use the network: sizes, addresses of names, certificate authorities.

use std::net::IpAddr;
use std::path::Path;

use crate::probe::{Host, Trust};

/// Bytes, or with a unit: powers of 1024 (KiB, Ki) or of 1000 (KB, K).
pub(super) fn size(text: &str) -> Result<u64, String> {
    let error = || format!("{text:?} is not a size; write e.g. 500MiB, 10GiB or 10737418240");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.strip_suffix('B').unwrap_or(unit);
    let (power, base) = match unit.strip_suffix('i') {
        Some(power) if !power.is_empty() => (power, 1024_u64),
        _ => (unit, 1000),
    };
    let exponent = match power {
        "" => 0,
        "K" | "k" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return Err(error()),
    };
    let number: u64 = number.parse().map_err(|_| error())?;
    number.checked_mul(base.pow(exponent)).filter(|size| *size > 0).ok_or_else(error)
}

/// Like curl's `--resolve`; IPv6 addresses may have brackets.
pub(super) fn host(text: &str) -> Result<Host, String> {
    let error = || "expected HOST:PORT:ADDRESS, e.g. glance.example.com:443:192.0.2.7".to_owned();
    let (name, rest) = match text.strip_prefix('[') {
        Some(v6) => v6.split_once("]:").ok_or_else(error)?,
        None => text.split_once(':').ok_or_else(error)?,
    };
    let (port, address) = rest.split_once(':').ok_or_else(error)?;
    let port = port.parse().map_err(|_| error())?;
    let address = address.strip_prefix('[').and_then(|v6| v6.strip_suffix(']')).unwrap_or(address);
    let address: IpAddr = address.parse().map_err(|_| error())?;
    if name.is_empty() { Err(error()) } else { Ok(Host { name: name.to_owned(), port, address: Some(address) }) }
}

/// The default authorities, and those of a file.
pub(super) fn trust(ca: Option<&Path>) -> Result<Trust, String> {
    let Some(path) = ca else { return Trust::with(&[]) };
    let named = |error: String| format!("--ca {}: {error}", path.display());
    let pem = std::fs::read(path).map_err(|e| named(e.to_string()))?;
    if pem.is_empty() {
        return Err(named("the file is empty".into()));
    }
    Trust::with(&pem).map_err(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("glance.example.com:443:192.0.2.7", "glance.example.com", 443, "192.0.2.7")]
    #[case("glance.example.com:443:2001:db8::7", "glance.example.com", 443, "2001:db8::7")]
    #[case("glance.example.com:443:[2001:db8::7]", "glance.example.com", 443, "2001:db8::7")]
    #[case("[2001:db8::1]:9292:192.0.2.7", "2001:db8::1", 9292, "192.0.2.7")]
    fn resolve_is_read(#[case] text: &str, #[case] name: &str, #[case] port: u16, #[case] address: &str) {
        let address = Some(address.parse().unwrap());
        assert_eq!(host(text), Ok(Host { name: name.into(), port, address }));
    }

    #[rstest]
    #[case("1", Some(1))]
    #[case("500MiB", Some(500 << 20))]
    #[case("10Gi", Some(10 << 30))]
    #[case("10GB", Some(10_000_000_000))]
    #[case("2k", Some(2000))]
    #[case("0", None)]
    #[case("", None)]
    #[case("i", None)]
    #[case("10GiBB", None)]
    #[case("-1", None)]
    #[case("1.5G", None)]
    #[case("99999999T", None)]
    fn sizes_are_read(#[case] text: &str, #[case] bytes: Option<u64>) {
        assert_eq!(size(text).ok(), bytes);
    }

    #[rstest]
    #[case("glance.example.com")]
    #[case("glance.example.com:443")]
    #[case("glance.example.com:443:elsewhere.example.com")]
    #[case("glance.example.com:99999:192.0.2.7")]
    #[case(":443:192.0.2.7")]
    fn resolve_is_refused(#[case] text: &str) {
        host(text).unwrap_err();
    }
}
