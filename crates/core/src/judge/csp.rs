//! Content Security Policy Level 3: whether a page may connect to a URL. Pure.

use direct_upload_api::web::{Endpoint, Origin};

use super::headers::{Headers, lines};

/// The sources of one policy for connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectSources {
    /// `connect-src`, or `default-src` if the policy has none.
    pub directive: String,
    pub sources: Vec<String>,
}

impl ConnectSources {
    /// Reads one policy (§2.2.1); `None` if it does not restrict connections. The first directive of a name
    /// counts.
    pub fn parse(policy: &str) -> Option<Self> {
        let directives = policy.split(';').map(|d| d.split_ascii_whitespace().collect::<Vec<_>>());
        let directives: Vec<_> = directives.filter(|d| !d.is_empty()).collect();
        let named = |name: &str| directives.iter().find(|d| d[0].eq_ignore_ascii_case(name));
        let found = named("connect-src").or_else(|| named("default-src"))?;
        let sources = found[1..].iter().map(|source| (*source).to_owned()).collect();
        Some(Self { directive: found[0].to_lowercase(), sources })
    }

    /// Whether a page of this origin may send the upload to the endpoint.
    pub fn admits(&self, page: &Origin, endpoint: &Endpoint) -> bool {
        self.sources.iter().any(|source| source_admits(source, Some(page), endpoint))
    }
}

/// The policies that an answer enforces and that restrict connections. Each of them must allow a URL.
pub fn enforced(headers: &Headers) -> Vec<ConnectSources> {
    let policies = lines(headers, "Content-Security-Policy").flat_map(|line| line.split(','));
    policies.filter_map(ConnectSources::parse).collect()
}

/// Whether a source expression matches the URL of an upload (§6.7.2.8). `page` is the page with the policy.
/// Without it, `'self'` matches nothing, and a source without scheme matches each scheme.
pub fn source_admits(source: &str, page: Option<&Origin>, endpoint: &Endpoint) -> bool {
    let url = endpoint.origin();
    let source = source.to_ascii_lowercase();
    match source.as_str() {
        "*" => return true,
        "'self'" => return page.is_some_and(|page| is_self(page, endpoint)),
        _ if source.starts_with('\'') => return false,
        _ => {}
    }
    if let Some(scheme) = source.strip_suffix(':') {
        return scheme_admits(scheme, url.is_https());
    }
    let (scheme, rest) = match source.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (page.map(|page| if page.is_https() { "https" } else { "http" }), source.as_str()),
    };
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    scheme.is_none_or(|scheme| scheme_admits(scheme, url.is_https()))
        && host_admits(host, url.host())
        && port_admits(port, scheme, endpoint)
        && path_admits(path, &endpoint.upload_path("id"))
}

/// The same origin, or the same host with https at default ports (§6.7.2.8, `'self'`).
fn is_self(page: &Origin, endpoint: &Endpoint) -> bool {
    let url = endpoint.origin();
    let upgraded = url.is_https() && !page.is_https() && has_default_port(page) && has_default_port(url);
    page == url || (upgraded && page.host() == url.host())
}

fn has_default_port(origin: &Origin) -> bool {
    origin.as_str().split_once("://").is_some_and(|(_, authority)| authority.len() == written(origin.host()).len())
}

/// A host as in a URL.
fn written(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

/// http also allows https (§6.7.2.9).
fn scheme_admits(scheme: &str, is_https: bool) -> bool {
    match scheme {
        "https" => is_https,
        "http" => true,
        _ => false,
    }
}

fn host_admits(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(tail) if tail.starts_with('.') => host.len() > tail.len() && host.ends_with(tail),
        Some(_) => pattern == "*",
        None => pattern == written(host),
    }
}

/// Without a port, the scheme's default port. Port 80 of http also allows 443 of https (§6.7.2.11).
fn port_admits(port: Option<&str>, scheme: Option<&str>, endpoint: &Endpoint) -> bool {
    let wanted = endpoint.port();
    let default = if endpoint.origin().is_https() { 443 } else { 80 };
    match port {
        Some("*") => true,
        Some(port) => {
            port.parse() == Ok(wanted) || (port == "80" && scheme != Some("https") && (wanted, default) == (443, 443))
        }
        None => wanted == default,
    }
}

/// A path that ends in a slash is a prefix; any other is exact (§6.7.2.12).
fn path_admits(pattern: &str, path: &str) -> bool {
    match pattern {
        "" | "/" => true,
        _ if pattern.ends_with('/') => path.to_ascii_lowercase().starts_with(pattern),
        _ => path.eq_ignore_ascii_case(pattern),
    }
}
