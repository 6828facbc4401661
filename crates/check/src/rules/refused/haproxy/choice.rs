//! HAProxy's choice of a backend, for one request: `use_backend` in their order, then `default_backend`.
//!
//! HAProxy chooses after the frontend's rules, which may have changed the path (configuration.txt, use_backend).

use direct_upload_core::openstack::cors_request::KnownText;
use regex::Regex;

use super::acl::{condition, sample};
use crate::facts::browser::Sent;
use crate::facts::server::{ScopedDirective, Server};
use crate::rules::expanded::expanded;

/// Where a request goes.
#[derive(Clone, Debug)]
pub(crate) enum Choice<'s, 'a> {
    /// To a backend, because of this directive.
    Backend(String, &'s ScopedDirective<'a>),
    /// To none: HAProxy answers 503.
    Nowhere,
    Unknown,
}

/// Whether a line is one of the backend.
pub(super) fn is_of_backend(item: &ScopedDirective<'_>) -> bool {
    item.within.iter().any(|section| section.name == "backend")
}

/// The name of the backend of a pair of a frontend and a backend.
pub(crate) fn backend<'s>(server: &'s Server<'_>) -> Option<&'s str> {
    let section = |item: &'s ScopedDirective<'_>| item.within.iter().find(|section| section.name == "backend");
    server.items.iter().find_map(section).and_then(|section| section.arg(0))
}

/// Where the frontend sends a request.
pub(crate) fn chosen<'s, 'a>(server: &'s Server<'a>, sent: &Sent) -> Choice<'s, 'a> {
    let mut sent = sent.clone();
    let of_front = || server.items.iter().filter(|item| !is_of_backend(item));
    for item in of_front() {
        rewrite(server, item, &mut sent);
    }
    for item in of_front().filter(|item| item.directive.name == "use_backend") {
        match condition(server, item, &sent) {
            Some(true) => {
                return named(server, item, &sent).map_or(Choice::Unknown, |name| Choice::Backend(name, item));
            }
            Some(false) => {}
            None => return Choice::Unknown,
        }
    }
    let default = of_front().rfind(|item| item.directive.name == "default_backend");
    let named = default.map(|item| (item.directive.arg(0).unwrap_or_default(), item));
    match named {
        Some((name, _)) if name.contains("%[") => Choice::Unknown,
        Some((name, item)) => Choice::Backend(name.to_owned(), item),
        None => Choice::Nowhere,
    }
}

/// The backend that a `use_backend` names; `PREFIX%[SAMPLE]SUFFIX` is computed.
fn named(server: &Server<'_>, item: &ScopedDirective<'_>, sent: &Sent) -> Option<String> {
    let words = &item.directive.args;
    let end = words.iter().position(|word| matches!(word.as_str(), "if" | "unless")).unwrap_or(words.len());
    let text = words[..end].join(" ");
    let Some((prefix, rest)) = text.split_once("%[") else { return Some(text) };
    let (written, suffix) = rest.rsplit_once(']')?;
    match sample(server, written.trim(), sent)?.0 {
        KnownText::Is(value) => Some(format!("{prefix}{value}{suffix}")),
        _ => None,
    }
}

/// Whether a request may come to the server's backend.
pub(super) fn may_reach(server: &Server<'_>, sent: &Sent) -> bool {
    let leads = |item: &&ScopedDirective<'_>| matches!(item.directive.name.as_str(), "use_backend" | "default_backend");
    let Some(own) = backend(server).filter(|_| server.items.iter().any(|item| leads(&item))) else { return true };
    match chosen(server, sent) {
        Choice::Backend(name, _) => name == own,
        Choice::Nowhere => false,
        Choice::Unknown => true,
    }
}

/// Applies what a rule makes of a request's path and headers, or notes of the request.
pub(crate) fn rewrite(server: &Server<'_>, item: &ScopedDirective<'_>, sent: &mut Sent) {
    if let Some((name, value)) = written(item) {
        match condition(server, item, sent) {
            Some(true) => sent.set_header(name, value),
            None => sent.set_header(name, KnownText::Unknown),
            Some(false) => {}
        }
        return;
    }
    if let Some(name) = noted(item) {
        let value = item.directive.arg(1).and_then(|written| Some(sample(server, written, sent)?.0));
        match condition(server, item, sent) {
            Some(true) => sent.note(name, value.unwrap_or(KnownText::Unknown)),
            None => sent.note(name, KnownText::Unknown),
            Some(false) => {}
        }
        return;
    }
    let arg = |at: usize| item.directive.arg(at).unwrap_or_default();
    let changes = match item.directive.name.as_str() {
        "http-request" => {
            matches!(arg(0), "set-path" | "replace-path" | "set-uri" | "replace-uri" | "set-pathq" | "replace-pathq")
        }
        "reqrep" | "reqirep" => arg(0).contains('/'),
        _ => false,
    };
    if !changes {
        return;
    }
    let made = match (condition(server, item, sent), sent.path()) {
        (Some(false), _) => return,
        (Some(true), KnownText::Is(path)) => match made(item, &path) {
            Made::Same => return,
            Made::Path(path) => KnownText::Is(path),
            Made::Unknown => KnownText::Unknown,
        },
        _ => KnownText::Unknown,
    };
    sent.set_path(made);
}

/// The header that a rule writes or removes, and its value.
fn written(item: &ScopedDirective<'_>) -> Option<(String, KnownText)> {
    let arg = |at: usize| item.directive.arg(at);
    let action = arg(0).filter(|_| item.directive.name == "http-request")?;
    let value = match action {
        "del-header" if arg(2) != Some("-m") => KnownText::Missing,
        "set-header" => arg(2).filter(|value| !value.contains('%')).map_or(KnownText::Unknown, KnownText::is),
        "add-header" | "replace-header" | "replace-value" => KnownText::Unknown,
        _ => return None,
    };
    Some((arg(1)?.to_owned(), value))
}

/// The name in `http-request set-var(NAME)`.
fn noted(item: &ScopedDirective<'_>) -> Option<String> {
    let name = item.directive.arg(0).filter(|_| item.directive.name == "http-request")?.strip_prefix("set-var(")?;
    Some(name.split([',', ')']).next()?.to_lowercase())
}

/// What becomes of a path.
enum Made {
    Same,
    Path(String),
    Unknown,
}

fn made(item: &ScopedDirective<'_>, path: &str) -> Made {
    let arg = |at: usize| item.directive.arg(at).unwrap_or_default();
    let of = |made: Option<String>| made.map_or(Made::Unknown, Made::Path);
    match arg(0) {
        "set-path" => {
            let rest = arg(1).replace("%[path]", "");
            of((!rest.contains(['%', '\\'])).then(|| arg(1).replace("%[path]", path)))
        }
        "replace-path" => match Regex::new(arg(1)) {
            Err(_) => Made::Unknown,
            Ok(pattern) => match pattern.captures(path) {
                Some(groups) => of(expanded(arg(2), '\\', &groups)),
                None => Made::Same,
            },
        },
        _ => Made::Unknown,
    }
}
