//! httpd's authorization, for one request: `Require` and its containers (mod_authz_core), and `Deny` of old.
//!
//! Of several `<Location>`s for one path the last with a `Require` counts (AuthMerging Off, httpd's default).

use direct_upload_core::derive::exposure_issue::policy::{all, any};
use direct_upload_core::openstack::cors_request::CorsRequest;

use super::expression::{self, environment, expression, is_if};
use crate::facts::browser::Sent;
use crate::facts::server::{ScopedDirective, Server};
use crate::formats::directives::Directive;

/// Blocks that combine what is in them.
const CONTAINERS: [&str; 3] = ["requireall", "requireany", "requirenone"];

/// Blocks that are about methods.
const METHODS: [&str; 2] = ["limit", "limitexcept"];

/// The directive by which authorization certainly refuses a request.
pub(super) fn refuses<'s, 'a>(server: &'s Server<'a>, sent: &Sent) -> Option<&'s ScopedDirective<'a>> {
    if server.last("satisfy").is_some_and(|item| item.directive.word() == "any") {
        return None;
    }
    let denied = server.items.iter().find(|item| denies(item, sent));
    denied.or_else(|| of_old(server)).or_else(|| {
        effective(server).into_iter().filter(|section| is_met(server, section, sent) == Some(true)).find_map(
            |section| {
                let items: Vec<Required<'_, 'a>> =
                    server.of_name("require").filter(|item| path(item) == section).map(required).collect();
                let mut blame = None;
                let holds = allowed(server, "requireany", &items, 0, sent, &mut blame);
                if holds == Some(false) { blame } else { None }
            },
        )
    })
}

/// A `Require` by which authorization may refuse a request: one of the environment or an expression, or one in an `<If>`
/// that is not understood. Addresses are not meant.
pub(super) fn may_refuse<'s, 'a>(server: &'s Server<'a>, sent: &Sent) -> Option<&'s ScopedDirective<'a>> {
    if server.last("satisfy").is_some_and(|item| item.directive.word() == "any") {
        return None;
    }
    effective(server).into_iter().find_map(|section| {
        let own: Vec<_> = server.of_name("require").filter(|item| path(item) == section).collect();
        let lets_pass = |item: &&ScopedDirective<'_>| item.directive.text().eq_ignore_ascii_case("all granted");
        let is_open = |item: &&ScopedDirective<'_>| matches!(item.directive.word().as_str(), "env" | "expr");
        let items: Vec<Required<'_, 'a>> = own.iter().copied().map(required).collect();
        let holds = || allowed(server, "requireany", &items, 0, sent, &mut None);
        match is_met(server, &section, sent) {
            None => own.iter().copied().find(|item| !lets_pass(item)),
            Some(true) if holds().is_none() => own.into_iter().find(is_open),
            Some(_) => None,
        }
    })
}

/// Whether the blocks of expressions of a section are met.
fn is_met(server: &Server<'_>, section: &[&Directive], sent: &Sent) -> Option<bool> {
    let within: Vec<Directive> = section.iter().map(|block| (*block).clone()).collect();
    expression::met(server, &within, sent)
}

/// The sections whose `Require` counts.
fn effective<'s>(server: &'s Server<'_>) -> Vec<Vec<&'s Directive>> {
    let mut sections: Vec<Vec<&Directive>> = Vec::new();
    for item in server.of_name("require") {
        let own = path(item);
        sections.retain(|other| *other != own);
        sections.push(own);
    }
    let is_location = |section: &&Vec<&Directive>| section.iter().any(|block| block.name.starts_with("location"));
    match sections.iter().rfind(is_location) {
        Some(last) if server.takes_uploads => vec![last.clone()],
        _ => sections,
    }
}

/// The blocks around a directive, without those of authorization itself.
fn path<'s>(item: &'s ScopedDirective<'_>) -> Vec<&'s Directive> {
    let is_own =
        |block: &&Directive| !CONTAINERS.contains(&block.name.as_str()) && !METHODS.contains(&block.name.as_str());
    item.within.iter().filter(is_own).collect()
}

/// `Order`, `Deny` and `Allow` without methods (mod_access_compat): the last `<Location>` with them counts. Only what
/// is for every address is certain.
fn of_old<'s, 'a>(server: &'s Server<'a>) -> Option<&'s ScopedDirective<'a>> {
    let is_one = |item: &&ScopedDirective<'_>| {
        let own = matches!(item.directive.name.as_str(), "order" | "deny" | "allow");
        let of_all = |block: &Directive| block.name.starts_with("location") || is_any_proxy(block);
        own && !item.within.is_empty() && item.within.iter().all(of_all)
    };
    if !server.takes_uploads {
        return None;
    }
    // A `<Location>` comes after a `<Proxy>`.
    let in_location = |item: &&ScopedDirective<'_>| is_one(item) && !item.within.iter().any(is_any_proxy);
    let last = server.items.iter().rfind(in_location).or_else(|| server.items.iter().rfind(is_one))?;
    let own: Vec<_> = server.items.iter().filter(is_one).filter(|item| item.within == last.within).collect();
    let of = |name: &'static str| own.iter().copied().filter(move |item| item.directive.name == name);
    let for_all = |item: &&ScopedDirective<'_>| item.directive.text().eq_ignore_ascii_case("from all");
    let order = of("order").next_back();
    if order.is_some_and(|order| order.directive.word().replace(' ', "").starts_with("allow")) {
        // Refused unless something allows it, and nothing denies it.
        let denied = of("deny").find(for_all);
        return denied.or(order.filter(|_| of("allow").next().is_none()));
    }
    of("deny").find(for_all).filter(|_| of("allow").next().is_none())
}

/// `Deny from all` for some methods (mod_access_compat).
fn denies(item: &ScopedDirective<'_>, sent: &Sent) -> bool {
    let around = item.within.iter().filter(|block| METHODS.contains(&block.name.as_str()));
    let around: Vec<_> = around.collect();
    item.directive.name == "deny"
        && item.directive.text().eq_ignore_ascii_case("from all")
        && !around.is_empty()
        && around.iter().all(|block| applies(block, sent))
}

/// `<Proxy *>`, which is about each request that httpd passes on (mod_proxy).
fn is_any_proxy(block: &Directive) -> bool {
    block.name == "proxy" && block.arg(0) == Some("*")
}

/// Whether `<Limit>` or `<LimitExcept>` is about a request.
fn applies(block: &Directive, sent: &Sent) -> bool {
    let listed = block.args.iter().any(|method| method.eq_ignore_ascii_case(sent.method()));
    listed == (block.name == "limit")
}

/// A `Require`, and the blocks of authorization around it.
type Required<'s, 'a> = (&'s ScopedDirective<'a>, Vec<&'s Directive>);

fn required<'s, 'a>(item: &'s ScopedDirective<'a>) -> Required<'s, 'a> {
    let is_own =
        |block: &&Directive| CONTAINERS.contains(&block.name.as_str()) || METHODS.contains(&block.name.as_str());
    (item, item.within.iter().filter(is_own).collect())
}

/// Whether a container lets a request pass; true if nothing in it is about the request.
fn allowed<'s, 'a>(
    server: &Server<'_>,
    container: &str,
    items: &[Required<'s, 'a>],
    depth: usize,
    sent: &Sent,
    blame: &mut Option<&'s ScopedDirective<'a>>,
) -> Option<bool> {
    let mut terms = Vec::new();
    let mut at = 0;
    while let Some((item, within)) = items.get(at) {
        let Some(block) = within.get(depth) else {
            terms.push(holds(server, item, sent, within));
            if terms.last() == Some(&Some(false)) && blame.is_none() {
                *blame = Some(item);
            }
            at += 1;
            continue;
        };
        let inner = items[at..].iter().take_while(|(_, own)| own.get(depth) == Some(block)).count();
        let own = &items[at..at + inner];
        at += inner;
        if block.name == "requirenone" {
            // Here a match refuses.
            let holds = allowed(server, "requirenone", own, depth + 1, sent, &mut None);
            if holds == Some(false) && blame.is_none() {
                *blame = own.first().map(|(item, _)| *item);
            }
            terms.push(holds);
        } else if CONTAINERS.contains(&block.name.as_str()) {
            terms.push(allowed(server, &block.name, own, depth + 1, sent, blame));
        } else if applies(block, sent) {
            terms.push(allowed(server, container, own, depth + 1, sent, blame));
        }
    }
    match container {
        _ if terms.is_empty() => Some(true),
        "requireall" => all(terms),
        "requirenone" => any(terms).map(|any| !any),
        _ => any(terms),
    }
}

/// One `Require`.
fn holds(server: &Server<'_>, item: &ScopedDirective<'_>, sent: &Sent, within: &[&Directive]) -> Option<bool> {
    let words: Vec<String> = item.directive.args.iter().map(|word| word.to_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (negated, words) = match words.as_slice() {
        ["not", rest @ ..] => (true, rest),
        all => (false, all),
    };
    let found = match words {
        ["all", "granted"] => Some(true),
        // A folder that is closed as a whole is rarely the one that serves.
        ["all", "denied"] => {
            let is_path = item
                .within
                .iter()
                .any(|block| block.name.starts_with("location") || is_if(&block.name) || is_any_proxy(block));
            (is_path || !within.is_empty()).then_some(false)
        }
        ["method", methods @ ..] => Some(methods.iter().any(|method| method.eq_ignore_ascii_case(sent.method()))),
        ["expr", ..] => expression(item.directive.text().split_once(' ')?.1, sent),
        ["env", ..] => {
            any(item.directive.args.iter().skip_while(|word| !word.eq_ignore_ascii_case("env")).skip(1).map(|name| {
                match name.strip_prefix('!') {
                    Some(name) => environment(server, name, sent).map(|is| !is),
                    None => environment(server, name, sent),
                }
            }))
        }
        _ if words.first().is_some_and(|word| is_login(word)) => Some(false),
        _ => None,
    };
    found.map(|found| found != negated)
}

/// Whether a `Require` asks for a login, which no request of an upload has.
///
/// Providers of httpd's own modules, of mod_auth_openidc, mod_auth_mellon, mod_shib and mod_auth_cas.
pub(crate) fn is_login(word: &str) -> bool {
    const OF_MODULES: [&str; 8] = ["ldap-", "dbm-", "dbd-", "mellon", "shib", "cas-", "claim", "oauth2_claim"];
    matches!(word, "valid-user" | "user" | "group" | "file-owner" | "file-group")
        || OF_MODULES.iter().any(|own| word.starts_with(own))
}

const PASS: &str = "let OPTIONS and PUT pass without a login, because Glance checks the token itself: for example <LimitExcept OPTIONS PUT> around the Require, or an additional Require method OPTIONS PUT";

const REMOVE: &str = "remove it: Glance checks the token itself";

/// Advice on a directive that refuses these methods.
pub(super) fn fix(server: &Server<'_>, item: &ScopedDirective<'_>, sent: &Sent, methods: &str) -> String {
    let within = |name: &str| item.within.iter().any(|block| block.name == name);
    let word = item.directive.word();
    let listed = || {
        server
            .of_name("require")
            .filter(|other| path(other) == path(item))
            .any(|other| other.directive.word() == "method")
    };
    match word.as_str() {
        _ if within("limit") || within("requirenone") => REMOVE.to_owned(),
        _ if item.directive.name == "order" => "write Allow from all after it".to_owned(),
        _ if item.directive.name == "deny" || item.directive.text().eq_ignore_ascii_case("all denied") => {
            if within("limitexcept") {
                format!("add {methods} to the methods of the LimitExcept around it")
            } else {
                REMOVE.to_owned()
            }
        }
        "method" => format!("add {methods} to the Require method there: Glance checks the token itself"),
        "not" => REMOVE.to_owned(),
        _ if within("limitexcept") && sent.request == CorsRequest::Upload => {
            format!("add {methods} to the methods of the LimitExcept around it: Glance checks the token itself")
        }
        _ if within("requireall") => REMOVE.to_owned(),
        _ if listed() => format!("add {methods} to the Require method there: Glance checks the token itself"),
        _ => PASS.to_owned(),
    }
}
