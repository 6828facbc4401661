//! The requests of a page's upload, as browsers send them: what conditions of servers see.
//!
//! In: the dashboards near a server, and whether it ends TLS. Out: one [`Sent`] for each browser and each way in which
//! the page may be related to the server. A server that refuses all of them refuses every upload; one that refuses
//! some of them, uploads of some users.

use direct_upload_api::web::{Origin, PublicUrl};
use direct_upload_core::derive::exposure_issue::tolerance;
use direct_upload_core::judge::browser;
use direct_upload_core::openstack::cors_request::{CorsRequest, KnownText, UPLOAD_PATH};

use super::addressed;
use super::catalog::Published;
use super::cloud::{Cloud, ExposedDashboard};
use super::first_hop::{self, Scheme};
use super::haproxy;
use super::horizon::HorizonFacts;
use super::server::Server;
use crate::classify::Kind;
use crate::formats::python;
use crate::unit::Program;

/// A size below which most images are, in bytes. A server that refuses this much refuses common images.
pub(crate) const COMMON: u64 = tolerance::SMALL - 1;

/// Some images are as large.
pub(crate) const LARGE: u64 = tolerance::LARGE - 1;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub request: CorsRequest,
    /// Of its body, if a size is assumed.
    pub size: Option<u64>,
    /// Those that depend on the page, the browser and the server.
    headers: Vec<(&'static str, KnownText)>,
    /// Those that a server has written or removed so far.
    changed: Vec<(String, KnownText)>,
    tls: Option<bool>,
    /// Whether a server in front of this one ends TLS.
    is_behind_tls: bool,
    path: KnownText,
    /// What a server noted of it, by the name of a variable.
    noted: Vec<(String, KnownText)>,
}

/// As browsers name themselves.
const AGENTS: [&str; 3] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
];

impl Sent {
    /// What browsers send to a server in front of Glance.
    pub(crate) fn all(cloud: &Cloud<'_>, server: &Server<'_>, request: CorsRequest, size: Option<u64>) -> Vec<Self> {
        let mut sent = Vec::new();
        let path = path(cloud, server);
        let Scheme { header, is_behind_tls } = first_hop::scheme(cloud, server);
        for page in pages(cloud, server) {
            for agent in AGENTS {
                let mut own = Self { path: path.clone(), ..Self::new(server, request, size, &page, agent) };
                own.set_header("x-forwarded-proto".to_owned(), header.clone());
                own.is_behind_tls = is_behind_tls;
                sent.push(own);
            }
        }
        sent
    }

    fn new(server: &Server<'_>, request: CorsRequest, size: Option<u64>, page: &Page, agent: &str) -> Self {
        let tls = match server.listens.as_slice() {
            [] => None,
            listens if listens.iter().all(|listen| listen.tls == Some(false)) => Some(false),
            _ => Some(true),
        };
        let fetch = |text: &str| if tls == Some(false) { KnownText::Unknown } else { KnownText::is(text) };
        let mut headers = vec![
            ("origin", page.origin.clone()),
            ("referer", page.referer.clone()),
            ("user-agent", KnownText::is(agent)),
            ("sec-fetch-site", fetch(page.site)),
            ("sec-fetch-mode", fetch("cors")),
            ("sec-fetch-dest", fetch("empty")),
            ("host", page.host.clone()),
        ];
        if let (CorsRequest::Upload, Some(size)) = (request, size) {
            headers.push(("content-length", KnownText::is(size.to_string())));
        }
        Self {
            request,
            size,
            headers,
            changed: Vec::new(),
            tls,
            is_behind_tls: false,
            path: KnownText::Unknown,
            noted: Vec::new(),
        }
    }

    pub(crate) fn method(&self) -> &'static str {
        self.request.method()
    }

    /// What is known of one of its headers.
    pub(crate) fn header(&self, name: &str) -> KnownText {
        if let Some((_, value)) = self.changed.iter().rfind(|(known, _)| known.eq_ignore_ascii_case(name)) {
            return value.clone();
        }
        let own = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        own.map_or_else(|| self.request.header(name), |(_, value)| value.clone())
    }

    /// What a server makes of one of its headers.
    pub(crate) fn set_header(&mut self, name: String, value: KnownText) {
        self.changed.push((name, value));
    }

    /// The host to which it is sent, without the port.
    pub(crate) fn host(&self) -> KnownText {
        match self.header("host") {
            KnownText::Is(host) => KnownText::is(host.split(':').next().unwrap_or_default()),
            other => other,
        }
    }

    /// The path of its URL, or what a server made of it so far.
    pub(crate) fn path(&self) -> KnownText {
        self.path.clone()
    }

    /// What a server makes of its path.
    pub(crate) fn set_path(&mut self, path: KnownText) {
        self.path = path;
    }

    /// Keeps a value for a variable.
    pub(crate) fn note(&mut self, name: String, value: KnownText) {
        self.noted.push((name, value));
    }

    /// The value that a server kept in a variable.
    pub(crate) fn noted(&self, name: &str) -> Option<KnownText> {
        self.noted.iter().rfind(|(own, _)| own == name).map(|(_, value)| value.clone())
    }

    /// The host with the port, and the path.
    pub(crate) fn base(&self) -> KnownText {
        match (self.header("host"), &self.path) {
            (KnownText::Is(host), KnownText::Is(path)) => KnownText::Is(format!("{host}{path}")),
            _ => KnownText::Unknown,
        }
    }

    /// Whether it is sent by https, if the server shows it.
    pub(crate) const fn is_secure(&self) -> Option<bool> {
        self.tls
    }

    /// Whether the browser sends it by https, here or to a server in front: a redirect to https is then one without end.
    pub(crate) fn comes_by_https(&self) -> bool {
        self.is_behind_tls || self.tls == Some(true)
    }

    /// The number of bytes of its body.
    pub(crate) const fn length(&self) -> Option<u64> {
        match self.request {
            CorsRequest::Preflight => Some(0),
            CorsRequest::Upload => self.size,
        }
    }
}

/// The path of an upload at a server: below the published URL where the server answers it, else Glance's own where nothing
/// shows that the server publishes it below another one.
fn path(cloud: &Cloud<'_>, server: &Server<'_>) -> KnownText {
    let near = cloud.published.iter().filter(|own| own.scope == server.scope);
    let mut prefixes: Vec<String> = near.filter_map(Published::prefix).collect();
    prefixes.dedup();
    let is_own = match server.kind {
        Kind::Haproxy => !haproxy::is_chosen_by_path(server),
        _ => server.takes_uploads,
    };
    match prefixes.as_slice() {
        [one] if addressed::fit(server, &cloud.published).is_some() => KnownText::Is(format!("{one}{UPLOAD_PATH}")),
        all if is_own && all.iter().all(String::is_empty) => KnownText::is(UPLOAD_PATH),
        _ => KnownText::Unknown,
    }
}

/// How the page and the server are related.
#[derive(Clone, Debug)]
struct Page {
    /// Of the request: with the port, unless it is the scheme's own (Fetch standard, HTTP-network fetch).
    host: KnownText,
    origin: KnownText,
    referer: KnownText,
    site: &'static str,
}

/// Pages from which users upload.
fn pages(cloud: &Cloud<'_>, server: &Server<'_>) -> Vec<Page> {
    let glances: Vec<Origin> = cloud
        .published
        .iter()
        .filter(|published| published.scope == server.scope)
        .filter_map(|published| Some(PublicUrl::parse(&published.url).ok()?.origin().clone()))
        .collect();
    let same = cloud.glances.iter().filter(|g| g.unit.scope == server.scope).any(|g| cloud.is_same_origin(g.unit));
    let mut dashboards: Vec<Option<(Origin, bool)>> =
        cloud.dashboards_near(&server.scope).filter_map(|d| Some(Some(origin(cloud, server, d)?))).collect();
    dashboards.dedup();
    if dashboards.is_empty() {
        dashboards.push(None);
    }
    let mut pages = Vec::new();
    for dashboard in dashboards {
        let own = dashboard.as_ref().map(|(origin, _)| origin);
        let sites: Vec<&'static str> = match (own, glances.as_slice()) {
            _ if same => vec!["same-origin"],
            (Some(page), [glance]) => vec![browser::site(page, glance)],
            _ => vec!["same-site", "cross-site"],
        };
        let sent = match &dashboard {
            Some((origin, true)) => KnownText::is(origin.as_str()),
            _ => KnownText::Filled,
        };
        let referer = match own {
            // To its own origin a page sends its whole URL.
            Some(_) if same => KnownText::Filled,
            Some(origin) => referer(cloud, &server.scope, origin),
            None => KnownText::Unknown,
        };
        let host = match glances.as_slice() {
            [one] => KnownText::is(one.as_str().split("://").nth(1).unwrap_or_default()),
            _ => KnownText::Filled,
        };
        let page = |site| Page { host: host.clone(), origin: sent.clone(), referer: referer.clone(), site };
        pages.extend(sites.into_iter().map(page));
    }
    pages
}

/// A dashboard's origin, and whether it is certain. Where only its host is known, Glance's own list may have it.
fn origin(cloud: &Cloud<'_>, server: &Server<'_>, dashboard: &ExposedDashboard) -> Option<(Origin, bool)> {
    if let Some(origin) = &dashboard.origin {
        return Some((origin.clone(), true));
    }
    let near = cloud.glances.iter().filter(|glance| glance.unit.scope == server.scope);
    let listed: Vec<Origin> = near
        .filter_map(|glance| glance.cors_in_effect("allowed_origin"))
        .flat_map(|setting| setting.items())
        .filter_map(|item| Origin::parse(&item).ok())
        .filter(|origin| origin.host() == dashboard.host)
        .collect();
    match listed.as_slice() {
        [one] => Some((one.clone(), true)),
        _ => Some((Origin::parse(&format!("https://{}", dashboard.host)).ok()?, false)),
    }
}

/// `Referer` of a page's request to another origin: the page's origin, by the default
/// `strict-origin-when-cross-origin` (Referrer Policy §3). The dashboard may have another policy.
fn referer(cloud: &Cloud<'_>, scope: &[String], page: &Origin) -> KnownText {
    let named = |text: &str| text.eq_ignore_ascii_case("referrer-policy");
    let of_servers = cloud.servers_near(scope, Program::Horizon).flat_map(|server| &server.items);
    let of_servers = of_servers.filter(|item| item.directive.args.iter().any(|arg| named(arg.trim_end_matches(':'))));
    let mut policies: Vec<String> = of_servers.map(|item| item.directive.text().to_lowercase()).collect();
    let setting = |horizon: &HorizonFacts<'_>| {
        horizon.value("SECURE_REFERRER_POLICY").and_then(python::Value::text).map(str::to_lowercase)
    };
    policies.extend(cloud.horizons.iter().filter_map(setting));
    let sends = |text: &String| {
        let word = text.split([' ', ',', ';']).rfind(|word| !word.is_empty() && *word != "always").unwrap_or_default();
        let sends = ["origin", "strict-origin", "origin-when-cross-origin", "strict-origin-when-cross-origin"];
        sends.contains(&word)
    };
    if policies.iter().all(sends) { KnownText::is(format!("{page}/")) } else { KnownText::Unknown }
}
