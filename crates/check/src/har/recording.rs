//! A recording (HAR 1.2) → the requests of one upload in it.
//!
//! Of each entry only the method, the URL, the status and a few headers are read: tokens, cookies and bodies
//! are never read. The browsers' own fields are as in the files that Chromium 156 and Firefox 153 write
//! (tests/browser/recorder.py): Chromium says what went wrong in `response._error`, Firefox does not, but for
//! `_securityState`.

use direct_upload_api::Panel;
use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_core::judge::Response;
use direct_upload_core::openstack::upload::METHOD;
use serde::Deserialize;

use crate::redact;

#[derive(Deserialize)]
pub(super) struct Har {
    pub log: Log,
}

#[derive(Deserialize)]
pub(super) struct Log {
    pub entries: Vec<Entry>,
}

#[derive(Deserialize)]
pub struct Entry {
    pub request: RequestPart,
    pub response: ResponsePart,
    /// Milliseconds.
    #[serde(default)]
    time: Option<f64>,
    /// Firefox's field: `broken` if the TLS connection failed.
    #[serde(rename = "_securityState", default)]
    security: Option<String>,
}

#[derive(Deserialize)]
pub struct RequestPart {
    pub method: String,
    pub url: String,
    #[serde(default)]
    headers: Vec<Header>,
}

#[derive(Deserialize)]
pub struct ResponsePart {
    #[serde(default)]
    pub status: i64,
    #[serde(default)]
    headers: Vec<Header>,
    /// Chromium's own name for the fault.
    #[serde(rename = "_error", default)]
    error: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

/// Headers of answers that a judgement needs; no others are kept.
const KEPT: [&str; 14] = [
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-allow-credentials",
    "content-security-policy",
    "vary",
    "server",
    "via",
    "content-length",
    "content-type",
    "allow",
    "location",
    "www-authenticate",
    "x-openstack-request-id",
];

impl Entry {
    pub fn asked(&self, name: &str) -> Option<&str> {
        self.request.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value.as_str())
    }

    /// Status and headers of the answer; none if there was no answer.
    pub fn answer(&self) -> Option<Response> {
        let status = u16::try_from(self.response.status).ok().filter(|status| *status > 0)?;
        let kept = |h: &&Header| KEPT.iter().any(|name| h.name.eq_ignore_ascii_case(name));
        // Firefox joins the lines of one name by newlines. Only HTTP's own white space is removed, because a
        // browser compares the rest byte for byte.
        let lines = |h: &Header| {
            let values = h.value.split('\n').map(|value| value.trim_matches([' ', '\t', '\r']).to_owned());
            values.map(|value| (h.name.clone(), value)).collect::<Vec<_>>()
        };
        let headers = self.response.headers.iter().filter(kept).flat_map(lines).collect();
        Some(Response { status, headers })
    }

    pub fn error(&self) -> &str {
        self.response.error.as_deref().unwrap_or_default()
    }

    /// The TLS connection failed, as Firefox records it.
    pub fn is_tls_broken(&self) -> bool {
        self.security.as_deref() == Some("broken")
    }

    pub fn seconds(&self) -> f64 {
        self.time.unwrap_or_default() / 1000.0
    }

    /// The public URL of Glance, if this is a request of an upload.
    pub fn endpoint(&self) -> Option<Endpoint> {
        let url = url::Url::parse(&self.request.url).ok()?;
        let (before, rest) = url.path().split_once("/v2/images/")?;
        let is_file = rest.split_once('/').is_some_and(|(_, what)| what == "file");
        let endpoint = format!("{}{before}", url.origin().ascii_serialization());
        is_file.then(|| Endpoint::parse(&endpoint).ok()).flatten()
    }

    pub fn line(&self) -> String {
        let url = self.request.url.split(['?', '#']).next().unwrap_or_default();
        let answer = match (self.answer(), self.error()) {
            (Some(answer), _) => answer.status.to_string(),
            (None, "") => "no answer".to_owned(),
            (None, error) => format!("no answer ({error})"),
        };
        redact::text(&format!("{} {url}: {answer}", self.request.method))
    }

    fn path(&self) -> Option<String> {
        Some(url::Url::parse(&self.request.url).ok()?.path().to_owned())
    }

    /// The panel whose request to Horizon makes the image (openstack_dashboard/api/rest/glance.py;
    /// openstack_dashboard/dashboards/project/images/urls.py).
    fn makes_image_of(&self) -> Option<Panel> {
        let path = self.path().filter(|_| matches!(self.request.method.as_str(), "PUT" | "POST"))?;
        match path.trim_end_matches('/') {
            path if path.ends_with("/api/glance/images") => Some(Panel::Angular),
            path if path.ends_with("/images/create") => Some(Panel::Django),
            _ => None,
        }
    }

    /// Horizon's own request that makes the image.
    pub fn makes_image(&self) -> bool {
        self.makes_image_of().is_some()
    }

    /// The image's data went to Horizon with it, not to Glance.
    pub fn carries_image(&self) -> bool {
        self.makes_image_of() == Some(Panel::Angular)
            && self.asked("Content-Type").is_some_and(|value| value.starts_with("multipart/form-data"))
    }
}

/// The last upload of a recording.
pub struct Upload<'a> {
    /// The upload itself; the preflight, where nothing else was recorded.
    pub put: &'a Entry,
    pub preflight: Option<&'a Entry>,
    pub endpoint: Endpoint,
    /// Which panel made it, as far as it shows.
    pub panel: Panel,
    pub origin: Option<Origin>,
}

impl<'a> Upload<'a> {
    /// Finds the last upload of a recording.
    pub fn last(entries: &'a [Entry]) -> Option<Self> {
        let of = |method: &str| entries.iter().rfind(|e| e.request.method == method && e.endpoint().is_some());
        let put = of(METHOD).or_else(|| of("OPTIONS"))?;
        let same = |e: &&Entry| e.request.method == "OPTIONS" && e.request.url == put.request.url;
        let preflight = entries.iter().rfind(same);
        let made = entries.iter().rev().find_map(Entry::makes_image_of);
        let asked = preflight.and_then(|entry| entry.asked("Access-Control-Request-Headers")).unwrap_or_default();
        let has_csrf = asked.split(',').any(|name| name.trim().eq_ignore_ascii_case("x-csrftoken"));
        let panel = made.unwrap_or(if has_csrf { Panel::Angular } else { Panel::Unknown });
        Some(Self { put, preflight, endpoint: put.endpoint()?, panel, origin: origin_of(entries, put) })
    }

    pub fn has_put(&self) -> bool {
        self.put.request.method == METHOD
    }
}

/// Where the page came from: what the upload says, or where the page asked Horizon before. For a request that
/// is not sent, Chromium records only its Referer.
fn origin_of(entries: &[Entry], upload: &Entry) -> Option<Origin> {
    let of_url = |url: &str| Some(url::Url::parse(url).ok()?.origin().ascii_serialization());
    let stated = upload.asked("Origin").map(str::to_owned);
    let referred = || of_url(upload.asked("Referer")?);
    let of_page = || of_url(&entries.iter().rfind(|entry| entry.makes_image())?.request.url);
    Origin::parse(&stated.or_else(referred).or_else(of_page)?).ok()
}
