//! HAProxy: rules and their conditions, for one request.

pub(crate) mod acl;
pub(crate) mod choice;

use direct_upload_core::openstack::cors_request::CorsRequest;

use self::acl::{condition, holds, is_of_lines, terms_of};
use crate::facts::browser::Sent;
use crate::facts::server::{ScopedDirective, Server};

/// Actions that end a request.
const ENDS: [&str; 8] = ["deny", "reject", "tarpit", "silent-drop", "return", "redirect", "auth", "use-service"];

/// The first rule that certainly ends a request before Glance sees it.
pub(crate) fn ends<'s, 'a>(server: &'s Server<'a>, sent: &Sent) -> Option<&'s ScopedDirective<'a>> {
    // Below HTTP, requests are not inspected.
    if server.last("mode").is_some_and(|item| item.directive.word() == "tcp") {
        return None;
    }
    let is_reached = choice::may_reach(server, sent);
    let mut sent = sent.clone();
    // `allow` ends the rules of its own section only.
    let mut allowed: Vec<&ScopedDirective<'_>> = Vec::new();
    for item in &server.items {
        choice::rewrite(server, item, &mut sent);
        let Some(action) = action(item, &sent) else { continue };
        let is_rule = |other: &&ScopedDirective<'_>| {
            let same = other.directive.name == item.directive.name || (is_of_lines(other) && is_of_lines(item));
            other.within == item.within && same
        };
        if allowed.iter().any(is_rule) {
            continue;
        }
        let is_met = is_reached || !choice::is_of_backend(item);
        let holds = if is_met { condition(server, item, &sent) } else { Some(false) };
        match action {
            // Perhaps it lets the request pass: then nothing after it is certain.
            "allow" | "accept" if holds != Some(false) => allowed.push(item),
            // What a script answers is not known.
            _ if is_script(item) && holds != Some(false) => return None,
            _ if ENDS.contains(&action) && holds == Some(true) => return Some(item),
            _ => {}
        }
    }
    None
}

/// `use-service lua.NAME`.
fn is_script(item: &ScopedDirective<'_>) -> bool {
    item.directive.arg(0) == Some("use-service") && item.directive.arg(1).is_some_and(|name| name.starts_with("lua."))
}

/// Samples that are about misuse, load or addresses, which nothing in files shows; and sizes, which DU014 judges.
const OF_STATE: [&str; 16] = [
    "src",
    "sc_",
    "sc0_",
    "sc1_",
    "sc2_",
    "nbsrv",
    "be_",
    "fe_",
    "srv_",
    "avg_queue",
    "queue",
    "connslots",
    "req.body_",
    "body_size",
    "req.hdr_val(content-length)",
    "hdr_val(content-length)",
];

/// The first rule that ends a request under a condition whose value for it the input does not show.
pub(super) fn may_end<'s, 'a>(server: &'s Server<'a>, sent: &Sent) -> Option<&'s ScopedDirective<'a>> {
    if server.last("mode").is_some_and(|item| item.directive.word() == "tcp") {
        return None;
    }
    let is_reached = choice::may_reach(server, sent);
    let ends =
        |item: &ScopedDirective<'_>, sent: &Sent| action(item, sent).is_some_and(|action| ENDS.contains(&action));
    let mut sent = sent.clone();
    server.items.iter().find(|item| {
        choice::rewrite(server, item, &mut sent);
        ends(item, &sent)
            && (is_reached || !choice::is_of_backend(item))
            && condition(server, item, &sent).is_none()
            && {
                let unknown = unknown(server, item, &sent);
                !unknown.is_empty() && !unknown.iter().any(|fetch| OF_STATE.iter().any(|own| fetch.starts_with(own)))
            }
    })
}

/// Whether a rule does something for a request.
pub(super) fn applies(server: &Server<'_>, item: &ScopedDirective<'_>, sent: &Sent) -> Option<bool> {
    if choice::is_of_backend(item) && !choice::may_reach(server, sent) {
        return Some(false);
    }
    let mut sent = sent.clone();
    for before in server.items.iter().take_while(|other| !std::ptr::eq(*other, item)) {
        choice::rewrite(server, before, &mut sent);
    }
    condition(server, item, &sent)
}

/// What the terms of a rule's condition fetch, whose value for a request is not known.
fn unknown<'s>(server: &'s Server<'_>, item: &'s ScopedDirective<'_>, sent: &Sent) -> Vec<&'s str> {
    let words: Vec<&str> = item.directive.args.iter().map(String::as_str).collect();
    let at = words.iter().position(|word| matches!(*word, "if" | "unless")).map_or(words.len(), |at| at + 1);
    let mut found = Vec::new();
    for terms in words[at..].split(|word| matches!(*word, "or" | "||")) {
        for (negated, term) in terms_of(terms) {
            if holds(server, (negated, term), sent).is_some() {
                continue;
            }
            match term {
                [_, fetch, ..] => found.push(*fetch),
                [name] => {
                    let name = name.trim_start_matches('!');
                    let named = server.of_name("acl").filter(|acl| acl.directive.arg(0) == Some(name));
                    found.extend(named.filter_map(|acl| acl.directive.arg(1)));
                }
                [] => {}
            }
        }
    }
    found
}

/// What a rule does with a request, if it decides about it.
fn action<'i>(item: &'i ScopedDirective<'_>, sent: &Sent) -> Option<&'i str> {
    let args = &item.directive.args;
    let first = args.first().map(String::as_str).unwrap_or_default();
    let redirects = args.iter().any(|word| word == "redirect") || item.directive.name == "redirect";
    let to_https = redirects && args.windows(2).any(|pair| pair[0] == "scheme" && pair[1] == "https");
    match item.directive.name.as_str() {
        // One by https would be redirected forever.
        _ if to_https && !sent.comes_by_https() => None,
        "http-request" if ENDS.contains(&first) || first == "allow" => Some(first),
        "tcp-request" if first == "content" => {
            args.get(1).map(String::as_str).filter(|word| matches!(*word, "reject" | "silent-drop" | "accept"))
        }
        "block" | "reqdeny" | "reqideny" | "reqtarpit" | "reqitarpit" => Some("deny"),
        "reqallow" | "reqiallow" => Some("allow"),
        "redirect" => Some("redirect"),
        _ => None,
    }
}

/// Advice in HAProxy's words.
/// `both`: the rule ends the upload, too.
pub(super) fn fix(item: &ScopedDirective<'_>, request: CorsRequest, both: bool) -> String {
    const REMOVE: &str = "remove it: Glance checks the token itself";
    let fix = match request {
        _ if item.directive.arg(0) == Some("auth") => {
            "remove it: Glance checks the token itself, and the upload has no other login"
        }
        CorsRequest::Upload => REMOVE,
        CorsRequest::Preflight if item.directive.text().to_lowercase().contains("hdr(origin)") => {
            "remove it: every request of a page has an Origin, the upload too"
        }
        CorsRequest::Preflight if both => "remove it: it ends the upload, too",
        // `http-request allow` does not reach another section's rules, or those of another kind.
        CorsRequest::Preflight if item.directive.name != "http-request" => REMOVE,
        CorsRequest::Preflight => "let OPTIONS pass: put http-request allow if METH_OPTIONS before it",
    };
    fix.to_owned()
}

/// `return status 204 hdr NAME VALUE …`.
pub(super) fn returned(item: &ScopedDirective<'_>) -> Vec<(String, String)> {
    let words = &item.directive.args;
    let at = words.iter().enumerate().filter(|(_, word)| *word == "hdr").map(|(at, _)| at);
    at.filter_map(|at| Some((words.get(at + 1)?.clone(), words.get(at + 2)?.clone()))).collect()
}
