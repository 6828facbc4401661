//! Content Security Policy Level 3: whether a page may connect to a URL. Pure.

use direct_upload_api::web::{Endpoint, Origin};
use percent_encoding::percent_decode_str;

use super::browser::is_loopback;
use super::headers::{Headers, lines};
use super::html::Tag;

/// What a policy restricts of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restriction {
    /// Where the page may connect to.
    Connections(ConnectSources),
    /// `sandbox` without `allow-same-origin`: the page's origin is opaque, and browsers send `Origin: null`.
    Opaque,
    /// `sandbox` without `allow-scripts`: the page runs no script, and a script sends the upload.
    Scriptless,
    /// `upgrade-insecure-requests`: browsers request https where the URL says http (Upgrade Insecure
    /// Requests §3.3).
    Upgrades,
}

impl Restriction {
    /// Reads one policy (§2.2.1). The first directive of a name counts.
    fn parse(policy: &str) -> Vec<Self> {
        let directives = directives(policy);
        let named = |name: &str| directives.iter().find(|directive| directive[0].eq_ignore_ascii_case(name));
        let lacks =
            |name: &str| named("sandbox").filter(|flags| !flags.iter().any(|flag| flag.eq_ignore_ascii_case(name)));
        let opaque = lacks("allow-same-origin").map(|_| Self::Opaque);
        let scriptless = lacks("allow-scripts").map(|_| Self::Scriptless);
        let upgrades = named("upgrade-insecure-requests").map(|_| Self::Upgrades);
        let connections = ConnectSources::parse(policy).map(Self::Connections);
        [connections, scriptless, opaque, upgrades].into_iter().flatten().collect()
    }

    /// Whether a page of this origin may send the upload to the endpoint.
    pub fn admits(&self, page: &Origin, endpoint: &Endpoint) -> bool {
        match self {
            Self::Connections(sources) => sources.admits(page, endpoint),
            Self::Opaque | Self::Scriptless => false,
            Self::Upgrades => endpoint.origin().is_https() || is_loopback(endpoint.origin()),
        }
    }
}

/// The directives of one policy, split into words; none is empty.
fn directives(policy: &str) -> Vec<Vec<&str>> {
    let all = policy.split(';').map(|directive| directive.split_ascii_whitespace().collect::<Vec<_>>());
    all.filter(|words| !words.is_empty()).collect()
}

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
        let directives = directives(policy);
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

/// What the policies of an answer restrict. Each of them must allow an upload.
pub fn enforced(headers: &Headers) -> Vec<Restriction> {
    let policies = lines(headers, "Content-Security-Policy").flat_map(|line| line.split(','));
    policies.flat_map(Restriction::parse).collect()
}

/// Whether one of the policies makes the page one of a public address.
pub(super) fn treats_as_public(headers: &Headers) -> bool {
    let mut policies = lines(headers, "Content-Security-Policy").flat_map(|line| line.split(','));
    policies
        .any(|policy| directives(policy).iter().any(|words| words[0].eq_ignore_ascii_case("treat-as-public-address")))
}

/// The same for the `meta` elements of a page's head. Elsewhere browsers ignore them, and `sandbox` does not count in
/// them (HTML §4.2.5.3).
pub(super) fn enforced_by_page(head: &[Tag]) -> Vec<Restriction> {
    let is_policy = |tag: &&Tag| {
        tag.starts("meta")
            && tag.get("http-equiv").is_some_and(|name| name.eq_ignore_ascii_case("content-security-policy"))
    };
    // Commas separate policies, as in a header.
    let policies = head.iter().filter(is_policy).filter_map(|tag| tag.get("content"));
    let policies = policies.flat_map(|content| content.split(','));
    let counts = |own: &Restriction| !matches!(own, Restriction::Opaque | Restriction::Scriptless);
    policies.flat_map(Restriction::parse).filter(counts).collect()
}

/// Whether a source expression matches the URL of an upload (§6.7.2.8). `page` is the page with the policy.
/// Without it, `'self'` matches nothing, and a source without scheme matches each scheme.
pub fn source_admits(source: &str, page: Option<&Origin>, endpoint: &Endpoint) -> bool {
    let url = endpoint.origin();
    match source {
        "*" => return true,
        _ if source.eq_ignore_ascii_case("'self'") => return page.is_some_and(|page| is_self(page, endpoint)),
        _ if source.starts_with('\'') => return false,
        _ => {}
    }
    // Browsers leave out what a source cannot have.
    let source = source.split(['?', '#']).next().unwrap_or_default();
    let after_scheme = source.find("://").map_or(0, |at| at + 3);
    let path_at = source[after_scheme..].find('/').map_or(source.len(), |at| after_scheme + at);
    let (place, path) = source.split_at(path_at);
    let place = place.to_ascii_lowercase();
    if let Some(scheme) = place.strip_suffix(':') {
        return scheme_admits(scheme, url.is_https());
    }
    let (scheme, authority) = match place.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (page.map(|page| if page.is_https() { "https" } else { "http" }), place.as_str()),
    };
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

/// Without a port, the scheme's default port. Port 80 of http also allows 443 of https (§6.7.2.11). With any other port
/// Chromium does not let http stand for https (csp_source.cc, `RequiresUpgrade`), although the standard does.
fn port_admits(port: Option<&str>, scheme: Option<&str>, endpoint: &Endpoint) -> bool {
    let wanted = endpoint.port();
    let is_https = endpoint.origin().is_https();
    match port {
        Some("*") => true,
        Some("80") if scheme != Some("https") && is_https => wanted == 443,
        Some(port) => port.parse() == Ok(wanted) && (wanted == 443 || !is_https || scheme != Some("http")),
        None => wanted == if is_https { 443 } else { 80 },
    }
}

/// A path that ends in a slash is a prefix; any other is exact. Case counts, percent-encoding does not
/// (§6.7.2.12).
fn path_admits(pattern: &str, path: &str) -> bool {
    let (pattern, path) =
        (percent_decode_str(pattern).collect::<Vec<_>>(), percent_decode_str(path).collect::<Vec<_>>());
    match pattern.as_slice() {
        b"" | b"/" => true,
        _ if pattern.ends_with(b"/") => path.starts_with(&pattern),
        _ => path == pattern,
    }
}
