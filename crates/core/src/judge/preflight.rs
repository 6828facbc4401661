//! What the browser sends before it uploads, and faults that are certain without any request.
//!
//! In: origin, endpoint and panel. Out: the browser's first request, and the requests of the page
//! ([`UploadRequest`]) that its answer must let pass.

use std::collections::BTreeSet;

use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_api::{Panel, Rule};

use super::browser::{agent, blocks_port, is_loopback, preflight_headers, request_headers};
use super::failure::{Failure, Requirement};
use crate::openstack::upload::{METHOD, UploadRequest};

/// One request, as sent to the endpoint's host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    pub method: &'static str,
    pub path: String,
    pub lines: Vec<(&'static str, String)>,
}

/// The check of one upload: its CORS-preflight fetch or, with the same origin, the upload itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preflight {
    /// The origin of the dashboard's page.
    pub origin: Origin,
    pub endpoint: Endpoint,
    /// An image that does not exist. The preflight is answered before Glance looks for it.
    pub image: String,
    /// What the page will send; each must pass. There are several if the dashboard's panel is unknown.
    pub uploads: Vec<UploadRequest>,
    /// Whether the page's requests name it in `Referer`. Its `Referrer-Policy` may forbid that.
    pub refers: bool,
}

impl Preflight {
    /// The preflight of a panel's upload of an image with this id.
    pub fn upload(origin: Origin, endpoint: Endpoint, image: impl Into<String>, panel: Panel) -> Self {
        Self { origin, endpoint, image: image.into(), uploads: UploadRequest::of_panel(panel), refers: true }
    }

    /// The same check for another panel.
    #[must_use]
    pub fn for_panel(&self, panel: Panel) -> Self {
        Self { uploads: UploadRequest::of_panel(panel), ..self.clone() }
    }

    /// The panel whose upload is judged.
    pub fn panel(&self) -> Panel {
        match self.uploads.as_slice() {
            [one] => one.panel(),
            _ => Panel::Unknown,
        }
    }

    /// The requested method.
    pub fn method(&self) -> &'static str {
        self.uploads.first().map_or(METHOD, |upload| upload.method)
    }

    /// The requested header names: those of all uploads, in the browser's order.
    pub fn headers(&self) -> Vec<&'static str> {
        let names: BTreeSet<_> = self.uploads.iter().flat_map(|upload| upload.headers.iter().copied()).collect();
        names.into_iter().collect()
    }

    /// The requested URL.
    pub fn url(&self) -> String {
        format!("{}{}", self.endpoint.origin(), self.endpoint.upload_path(&self.image))
    }

    /// Whether the browser needs no CORS for it.
    pub fn same_origin(&self) -> bool {
        self.origin == *self.endpoint.origin()
    }

    /// What is sent: the preflight or, with the same origin, the upload itself without token or data.
    pub fn request(&self) -> HttpRequest {
        let method = if self.same_origin() { self.method() } else { "OPTIONS" };
        HttpRequest { method, path: self.endpoint.upload_path(&self.image), lines: self.lines() }
    }

    /// With the same origin: where Glance lists its versions for everyone.
    pub fn versions(&self) -> HttpRequest {
        let path = format!("{}/versions", self.endpoint.path());
        HttpRequest { method: "GET", path, lines: vec![("Accept", "application/json".to_owned()), agent()] }
    }

    /// The headers that make it a preflight (Fetch §4.8), or an upload, in the browser's order.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![("Accept", "*/*".to_owned())];
        let glance = self.endpoint.origin();
        if self.same_origin() {
            lines.push(("Content-Length", "0".to_owned()));
            lines.push(("Content-Type", "application/octet-stream".to_owned()));
            lines.extend(request_headers(&self.origin, glance));
        } else {
            let headers = self.headers();
            lines.push(("Access-Control-Request-Method", self.method().to_owned()));
            if !headers.is_empty() {
                lines.push(("Access-Control-Request-Headers", headers.join(",")));
            }
            lines.extend(preflight_headers(&self.origin, glance));
        }
        lines
    }

    /// What makes the upload fail whatever the answer would be. `redirected`: somebody gave an address for
    /// the host, so its name does not matter.
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
                fix: format!(
                    "remove /{version} from the public endpoint of service type image in the Keystone catalog"
                ),
            });
        }
        let why = url
            .unreachable()
            .filter(|_| !redirected)
            .map(|why| format!("{} is {why}; a browser elsewhere cannot reach it", url.host()));
        let message = blocked_port(&self.endpoint).or(why)?;
        Some(Failure {
            requirement: Requirement::Reachable,
            rule: Rule::NotPublic,
            also: vec![],
            received: format!("public URL {}", self.endpoint),
            message,
            fix: "put a URL that browsers reach into the Keystone catalog (public endpoint of service type image)"
                .into(),
        })
    }
}

/// Why browsers send nothing to the endpoint's port, if so.
pub(super) fn blocked_port(endpoint: &Endpoint) -> Option<String> {
    let port = endpoint.port();
    blocks_port(port)
        .then(|| format!("browsers block port {port}, which belongs to another protocol; they send nothing"))
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
}
