//! nginx: `if`, `map` and `set`, lists of methods and logins, for one request.
//!
//! In the order in which nginx runs them (ngx_http_rewrite_module): first those of the server, then those of the
//! location.

use std::collections::BTreeMap;

use direct_upload_core::openstack::cors_request::{CorsRequest, KnownText, UPLOAD_PATH};
use regex::Regex;

use super::httpd;
use crate::facts::browser::Sent;
use crate::facts::server::{ScopedDirective, Server};
use crate::facts::upload_path;
use crate::formats::directives::Directive;
use direct_upload_core::openstack::needed::ALLOW_ORIGIN;

/// What certainly ends a request.
pub(crate) fn ends<'s, 'a>(server: &'s Server<'a>, sent: &Sent) -> Option<&'s ScopedDirective<'a>> {
    let rewritten = Run::new(server, sent).ends();
    rewritten
        .or_else(|| leads_nowhere(server, sent))
        .or_else(|| server.items.iter().find(|item| refuses(server, item, sent)))
        .or_else(|| httpd::modsecurity(server, sent).filter(|_| !is_off(server, "modsecurity")))
}

fn is_off(server: &Server<'_>, name: &str) -> bool {
    server.last(name).is_some_and(|item| item.directive.word() == "off")
}

/// The location that takes the request, if it leads nowhere. Where Glance's location is for another path, the published
/// URL shows whether this one is for uploads.
fn leads_nowhere<'s, 'a>(server: &'s Server<'a>, sent: &Sent) -> Option<&'s ScopedDirective<'a>> {
    let is_own = server.location.as_ref().is_none_or(|own| upload_path::location_of(&[own]).is_some());
    server.leads_nowhere.as_ref().filter(|_| is_own || sent.path() == KnownText::is(UPLOAD_PATH))
}

/// What ends a request under a condition whose value for it the input does not show. Addresses, and files on the
/// server's disk, are not meant.
pub(super) fn may_end<'s, 'a>(server: &'s Server<'a>, sent: &Sent) -> Option<&'s ScopedDirective<'a>> {
    const OF_STATE: [&str; 8] =
        ["$remote_addr", "$binary_remote_addr", "$realip", "$geoip", "-f", "-d", "-e", "$limit_"];
    let mut run = Run::new(server, sent);
    if run.ends().is_some() {
        return None;
    }
    let is_of_state = |block: &Directive| OF_STATE.iter().any(|own| block.text().contains(own));
    let of_geo = |block: &Directive| {
        server.of_name("geo").filter_map(|geo| geo.directive.args.last()).any(|name| block.text().contains(name))
    };
    run.open.filter(|item| !item.within.iter().any(|block| is_of_state(block) || of_geo(block)))
}

/// Logins, which no request of an upload has: Glance's own token is none of them.
const LOGINS: [&str; 4] = ["auth_basic", "auth_request", "auth_jwt", "auth_digest"];

/// A list of methods, or a login.
fn refuses(server: &Server<'_>, item: &ScopedDirective<'_>, sent: &Sent) -> bool {
    let list = item.within.iter().find(|block| block.name == "limit_except");
    if list.is_some_and(|list| list.args.iter().any(|method| method.eq_ignore_ascii_case(sent.method()))) {
        return false;
    }
    let name = item.directive.name.as_str();
    // `satisfy any` lets addresses pass without a login.
    let spared = || {
        server.last("satisfy").is_some_and(|item| item.directive.word() == "any")
            && server.of_name("allow").next().is_some()
    };
    let is_on = || server.last(name).is_some_and(|last| last.directive.word() != "off");
    match name {
        "deny" if list.is_none() => is_denied(server, item) && !spared(),
        "deny" => item.directive.word() == "all",
        _ if LOGINS.contains(&name) => item.directive.word() != "off" && is_on() && !spared(),
        _ => false,
    }
}

/// Whether this is the first rule of the location for every address; then nobody's request passes
/// (ngx_http_access_module: the first rule that fits decides).
fn is_denied(server: &Server<'_>, item: &ScopedDirective<'_>) -> bool {
    let is_rule = |other: &&ScopedDirective<'_>| {
        other.within.is_empty() && matches!(other.directive.name.as_str(), "allow" | "deny")
    };
    item.directive.word() == "all" && server.items.iter().find(is_rule).is_some_and(|first| std::ptr::eq(first, item))
}

/// Whether the `if` blocks around a directive are met for a request.
pub(super) fn holds(server: &Server<'_>, item: &ScopedDirective<'_>, sent: &Sent) -> Option<bool> {
    let mut run = Run::new(server, sent);
    run.ends();
    run.is_met(item)
}

/// What `add_header` or the like writes into the answer to a request: missing, if nothing. A location's lines count
/// unless an `if` block that is met has lines of its own.
pub(crate) fn added(server: &Server<'_>, item: &ScopedDirective<'_>, sent: &Sent) -> KnownText {
    let mut run = Run::new(server, sent);
    run.ends();
    let has_own = |block: &Directive| server.of_name("add_header").any(|other| other.within.last() == Some(block));
    let after = match item.within.iter().rfind(|block| block.name == "if") {
        None => run.met.as_slice(),
        Some(block) => {
            let Some(at) = run.met.iter().rposition(|(own, _)| own == block) else { return KnownText::Missing };
            match run.met[at].1 {
                Some(false) => return KnownText::Missing,
                None => return KnownText::Unknown,
                Some(true) => &run.met[at + 1..],
            }
        }
    };
    let replaced: Vec<Option<bool>> =
        after.iter().filter(|(block, _)| has_own(block)).map(|(_, holds)| *holds).collect();
    if replaced.contains(&Some(true)) {
        return KnownText::Missing;
    }
    // An empty value writes no header.
    let value = match run.filled(item.directive.arg(1).unwrap_or_default()) {
        KnownText::Is(text) if text.is_empty() => KnownText::Missing,
        value => value,
    };
    if replaced.contains(&None) && value != KnownText::Missing { KnownText::Unknown } else { value }
}

/// Whether nginx itself answers a request, and grants what it asks for.
pub(crate) fn answers(server: &Server<'_>, sent: &Sent) -> bool {
    let mut run = Run::new(server, sent);
    run.ends();
    let is_met = |block: &Directive| {
        block.name == "if" && run.met.iter().any(|(own, holds)| own == block && *holds != Some(false))
    };
    server.of_name("return").any(|item| item.within.iter().all(is_met))
}

/// Advice in nginx's words.
pub(super) fn fix(server: &Server<'_>, item: &ScopedDirective<'_>, sent: &Sent) -> String {
    const REMOVE: &str = "Glance checks the token itself";
    let text = |item: &ScopedDirective<'_>| item.within.iter().map(Directive::text).collect::<String>();
    if text(item).contains("$invalid_referer")
        && let Some(listed) = server.last("valid_referers")
        && let Some(host) = sent.header("referer").text().and_then(host_of)
    {
        return format!("valid_referers {} {host};", listed.directive.text());
    }
    match item.directive.name.as_str() {
        "secrule" => httpd::WITHOUT_RULE.to_owned(),
        "location" => "remove the location block, or add Glance's proxy_pass to it".to_owned(),
        "deny" if item.within.is_empty() => format!("remove it: {REMOVE}"),
        "deny" => format!(
            "remove it: {REMOVE}; or let {} through, e.g. limit_except GET HEAD POST PUT PATCH DELETE OPTIONS {{ deny all; }}",
            sent.method()
        ),
        "return" | "rewrite" if item.within.iter().any(|block| block.name == "if") => match sent.request {
            CorsRequest::Preflight => "remove the if block: Glance answers preflights itself".to_owned(),
            CorsRequest::Upload => format!("remove the if block: {REMOVE}"),
        },
        _ => format!("remove it: {REMOVE}"),
    }
}

/// The host of a URL.
fn host_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    rest.split(['/', ':']).next().filter(|host| !host.is_empty())
}

/// nginx's rewrite module, as it runs for one request.
struct Run<'s, 'a, 'r> {
    server: &'s Server<'a>,
    sent: &'r Sent,
    vars: BTreeMap<String, KnownText>,
    /// What each `if` so far was.
    met: Vec<(Directive, Option<bool>)>,
    path: KnownText,
    /// The first `return` that may run.
    open: Option<&'s ScopedDirective<'a>>,
}

impl<'s, 'a, 'r> Run<'s, 'a, 'r> {
    fn new(server: &'s Server<'a>, sent: &'r Sent) -> Self {
        let path = if server.takes_uploads { KnownText::is(UPLOAD_PATH) } else { KnownText::Unknown };
        Self { server, sent, vars: BTreeMap::new(), met: Vec::new(), path, open: None }
    }

    fn ends(&mut self) -> Option<&'s ScopedDirective<'a>> {
        let server = self.server;
        for item in &server.items {
            let name = item.directive.name.as_str();
            let Some(within) = self.is_met(item) else {
                // Whether it runs is not known, so what it changes is not.
                match name {
                    "set" => drop(self.vars.insert(variable(item.directive.arg(0)), KnownText::Unknown)),
                    "rewrite" => self.path = KnownText::Unknown,
                    "return" if self.open.is_none() && self.answers(item) => self.open = Some(item),
                    "break" => return None,
                    "if" => self.met.push((item.directive.clone(), None)),
                    _ => {}
                }
                continue;
            };
            match name {
                "if" => {
                    let holds = if within { self.condition(&item.directive) } else { Some(false) };
                    self.met.push((item.directive.clone(), holds));
                }
                _ if !within => {}
                "set" => {
                    let value = self.filled(item.directive.arg(1).unwrap_or_default());
                    self.vars.insert(variable(item.directive.arg(0)), value);
                }
                "return" if self.answers(item) => return Some(item),
                "break" | "return" => return None,
                "rewrite" => match self.rewritten(item) {
                    Some(true) => return Some(item),
                    Some(false) => {}
                    None => return None,
                },
                _ => {}
            }
        }
        None
    }

    /// Whether the blocks around a directive are met; a block of another kind is about something else.
    fn is_met(&self, item: &ScopedDirective<'_>) -> Option<bool> {
        let mut known = Some(true);
        for block in &item.within {
            let of_block = |(own, holds): &(Directive, Option<bool>)| (own == block).then_some(*holds);
            let holds = if block.name == "if" { self.met.iter().rev().find_map(of_block)? } else { Some(false) };
            match holds {
                Some(false) => return Some(false),
                None => known = None,
                Some(true) => {}
            }
        }
        known
    }

    /// Whether `return` refuses; an answer that grants the upload itself is DU012.
    fn answers(&self, item: &ScopedDirective<'_>) -> bool {
        let first = item.directive.arg(0).unwrap_or_default();
        if self.is_for_https(first) || self.is_for_https(item.directive.arg(1).unwrap_or_default()) {
            return false;
        }
        let passes = first.parse::<u16>().is_ok_and(|status| (200..300).contains(&status));
        let headers = |within: &[Directive]| {
            let own = self.server.of_name("add_header").filter(|other| other.within == within);
            own.map(|other| other.directive.word()).collect::<Vec<_>>()
        };
        let own = headers(&item.within);
        let headers = if own.is_empty() { headers(&[]) } else { own };
        !(self.sent.request == CorsRequest::Preflight && passes && headers.iter().any(|name| name == ALLOW_ORIGIN))
    }

    /// Whether a redirect leads to the same host by https, as a server without TLS often has it. A request by https would be
    /// redirected forever.
    fn is_for_https(&self, target: &str) -> bool {
        if self.sent.comes_by_https() {
            return false;
        }
        let Some(rest) = target.strip_prefix("https://").or_else(|| target.strip_prefix("$scheme://")) else {
            return false;
        };
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        let of_variable = ["$host", "$http_host", "$server_name"].iter().any(|own| rest.starts_with(own));
        let named = self.server.of_name("server_name").flat_map(|item| &item.directive.args).any(|name| name == host);
        of_variable || named
    }

    /// Whether a rewrite redirects; none if nothing runs after it.
    fn rewritten(&mut self, item: &ScopedDirective<'_>) -> Option<bool> {
        let arg = |at: usize| item.directive.arg(at).unwrap_or_default();
        let (pattern, target, flag) = (arg(0), arg(1), arg(2));
        match self.path.matches(pattern, false) {
            Some(false) => Some(false),
            None if !takes_all(pattern) => {
                self.path = KnownText::Unknown;
                if matches!(flag, "last" | "break") { None } else { Some(false) }
            }
            _ if self.is_for_https(target) => None,
            _ => {
                let outside = ["http://", "https://", "$scheme"].iter().any(|scheme| target.starts_with(scheme));
                self.path = KnownText::Unknown;
                match flag {
                    "redirect" | "permanent" => Some(true),
                    _ if outside => Some(true),
                    "last" | "break" => None,
                    _ => Some(false),
                }
            }
        }
    }

    /// `if (…)`.
    fn condition(&self, block: &Directive) -> Option<bool> {
        let text = block.text();
        let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?.trim();
        let mut words = inner.splitn(3, char::is_whitespace);
        let (first, operator, value) = (words.next()?, words.next(), words.next());
        if !first.starts_with('$') {
            return None;
        }
        let own = self.filled(first);
        let Some(operator) = operator else {
            return own.meets(|text| !matches!(text, "" | "0")).or(own.is_found().filter(|found| *found));
        };
        let value = value.unwrap_or_default().trim().trim_matches(['"', '\'']);
        let equals = || own.meets(|text| text == value);
        match operator {
            "=" => equals(),
            "!=" => equals().map(|equal| !equal),
            "~" => own.matches(value, false),
            "~*" => own.matches(value, true),
            "!~" => own.matches(value, false).map(|meets| !meets),
            "!~*" => own.matches(value, true).map(|meets| !meets),
            _ => None,
        }
    }

    /// A text with variables in it.
    fn filled(&self, text: &str) -> KnownText {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            parts.push(KnownText::is(&rest[..at]));
            let after = &rest[at + 1..];
            let (name, tail) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                Some(found) => found,
                None => {
                    after.split_at(after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len()))
                }
            };
            parts.push(self.variable(&name.to_lowercase()));
            rest = tail;
        }
        parts.push(KnownText::is(rest));
        let empty = KnownText::is("");
        parts.retain(|part| *part != empty);
        match parts.as_slice() {
            [] => empty,
            [one] => one.clone(),
            all => match all.iter().map(KnownText::text).collect::<Option<String>>() {
                Some(text) => KnownText::Is(text),
                None if all.iter().any(|part| part.is_found() == Some(true)) => KnownText::Filled,
                None => KnownText::Unknown,
            },
        }
    }

    /// A variable's value (ngx_http_core_module, ngx_http_referer_module).
    fn variable(&self, name: &str) -> KnownText {
        if let Some(value) = self.vars.get(name) {
            return value.clone();
        }
        if let Some(map) = self.server.items.iter().rfind(|item| {
            item.directive.name == "map"
                && item.directive.arg(1).map(|own| variable(Some(own))).as_deref() == Some(name)
        }) {
            return self.mapped(&map.directive);
        }
        match name {
            "request_method" => KnownText::is(self.sent.method()),
            "content_length" => self.sent.header("content-length"),
            "host" => self.sent.host(),
            "content_type" => self.sent.header("content-type"),
            "invalid_referer" => self.invalid_referer(),
            "uri" | "document_uri" | "request_uri" => self.path.clone(),
            "args" | "query_string" | "is_args" | "remote_user" => KnownText::Missing,
            "https" if self.sent.is_secure() == Some(true) => KnownText::is("on"),
            "scheme" if self.sent.is_secure() == Some(true) => KnownText::is("https"),
            "ssl_client_verify" => KnownText::is("NONE"),
            _ => match name.strip_prefix("http_") {
                Some(header) => self.sent.header(&header.replace('_', "-")),
                None if name.starts_with("arg_") || name.starts_with("ssl_client_") => KnownText::Missing,
                None if name.starts_with("cookie_") => self.sent.header("cookie"),
                None => KnownText::Unknown,
            },
        }
    }

    /// `map SOURCE $NAME { … }` (ngx_http_map_module): texts before patterns, and the case of texts does not count.
    fn mapped(&self, map: &Directive) -> KnownText {
        let source = self.filled(map.arg(0).unwrap_or_default());
        let own = self.server.items.iter().filter(|item| item.within.last() == Some(map)).map(|item| &item.directive);
        let entries: Vec<(&str, KnownText)> =
            own.map(|entry| (entry.written.as_str(), self.filled(entry.arg(0).unwrap_or_default()))).collect();
        if entries.iter().any(|(key, _)| matches!(*key, "include" | "hostnames")) {
            return KnownText::Unknown;
        }
        let default = || {
            let found = entries.iter().find(|(key, _)| *key == "default");
            found.map_or(KnownText::Missing, |(_, value)| value.clone())
        };
        let values = || entries.iter().map(|(_, value)| value.clone()).chain([default()]);
        let is_pattern = |key: &str| key.starts_with('~');
        let (patterns, texts): (Vec<_>, Vec<_>) = entries.iter().partition(|(key, _)| is_pattern(key));
        for (key, value) in texts.into_iter().chain(patterns) {
            let holds = match (key.strip_prefix("~*"), key.strip_prefix('~')) {
                (Some(pattern), _) => source.matches(pattern, true),
                (None, Some(pattern)) => source.matches(pattern, false),
                _ if matches!(*key, "default" | "volatile") => Some(false),
                _ => source.meets(|text| text.eq_ignore_ascii_case(key.strip_prefix('\\').unwrap_or(key))),
            };
            match holds {
                Some(true) => return value.clone(),
                Some(false) => {}
                // One of them, but not which.
                None => {
                    let first = value.clone();
                    return if values().all(|own| own == first) { first } else { KnownText::Unknown };
                }
            }
        }
        default()
    }

    /// `valid_referers`: the variable is empty where the header names one of them.
    fn invalid_referer(&self) -> KnownText {
        let Some(listed) = self.server.last("valid_referers") else { return KnownText::Missing };
        let own = self.server.of_name("server_name").flat_map(|item| &item.directive.args);
        let entries: Vec<&String> = listed.directive.args.iter().collect();
        let has = |word: &str| entries.iter().any(|entry| *entry == word);
        let names = own.filter(|_| has("server_names")).chain(entries.iter().copied());
        let referer = self.sent.header("referer");
        let Some(text) = referer.text() else { return KnownText::Unknown };
        let valid = match text.split_once("://") {
            None if text.is_empty() => has("none"),
            None => has("blocked"),
            Some((_, rest)) => {
                let host = rest.split(['/', ':']).next().unwrap_or_default();
                names.into_iter().any(|entry| names_referer(entry, host, rest))
            }
        };
        if valid { KnownText::Missing } else { KnownText::is("1") }
    }
}

/// An entry is a host, perhaps with `*` at an end and a path, or a pattern of what follows the scheme.
fn names_referer(entry: &str, host: &str, rest: &str) -> bool {
    if let Some(pattern) = entry.strip_prefix('~') {
        return Regex::new(&format!("(?i){pattern}")).map_or(true, |pattern| pattern.is_match(rest));
    }
    let (entry, path) = entry.split_at(entry.find('/').unwrap_or(entry.len()));
    let entry = entry.split(':').next().unwrap_or_default().to_lowercase();
    let is =
        match (entry.strip_prefix('*').or_else(|| entry.strip_prefix('.').map(|_| &*entry)), entry.strip_suffix('*')) {
            (Some(tail), _) => host.ends_with(tail) || Some(host) == entry.strip_prefix('.'),
            (None, Some(start)) => host.starts_with(start),
            (None, None) => host == entry,
        };
    is && (path.is_empty() || path == "/")
}

/// Whether a pattern matches each path.
fn takes_all(pattern: &str) -> bool {
    Regex::new(pattern).is_ok_and(|pattern| ["/", "/a", "/a/b.c"].iter().all(|path| pattern.is_match(path)))
}

/// The name in `$name`, in lower case.
fn variable(written: Option<&str>) -> String {
    written.unwrap_or_default().trim_start_matches('$').trim_matches(['{', '}']).to_lowercase()
}
