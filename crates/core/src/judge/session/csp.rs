//! May a page connect to Glance? Content Security Policy Level 3, as far as an upload goes. Pure.
//!
//! In: the policies that the page came with, and where it wants to send. Out: the first directive that
//! forbids it (DU013).

use direct_upload_api::Rule;
use direct_upload_api::web::Origin;

use super::Break;
use crate::judge::headers::{Headers, lines, shown};

/// One policy, as it stands in a header or in a `meta` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy(Vec<(String, Vec<String>)>);

/// What forbids a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forbidden {
    /// `connect-src`, or `default-src` where that is missing.
    pub directive: String,
    pub sources: Vec<String>,
}

impl Forbidden {
    /// In words.
    pub fn broken(&self, to: &Origin) -> Break {
        let sources = if self.sources.is_empty() { "'none'".to_owned() } else { self.sources.join(" ") };
        Break::new(
            format!("Content-Security-Policy: {} {}", self.directive, shown(&sources)),
            format!(
                "the dashboard's page may not connect to {to}: its {} does not name it, so that the browser sends nothing",
                self.directive
            ),
            format!("add {to} to connect-src of the policy, in Horizon's settings or where the web server or proxy before it sets the header"),
        )
        .by(&[Rule::Csp])
    }
}

impl Policy {
    /// Reads one policy; of a directive that stands there twice, the first counts (§2.2.1).
    pub fn parse(text: &str) -> Self {
        let mut directives: Vec<(String, Vec<String>)> = Vec::new();
        for directive in text.split(';') {
            let mut words = directive.split_ascii_whitespace().map(str::to_owned);
            let Some(name) = words.next().map(|name| name.to_ascii_lowercase()) else { continue };
            if directives.iter().all(|(known, _)| *known != name) {
                directives.push((name, words.collect()));
            }
        }
        Self(directives)
    }

    /// All policies of an answer; each must allow what the page does. `Content-Security-Policy-Report-Only`
    /// forbids nothing.
    pub fn of_headers(headers: &Headers) -> Vec<Self> {
        lines(headers, "Content-Security-Policy").flat_map(|line| line.split(',')).map(Self::parse).collect()
    }

    /// Why a page of this origin may not connect to that URL; `path` is its path.
    pub fn forbids(&self, page: &Origin, to: &Origin, path: &str) -> Option<Forbidden> {
        let of = |wanted: &str| self.0.iter().find(|(name, _)| name == wanted);
        let (directive, sources) = of("connect-src").or_else(|| of("default-src"))?;
        let is_allowed = sources.iter().any(|source| admits(source, page, to, path));
        (!is_allowed).then(|| Forbidden { directive: directive.clone(), sources: sources.clone() })
    }
}

/// Whether a source expression matches the URL (§6.7.2.8).
fn admits(source: &str, page: &Origin, to: &Origin, path: &str) -> bool {
    let source = source.to_ascii_lowercase();
    if source == "*" {
        return true;
    }
    if source == "'self'" {
        return is_self(page, to);
    }
    // Other words in quotes are no places.
    if source.starts_with('\'') {
        return false;
    }
    if let Some(scheme) = source.strip_suffix(':') {
        return scheme_fits(scheme, to);
    }
    let (scheme, rest) = match source.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, source.as_str()),
    };
    let (authority, wanted) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    // Without a scheme it is the page's own, or its secure form.
    let fits = match scheme {
        Some(scheme) => scheme_fits(scheme, to),
        None => to.is_https() || !page.is_https(),
    };
    fits && host_fits(host, to) && port_fits(scheme, port, to) && path_fits(wanted, path)
}

/// The page's own origin, or its secure form on the default ports.
fn is_self(page: &Origin, to: &Origin) -> bool {
    let default = |origin: &Origin| port(origin) == if origin.is_https() { "443" } else { "80" };
    let upgraded = !page.is_https() && to.is_https() && default(page) && default(to);
    page == to || (page.host() == to.host() && upgraded)
}

fn scheme_fits(scheme: &str, to: &Origin) -> bool {
    match scheme {
        "http" => true,
        "https" => to.is_https(),
        _ => false,
    }
}

fn host_fits(host: &str, to: &Origin) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.strip_prefix('*') {
        Some("") => true,
        Some(tail) => tail.starts_with('.') && to.host().ends_with(tail),
        None => host == to.host(),
    }
}

fn port_fits(scheme: Option<&str>, wanted: Option<&str>, to: &Origin) -> bool {
    let is = port(to);
    match wanted {
        Some("*") => true,
        // The secure form of http's port.
        Some("80") if to.is_https() => matches!(is, "80" | "443"),
        Some(wanted) => wanted == is,
        None if scheme == Some("http") && to.is_https() => matches!(is, "80" | "443"),
        None => is == if to.is_https() { "443" } else { "80" },
    }
}

fn path_fits(wanted: Option<&str>, path: &str) -> bool {
    let path = path.strip_prefix('/').unwrap_or(path).to_ascii_lowercase();
    match wanted {
        None | Some("") => true,
        Some(wanted) if wanted.ends_with('/') => path.starts_with(wanted),
        Some(wanted) => path == wanted,
    }
}

/// As it is written, or the scheme's default.
fn port(origin: &Origin) -> &str {
    let authority = origin.as_str().rsplit(['/', ']']).next().unwrap_or_default();
    let default = if origin.is_https() { "443" } else { "80" };
    authority.rsplit_once(':').map_or(default, |(_, port)| port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::nothing("", None)]
    #[case::other_directives("script-src 'self'; frame-ancestors 'none'", None)]
    #[case::own_only("connect-src 'self'", Some("connect-src"))]
    #[case::default("default-src 'self'", Some("default-src"))]
    #[case::connect_before_default("default-src 'none'; connect-src https:", None)]
    #[case::first_counts("connect-src 'none'; connect-src *", Some("connect-src"))]
    #[case::named("connect-src 'self' https://glance.example.com:9292", None)]
    #[case::any_case("Connect-Src HTTPS://GLANCE.Example.com:9292", None)]
    #[case::without_scheme("connect-src glance.example.com:9292", None)]
    #[case::other_port("connect-src https://glance.example.com", Some("connect-src"))]
    #[case::any_port("connect-src https://glance.example.com:*", None)]
    #[case::pattern("connect-src https://*.example.com:9292", None)]
    #[case::pattern_needs_a_label("connect-src https://*.glance.example.com:9292", Some("connect-src"))]
    #[case::http_covers_https("connect-src http://glance.example.com:9292", None)]
    #[case::star("connect-src *", None)]
    #[case::scheme("connect-src wss:", Some("connect-src"))]
    #[case::folder("connect-src https://glance.example.com:9292/v2/", None)]
    #[case::exact_path("connect-src https://glance.example.com:9292/v2", Some("connect-src"))]
    #[case::empty("connect-src", Some("connect-src"))]
    fn policies(#[case] text: &str, #[case] directive: Option<&str>) {
        let [page, to] = ["https://horizon.example.com", "https://glance.example.com:9292"]
            .map(|origin| Origin::parse(origin).unwrap());
        let forbidden = Policy::parse(text).forbids(&page, &to, "/v2/images/x/file");
        assert_eq!(forbidden.map(|forbidden| forbidden.directive).as_deref(), directive);
    }

    #[test]
    fn self_is_the_origin_or_its_secure_form() {
        let origin = |text| Origin::parse(text).unwrap();
        let forbids = |page, to| Policy::parse("connect-src 'self'").forbids(&origin(page), &origin(to), "/").is_some();
        assert!(!forbids("https://a.example", "https://a.example"));
        assert!(!forbids("http://a.example", "https://a.example"));
        assert!(forbids("https://a.example", "https://a.example:9292"));
        assert!(forbids("https://a.example", "http://a.example"));
    }

    #[test]
    fn each_policy_of_an_answer_counts() {
        let headers = [
            ("content-security-policy".to_owned(), "connect-src *, default-src 'self'".to_owned()),
            ("Content-Security-Policy-Report-Only".to_owned(), "connect-src 'none'".to_owned()),
        ];
        assert_eq!(Policy::of_headers(&headers).len(), 2);
    }
}
