//! uWSGI's internal routing in front of Glance: what becomes of a browser's request.
//!
//! In: the options of `[uwsgi]`. Out: whether the request passes, or which route answers it. uWSGI tries the routes in
//! their order (uwsgi-docs, Internal Routing); a test compares this with the real uWSGI.

use direct_upload_core::openstack::cors_request::{CorsRequest, KnownText, UPLOAD_PATH};
use direct_upload_core::render::oslo::read::{self, Assignment, Ini};

/// The options of `[uwsgi]` that count whatever the environment has: uWSGI reads no other section unless its command
/// names one, and puts the value of another option where `%(NAME)` is (uwsgi-docs, Configuring uWSGI).
pub(crate) fn in_effect(mut ini: Ini) -> Ini {
    let mut depth = 0_usize;
    ini.assignments.retain(|own| {
        if own.name.starts_with("if-") {
            depth += 1;
        } else if matches!(own.name.as_str(), "endif" | "end-if") {
            depth = depth.saturating_sub(1);
        }
        own.section == "uwsgi" && depth == 0
    });
    let known: Vec<(String, String)> =
        ini.assignments.iter().map(|own| (format!("%({})", own.name), own.value.clone())).collect();
    for own in ini.assignments.iter_mut().filter(|own| own.value.contains("%(")) {
        for (name, value) in &known {
            own.value = own.value.replace(name, value);
        }
    }
    ini
}

/// Options that decide about uploads.
const DECIDING: [&str; 12] = [
    "limit-post",
    "harakiri",
    "socket-timeout",
    "http-timeout",
    "buffer-size",
    "post-buffering",
    "chunked-input-limit",
    "add-header",
    "del-header",
    "ini",
    "include",
    "inherit",
];

/// The first of them whose value depends on the environment, or on a file that is named there.
pub(crate) fn depends(text: &str) -> Option<Assignment> {
    let mut depth = 0_usize;
    read::parse(text).assignments.into_iter().find(|own| {
        if own.name.starts_with("if-") {
            depth += 1;
        } else if matches!(own.name.as_str(), "endif" | "end-if") {
            depth = depth.saturating_sub(1);
        }
        let is_further = matches!(own.name.as_str(), "ini" | "include" | "inherit");
        own.section == "uwsgi"
            && (DECIDING.contains(&own.name.as_str()) || own.name.starts_with("route"))
            && (depth > 0 || own.value.contains("$(") || is_further)
    })
}

/// The first of them on the command line of uWSGI.
pub(crate) fn on_command_line(command: &str) -> Option<&str> {
    let mut words = command.split([' ', '\t', '\n', '=', '"', '\'', '[', ']', ',']);
    let runs = words.any(|word| word.rsplit('/').next().is_some_and(|name| name.starts_with("uwsgi")));
    let deciding = |word: &&str| {
        let name = word.strip_prefix("--").unwrap_or_default();
        !matches!(name, "ini" | "include" | "inherit") && (DECIDING.contains(&name) || name.starts_with("route"))
    };
    words.find(deciding).filter(|_| runs)
}

/// Whether a variable of the environment sets one of them: `UWSGI_LIMIT_POST`.
pub(crate) fn is_of_environment(name: &str) -> bool {
    let option = name.strip_prefix("UWSGI_").map(|name| name.to_lowercase().replace('_', "-"));
    option.is_some_and(|option| DECIDING.contains(&option.as_str()) || option.starts_with("route"))
}

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
