//! HAProxy: rules and their conditions, for one request (configuration.txt, 7: ACLs and sample fetches).

use std::net::IpAddr;

use direct_upload_core::derive::exposure_issue::policy::{all, any};
use direct_upload_core::openstack::cors_request::{CorsRequest, KnownText, UPLOAD_PATH};
use regex::Regex;

use crate::facts::browser::Sent;
use crate::facts::server::{ScopedDirective, Server, is_local};

/// Actions that end a request.
const ENDS: [&str; 8] = ["deny", "reject", "tarpit", "silent-drop", "return", "redirect", "auth", "use-service"];

/// The first rule that certainly ends a request before Glance sees it.
pub(crate) fn ends<'s, 'a>(server: &'s Server<'a>, sent: &Sent) -> Option<&'s ScopedDirective<'a>> {
    // Below HTTP, requests are not inspected.
    if server.last("mode").is_some_and(|item| item.directive.word() == "tcp") {
        return None;
    }
    // `allow` ends the rules of its own section only.
    let mut allowed: Vec<&ScopedDirective<'_>> = Vec::new();
    for item in &server.items {
        let Some(action) = action(item) else { continue };
        let is_rule = |other: &&ScopedDirective<'_>| {
            let same = other.directive.name == item.directive.name || (is_of_lines(other) && is_of_lines(item));
            other.within == item.within && same
        };
        if allowed.iter().any(is_rule) {
            continue;
        }
        let holds = if leads_there(server, item, sent) { condition(server, item, sent) } else { Some(false) };
        match action {
            // Perhaps it lets the request pass: then nothing after it is certain.
            "allow" | "accept" if holds != Some(false) => allowed.push(item),
            _ if ENDS.contains(&action) && holds == Some(true) => return Some(item),
            _ => {}
        }
    }
    None
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
    let ends = |item: &&ScopedDirective<'_>| action(item).is_some_and(|action| ENDS.contains(&action));
    let is_open = |item: &&ScopedDirective<'_>| {
        leads_there(server, item, sent) && condition(server, item, sent).is_none() && {
            let unknown = unknown(server, item, sent);
            !unknown.is_empty() && !unknown.iter().any(|fetch| OF_STATE.iter().any(|own| fetch.starts_with(own)))
        }
    };
    server.items.iter().filter(ends).find(is_open)
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

/// Whether a request may come to the backend of a rule.
fn leads_there(server: &Server<'_>, item: &ScopedDirective<'_>, sent: &Sent) -> bool {
    let Some(backend) = item.within.iter().find(|section| section.name == "backend").and_then(|own| own.arg(0)) else {
        return true;
    };
    let leads = |item: &&ScopedDirective<'_>| matches!(item.directive.name.as_str(), "use_backend" | "default_backend");
    let mut choices = server.items.iter().filter(leads).peekable();
    if choices.peek().is_none() {
        return true;
    }
    for choice in choices.filter(|choice| choice.directive.name == "use_backend") {
        let is_own = choice.directive.arg(0) == Some(backend) || choice.directive.text().contains("%[");
        match condition(server, choice, sent) {
            Some(true) | None if is_own => return true,
            // Another backend gets it.
            Some(true) => return false,
            Some(false) | None => {}
        }
    }
    server.of_name("default_backend").any(|choice| choice.directive.arg(0) == Some(backend))
}

/// What a rule does with a request, if it decides about it.
fn action<'i>(item: &'i ScopedDirective<'_>) -> Option<&'i str> {
    let args = &item.directive.args;
    let first = args.first().map(String::as_str).unwrap_or_default();
    let to_https = args.iter().any(|word| word == "redirect") || item.directive.name == "redirect";
    let to_https = to_https && args.windows(2).any(|pair| pair[0] == "scheme" && pair[1] == "https");
    match item.directive.name.as_str() {
        _ if to_https => None,
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

/// Rules of HAProxy before 2.1, about any line of a request.
fn is_of_lines(item: &ScopedDirective<'_>) -> bool {
    let name = item.directive.name.as_str();
    matches!(name, "reqdeny" | "reqideny" | "reqtarpit" | "reqitarpit" | "reqallow" | "reqiallow")
}

/// Whether the pattern of such a rule matches the request's first line, or one of its headers.
fn matches_a_line(item: &ScopedDirective<'_>, sent: &Sent) -> Option<bool> {
    const NAMES: [&str; 16] = [
        "host",
        "origin",
        "referer",
        "user-agent",
        "sec-fetch-site",
        "sec-fetch-mode",
        "sec-fetch-dest",
        "access-control-request-method",
        "access-control-request-headers",
        "accept",
        "accept-language",
        "accept-encoding",
        "content-type",
        "content-length",
        "x-auth-token",
        "cookie",
    ];
    let pattern = item.directive.arg(0)?;
    let nocase = item.directive.name.starts_with("reqi");
    let regex = Regex::new(&if nocase { format!("(?i){pattern}") } else { pattern.to_owned() }).ok()?;
    let first = format!("{} {UPLOAD_PATH} HTTP/1.1", sent.method());
    let of_header = |name: &&str| match sent.header(name) {
        KnownText::Is(value) => regex.is_match(&format!("{name}: {value}")),
        _ => false,
    };
    if regex.is_match(&first) || NAMES.iter().any(of_header) {
        return Some(true);
    }
    let pattern = pattern.to_lowercase();
    let may_be = |name: &&str| sent.header(name) != KnownText::Missing && pattern.contains(*name);
    (!NAMES.iter().any(may_be)).then_some(false)
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

/// Whether a rule's condition is true for a request; none if that depends on more than is known of it.
pub(crate) fn condition(server: &Server<'_>, item: &ScopedDirective<'_>, sent: &Sent) -> Option<bool> {
    let of_line = if is_of_lines(item) { matches_a_line(item, sent) } else { Some(true) };
    let words: Vec<&str> = item.directive.args.iter().map(String::as_str).collect();
    let Some(at) = words.iter().position(|word| matches!(*word, "if" | "unless")) else { return of_line };
    let alternatives = words[at + 1..].split(|word| matches!(*word, "or" | "||"));
    let holds = any(alternatives.map(|terms| all(terms_of(terms).into_iter().map(|term| holds(server, term, sent)))));
    all([of_line, holds.map(|holds| holds == (words[at] == "if"))])
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

fn holds(server: &Server<'_>, (negated, term): (bool, &[&str]), sent: &Sent) -> Option<bool> {
    let found = match term {
        [open, inner @ .., close] if open.ends_with('{') && *close == "}" => fetched(server, inner, sent),
        [name] => match name.trim_start_matches('!') {
            "TRUE" | "HTTP" | "WAIT_END" => Some(true),
            "FALSE" | "HTTP_1.0" => Some(false),
            "HTTP_CONTENT" => Some(sent.request == CorsRequest::Upload),
            name if name.starts_with("METH_") => Some(name.strip_prefix("METH_") == Some(sent.method())),
            name => {
                let named = server.of_name("acl").filter(|item| item.directive.arg(0) == Some(name));
                let tests = named.map(|item| item.directive.args[1..].iter().map(String::as_str).collect::<Vec<_>>());
                let tests: Vec<_> = tests.map(|words| fetched(server, &words, sent)).collect();
                (!tests.is_empty()).then(|| any(tests)).flatten()
            }
        },
        _ => None,
    };
    found.map(|found| found != negated)
}

/// A sample, and how it is compared unless the condition says it. `path`: the upload's, if it is known.
fn sample(fetch: &str, path: Option<&str>, sent: &Sent) -> Option<(KnownText, Matching)> {
    let (fetch, converters) = fetch.split_once("),").map_or((fetch, ""), |(start, rest)| (start, rest));
    let (name, argument) = fetch.split_once('(').unwrap_or((fetch, ""));
    let argument = argument.trim_end_matches(')').split(',').next().unwrap_or_default();
    let name = name.strip_prefix("req.").unwrap_or(name);
    let (value, how) = match name {
        "method" => return Some((KnownText::is(sent.method()), Matching::Exact)),
        // Of Glance's own answer, for rules about answers.
        "status" => {
            let status = if sent.request == CorsRequest::Preflight { "200" } else { "204" };
            (KnownText::is(status), Matching::Number)
        }
        "body_size" | "body_len" => (size(sent), Matching::Number),
        "hdr" | "fhdr" => (sent.header(argument), Matching::Exact),
        "hdr_val" => (sent.header(argument), Matching::Number),
        "hdr_beg" | "hdr_end" | "hdr_sub" | "hdr_reg" | "hdr_dir" | "hdr_dom" => {
            (sent.header(argument), Matching::of(name.rsplit_once('_')?.1)?)
        }
        "path" => (KnownText::is(path?), Matching::Exact),
        "path_beg" | "path_end" | "path_sub" | "path_reg" | "path_dir" => {
            (KnownText::is(path?), Matching::of(name.rsplit_once('_')?.1)?)
        }
        "hdr_cnt" | "fhdr_cnt" => {
            (KnownText::Is(u8::from(sent.header(argument).is_found()?).to_string()), Matching::Number)
        }
        "cook" | "cook_cnt" => (sent.header("cookie"), Matching::Exact),
        "ssl_c_used" | "ssl_fc_has_crt" | "http_auth" | "http_auth_group" => (KnownText::is("false"), Matching::Truth),
        "ssl_fc" if sent.is_secure() == Some(true) => (KnownText::is("true"), Matching::Truth),
        _ => return None,
    };
    let value = match converters {
        "" => value,
        "lower" | "upper" => match value {
            KnownText::Is(text) if converters == "lower" => KnownText::Is(text.to_lowercase()),
            KnownText::Is(text) => KnownText::Is(text.to_uppercase()),
            other => other,
        },
        _ if value == KnownText::Missing => value,
        _ => KnownText::Unknown,
    };
    Some((value, how))
}

/// The name in `var(NAME)`.
fn variable(fetch: &str) -> Option<&str> {
    fetch.strip_prefix("var(").and_then(|rest| rest.strip_suffix(')'))
}

/// What `http-request set-var(NAME)` writes, if one rule does it for each request.
fn set_once<'s>(server: &'s Server<'_>, name: &str) -> Option<&'s str> {
    let is_it = |item: &&ScopedDirective<'_>| {
        let action = item.directive.arg(0).and_then(|action| action.strip_prefix("set-var("));
        action.and_then(|rest| rest.strip_suffix(')')).is_some_and(|own| own.eq_ignore_ascii_case(name))
    };
    let all: Vec<_> = server.of_name("http-request").filter(is_it).collect();
    match all.as_slice() {
        [one] if one.directive.args.len() == 2 => one.directive.arg(1),
        _ => None,
    }
}

/// The address on which browsers reach a server, if its lines name one.
fn bound(server: &Server<'_>) -> Option<IpAddr> {
    let binds = server.of_name("bind").filter_map(|item| item.directive.arg(0));
    let addresses: Option<Vec<IpAddr>> = binds
        .filter(|address| !is_local(address))
        .map(|address| address.rsplit_once(':')?.0.trim_matches(['[', ']']).parse().ok())
        .collect();
    match addresses?.as_slice() {
        [first, rest @ ..] if !first.is_unspecified() && rest.iter().all(|own| own == first) => Some(*first),
        _ => None,
    }
}

/// Whether an address is in a list; a network or a name there is not compared.
fn of_address(own: &IpAddr, values: &[&str]) -> Option<bool> {
    any(values.iter().map(|value| value.parse::<IpAddr>().ok().map(|value| value == *own)))
}

/// The number of bytes of a body; some, if no size is assumed.
fn size(sent: &Sent) -> KnownText {
    sent.length().map_or(KnownText::Unknown, |length| KnownText::Is(length.to_string()))
}

/// Whether a fetch meets its values; none if that is not known.
fn fetched(server: &Server<'_>, words: &[&str], sent: &Sent) -> Option<bool> {
    let (fetch, rest) = words.split_first()?;
    let fetch = fetch.to_lowercase();
    let flags = Flags::of(rest)?;
    // Where the path chooses the backend, Glance may be below another one.
    let path = (!is_chosen_by_path(server)).then_some(UPLOAD_PATH);
    if fetch == "dst" {
        return of_address(&bound(server)?, &flags.values);
    }
    let (value, usual) = match variable(&fetch) {
        Some(name) => (sample(&set_once(server, name)?.to_lowercase(), path, sent)?.0, Matching::Exact),
        None => sample(&fetch, path, sent)?,
    };
    let values = flags.values;
    match (flags.matching.unwrap_or(usual), &value) {
        (Matching::Found, _) => value.is_found(),
        (Matching::Truth, _) => value.text().map(|text| !matches!(text, "" | "0" | "false")),
        // Without a sample no test is met.
        (_, KnownText::Missing) => Some(false),
        (Matching::Number, _) => value.text()?.parse().ok().and_then(|number| in_range(number, &values)),
        (Matching::Length, _) => in_range(value.text()?.len() as u64, &values),
        (Matching::Pattern, _) => any(values.into_iter().map(|own| value.matches(own, flags.nocase))),
        (Matching::Domain, _) => None,
        _ if fetch == "method" => Some(values.iter().any(|own| own.eq_ignore_ascii_case(sent.method()))),
        (how, _) => any(values.into_iter().map(|own| {
            let fold = |text: &str| if flags.nocase { text.to_lowercase() } else { text.to_owned() };
            let own = fold(own);
            value.meets(|text| how.compares(&fold(text), &own))
        })),
    }
}

/// How a sample is compared (configuration.txt, 7.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Matching {
    Found,
    Truth,
    Number,
    Length,
    Exact,
    Beginning,
    End,
    Part,
    Folder,
    Domain,
    Pattern,
}

impl Matching {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "found" => Self::Found,
            "bool" => Self::Truth,
            "int" => Self::Number,
            "len" => Self::Length,
            "str" => Self::Exact,
            "beg" => Self::Beginning,
            "end" => Self::End,
            "sub" => Self::Part,
            "dir" => Self::Folder,
            "dom" => Self::Domain,
            "reg" => Self::Pattern,
            _ => return None,
        })
    }

    /// Whether one text is in another, for those that compare texts.
    fn compares(self, text: &str, own: &str) -> bool {
        match self {
            Self::Beginning => text.starts_with(own),
            Self::End => text.ends_with(own),
            Self::Part => text.contains(own),
            Self::Folder => format!("/{}/", text.trim_matches('/')).contains(&format!("/{}/", own.trim_matches('/'))),
            _ => text == own,
        }
    }
}

/// What follows a fetch.
struct Flags<'a> {
    nocase: bool,
    matching: Option<Matching>,
    values: Vec<&'a str>,
}

impl<'a> Flags<'a> {
    /// None if a flag changes what is compared with what.
    fn of(words: &[&'a str]) -> Option<Self> {
        let mut flags = Self { nocase: false, matching: None, values: Vec::new() };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "-i" => flags.nocase = true,
                "-m" => flags.matching = Some(Matching::of(words.next()?)?),
                "-f" | "-M" | "-n" | "-u" => return None,
                "--" => {}
                value => flags.values.push(value),
            }
        }
        Some(flags)
    }
}

/// `gt 100`, `100`, `100:200`, `:200`.
fn in_range(number: u64, values: &[&str]) -> Option<bool> {
    let mut operator = "eq";
    let mut met = Some(false);
    for word in values {
        if matches!(*word, "eq" | "gt" | "ge" | "lt" | "le") {
            operator = word;
            continue;
        }
        let holds = match word.split_once(':') {
            Some((from, to)) => {
                let (from, to) = (from.parse().unwrap_or(0), to.parse().unwrap_or(u64::MAX));
                Some((from..=to).contains(&number))
            }
            None => word.parse::<u64>().ok().map(|limit| match operator {
                "gt" => number > limit,
                "ge" => number >= limit,
                "lt" => number < limit,
                "le" => number <= limit,
                _ => number == limit,
            }),
        };
        met = any([met, holds]);
    }
    met
}

/// Whether the path leads to a backend.
fn is_chosen_by_path(server: &Server<'_>) -> bool {
    let acls = server.of_name("acl").filter(|acl| acl.directive.text().contains(" path"));
    let named: Vec<&str> = acls.filter_map(|acl| acl.directive.arg(0)).collect();
    let by_path = |word: &String| word.starts_with("path") || named.contains(&word.trim_start_matches('!'));
    server.of_name("use_backend").any(|item| item.directive.args.iter().any(by_path))
}
