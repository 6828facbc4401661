//! uWSGI's internal routing in front of Glance: what becomes of a browser's request.
//!
//! In: the options of `[uwsgi]`. Out: whether the request passes, or which route answers it. uWSGI tries the routes in
//! their order (uwsgi-docs, Internal Routing); a test compares this with the real uWSGI.

use direct_upload_core::openstack::cors_request::{CorsRequest, KnownText, UPLOAD_PATH};
use direct_upload_core::render::oslo::read::{Assignment, Ini};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Routed<'i> {
    Passes,
    /// This route answers.
    Ends(&'i Assignment),
    /// It depends on what is not known, or on this route, which is not read.
    Unknown(&'i Assignment),
}

/// What the routes do with a request.
pub(crate) fn routed(ini: &Ini, request: CorsRequest) -> Routed<'_> {
    let mut until: Option<&str> = None;
    for route in ini.assignments.iter().filter(|own| own.name.starts_with("route")) {
        if route.name == "route-label" {
            until = until.filter(|label| *label != route.value.trim());
            continue;
        }
        if until.is_some() {
            continue;
        }
        let Some((condition, action)) = split(route) else { return Routed::Unknown(route) };
        let (action, argument) = action.split_once(':').unwrap_or((action, ""));
        let effect = effect(action, argument);
        match (meets(route, condition, request), effect) {
            (Some(false), _) | (_, Effect::Next) => {}
            (Some(true), Effect::Ends) => return Routed::Ends(route),
            (Some(true), Effect::Passes) => return Routed::Passes,
            (Some(true), Effect::Goto) => until = Some(argument.trim()),
            (None, _) | (_, Effect::Unknown) => return Routed::Unknown(route),
        }
    }
    Routed::Passes
}

/// The condition and the action of a route.
fn split(route: &Assignment) -> Option<(&str, &str)> {
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
    Unknown,
}

fn effect(action: &str, argument: &str) -> Effect {
    let is_cors = argument.to_lowercase().contains("access-control");
    match action.trim() {
        "break" | "break-with-status" | "return" | "return-status" | "basicauth" | "redirect" | "redirect-302"
        | "redirect-301" | "redirect-permanent" => Effect::Ends,
        "last" | "continue" => Effect::Passes,
        "goto" => Effect::Goto,
        "goon" | "log" | "addheader" | "logvar" | "alarm" | "expires" | "signal" | "disableheaders" | "donotlog"
        | "donotoffload"
            if !is_cors =>
        {
            Effect::Next
        }
        _ => Effect::Unknown,
    }
}

/// Whether a request meets the condition of a route.
fn meets(route: &Assignment, condition: &str, request: CorsRequest) -> Option<bool> {
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
