//! Why the browser says no: rule, words, and what to change where. Pure.
//!
//! What tells the answers apart: the CORS filter of oslo.middleware (cors.py) turns every status
//! below it into an empty 200 without Content-Type, grants with exactly the method and the headers
//! that were asked, or refuses by saying nothing at all. Whatever else comes, something else made it.

use super::headers::{Extracted, extract, get, lines, received, shown};
use super::judge::{ALLOW_HEADERS, ALLOW_METHODS, ALLOW_ORIGIN, Answer};
use super::request::Preflight;
use super::{Failure, Requirement, Rule};

/// Where a rewriting of CORS headers usually stands.
const ON_THE_WAY: &str = "look at what stands before Glance (httpd: `Header ... Access-Control-...`; ingress-nginx: enable-cors; HTTPRoute: a CORS filter; HAProxy: http-response set-header) and remove it, so that Glance alone answers preflights";

fn failure(requirement: Requirement, rules: &[Rule], received: String, message: String, fix: String) -> Failure {
    let rule = rules.first().copied().unwrap_or(Rule::CorsOnTheWay);
    Failure { requirement, rule, also: rules.iter().skip(1).copied().collect(), received, message, fix }
}

/// Headers by which a program gives itself away.
fn signature(answer: &Answer) -> String {
    let named: Vec<_> = ["Server", "Via"].into_iter().filter_map(|n| Some((n, get(&answer.headers, n)?))).collect();
    let named: Vec<_> = named.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect();
    if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) }
}

/// Whether an answer without CORS headers is as Glance's filter refuses.
pub fn is_filters_refusal(answer: &Answer) -> bool {
    let empty = get(&answer.headers, "Content-Length").is_none_or(|length| length == "0");
    answer.status == 200 && empty && get(&answer.headers, "Content-Type").is_none()
}

/// A status that is not ok.
pub fn status(asked: &Preflight, answer: &Answer) -> Failure {
    let code = answer.status;
    let from = signature(answer);
    let challenge = get(&answer.headers, "WWW-Authenticate").unwrap_or_default();
    let (rules, message, fix): (&[Rule], String, String) = match code {
        300..=399 => return redirect(asked, answer),
        401 if challenge.to_ascii_lowercase().starts_with("keystone") => (
            &[Rule::OptionsFiltered, Rule::NotRead, Rule::NoSuchFlavor],
            "Glance's own token check answered the preflight, which carries no token: no CORS filter stands before it".into(),
            "put the cors filter first in the pipeline of Glance's paste file (the shipped pipelines have it), or remove the flavor that lacks it".into(),
        ),
        401 | 403 | 407 => (
            &[Rule::OptionsFiltered, Rule::CorsOnTheWay],
            format!("an authentication or access filter in front of Glance{from} answered the preflight, which never carries a token"),
            "let OPTIONS on /v2/images/ pass that filter unauthenticated".into(),
        ),
        405 | 501 => (
            &[Rule::OptionsFiltered, Rule::CorsOnTheWay],
            format!("something in front of Glance{from} does not let the method OPTIONS pass"),
            "let OPTIONS (and PUT) on /v2/images/ pass, up to Glance".into(),
        ),
        404 | 410 => (
            &[Rule::WrongEndpoint, Rule::CorsOnTheWay],
            format!("nothing is at this URL; not Glance answered{from}: its CORS filter answers each OPTIONS with 200"),
            "compare the public endpoint of service type image in the Keystone catalog with what the proxy routes to Glance".into(),
        ),
        411 | 413 => (
            &[Rule::BodyLimit, Rule::CorsOnTheWay],
            format!("a body limit in front of Glance{from} refused the preflight, which has no body; it will refuse an image too"),
            "lift the limit: httpd LimitRequestBody 0, ingress-nginx proxy-body-size \"0\"".into(),
        ),
        408 | 504 => (
            &[Rule::TooSlow, Rule::CorsOnTheWay],
            format!("a proxy{from} gave up waiting for Glance"),
            "see whether Glance runs and its Service has endpoints; then the proxy's timeouts".into(),
        ),
        500 | 502 | 503 => (
            &[Rule::CorsOnTheWay],
            format!("a proxy{from} has no working Glance behind it, or Glance failed; such an answer has no CORS header of Glance's"),
            "see whether Glance's pods are ready and its log is clean; then the proxy's backend".into(),
        ),
        400 if !asked.endpoint.origin().is_https() => (
            &[Rule::WrongEndpoint, Rule::CorsOnTheWay],
            format!("the server{from} does not take the request; often this port speaks https, and the URL says http"),
            "put the https URL into the Keystone catalog (public endpoint of service type image)".into(),
        ),
        _ => (
            &[Rule::CorsOnTheWay, Rule::OptionsFiltered],
            format!("not Glance's CORS filter answered{from}: it answers each OPTIONS with 200"),
            "let OPTIONS on /v2/images/ pass, up to Glance".into(),
        ),
    };
    failure(Requirement::Status, rules, format!("status {code}{from}"), message, fix)
}

fn redirect(asked: &Preflight, answer: &Answer) -> Failure {
    let location = get(&answer.headers, "Location").unwrap_or_default();
    // A query may hold what is nobody's business.
    let place = location.split(['?', '#']).next().unwrap_or_default();
    let to = if place.is_empty() { String::new() } else { format!(" to {}", shown(place)) };
    let target = place.to_ascii_lowercase();
    let login = ["auth", "login", "sso", "saml", "signin"].iter().any(|word| target.contains(word));
    let (rules, fix): (&[Rule], _) = if login {
        (
            &[Rule::OptionsFiltered, Rule::WrongEndpoint],
            "let OPTIONS on /v2/images/ pass the login in front of Glance".to_owned(),
        )
    } else {
        let why = if target.starts_with("https:") && !asked.endpoint.origin().is_https() {
            "the https URL"
        } else {
            "the URL it leads to"
        };
        (
            &[Rule::WrongEndpoint, Rule::OptionsFiltered],
            format!("put {why} into the Keystone catalog (public endpoint of service type image)"),
        )
    };
    let message = format!("a redirect{}; browsers do not follow one of a preflight", signature(answer));
    failure(Requirement::Status, rules, format!("status {}{to}", answer.status), message, fix)
}

/// `Access-Control-Allow-Origin` is not what it must be.
pub fn origin(asked: &Preflight, answer: &Answer) -> Failure {
    let origin = asked.origin.as_str();
    let Some(value) = get(&answer.headers, ALLOW_ORIGIN) else { return silence(asked, answer) };
    let parts: Vec<_> = value.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    let (rules, message): (&[Rule], String) = if value.eq_ignore_ascii_case("null") {
        (
            &[Rule::AnyOrigin, Rule::CorsOnTheWay],
            "`null` is the origin of sandboxed and local pages, not of this dashboard".into(),
        )
    } else if parts.is_empty() {
        (&[Rule::CorsOnTheWay], "the value is empty".into())
    } else if parts.len() > 1 || lines(&answer.headers, ALLOW_ORIGIN).count() > 1 {
        let how =
            if parts.iter().all(|part| *part == origin) { "the same origin several times" } else { "several values" };
        (
            &[Rule::CorsOnTheWay],
            format!("{how}: browsers want exactly one; Glance sends one, so something on the way adds its own"),
        )
    } else if is_same_but_for_form(&value, origin) {
        (
            &[Rule::OriginForm, Rule::CorsOnTheWay],
            format!(
                "it differs from {origin} in form only, but must equal it byte for byte (scheme://host[:port], lower case, no path, no default port)"
            ),
        )
    } else if value.contains('*') {
        (&[Rule::CorsOnTheWay, Rule::AnyOrigin], "a pattern: browsers know only `*` alone or the exact origin".into())
    } else {
        (
            &[Rule::CorsOnTheWay, Rule::OriginMissing],
            format!(
                "another origin than {origin}; Glance answers with the origin that asks or not at all, so something on the way writes one fixed origin"
            ),
        )
    };
    let fix = match rules.first() {
        Some(Rule::OriginForm) => format!(
            "write exactly {origin}: in [cors] allowed_origin of Glance, or where something on the way sets the header"
        ),
        _ => format!("{ON_THE_WAY}; and {origin} must stand in [cors] allowed_origin"),
    };
    failure(Requirement::AllowOrigin, rules, received(&answer.headers, ALLOW_ORIGIN), message, fix)
}

/// Case, trailing slash, path or default port (DU001).
fn is_same_but_for_form(value: &str, origin: &str) -> bool {
    url::Url::parse(value).is_ok_and(|url| url.origin().ascii_serialization() == origin)
}

/// An ok status and not one word about the origin.
fn silence(asked: &Preflight, answer: &Answer) -> Failure {
    let origin = &asked.origin;
    let from = signature(answer);
    let received = format!("status {}{from}, no {ALLOW_ORIGIN}", answer.status);
    let (rules, message, fix): (&[Rule], _, _) = if is_filters_refusal(answer) {
        (
            &[Rule::OriginMissing, Rule::HeaderMissing, Rule::MethodMissing, Rule::NotRead],
            format!(
                "this is how Glance's CORS filter refuses: it says nothing if the origin, the method or one of the headers ({}) is not allowed",
                asked.headers.join(", ")
            ),
            format!(
                "in [cors] of a file that the filter reads (/etc/glance/glance-api.conf.d/*.conf): {origin} in allowed_origin, PUT in allow_methods, X-Auth-Token and X-CSRFToken in allow_headers; then restart Glance"
            ),
        )
    } else {
        (
            &[Rule::CorsOnTheWay, Rule::OriginMissing],
            format!(
                "not Glance's CORS filter answered{from} (its refusal is an empty 200 without Content-Type): either something on the way answers OPTIONS itself, or Glance runs without the filter"
            ),
            format!("{ON_THE_WAY}; and {origin} must stand in [cors] allowed_origin"),
        )
    };
    failure(Requirement::AllowOrigin, rules, received, message, fix)
}

/// `Access-Control-Allow-Methods` lacks the method.
pub fn methods(asked: &Preflight, answer: &Answer, methods: &Extracted<'_>) -> Failure {
    let method = asked.method;
    let message = match methods {
        Extracted::Null => format!("the origin is allowed, but no method is; {method} must be listed"),
        Extracted::Failure(element) => unparsable(element),
        Extracted::Values(values) if values.iter().any(|v| v.eq_ignore_ascii_case(method)) => {
            format!("methods are case-sensitive: {method} must be written in upper case")
        }
        Extracted::Values(_) => format!("{method} is not among the methods"),
    };
    let fix = complete(answer, method, "allow_methods");
    failure(
        Requirement::AllowMethods,
        &[Rule::MethodMissing, Rule::CorsOnTheWay],
        received(&answer.headers, ALLOW_METHODS),
        message,
        fix,
    )
}

/// `Access-Control-Allow-Headers` lacks some name.
pub fn header_names(answer: &Answer, names: &Extracted<'_>, missing: &[&str]) -> Failure {
    let missing = missing.join(", ");
    let message = match names {
        Extracted::Null => format!("the origin is allowed, but no header is; missing: {missing}"),
        Extracted::Failure(element) => unparsable(element),
        Extracted::Values(_) => format!("missing: {missing}"),
    };
    let fix = complete(answer, &missing, "allow_headers");
    failure(
        Requirement::AllowHeaders,
        &[Rule::HeaderMissing, Rule::CorsOnTheWay],
        received(&answer.headers, ALLOW_HEADERS),
        message,
        fix,
    )
}

fn unparsable(element: &str) -> String {
    format!("the list does not parse, so browsers refuse it whole: \"{}\" is no name", shown(element))
}

/// What to do about a list that lacks something: Glance's filter would have listed it or said nothing.
fn complete(answer: &Answer, missing: &str, option: &str) -> String {
    let from = signature(answer);
    format!(
        "this answer was made on the way{from}, for Glance's filter lists exactly what was asked or says nothing at all: list {missing} there, or better let Glance answer, with {missing} in [cors] {option}"
    )
}

/// Whether the lists are exactly what was asked, as Glance's filter grants.
pub fn is_echo(asked: &Preflight, answer: &Answer) -> bool {
    let equal = |name, wanted: &[&str]| matches!(extract(&answer.headers, name), Extracted::Values(v) if v == wanted);
    equal(ALLOW_METHODS, &[asked.method]) && equal(ALLOW_HEADERS, &asked.headers)
}
