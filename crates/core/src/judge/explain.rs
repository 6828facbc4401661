//! Why the browser refuses: rule, words, and what to change where. Pure.
//!
//! How answers are distinguished: the CORS filter of oslo.middleware (cors.py) turns every status behind it
//! into an empty 200 without Content-Type. It grants with exactly the requested method and headers, or
//! refuses with no CORS header at all. Any other answer comes from something else.

use direct_upload_api::{Panel, Rule};

use super::failure::{Failure, Requirement};
use super::headers::{
    ALLOW_CREDENTIALS, ALLOW_HEADERS, ALLOW_METHODS, ALLOW_ORIGIN, Extracted, extract, get, lines, received, shown,
    starts_with,
};
use super::preflight::Preflight;
use super::response::Response;
use crate::openstack::upload::{Credentials, UploadRequest};

/// Where something that changes CORS headers usually is.
const ON_THE_WAY: &str = "find what changes CORS headers in front of Glance (httpd: `Header ... Access-Control-...`; ingress-nginx: enable-cors; HTTPRoute: a CORS filter; HAProxy: http-response set-header) and remove it, so that Glance alone answers preflights";

pub fn failure(requirement: Requirement, rules: &[Rule], received: String, message: String, fix: String) -> Failure {
    let rule = rules.first().copied().unwrap_or(Rule::CorsOnTheWay);
    Failure { requirement, rule, also: rules.iter().skip(1).copied().collect(), received, message, fix }
}

/// What an answer says about the programs that sent it: headers that identify one.
pub(super) fn senders(answer: &Response) -> Option<String> {
    let named: Vec<_> = ["Server", "Via"].into_iter().filter_map(|n| Some((n, get(&answer.headers, n)?))).collect();
    let named: Vec<_> = named.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect();
    (!named.is_empty()).then(|| named.join(", "))
}

/// The same in brackets, within a sentence.
pub fn signature(answer: &Response) -> String {
    senders(answer).map(|senders| format!(" ({senders})")).unwrap_or_default()
}

/// Whether an answer without an allowed origin looks like a refusal by Glance's filter. A program that
/// answers OPTIONS itself names methods, in `Allow` or in a CORS header.
pub(crate) fn is_filters_refusal(answer: &Response) -> bool {
    let empty = get(&answer.headers, "Content-Length").is_none_or(|length| length == "0");
    let says = |name| get(&answer.headers, name).is_some();
    answer.status == 200 && empty && !says("Content-Type") && !says("Allow") && !grants_something(answer)
}

/// Whether there is any header of a CORS grant.
pub(super) fn grants_something(answer: &Response) -> bool {
    answer.headers.iter().any(|(name, _)| starts_with(name, "Access-Control-Allow-"))
}

/// The failure of one panel's upload, if the other panel's would pass and nobody said which panel the
/// dashboard has.
pub(crate) fn of_one_panel(failure: Failure, broken: Panel, fine: Panel) -> Failure {
    let (broken, fine) = (broken.name(), fine.name());
    let message = format!(
        "{}. This applies to uploads of the {broken}; those of the {fine} would pass. The dashboard's panel is unknown, so the stricter one counts",
        failure.message
    );
    let fix = format!(
        "{}; or, if the dashboard has the {fine} (ANGULAR_FEATURES['images_panel'] of Horizon's settings), set spec.directUpload.panel or --panel",
        failure.fix
    );
    Failure { message, fix, ..failure }
}

/// `Access-Control-Allow-Origin` has a wrong value.
pub fn origin(asked: &Preflight, upload: &UploadRequest, answer: &Response) -> Failure {
    let origin = asked.origin.as_str();
    let Some(value) = get(&answer.headers, ALLOW_ORIGIN) else { return silence(asked, answer) };
    if value == "*" && upload.credentials == Credentials::Include {
        return failure(
            Requirement::AllowOrigin,
            &[Rule::AnyOrigin, Rule::CorsOnTheWay],
            received(&answer.headers, ALLOW_ORIGIN),
            format!(
                "the Django panel sends its upload with credentials, and for such a request browsers do not accept `*`, only {origin} itself"
            ),
            format!(
                "write the dashboards' origins in place of `*`, {origin} among them, in [cors] allowed_origin of Glance, or where a proxy in front of Glance sets the header; then restart Glance"
            ),
        );
    }
    let (rules, message): (&[Rule], String) = match (wrong_form(&value, origin, answer), get(&answer.headers, "Age")) {
        (Some(wrong), _) => wrong,
        (None, Some(age)) => {
            let received = format!("{} | Age: {}", received(&answer.headers, ALLOW_ORIGIN), shown(&age));
            let message = "a cache between browser and Glance returned an answer for another dashboard".into();
            let fix = "configure the cache not to store answers to OPTIONS, or to store them by Origin".into();
            return failure(Requirement::AllowOrigin, &[Rule::CorsOnTheWay], received, message, fix);
        }
        (None, None) => (
            &[Rule::CorsOnTheWay, Rule::OriginMissing],
            format!(
                "an origin other than {origin}; Glance answers with the requesting origin or with none, so something in front of Glance writes one fixed origin"
            ),
        ),
    };
    let fix = match rules.first() {
        Some(Rule::OriginForm) => format!(
            "write exactly {origin}: in [cors] allowed_origin of Glance, or where a proxy in front of Glance sets the header"
        ),
        _ => format!("{ON_THE_WAY}; and {origin} must be in [cors] allowed_origin"),
    };
    failure(Requirement::AllowOrigin, rules, received(&answer.headers, ALLOW_ORIGIN), message, fix)
}

/// A value that is no single origin, or the right one in another form: which rules, and what it is.
fn wrong_form(value: &str, origin: &str, answer: &Response) -> Option<(&'static [Rule], String)> {
    let parts: Vec<_> = value.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if value.eq_ignore_ascii_case("null") {
        let message = "`null` is the origin of sandboxed and local pages, not of this dashboard";
        return Some((&[Rule::AnyOrigin, Rule::CorsOnTheWay], message.into()));
    }
    if parts.is_empty() {
        return Some((&[Rule::CorsOnTheWay], "the value is empty".into()));
    }
    if parts.len() > 1 || lines(&answer.headers, ALLOW_ORIGIN).count() > 1 {
        let how =
            if parts.iter().all(|part| *part == origin) { "the same origin several times" } else { "several values" };
        let message =
            format!("{how}: browsers want exactly one; Glance sends one, so something in front of Glance adds its own");
        return Some((&[Rule::CorsOnTheWay], message));
    }
    if is_same_but_for_form(value.trim_matches(['"', '<', '>', '\'']), origin) {
        let message = format!(
            "it differs from {origin} in form only, but must equal it byte for byte (scheme://host[:port], lower case, no path, no default port)"
        );
        return Some((&[Rule::OriginForm, Rule::CorsOnTheWay], message));
    }
    let is_pattern = value.contains('*');
    is_pattern.then(|| {
        let message = "a pattern: browsers know only `*` alone or the exact origin";
        (&[Rule::CorsOnTheWay, Rule::AnyOrigin] as &[Rule], message.into())
    })
}

/// Upper case, trailing slash, path or default port (DU001).
fn is_same_but_for_form(value: &str, origin: &str) -> bool {
    url::Url::parse(value).is_ok_and(|url| url.origin().ascii_serialization() == origin)
}

/// A good status, and nothing about the origin.
fn silence(asked: &Preflight, answer: &Response) -> Failure {
    let origin = &asked.origin;
    let from = signature(answer);
    let nothing = format!("status {}{from}, no {ALLOW_ORIGIN}", answer.status);
    let with = |name| format!("{nothing}, {}", received(&answer.headers, name));
    let elsewhere = format!("{ON_THE_WAY}; and {origin} must be in [cors] allowed_origin");
    let (rules, received, message, fix): (&[Rule], _, _, _) = if is_filters_refusal(answer) {
        (
            &[Rule::OriginMissing, Rule::HeaderMissing, Rule::MethodMissing, Rule::NotRead, Rule::CorsOnTheWay],
            nothing,
            format!(
                "this is how Glance's CORS filter refuses: it sends no CORS header if the origin, the method or one of the headers ({}) is not allowed",
                asked.headers().join(", ")
            ),
            format!(
                "in [cors] of a file that the filter reads (/etc/glance/glance-api.conf.d/*.conf): {origin} in allowed_origin, PUT in allow_methods, X-Auth-Token and X-CSRFToken in allow_headers; then restart Glance"
            ),
        )
    } else if grants_something(answer) {
        (
            &[Rule::CorsOnTheWay, Rule::OriginMissing],
            with(ALLOW_METHODS),
            format!(
                "something in front of Glance{from} answers preflights and does not know {origin}: it grants without the origin, which Glance's CORS filter never does"
            ),
            format!("add {origin} to its origins, or better let Glance answer: {elsewhere}"),
        )
    } else if get(&answer.headers, "Allow").is_some() {
        (
            &[Rule::CorsOnTheWay, Rule::OptionsFiltered],
            with("Allow"),
            format!("a web server{from} answered OPTIONS itself, with the methods it knows; Glance was not asked"),
            "let OPTIONS on /v2/images/ pass, up to Glance; a URL that the server does not route to Glance gives the same answer".into(),
        )
    } else {
        (
            &[Rule::CorsOnTheWay, Rule::OriginMissing],
            nothing,
            format!(
                "something other than Glance's CORS filter answered{from} (that filter refuses with an empty 200 without Content-Type): either something in front of Glance answers OPTIONS itself, or Glance runs without the filter"
            ),
            elsewhere,
        )
    };
    failure(Requirement::AllowOrigin, rules, received, message, fix)
}

/// A request with credentials, and an answer that does not allow them.
pub fn credentials(asked: &Preflight, answer: &Response) -> Failure {
    let found = received(&answer.headers, ALLOW_CREDENTIALS);
    let several = lines(&answer.headers, ALLOW_CREDENTIALS).count() > 1;
    // Glance's filter writes `true` or nothing (oslo.middleware, cors.py).
    let by_other = get(&answer.headers, ALLOW_CREDENTIALS).is_some();
    let rules: &[Rule] = if several {
        &[Rule::CorsOnTheWay]
    } else if by_other {
        &[Rule::CorsOnTheWay, Rule::NoCredentials]
    } else {
        &[Rule::NoCredentials, Rule::CorsOnTheWay]
    };
    let fix = if by_other {
        format!("{ON_THE_WAY}; Glance's own value is `true` unless [cors] allow_credentials says otherwise")
    } else {
        format!(
            "set allow_credentials = True in [cors] of Glance (its default), in a file that the filter reads, and restart it; if something in front of Glance answers {} instead, configure it to send {ALLOW_CREDENTIALS}: true",
            asked.origin
        )
    };
    let message = if several {
        format!(
            "several values of {ALLOW_CREDENTIALS}: browsers want exactly `true`, once, for the Django panel's upload"
        )
    } else {
        format!(
            "the Django panel sends its upload with credentials, and browsers accept that only with {ALLOW_CREDENTIALS}: true, byte for byte"
        )
    };
    failure(Requirement::AllowCredentials, rules, found, message, fix)
}

/// `Access-Control-Allow-Methods` lacks the method.
pub fn methods(upload: &UploadRequest, answer: &Response, methods: &Extracted<'_>) -> Failure {
    let method = upload.method;
    let message = match methods {
        Extracted::Null => format!("the origin is allowed, but no method is; {method} must be listed"),
        Extracted::Failure(element) => unparsable(element),
        Extracted::Values(values) if values.iter().any(|v| v.eq_ignore_ascii_case(method)) => {
            format!("methods are case-sensitive: {method} must be written in upper case")
        }
        Extracted::Values(values) if values.contains(&"*") => literal(method),
        Extracted::Values(_) => format!("the answer does not allow the method {method}"),
    };
    let fix = complete(answer, method, "allow_methods");
    failure(
        Requirement::AllowMethods,
        &[Rule::CorsOnTheWay, Rule::MethodMissing],
        received(&answer.headers, ALLOW_METHODS),
        message,
        fix,
    )
}

/// `Access-Control-Allow-Headers` lacks a name.
pub(crate) fn header_names(
    upload: &UploadRequest,
    answer: &Response,
    names: &Extracted<'_>,
    missing: &[&str],
) -> Failure {
    let missing = missing.join(", ");
    let message = match names {
        Extracted::Null => format!("the origin is allowed, but no header is; missing: {missing}"),
        Extracted::Failure(element) => unparsable(element),
        Extracted::Values(values) if values.contains(&"*") && upload.credentials == Credentials::Include => {
            literal(&missing)
        }
        Extracted::Values(_) => format!("missing: {missing}"),
    };
    let fix = complete(answer, &missing, "allow_headers");
    failure(
        Requirement::AllowHeaders,
        &[Rule::CorsOnTheWay, Rule::HeaderMissing],
        received(&answer.headers, ALLOW_HEADERS),
        message,
        fix,
    )
}

/// `*` in a list, for a request with credentials.
fn literal(missing: &str) -> String {
    format!(
        "missing: {missing}; the Django panel sends its upload with credentials, and for such a request `*` is a name like any other"
    )
}

fn unparsable(element: &str) -> String {
    format!("the list does not parse, so browsers refuse all of it: \"{}\" is not a name", shown(element))
}

/// What to do about an incomplete list. Glance's filter would have listed the name, or nothing.
fn complete(answer: &Response, missing: &str, option: &str) -> String {
    let from = signature(answer);
    format!(
        "something in front of Glance made this answer{from}: Glance's filter lists exactly what was requested, or sends no CORS header. List {missing} there, or better let Glance answer, with {missing} in [cors] {option}: {ON_THE_WAY}"
    )
}

/// Whether the lists are exactly what was requested, as Glance's filter grants.
pub(crate) fn is_echo(asked: &Preflight, answer: &Response) -> bool {
    let equal = |name, wanted: &[&str]| matches!(extract(&answer.headers, name), Extracted::Values(v) if v == wanted);
    equal(ALLOW_METHODS, &[asked.method()]) && equal(ALLOW_HEADERS, &asked.headers())
}
