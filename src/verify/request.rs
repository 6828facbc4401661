//! What the browser asks before it uploads, and what is wrong before anything is asked.

use crate::check::Rule;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use super::{Failure, Requirement};
use crate::derive::origin::{Origin, OriginError, PublicUrl};

/// The method of the upload; not CORS-safelisted, so always preflighted.
pub const METHOD: &str = "PUT";

/// The CORS-unsafe request-header names of the upload as every supported Horizon makes it, in the
/// form and order in which browsers list them. X-CSRFToken: sent by Horizon 25.7 to 26.0 always, by
/// older ones with `CSRF_COOKIE_HTTPONLY` (DU003).
pub const HEADERS: [&str; 3] = ["content-type", "x-auth-token", "x-csrftoken"];

/// Glance's public endpoint, as it stands in the Keystone catalog.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    url: PublicUrl,
    /// Horizon appends to what stands in the catalog: a slash at the end is then doubled.
    slashes: usize,
}

impl Endpoint {
    /// Reads a URL as it stands in the catalog.
    ///
    /// # Errors
    /// [`OriginError`] if it is no http(s) URL.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let url = PublicUrl::parse(text)?;
        Ok(Self { url, slashes: text.len() - text.trim_end_matches('/').len() })
    }

    /// The origin that is asked.
    pub fn origin(&self) -> &Origin {
        self.url.origin()
    }

    /// The path prefix, without trailing slash; empty for the root.
    pub fn path(&self) -> &str {
        self.url.path()
    }

    /// Whether the URL ends in a slash.
    pub fn ends_in_slash(&self) -> bool {
        self.slashes > 0
    }

    /// The port, the scheme's default if none is written.
    pub fn port(&self) -> u16 {
        let authority = self.origin().as_str().rsplit(']').next().unwrap_or_default();
        let default = if self.origin().is_https() { 443 } else { 80 };
        authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(default)
    }

    /// Where Horizon sends an image's data: `upload_url` in openstack_dashboard/api/glance.py.
    pub fn upload_path(&self, image: &str) -> String {
        format!("{}{}/v2/images/{image}/file", self.url.path(), "/".repeat(self.slashes))
    }

    /// The version at the end of the path, if one stands there.
    pub fn version(&self) -> Option<&str> {
        let last = self.url.path().rsplit('/').next()?;
        let digits = last.strip_prefix('v')?;
        let is_version =
            digits.starts_with(|c: char| c.is_ascii_digit()) && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
        is_version.then_some(last)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.url, "/".repeat(self.slashes))
    }
}

impl From<PublicUrl> for Endpoint {
    fn from(url: PublicUrl) -> Self {
        Self { url, slashes: 0 }
    }
}

/// One request, as it is sent to the endpoint's host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub lines: Vec<(&'static str, String)>,
}

/// The question of one upload: of its CORS-preflight fetch, or of the same origin of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preflight {
    /// Where the dashboard's page came from.
    pub origin: Origin,
    pub endpoint: Endpoint,
    /// An image that does not exist: the preflight is answered before Glance looks for it.
    pub image: String,
    pub method: &'static str,
    pub headers: Vec<&'static str>,
}

impl Preflight {
    /// The preflight of Horizon's upload.
    pub fn upload(origin: Origin, endpoint: Endpoint) -> Self {
        Self { origin, endpoint, image: random_id(), method: METHOD, headers: HEADERS.to_vec() }
    }

    /// The URL that is asked.
    pub fn url(&self) -> String {
        format!("{}{}", self.endpoint.origin(), self.endpoint.upload_path(&self.image))
    }

    /// Whether the browser makes no CORS of it at all.
    pub fn same_origin(&self) -> bool {
        self.origin == *self.endpoint.origin()
    }

    /// What is sent: the preflight, or of the same origin the upload itself, without token or data.
    pub fn request(&self) -> Request {
        let method = if self.same_origin() { self.method } else { "OPTIONS" };
        Request { method, path: self.endpoint.upload_path(&self.image), lines: self.lines() }
    }

    /// Of the same origin: where Glance lists its versions, for everybody.
    pub fn versions(&self) -> Request {
        let path = format!("{}/versions", self.endpoint.path());
        Request { method: "GET", path, lines: vec![("Accept", "application/json".to_owned()), agent()] }
    }

    /// The headers that make it a preflight (Fetch §4.8), or an upload, in the browser's order.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![("Accept", "*/*".to_owned())];
        if self.same_origin() {
            lines.push(("Content-Length", "0".to_owned()));
            lines.push(("Content-Type", "application/octet-stream".to_owned()));
        } else {
            lines.push(("Access-Control-Request-Method", self.method.to_owned()));
            if !self.headers.is_empty() {
                lines.push(("Access-Control-Request-Headers", self.headers.join(",")));
            }
        }
        lines.push(("Origin", self.origin.to_string()));
        lines.push(agent());
        lines
    }

    /// What makes the upload fail whatever the answer would be. `redirected`: somebody said which
    /// address stands for the host, so that its name is no matter.
    pub fn objection(&self, redirected: bool) -> Option<Failure> {
        let url = self.endpoint.origin();
        if self.origin.is_https() && !url.is_https() && !is_loopback(url) {
            return Some(Failure {
                requirement: Requirement::SecureContext,
                rule: Rule::MixedContent,
                also: vec![],
                received: format!("public URL {}", self.endpoint),
                message: "mixed content: the dashboard is https and Glance is http; the browser sends nothing".into(),
                fix: "serve Glance by https and put that URL into the Keystone catalog (public endpoint of service type image)".into(),
            });
        }
        if let Some(version) = self.endpoint.version() {
            return Some(Failure {
                requirement: Requirement::UploadUrl,
                rule: Rule::WrongEndpoint,
                also: vec![],
                received: format!("public URL {}", self.endpoint),
                message: format!(
                    "the URL ends in /{version}; Horizon appends /v2/images/..., and Glance has no such path (404)"
                ),
                fix: format!("take /{version} off the public endpoint of service type image in the Keystone catalog"),
            });
        }
        url.unreachable().filter(|_| !redirected).map(|why| Failure {
            requirement: Requirement::Reachable,
            rule: Rule::NotPublic,
            also: vec![],
            received: format!("public URL {}", self.endpoint),
            message: format!("{} is {why}; a browser elsewhere cannot reach it", url.host()),
            fix: "put a URL that browsers reach into the Keystone catalog (public endpoint of service type image)"
                .into(),
        })
    }
}

fn agent() -> (&'static str, String) {
    ("User-Agent", concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")).to_owned())
}

/// Hosts that are trustworthy by http too (Secure Contexts §3.1), so never mixed content.
fn is_loopback(origin: &Origin) -> bool {
    let host = origin.host().trim_end_matches('.');
    host == "localhost" || host.ends_with(".localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Of the form of an image's id, and of no image. Unguessable is not needed.
fn random_id() -> String {
    let bits = || RandomState::new().hash_one(0u8);
    let (a, b) = (bits(), bits());
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://glance.example.com", 443, "/v2/images/x/file")]
    #[case("https://glance.example.com:9292/", 9292, "//v2/images/x/file")]
    #[case("http://[2001:db8::1]", 80, "/v2/images/x/file")]
    #[case("http://[2001:db8::1]:9292/image", 9292, "/image/v2/images/x/file")]
    fn where_the_upload_goes(#[case] url: &str, #[case] port: u16, #[case] path: &str) {
        let endpoint = Endpoint::parse(url).unwrap();
        assert_eq!((endpoint.port(), endpoint.upload_path("x").as_str()), (port, path));
        assert_eq!(endpoint.to_string(), url);
    }

    #[test]
    fn ids_look_like_ids_and_differ() {
        let (a, b) = (random_id(), random_id());
        assert_ne!(a, b);
        assert_eq!(a.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    }
}
