//! uWSGI's internal routing in front of Glance: what becomes of a browser's request.
//!
//! In: its options. Out: whether the request passes, or which route answers it. uWSGI tries the routes in their order
//! (uwsgi-docs, Internal Routing); a test compares this with the real uWSGI.

use direct_upload_core::openstack::cors_request::{CorsRequest, KnownText, UPLOAD_PATH};
use direct_upload_core::openstack::needed::ALLOW_ORIGIN;

use super::uwsgi_options::{Uwsgi, UwsgiOption};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Routed<'i> {
    Passes,
    /// This route answers.
    Ends(&'i UwsgiOption),
    /// It depends on what is not known, or on this route, which is not read.
    Unknown(&'i UwsgiOption),
}

/// What the routes do with a request.
pub(crate) fn routed<'i>(own: &'i Uwsgi<'_>, request: CorsRequest) -> Routed<'i> {
    run(own, request).0
}

/// The first route that adds a grant to Glance's answer to a request.
pub(crate) fn adds_grant<'i>(own: &'i Uwsgi<'_>, request: CorsRequest) -> Option<&'i UwsgiOption> {
    let (becomes, added) = run(own, request);
    added.filter(|_| !matches!(becomes, Routed::Ends(_)))
}

/// What becomes of a request, and the first route on its way that adds a grant to the answer.
fn run<'i>(own: &'i Uwsgi<'_>, request: CorsRequest) -> (Routed<'i>, Option<&'i UwsgiOption>) {
    let mut until: Option<&str> = None;
    let mut added = None;
    for route in own.options.iter().filter(|own| own.name.starts_with("route")) {
        if route.name == "route-label" {
            until = until.filter(|label| *label != route.value.trim());
            continue;
        }
        if until.is_some() {
            continue;
        }
        let Some((condition, action)) = split(route) else { return (Routed::Unknown(route), added) };
        let (action, argument) = action.split_once(':').unwrap_or((action, ""));
        let effect = effect(action, argument);
        match (meets(route, condition, request), effect) {
            (Some(false), _) | (_, Effect::Next) => {}
            (Some(true), Effect::Ends) => return (Routed::Ends(route), added),
            (Some(true), Effect::Passes) => return (Routed::Passes, added),
            (Some(true), Effect::Adds) => added = added.or(Some(route)),
            (Some(true), Effect::Goto) => until = Some(argument.trim()),
            (None, _) | (_, Effect::Unknown) => return (Routed::Unknown(route), added),
        }
    }
    (Routed::Passes, added)
}

/// The condition and the action of a route.
fn split(route: &UwsgiOption) -> Option<(&str, &str)> {
    let value = route.value.trim();
    if route.name == "route-run" {
        return Some(("", value));
    }
    value.split_once(char::is_whitespace).map(|(condition, action)| (condition, action.trim()))
}

enum Effect {
    /// The next route decides.
    Next,
    Passes,
    Ends,
    Goto,
    /// A grant is added to the answer.
    Adds,
    Unknown,
}

fn effect(action: &str, argument: &str) -> Effect {
    let is_grant = argument.trim().to_lowercase().starts_with(&format!("{ALLOW_ORIGIN}:"));
    match action.trim() {
        "break" | "break-with-status" | "return" | "return-status" | "basicauth" | "redirect" | "redirect-302"
        | "redirect-301" | "redirect-permanent" => Effect::Ends,
        "last" | "continue" => Effect::Passes,
        "goto" => Effect::Goto,
        "addheader" if is_grant => Effect::Adds,
        "goon" | "log" | "addheader" | "logvar" | "alarm" | "expires" | "signal" | "disableheaders" | "donotlog"
        | "donotoffload" => Effect::Next,
        _ => Effect::Unknown,
    }
}

/// Whether a request meets the condition of a route.
fn meets(route: &UwsgiOption, condition: &str, request: CorsRequest) -> Option<bool> {
    let of = |name: &str| variable(name, request).matches(condition, false);
    match route.name.as_str() {
        "route-run" => Some(true),
        "route" => of("PATH_INFO"),
        "route-uri" => of("REQUEST_URI"),
        "route-host" => of("HTTP_HOST"),
        "route-user-agent" => of("HTTP_USER_AGENT"),
        "route-referer" => of("HTTP_REFERER"),
        "route-if" => checked(condition, request),
        "route-if-not" => checked(condition, request).map(|is| !is),
        _ => None,
    }
}

/// `equal:${REQUEST_METHOD};OPTIONS`.
fn checked(condition: &str, request: CorsRequest) -> Option<bool> {
    let (check, rest) = condition.split_once(':')?;
    let (name, wanted) = rest.strip_prefix("${")?.split_once('}')?;
    let text = variable(name, request);
    let wanted = wanted.strip_prefix(';').unwrap_or_default();
    match check {
        "empty" => text.is_found().map(|found| !found),
        "equal" | "eq" => text.meets(|own| own == wanted),
        "startswith" => text.meets(|own| own.starts_with(wanted)),
        "endswith" => text.meets(|own| own.ends_with(wanted)),
        "contains" => text.meets(|own| own.contains(wanted)),
        "regexp" | "re" => text.matches(wanted, false),
        _ => None,
    }
}

fn variable(name: &str, request: CorsRequest) -> KnownText {
    match name {
        "REQUEST_METHOD" => KnownText::is(request.method()),
        "PATH_INFO" | "REQUEST_URI" => KnownText::is(UPLOAD_PATH),
        "QUERY_STRING" => KnownText::Missing,
        _ => match name.strip_prefix("HTTP_") {
            Some(header) => request.header(&header.replace('_', "-")),
            None => KnownText::Unknown,
        },
    }
}
