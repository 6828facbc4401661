//! Glance's public endpoint, as Keystone's catalog publishes it.

use std::fmt;

use super::origin::{Origin, OriginError, PublicUrl};

/// Glance's public endpoint, as it is in Keystone's catalog.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    url: PublicUrl,
    /// Horizon appends to the catalog's text as it is, so a slash at the end is doubled.
    slashes: usize,
}

impl Endpoint {
    /// Reads a URL as it is in the catalog.
    ///
    /// # Errors [`OriginError`] if it is not an http(s) URL.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let url = PublicUrl::parse(text)?;
        Ok(Self { url, slashes: text.len() - text.trim_end_matches('/').len() })
    }

    /// The origin to which requests go.
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

    /// The port; the scheme's default if none is written.
    pub fn port(&self) -> u16 {
        let authority = self.origin().as_str().rsplit(']').next().unwrap_or_default();
        let default = if self.origin().is_https() { 443 } else { 80 };
        authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(default)
    }

    /// Where Horizon sends an image's data: `upload_url` in openstack_dashboard/api/glance.py.
    pub fn upload_path(&self, image: &str) -> String {
        format!("{}{}/v2/images/{image}/file", self.url.path(), "/".repeat(self.slashes))
    }

    /// The version at the end of the path, if there is one.
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
