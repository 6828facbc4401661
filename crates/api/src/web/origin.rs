//! Origins and public URLs that can only have values that a browser would send.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use thiserror::Error;
use url::{Host, Url};

use crate::rule::Rule;

/// A canonical web origin (RFC 6454 §6.2): `scheme://host[:port]`, lower case, punycode, default port
/// omitted, no path. It equals byte for byte what a browser sends in the `Origin` header.
/// `[cors] allowed_origin` must have the same value (DU001).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

/// A URL under which a browser reaches a service: an origin and a path prefix without trailing
/// slash (empty for the root).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicUrl {
    origin: Origin,
    path: String,
}

/// Why a text is not an origin or a public URL. Each message says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OriginError {
    /// A `*` or `null` would open the API to every site (DU005).
    #[error(
        "{0:?} would let every web site use the API ({rule}); list exact origins such as https://horizon.example.com",
        rule = Rule::AnyOrigin
    )]
    Wildcard(String),
    /// Not `http` or `https`.
    #[error("{0:?} is not an http(s) URL; write e.g. https://horizon.example.com")]
    NotHttp(String),
    /// More than an origin.
    #[error(
        "{0:?} has a {1}, which no browser sends in an Origin ({rule}); write only scheme://host[:port]",
        rule = Rule::OriginForm
    )]
    Extra(String, &'static str),
    /// The host is not allowed in a host name.
    #[error("{0:?} has a host that browsers cannot use ({1}); write e.g. https://horizon.example.com")]
    Host(String, String),
}

impl Origin {
    /// Reads an origin as a person writes it. Upper case, the default port, unicode host names and one
    /// trailing slash become the canonical form; everything else is refused.
    ///
    /// # Errors
    /// [`OriginError`] says what is wrong and what to write.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let url = PublicUrl::parse(text)?;
        if url.path.is_empty() { Ok(url.origin) } else { Err(OriginError::Extra(text.to_owned(), "path")) }
    }

    /// Makes an origin from its parts. An IPv6 address gets its brackets, and the scheme's default `port`
    /// is omitted.
    ///
    /// # Errors
    /// As [`Origin::parse`].
    pub fn from_parts(https: bool, host: &str, port: Option<u16>) -> Result<Self, OriginError> {
        let scheme = if https { "https" } else { "http" };
        let host = if host.parse::<Ipv6Addr>().is_ok() { &format!("[{host}]") } else { host };
        match port {
            Some(port) => Self::parse(&format!("{scheme}://{host}:{port}")),
            None => Self::parse(&format!("{scheme}://{host}")),
        }
    }

    /// `scheme://host[:port]`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the scheme is `https`.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// The host, without brackets and port.
    pub fn host(&self) -> &str {
        let authority = self.0.split_once("://").map_or("", |(_, rest)| rest);
        match authority.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        }
    }

    /// `scheme://host`.
    pub fn without_port(&self) -> &str {
        let port = self.0.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
        port.map_or(&self.0, |(start, _)| start)
    }

    /// Why no browser outside the cluster could reach this host (DU010), if that is the case.
    pub fn unreachable(&self) -> Option<&'static str> {
        let host = self.host().trim_end_matches('.');
        if let Ok(ip) = host.parse::<IpAddr>() {
            return (ip.is_loopback() || ip.is_unspecified()).then_some("a loopback address");
        }
        if host == "localhost" || host.ends_with(".localhost") {
            return Some("a loopback name");
        }
        let labels: Vec<_> = host.split('.').collect();
        if labels.len() > 1 && labels.contains(&"svc") || labels.ends_with(&["cluster", "local"]) {
            return Some("a cluster-internal name");
        }
        (!host.contains('.')).then_some("a single-label name")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PublicUrl {
    /// Reads a URL as a person writes it. Query, fragment and user info are refused; trailing slashes are
    /// dropped.
    ///
    /// # Errors
    /// [`OriginError`] says what is wrong and what to write.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let own = || text.to_owned();
        if text.contains('*') || text.trim().eq_ignore_ascii_case("null") {
            return Err(OriginError::Wildcard(own()));
        }
        // The URL parser drops tabs, newlines and outer spaces, and reads `\` as `/`. A person who wrote
        // those meant something else.
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '\\' | ',' | '"' | '\'')) {
            return Err(OriginError::Extra(own(), "blank, comma, quote, backslash or control character"));
        }
        let url = Url::parse(text).map_err(|error| match error {
            url::ParseError::RelativeUrlWithoutBase => OriginError::NotHttp(own()),
            error => OriginError::Host(own(), error.to_string()),
        })?;
        if !matches!(url.scheme(), "http" | "https") || !text.contains("://") {
            return Err(OriginError::NotHttp(own()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OriginError::Extra(own(), "user name"));
        }
        if url.query().is_some() {
            return Err(OriginError::Extra(own(), "query"));
        }
        if url.fragment().is_some() {
            return Err(OriginError::Extra(own(), "fragment"));
        }
        match url.host() {
            Some(Host::Domain(host)) => check_name(text, host)?,
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => {}
            None => return Err(OriginError::NotHttp(own())),
        }
        Ok(Self {
            origin: Origin(url.origin().ascii_serialization()),
            path: url.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The same origin with another path; trailing slashes are dropped.
    #[must_use]
    pub fn with_path(origin: Origin, path: &str) -> Self {
        let path = path.trim_end_matches('/');
        Self { origin, path: path.to_owned() }
    }

    /// The origin part.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The path prefix, without trailing slash; empty for the root.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

/// DNS names only. The URL parser would also accept `$`, `%`-decoded and other sub-delims.
fn check_name(text: &str, host: &str) -> Result<(), OriginError> {
    let error = |why: &str| Err(OriginError::Host(text.to_owned(), why.to_owned()));
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.len() > 253 {
        return error("longer than 253 characters");
    }
    for label in name.split('.') {
        if label.is_empty() || label.len() > 63 {
            return error("a label is empty or longer than 63 characters");
        }
        if !label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_') {
            return error("only letters, digits, '-' and '_' can stand in a host name");
        }
    }
    Ok(())
}
