//! What browsers accept, but is unwise. Pure.

use direct_upload_api::Rule;

use super::explain::{is_echo, is_filters_refusal};
use super::headers::{ALLOW_CREDENTIALS, ALLOW_HEADERS, ALLOW_METHODS, ALLOW_ORIGIN, Extracted, extract, get};
use super::preflight::Preflight;
use super::response::Response;
use super::same_origin;
use crate::model::Advice;

/// Advice about a request and its answer.
pub(crate) fn advise(asked: &Preflight, answer: &Response, granted: bool) -> Vec<Advice> {
    let mut advice = on_the_question(asked);
    if asked.same_origin() {
        advice.extend(granted.then(|| same_origin::advice(false)).into_iter().flatten());
        return advice;
    }
    let value = get(&answer.headers, ALLOW_ORIGIN);
    match value.as_deref() {
        Some("*") => advice.extend(wildcard(answer)),
        Some(_) if !varies(answer) => advice.push(Advice::new(
            "the answer depends on the origin but lacks `Vary: Origin`: a cache may give it to another dashboard",
        )),
        _ => {}
    }
    if granted {
        advice.extend(granted_elsewhere(asked, answer));
    } else if is_filters_refusal(answer) {
        advice.push(Advice::new("if the origin is allowed in the file that you look at: the filter reads only /etc/glance/glance-api.conf, /etc/glance/glance-api.conf.d and the like, a later file or the paste file may override it, and Glance must have been restarted since").rule(Rule::NotRead));
    }
    advice
}

fn on_the_question(asked: &Preflight) -> Vec<Advice> {
    let mut advice = Vec::new();
    if asked.endpoint.ends_in_slash() {
        advice.push(Advice::new("the URL ends in a slash, so Horizon uploads to //v2/images/...; unless the proxy merges slashes, Glance has no such path (404). Remove the slash in the Keystone catalog").rule(Rule::WrongEndpoint));
    }
    advice
}

fn wildcard(answer: &Response) -> Vec<Advice> {
    let mut advice = vec![Advice::new("`*` lets every web site use the Glance API, and works for the Angular panel only; list the dashboards' origins in [cors] allowed_origin").rule(Rule::AnyOrigin)];
    if get(&answer.headers, ALLOW_CREDENTIALS).is_some_and(|v| v == "true") {
        advice.push(Advice::new("Access-Control-Allow-Credentials together with `*` is contradictory: browsers refuse `*` for requests with credentials, and Horizon's Django panel sends such requests").rule(Rule::AnyOrigin));
    }
    advice
}

/// `Vary` names Origin or everything.
fn varies(answer: &Response) -> bool {
    match extract(&answer.headers, "Vary") {
        Extracted::Values(names) => names.iter().any(|n| *n == "*" || n.eq_ignore_ascii_case("origin")),
        Extracted::Null | Extracted::Failure(_) => false,
    }
}

/// Glance's filter cannot have made this grant, so it says nothing about the answer to the PUT.
fn granted_elsewhere(asked: &Preflight, answer: &Response) -> Vec<Advice> {
    let mut advice = Vec::new();
    if answer.status != 200 || !is_echo(asked, answer) {
        advice.push(Advice::new("something in front of Glance answers preflights (Glance lists exactly what was requested, with status 200); the answer to the PUT itself needs Access-Control-Allow-Origin too, and this one does not show it").rule(Rule::CorsOnTheWay));
    }
    for name in [ALLOW_METHODS, ALLOW_HEADERS] {
        if matches!(extract(&answer.headers, name), Extracted::Values(values) if values.contains(&"*")) {
            advice.push(Advice::new(format!("`*` in {name} is not understood by older browsers; list the names")));
        }
    }
    advice
}
