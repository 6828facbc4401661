//! Where a server waits for requests, and where a directive leads them on.
//!
//! In: addresses and directives. Out: values that can be compared: whether what leads to a [`Target`] reaches a
//! [`Listen`].

use crate::classify::Kind;
use crate::finding::Location;
use crate::formats::directives::Directive;

/// An address on which a server waits for requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Whether TLS ends here; none: what is behind it decides.
    pub tls: Option<bool>,
    /// The machine's own address; none for each of them.
    pub host: Option<String>,
    pub port: Option<u16>,
    pub place: Location,
    /// As it is written.
    pub written: String,
}

impl Listen {
    /// Whether only the machine itself can connect.
    pub(crate) fn is_inside(&self) -> bool {
        self.host.as_deref().is_some_and(is_local)
    }

    /// Whether what leads to a target may come here.
    pub(crate) fn takes(&self, target: &Target<'_>) -> bool {
        let is_same = match &self.host {
            None => true,
            Some(own) => own == target.host || (is_local(own) && is_local(target.host)) || !is_address(target.host),
        };
        let differs = matches!((self.tls, target.protocol), (Some(true), Some(Protocol::Http)));
        self.port == Some(target.port) && is_same && !differs
    }
}

/// The language that a server speaks with what is behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    /// HTTP in TLS.
    Https,
    Uwsgi,
}

/// What is behind a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// None where the directive does not say it.
    pub protocol: Option<Protocol>,
    pub host: &'a str,
    pub port: u16,
}

impl<'a> Target<'a> {
    /// Where a directive leads requests, if it says it with an address. `in_location`: whether a section names the path.
    pub(crate) fn of(kind: Kind, directive: &'a Directive, in_location: bool) -> Option<Self> {
        let arg = |at: usize| directive.arg(at);
        match (kind, directive.name.as_str()) {
            (Kind::Nginx | Kind::Traefik | Kind::Stream, "proxy_pass") => Self::of_url(arg(0)?, None),
            (Kind::Nginx, "uwsgi_pass") => Self::of_url(arg(0)?, Some(Protocol::Uwsgi)),
            (Kind::Httpd, "balancermember") => Self::of_url(arg(0)?, None),
            (Kind::Httpd, "proxypass" | "proxypassmatch") => Self::of_url(arg(usize::from(!in_location))?, None),
            (Kind::Httpd, "rewriterule") => Self::of_url(arg(1).filter(|target| target.contains("://"))?, None),
            (Kind::Haproxy, "server") => {
                let (host, port) = arg(1)?.rsplit_once(':')?;
                let tls = directive.args.iter().any(|word| word == "ssl");
                let protocol = Some(if tls { Protocol::Https } else { Protocol::Http });
                Some(Self { protocol, host, port: port.parse().ok()? })
            }
            _ => None,
        }
    }

    /// `http://HOST:PORT/…`, `uwsgi://HOST:PORT`, `HOST:PORT`.
    fn of_url(url: &'a str, stated: Option<Protocol>) -> Option<Self> {
        let (scheme, rest) = url.split_once("://").map_or((None, url), |(scheme, rest)| (Some(scheme), rest));
        let (protocol, usual) = match scheme {
            Some("http") => (Some(Protocol::Http), Some(80)),
            Some("https") => (Some(Protocol::Https), Some(443)),
            Some("uwsgi") => (Some(Protocol::Uwsgi), Some(3031)),
            _ => (stated, None),
        };
        let address = rest.split('/').next()?;
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (address, usual?),
        };
        Some(Self { protocol, host, port })
    }
}

impl Target<'_> {
    /// Whether it is on the same machine.
    pub(crate) fn is_inside(&self) -> bool {
        is_local(self.host)
    }
}

/// The machine's own address in `HOST:PORT`, `[::]:443`, `*:443`; none for each of them.
pub(crate) fn host(address: &str) -> Option<String> {
    let host = match address.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() || port == "*" => host,
        _ if address.parse::<u16>().is_ok() => "",
        _ => address,
    };
    let is_any = matches!(host, "" | "*" | "0.0.0.0" | "[::]" | "::" | "_default_");
    (!is_any).then(|| host.to_owned())
}

/// The port of `*:443`, `[::]:443`, `203.0.113.1:443`.
pub(crate) fn port(address: &str) -> Option<u16> {
    address.rsplit_once(':').and_then(|(_, port)| port.parse().ok())
}

/// Whether only the machine itself can connect.
pub(crate) fn is_local(address: &str) -> bool {
    ["127.", "localhost", "[::1]"].iter().any(|local| address.starts_with(local))
}

/// Whether a host is an address, and no name that may lead anywhere.
fn is_address(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok() || is_local(host)
}
