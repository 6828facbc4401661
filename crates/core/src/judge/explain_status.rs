//! A failed status: who sends it, and what to change. Pure.

use direct_upload_api::Rule;

use super::explain::{failure, signature};
use super::failure::{Failure, Requirement};
use super::headers::{get, lines, shown, starts_with};
use super::preflight::Preflight;
use super::response::Response;

const LET_PASS: &str = "let OPTIONS on /v2/images/ pass, up to Glance";

/// Why a failed status came. Codes above 511 belong to proxies: Cloudflare's 52x, AWS's 46x and 561.
#[expect(clippy::too_many_lines, reason = "a table, with one arm for each group of statuses")]
pub fn status(asked: &Preflight, answer: &Response) -> Failure {
    let code = answer.status;
    let from = signature(answer);
    let (rules, message, fix): (&[Rule], String, &str) = match code {
        301 | 302 | 303 | 307 | 308 => return redirect(asked, answer),
        401 if challenges(answer).any(|scheme| starts_with(scheme, "keystone")) => (
            &[Rule::OptionsFiltered, Rule::NotRead, Rule::NoSuchFlavor],
            "Glance's own token check answered the preflight, which has no token: there is no CORS filter in front of it"
                .into(),
            "put the cors filter first in the pipeline of Glance's paste file (the shipped pipelines have it), or remove the flavor that lacks it",
        ),
        401 | 403 | 407 | 451 | 511 | 561 => (
            &[Rule::OptionsFiltered, Rule::CorsOnTheWay],
            format!(
                "an authentication, access or method filter in front of Glance{from} answered the preflight, which never has a token"
            ),
            "let OPTIONS on /v2/images/ pass that filter unauthenticated",
        ),
        405 | 501 => (
            &[Rule::OptionsFiltered, Rule::CorsOnTheWay],
            format!("something in front of Glance{from} does not let the method OPTIONS pass"),
            "let OPTIONS (and PUT) on /v2/images/ pass, up to Glance",
        ),
        404 | 410 => (
            &[Rule::WrongEndpoint, Rule::CorsOnTheWay],
            format!("nothing is at this URL; Glance did not answer{from}: its CORS filter answers each OPTIONS with 200"),
            "compare the public endpoint of service type image in the Keystone catalog with what the proxy routes to Glance",
        ),
        421 => (
            &[Rule::WrongEndpoint, Rule::CorsOnTheWay],
            format!("the server{from} does not serve this host name here"),
            "compare the host in the Keystone catalog (public endpoint of service type image) with the names that the proxy serves",
        ),
        411 | 413 => (
            &[Rule::BodyLimit, Rule::CorsOnTheWay],
            format!(
                "a body limit in front of Glance{from} refused the preflight, which has no body; it will refuse an image too"
            ),
            "lift the limit: httpd LimitRequestBody 0, ingress-nginx proxy-body-size \"0\"",
        ),
        429 => (
            &[Rule::CorsOnTheWay],
            format!("a rate limit in front of Glance{from} answered; a browser that meets it cannot upload"),
            "raise the limit, or leave OPTIONS on /v2/images/ out of it",
        ),
        408 | 504 | 522 | 524 => (
            &[Rule::TooSlow, Rule::CorsOnTheWay],
            format!("a proxy{from} gave up waiting for Glance"),
            "check whether Glance runs and its Service has endpoints; then check the proxy's timeouts",
        ),
        500..=599 => (
            &[Rule::CorsOnTheWay],
            format!(
                "a proxy{from} has no working Glance behind it, or Glance failed; such an answer has no CORS header of Glance's"
            ),
            "check whether Glance's pods are ready and its log is clean; then check the proxy's backend",
        ),
        400 if !asked.endpoint.origin().is_https() => (
            &[Rule::WrongEndpoint, Rule::CorsOnTheWay],
            format!("the server{from} does not accept the request; often this port uses https, and the URL says http"),
            "put the https URL into the Keystone catalog (public endpoint of service type image)",
        ),
        _ => (
            &[Rule::CorsOnTheWay, Rule::OptionsFiltered],
            format!("something other than Glance's CORS filter answered{from}: that filter answers each OPTIONS with 200"),
            LET_PASS,
        ),
    };
    let received = match challenges(answer).next() {
        Some(challenge) => format!("status {code}{from}, WWW-Authenticate: {}", shown(scheme(challenge))),
        None => format!("status {code}{from}"),
    };
    failure(Requirement::Status, rules, received, message, fix.to_owned())
}

/// What a server requests credentials with. A line may have several challenges; one starts with a word that is not
/// the name of a parameter (RFC 9110 §11.6.1).
pub(crate) fn challenges(answer: &Response) -> impl Iterator<Item = &str> {
    let starts = |part: &&str| !part.is_empty() && !part.split(' ').next().is_some_and(|word| word.contains('='));
    lines(&answer.headers, "WWW-Authenticate").flat_map(unquoted_parts).map(str::trim).filter(starts)
}

/// The parts of a list, whose commas in quoted strings separate nothing.
fn unquoted_parts(line: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    line.split(move |c| {
        is_quoted ^= c == '"';
        c == ',' && !is_quoted
    })
}

/// The kind of credentials. The rest may be private.
pub fn scheme(challenge: &str) -> &str {
    challenge.split([' ', ',']).next().unwrap_or_default()
}

pub fn redirect(asked: &Preflight, answer: &Response) -> Failure {
    let location = get(&answer.headers, "Location").unwrap_or_default();
    // A query may be private.
    let place = location.split(['?', '#']).next().unwrap_or_default();
    let to = if place.is_empty() { String::new() } else { format!(" to {}", shown(place)) };
    let (rules, fix): (&[Rule], String) = if place.contains("/auth/login/") {
        let fix = format!(
            "{LET_PASS}; or, if this is Horizon's own login, the URL leads to the dashboard, not to Glance: correct it in the Keystone catalog"
        );
        (&[Rule::OptionsFiltered, Rule::WrongEndpoint], fix)
    } else if is_login(asked, &location) {
        (
            &[Rule::OptionsFiltered, Rule::WrongEndpoint],
            "let OPTIONS on /v2/images/ pass the login or portal in front of Glance".into(),
        )
    } else {
        let to_https = starts_with(place, "https:") && !asked.endpoint.origin().is_https();
        let why = if to_https { "the https URL" } else { "the URL it leads to" };
        let fix = format!("put {why} into the Keystone catalog (public endpoint of service type image)");
        (&[Rule::WrongEndpoint, Rule::OptionsFiltered], fix)
    };
    let message = format!("a redirect{}; browsers do not follow one of a preflight", signature(answer));
    failure(Requirement::Status, rules, format!("status {}{to}", answer.status), message, fix)
}

/// A login is on another host, and its URL has the way back. If a URL was merely wrong, the redirect leads
/// to the same path, or to the other host's root.
fn is_login(asked: &Preflight, location: &str) -> bool {
    let Ok(url) = url::Url::parse(&asked.url()).and_then(|base| base.join(location)) else { return false };
    let path = url.path().to_ascii_lowercase();
    if ["auth", "login", "sso", "saml", "signin", "my.policy"].iter().any(|word| path.contains(word)) {
        return true;
    }
    let same_host = url.host_str() == Some(asked.endpoint.origin().host());
    let same_path = url.path().contains(&asked.image);
    let root = url.path() == "/" && url.query().is_none();
    !same_host && !same_path && !root
}
