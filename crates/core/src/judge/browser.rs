//! What browsers add to each request of a page, and where they send none. Servers filter by some of it.

use std::net::IpAddr;

use direct_upload_api::OPERATOR;
use direct_upload_api::web::Origin;

/// The ports that browsers block (Fetch §2.9, "bad port").
const BLOCKED_PORTS: &[u16] = &[
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531,
    532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060,
    5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
];

/// The version of Chromium that requests name.
const VERSION: &str = "156";

/// Whether browsers refuse to connect to a port.
pub fn blocks_port(port: u16) -> bool {
    BLOCKED_PORTS.contains(&port)
}

/// The headers of a page's preflight to that server, in the browser's order: `Origin`, ours instead of the browser's
/// `User-Agent`, Fetch Metadata, `Referer` without path (the default policy, Referrer Policy §3), encodings and a
/// language.
pub(super) fn preflight_headers(page: &Origin, server: &Origin) -> Vec<(&'static str, String)> {
    let mut lines = vec![("Origin", page.to_string()), agent()];
    if is_told(server) {
        lines.push(("Sec-Fetch-Mode", "cors".to_owned()));
        lines.push(("Sec-Fetch-Site", site(page, server).to_owned()));
        lines.push(("Sec-Fetch-Dest", "empty".to_owned()));
    }
    if server.is_https() || !page.is_https() {
        lines.push(("Referer", format!("{page}/")));
    }
    // The answers' bodies are not read.
    lines.push(("Accept-Encoding", "gzip, deflate, br, zstd".to_owned()));
    lines.push(("Accept-Language", "en-US,en;q=0.9".to_owned()));
    lines
}

/// The headers of a page's other requests. They also have what Chromium tells about itself (User-Agent Client Hints
/// §5.1, low entropy); Firefox has none of that.
pub(super) fn request_headers(page: &Origin, server: &Origin) -> Vec<(&'static str, String)> {
    preflight_headers(page, server).into_iter().chain(hints(server)).collect()
}

/// What Chromium tells such a server about itself.
pub(super) fn hints(server: &Origin) -> Vec<(&'static str, String)> {
    if !is_told(server) {
        return vec![];
    }
    let brands = format!("\"Chromium\";v=\"{VERSION}\", \"Not_A Brand\";v=\"99\"");
    let hints = [("sec-ch-ua", brands.as_str()), ("sec-ch-ua-mobile", "?0"), ("sec-ch-ua-platform", "\"Linux\"")];
    hints.map(|(name, value)| (name, value.to_owned())).to_vec()
}

/// What a page of the dashboard itself asks its own server for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// A person opens the page.
    Page,
    /// A person sends the page's form.
    Form,
    /// The page's script calls the server.
    Call,
    /// The page needs a script.
    Script,
}

impl Fetch {
    /// Fetch Metadata, which servers filter by.
    pub fn metadata(self, server: &Origin) -> Vec<(&'static str, &'static str)> {
        if !is_told(server) {
            return vec![];
        }
        let (mode, site, dest) = match self {
            Self::Page => ("navigate", "none", "document"),
            Self::Form => ("navigate", "same-origin", "document"),
            Self::Call => ("cors", "same-origin", "empty"),
            Self::Script => ("no-cors", "same-origin", "script"),
        };
        vec![("Sec-Fetch-Mode", mode), ("Sec-Fetch-Site", site), ("Sec-Fetch-Dest", dest)]
    }
}

/// Only servers that are potentially trustworthy get Fetch Metadata (§2 there).
fn is_told(server: &Origin) -> bool {
    server.is_https() || is_loopback(server)
}

pub(super) fn agent() -> (&'static str, String) {
    ("User-Agent", user_agent())
}

/// The sender's name in each of our requests. Filters against robots look for the words of a browser; the last word
/// is ours.
pub fn user_agent() -> String {
    const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)";
    format!("{BROWSER} Chrome/{VERSION}.0.0.0 Safari/537.36 {OPERATOR}/{}", env!("CARGO_PKG_VERSION"))
}

/// How near the server is to the page (HTML §7.1.1). The registrable domain is taken to be the last two
/// labels: the real list of suffixes is not here, and servers rarely distinguish `same-site` from
/// `cross-site`.
pub fn site(page: &Origin, server: &Origin) -> &'static str {
    let is_address =
        |origin: &Origin| origin.host().contains(':') || origin.host().ends_with(|c: char| c.is_ascii_digit());
    let (ours, theirs) = (page.host().trim_end_matches('.'), server.host().trim_end_matches('.'));
    let same_host = ours == theirs;
    let same_domain =
        !is_address(page) && !is_address(server) && ours.rsplit('.').take(2).eq(theirs.rsplit('.').take(2));
    if page == server {
        "same-origin"
    } else if page.is_https() == server.is_https() && (same_host || same_domain) {
        "same-site"
    } else {
        "cross-site"
    }
}

/// Hosts that are trustworthy with http too (Secure Contexts §3.1), so never mixed content.
pub(super) fn is_loopback(origin: &Origin) -> bool {
    let host = origin.host().trim_end_matches('.');
    host == "localhost" || host.ends_with(".localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
