//! DU012, DU014, DU015, DU020 for HAProxy in front of Glance.

use direct_upload_api::Rule;

use super::proxy_headers::{ALLOW_ORIGIN, LEAVE, grant_lacks, unless_it_stands_in};
use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::facts::server::{ScopedDirective, Server};
use crate::facts::upload_path;
use crate::finding::Finding;
use crate::unit::Program;

/// A shorter allowed silence ends uploads while Glance stores their end. Deployment tools write 50 s by
/// default, and that works.
const PATIENT: u64 = 50_000;

/// All rules for HAProxy.
pub fn haproxy(cloud: &Cloud<'_>) -> Vec<Finding> {
    let before_glance = |s: &&Server<'_>| s.kind == Kind::Haproxy && s.service == Program::Glance;
    let mut findings = Vec::new();
    for server in cloud.servers.iter().filter(before_glance) {
        findings.extend(timeouts(server));
        // Below HTTP, requests are not inspected.
        if server.last("mode").is_none_or(|item| item.directive.word() != "tcp") {
            findings.extend(rewritten(cloud, server));
            findings.extend(answered(cloud, server));
            findings.extend(buffered(server));
            findings.extend(server.of_name("http-request").filter_map(limited));
        }
    }
    unless_it_stands_in(cloud, findings)
}

/// The action on a response header, and its new value.
pub(crate) fn response_header<'a>(item: &'a ScopedDirective<'_>, name: &str) -> Option<(&'a str, &'a str)> {
    let directive = &item.directive;
    match directive.name.as_str() {
        "http-response" | "http-after-response" => {
            let named = directive.arg(1)?.eq_ignore_ascii_case(name);
            named.then(|| (directive.arg(0).unwrap_or_default(), directive.arg(2).unwrap_or_default()))
        }
        "rspadd" => {
            let (written, value) = directive.arg(0)?.split_once(':')?;
            written.eq_ignore_ascii_case(name).then(|| ("add-header", value.trim()))
        }
        _ => None,
    }
}

/// DU012: Glance's header.
fn rewritten(cloud: &Cloud<'_>, server: &Server<'_>) -> Vec<Finding> {
    let actions: Vec<_> =
        server.items.iter().filter_map(|item| Some((item, response_header(item, ALLOW_ORIGIN)?))).collect();
    let deleted = actions.iter().any(|(_, (action, _))| *action == "del-header");
    let written_anew = actions.iter().any(|(_, (action, _))| *action != "del-header");
    let of_one = |(item, (action, value)): &(&ScopedDirective<'_>, (&str, &str))| {
        if keeps(item, action, value) {
            return None;
        }
        let written = format!("{} {}", item.directive.name, item.directive.text());
        let other = cloud
            .dashboards_near(&server.scope)
            .find(|d| !value.contains(['*', '%']) && !value.contains(&format!("://{}", d.host)));
        let (fails, what) = match *action {
            "add-header" if !deleted => {
                (true, "a second value in addition to Glance's own; browsers accept only one".into())
            }
            "del-header" if written_anew => return None,
            "del-header" => (true, "Glance's answer never reaches the browser".into()),
            _ => match other {
                Some(d) => {
                    (true, format!("replaces Glance's answer with an origin that is not the dashboard's ({})", d.host))
                }
                None => (false, "replaces Glance's answer by one value for every dashboard".into()),
            },
        };
        let finding = if fails { Finding::error } else { Finding::warning };
        // Either alone would leave no value, or two.
        let fix = if deleted && written_anew {
            "remove it and the del-header rule: Glance's own [cors] answers the browser"
        } else {
            LEAVE
        };
        Some(finding(Rule::CorsOnTheWay, &item.place(), format!("{written}: {what}"), fix))
    };
    actions.iter().filter_map(of_one).collect()
}

/// Whether a rule writes what Glance wrote, or only where Glance wrote nothing.
fn keeps(item: &ScopedDirective<'_>, action: &str, value: &str) -> bool {
    let own = format!("res.hdr({ALLOW_ORIGIN})");
    let text = item.directive.text().to_lowercase();
    let condition = text.split_once(" unless ").or_else(|| text.split_once(" if !"));
    let without = condition.is_some_and(|(_, rest)| rest.contains(&own) && rest.contains("-m found"));
    (action == "set-header" && value.to_lowercase().contains(&own)) || (action != "del-header" && without)
}

/// What ends a request.
const ENDS: [&str; 8] = ["deny", "reject", "tarpit", "silent-drop", "return", "redirect", "auth", "use-service"];

/// The first rule that certainly ends a request before Glance sees it.
fn ended<'s, 'a>(server: &'s Server<'a>, request: Request) -> Option<&'s ScopedDirective<'a>> {
    let action = |item: &ScopedDirective<'_>| item.directive.arg(0).unwrap_or_default().to_owned();
    let mut rules = server.of_name("http-request").filter(|item| {
        let action = action(item);
        (ENDS.contains(&action.as_str()) || action == "allow") && condition(server, item, request) == Some(true)
    });
    rules.next().filter(|item| action(item) != "allow")
}

/// DU020: what ends a preflight before Glance sees it, or else the upload.
fn answered(cloud: &Cloud<'_>, server: &Server<'_>) -> Option<Finding> {
    let Some(item) = ended(server, Request::Preflight) else {
        return ended(server, Request::Upload).map(refused);
    };
    let written = format!("http-request {}", item.directive.text());
    if item.directive.text().to_lowercase().contains(ALLOW_ORIGIN) {
        let lacks = grant_lacks(cloud, &server.scope, &returned(item));
        let finding = if lacks.is_empty() {
            let found = format!(
                "{written}: HAProxy answers the browser instead of Glance, and must be updated for every dashboard"
            );
            Finding::warning(Rule::CorsOnTheWay, &item.place(), found, LEAVE)
        } else {
            let found =
                format!("{written}: HAProxy answers preflights instead of Glance, without {}", lacks.join(", "));
            Finding::error(Rule::CorsOnTheWay, &item.place(), found, LEAVE)
        };
        return Some(finding);
    }
    let found = format!("{written} ends OPTIONS, which has no credentials, before Glance sees it");
    let fix = if written.to_lowercase().contains("hdr(origin)") {
        "remove it: every request of a page has an Origin, the upload too"
    } else if item.directive.arg(0) == Some("auth") {
        "remove it: Glance checks the token itself, and the upload has no other login"
    } else if ended(server, Request::Upload).is_some_and(|own| std::ptr::eq(own, item)) {
        "remove it: it ends the upload, too"
    } else {
        "let OPTIONS pass: put http-request allow if METH_OPTIONS before it"
    };
    Some(Finding::error(Rule::OptionsFiltered, &item.place(), found, fix))
}

/// DU020: what lets the preflight pass and ends the upload.
fn refused(item: &ScopedDirective<'_>) -> Finding {
    let found = format!("http-request {} ends PUT, which is the upload", item.directive.text());
    let fix = match item.directive.arg(0) {
        Some("auth") => "remove it: Glance checks the token itself, and the upload has no other login",
        _ => "remove it: Glance checks the token itself",
    };
    Finding::error(Rule::OptionsFiltered, &item.place(), found, fix)
}

/// `return status 204 hdr NAME VALUE …`.
fn returned(item: &ScopedDirective<'_>) -> Vec<(String, String)> {
    let words = &item.directive.args;
    let at = words.iter().enumerate().filter(|(_, word)| *word == "hdr").map(|(at, _)| at);
    at.filter_map(|at| Some((words.get(at + 1)?.clone(), words.get(at + 2)?.clone()))).collect()
}

/// DU015: the time for a request's headers also applies to its body, if HAProxy waits for it.
fn buffered(server: &Server<'_>) -> Option<Finding> {
    let option =
        server.of_name("option").filter(|item| item.directive.text().contains("http-buffer-request")).last()?;
    // `no option …` is read as another name.
    let found = "option http-buffer-request: HAProxy waits for the body, within timeout http-request, before it passes anything on";
    Some(Finding::warning(
        Rule::TooSlow,
        &option.place(),
        found,
        "remove option http-buffer-request in front of Glance",
    ))
}

/// The two requests of a page's upload, as HAProxy's conditions distinguish them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    /// `OPTIONS`, with neither credentials nor a token.
    Preflight,
    /// `PUT`, with Glance's token and no other login.
    Upload,
}

impl Request {
    fn method(self) -> &'static str {
        match self {
            Self::Preflight => "OPTIONS",
            Self::Upload => "PUT",
        }
    }
}

/// Whether a rule's condition is true for a request; none if that depends on something unknown.
fn condition(server: &Server<'_>, item: &ScopedDirective<'_>, request: Request) -> Option<bool> {
    let words: Vec<&str> = item.directive.args.iter().map(String::as_str).collect();
    let Some(at) = words.iter().position(|word| matches!(*word, "if" | "unless")) else { return Some(true) };
    let alternatives = words[at + 1..].split(|word| matches!(*word, "or" | "||"));
    let holds =
        any(alternatives.map(|terms| all(terms_of(terms).into_iter().map(|term| holds(server, term, request)))));
    holds.map(|holds| holds == (words[at] == "if"))
}

/// `!{ method GET }` is one term, as is a name.
fn terms_of<'a, 'b>(words: &'b [&'a str]) -> Vec<(bool, &'b [&'a str])> {
    let mut terms = Vec::new();
    let mut negated = false;
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let name = word.trim_start_matches('!');
        negated ^= (word.len() - name.len()) % 2 == 1;
        let length = match name {
            "{" => words[at..].iter().position(|word| *word == "}").map_or(words.len() - at, |end| end + 1),
            _ => 1,
        };
        if !name.is_empty() {
            terms.push((negated, &words[at..at + length]));
            negated = false;
        }
        at += length;
    }
    terms
}

fn holds(server: &Server<'_>, (negated, term): (bool, &[&str]), request: Request) -> Option<bool> {
    let found = match term {
        [open, inner @ .., close] if open.ends_with('{') && *close == "}" => fetched(server, inner, request),
        [name] => match name.trim_start_matches('!') {
            "TRUE" => Some(true),
            "FALSE" => Some(false),
            name if name.starts_with("METH_") => Some(name.strip_prefix("METH_") == Some(request.method())),
            name => {
                let named = server.of_name("acl").filter(|item| item.directive.arg(0) == Some(name));
                let tests = named.map(|item| item.directive.args[1..].iter().map(String::as_str).collect::<Vec<_>>());
                let tests: Vec<_> = tests.map(|words| fetched(server, &words, request)).collect();
                (!tests.is_empty()).then(|| any(tests.into_iter())).flatten()
            }
        },
        _ => None,
    };
    found.map(|found| found != negated)
}

/// The method is known, and the path. A preflight has neither credentials nor a token; the upload has a token, and
/// a cookie only where its page sends one.
fn fetched(server: &Server<'_>, words: &[&str], request: Request) -> Option<bool> {
    let (fetch, values) = words.split_first()?;
    let fetch = fetch.to_lowercase();
    let names = |name: &str| fetch.contains(&format!("hdr({name})"));
    let is_found = values == ["-m", "found"];
    let cookie = names("cookie") || fetch.starts_with("req.cook(");
    match fetch.as_str() {
        _ if fetch.starts_with("path") && !is_chosen_by_path(server) => upload_path::meets(words),
        _ if names("origin") && is_found => Some(true),
        "method" => Some(values.iter().any(|value| value.eq_ignore_ascii_case(request.method()))),
        _ if fetch.starts_with("http_auth") || names("authorization") => Some(false),
        _ if names("x-auth-token") || cookie => match request {
            Request::Preflight => Some(false),
            Request::Upload => (names("x-auth-token") && is_found).then_some(true),
        },
        _ => None,
    }
}

/// Whether the path leads to a backend, so that Glance may be below another one.
fn is_chosen_by_path(server: &Server<'_>) -> bool {
    let acls = server.of_name("acl").filter(|acl| acl.directive.text().contains(" path"));
    let named: Vec<&str> = acls.filter_map(|acl| acl.directive.arg(0)).collect();
    let by_path = |word: &String| word.starts_with("path") || named.contains(&word.trim_start_matches('!'));
    server.of_name("use_backend").any(|item| item.directive.args.iter().any(by_path))
}

fn any(terms: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let terms: Vec<_> = terms.collect();
    let known = terms.iter().copied().collect::<Option<Vec<bool>>>();
    if terms.contains(&Some(true)) { Some(true) } else { known.map(|_| false) }
}

fn all(terms: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    any(terms.map(|term| term.map(|holds| !holds))).map(|any| !any)
}

/// DU014: a rule about the body's size.
fn limited(item: &ScopedDirective<'_>) -> Option<Finding> {
    let words: Vec<&str> = item.directive.args.iter().map(String::as_str).collect();
    let measured = words.iter().position(|word| {
        let word = word.to_lowercase();
        word.starts_with("req.body_size")
            || word.contains("hdr_val(content-length)")
            || word.contains("hdr(content-length)")
    })?;
    let compared = words[measured..].iter().position(|word| matches!(*word, "gt" | "ge"))? + measured;
    let limit = words.get(compared + 1)?.parse().ok()?;
    let ends = matches!(words.first(), Some(&("deny" | "reject" | "return" | "tarpit")));
    ends.then(|| super::limits::limited(item, limit, "remove the rule")).flatten()
}

/// DU015: how long HAProxy waits in silence.
fn timeouts(server: &Server<'_>) -> Vec<Finding> {
    let of_end = |end: &str| {
        let item = server.of_name("timeout").filter(|item| item.directive.arg(0) == Some(end)).last()?;
        let time = item.directive.arg(1)?;
        (1..PATIENT).contains(&milliseconds(time)?).then(|| {
            let fix = format!("timeout {end} 1h");
            // Measured with HAProxy 2.6: the client's timeout does not end a body that stalls, the server's does.
            if end == "client" {
                let found = format!(
                    "timeout client {time}: some HAProxy releases cut a browser that pauses for this time, others do not"
                );
                return Finding::note(Rule::TooSlow, &item.place(), found, fix);
            }
            let found = format!(
                "timeout server {time}: a pause of this length breaks the upload, for example while Glance stores the last part"
            );
            Finding::warning(Rule::TooSlow, &item.place(), found, fix)
        })
    };
    ["client", "server"].into_iter().filter_map(of_end).collect()
}

/// HAProxy's times: milliseconds unless a unit is written.
fn milliseconds(text: &str) -> Option<u64> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = digits.parse().ok()?;
    match unit {
        "us" => Some(number / 1000),
        "" | "ms" => Some(number),
        "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        "d" => number.checked_mul(86_400_000),
        _ => None,
    }
}
