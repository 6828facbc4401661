//! HAProxy's conditions, for one request (configuration.txt, 7: ACLs and sample fetches).
//!
//! In: a server's directives and a request. Out: whether a condition holds; none if that depends on more than is known.

use std::net::IpAddr;

use direct_upload_core::derive::exposure_issue::policy::{all, any};
use direct_upload_core::openstack::cors_request::{CorsRequest, KnownText};
use regex::Regex;

use crate::classify;
use crate::facts::browser::Sent;
use crate::facts::listen::is_local;
use crate::facts::server::{ScopedDirective, Server};

/// Rules of HAProxy before 2.1, about any line of a request.
pub(super) fn is_of_lines(item: &ScopedDirective<'_>) -> bool {
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
    let first = format!("{} {} HTTP/1.1", sent.method(), sent.path().text()?);
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

/// Whether a rule's condition is true for a request; none if that depends on more than is known of it.
pub(crate) fn condition<'s>(server: &'s Server<'_>, item: &'s ScopedDirective<'_>, sent: &Sent) -> Option<bool> {
    let of_line = if is_of_lines(item) { matches_a_line(item, sent) } else { Some(true) };
    let words: Vec<&str> = item.directive.args.iter().map(String::as_str).collect();
    let Some(at) = words.iter().position(|word| matches!(*word, "if" | "unless")) else { return of_line };
    let alternatives = words[at + 1..].split(|word| matches!(*word, "or" | "||"));
    let holds = any(alternatives.map(|terms| all(terms_of(terms).into_iter().map(|term| holds(server, term, sent)))));
    all([of_line, holds.map(|holds| holds == (words[at] == "if"))])
}

/// `!{ method GET }` is one term, as is a name.
pub(super) fn terms_of<'a, 'b>(words: &'b [&'a str]) -> Vec<(bool, &'b [&'a str])> {
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

pub(super) fn holds<'s>(server: &'s Server<'_>, (negated, term): (bool, &[&'s str]), sent: &Sent) -> Option<bool> {
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

/// A sample, and how it is compared unless the condition says it: a fetch, and converters after commas.
pub(super) fn sample(server: &Server<'_>, written: &str, sent: &Sent) -> Option<(KnownText, Matching)> {
    let mut parts = parts(written).into_iter();
    let first = parts.next()?;
    let (value, how) = match variable(first) {
        Some(name) => match sent.noted(&name.to_lowercase()) {
            Some(value) => (value, Matching::Exact),
            None => (self::sample(server, set_once(server, name)?, sent)?.0, Matching::Exact),
        },
        None => match captured(server, first) {
            Some(own) => (self::sample(server, &own, sent)?.0, Matching::Exact),
            None => fetch(first, sent)?,
        },
    };
    Some((parts.fold(value, |value, converter| converted(server, value, converter)), how))
}

/// What `capture.req.hdr(N)` means: the Nth of `capture request header NAME` and `http-request capture SAMPLE`.
fn captured(server: &Server<'_>, written: &str) -> Option<String> {
    let number: usize = written.strip_prefix("capture.req.hdr(")?.strip_suffix(')')?.parse().ok()?;
    let own = |item: &ScopedDirective<'_>| {
        let arg = |at: usize| item.directive.arg(at).unwrap_or_default();
        match item.directive.name.as_str() {
            "capture" if arg(0) == "request" => Some(format!("req.hdr({})", arg(2))),
            // One that names itself would not end.
            "http-request" if arg(0) == "capture" && !arg(1).contains("capture.") => Some(arg(1).to_owned()),
            _ => None,
        }
    };
    server.items.iter().filter_map(own).nth(number)
}

/// What is between the commas that are in no brackets.
fn parts(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_usize, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn fetch(written: &str, sent: &Sent) -> Option<(KnownText, Matching)> {
    let (name, argument) = written.split_once('(').unwrap_or((written, ""));
    let argument = argument.trim_end_matches(')').split(',').next().unwrap_or_default();
    let name = name.to_lowercase();
    let name = name.strip_prefix("req.").unwrap_or(&name);
    let of_suffix = |own: &str| Matching::of(own.rsplit_once('_')?.1);
    Some(match name {
        "method" => (KnownText::is(sent.method()), Matching::Exact),
        // Of Glance's own answer, for rules about answers.
        "status" => {
            let status = if sent.request == CorsRequest::Preflight { "200" } else { "204" };
            (KnownText::is(status), Matching::Number)
        }
        "body_size" | "body_len" => (size(sent), Matching::Number),
        "hdr" | "fhdr" => (sent.header(argument), Matching::Exact),
        "hdr_val" => (sent.header(argument), Matching::Number),
        "hdr_beg" | "hdr_end" | "hdr_sub" | "hdr_reg" | "hdr_dir" | "hdr_dom" => {
            (sent.header(argument), of_suffix(name)?)
        }
        "path" | "pathq" | "url" => (sent.path(), Matching::Exact),
        "path_beg" | "path_end" | "path_sub" | "path_reg" | "path_dir" | "url_beg" | "url_end" | "url_sub"
        | "url_reg" | "url_dir" => (sent.path(), of_suffix(name)?),
        "base" => (sent.base(), Matching::Exact),
        "base_beg" | "base_end" | "base_sub" | "base_reg" | "base_dir" => (sent.base(), of_suffix(name)?),
        "hdr_cnt" | "fhdr_cnt" => {
            (KnownText::Is(u8::from(sent.header(argument).is_found()?).to_string()), Matching::Number)
        }
        "cook" | "cook_cnt" => (sent.header("cookie"), Matching::Exact),
        "ssl_c_used" | "ssl_fc_has_crt" | "http_auth" | "http_auth_group" => (KnownText::is("false"), Matching::Truth),
        "ssl_fc" => (KnownText::is(sent.is_secure()?.to_string()), Matching::Truth),
        "ssl_fc_sni" | "req_ssl_sni" | "ssl_sni" => (sent.host(), Matching::Exact),
        "ssl_fc_sni_end" | "ssl_fc_sni_reg" | "req_ssl_sni_end" => (sent.host(), of_suffix(name)?),
        _ => return None,
    })
}

/// What a converter makes of a value (configuration.txt, 7.3.1).
fn converted(server: &Server<'_>, value: KnownText, converter: &str) -> KnownText {
    let (name, arguments) = converter.split_once('(').unwrap_or((converter, ""));
    let arguments = arguments.trim_end_matches(')');
    let of_text = |make: &dyn Fn(&str) -> String| match &value {
        KnownText::Is(text) => KnownText::Is(make(text)),
        other => other.clone(),
    };
    match (name, arguments) {
        ("lower", _) => of_text(&str::to_lowercase),
        ("upper", _) => of_text(&str::to_uppercase),
        ("host_only", _) | ("field" | "word", "1,:") => {
            of_text(&|text| text.split(':').next().unwrap_or_default().to_owned())
        }
        ("map", _) => mapped(server, &value, "str", arguments),
        _ => match name.strip_prefix("map_") {
            Some(rest) => mapped(server, &value, rest.split('_').next().unwrap_or_default(), arguments),
            None if value == KnownText::Missing => value,
            None => KnownText::Unknown,
        },
    }
}

/// `map_beg(FILE,DEFAULT)`: of several beginnings the longest counts.
fn mapped(server: &Server<'_>, value: &KnownText, way: &str, arguments: &str) -> KnownText {
    let (path, default) = arguments.split_once(',').map_or((arguments, None), |(path, rest)| (path, Some(rest)));
    let (Some(how), Some(lines), KnownText::Is(text)) = (Matching::of(way), listed(server, path), value) else {
        return KnownText::Unknown;
    };
    let pairs = lines.into_iter().filter_map(|line| line.split_once(char::is_whitespace));
    let fits = |key: &str| match how {
        Matching::Pattern => Regex::new(key).is_ok_and(|pattern| pattern.is_match(text)),
        how => how.compares(text, key),
    };
    let mut found: Vec<(&str, &str)> = pairs.filter(|(key, _)| fits(key)).collect();
    if how == Matching::Beginning {
        found.sort_by_key(|(key, _)| std::cmp::Reverse(key.len()));
    }
    let chosen = found.first().map(|(_, value)| value.trim()).or(default.map(str::trim));
    chosen.map_or(KnownText::Missing, KnownText::is)
}

/// The lines of a file that a condition names, if it is in the input.
fn listed<'s>(server: &'s Server<'_>, path: &str) -> Option<Vec<&'s str>> {
    let file = server.lists.iter().find(|file| file.name == classify::base(path))?;
    let lines = file.text.lines().map(str::trim);
    Some(lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect())
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
fn fetched<'s>(server: &'s Server<'_>, words: &[&'s str], sent: &Sent) -> Option<bool> {
    let (fetch, rest) = words.split_first()?;
    let flags = Flags::of(server, rest)?;
    if fetch.eq_ignore_ascii_case("dst") {
        return of_address(&bound(server)?, &flags.values);
    }
    let (value, usual) = sample(server, fetch, sent)?;
    let values = flags.values;
    match (flags.matching.unwrap_or(usual), &value) {
        (Matching::Found, _) => value.is_found(),
        (Matching::Truth, _) => value.text().map(|text| !matches!(text, "" | "0" | "false")),
        // Without a sample no test is met.
        (_, KnownText::Missing) => Some(false),
        (Matching::Number, _) => value.text()?.parse().ok().and_then(|number| in_range(number, &values)),
        (Matching::Length, _) => in_range(value.text()?.len() as u64, &values),
        (Matching::Pattern, _) => any(values.into_iter().map(|own| value.matches(own, flags.nocase))),
        _ if fetch.eq_ignore_ascii_case("method") => {
            Some(values.iter().any(|own| own.eq_ignore_ascii_case(sent.method())))
        }
        (how, _) => any(values.into_iter().map(|own| {
            let fold = |text: &str| if flags.nocase { text.to_lowercase() } else { text.to_owned() };
            let own = fold(own);
            value.meets(|text| how.compares(&fold(text), &own))
        })),
    }
}

/// How a sample is compared (configuration.txt, 7.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matching {
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
            Self::Domain => {
                let text: String = text.chars().map(|c| if "/?:".contains(c) { '.' } else { c }).collect();
                format!(".{}.", text.trim_matches('.')).contains(&format!(".{}.", own.trim_matches('.')))
            }
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
    /// None if a flag changes what is compared with what, or names a file that is not in the input.
    fn of(server: &'a Server<'_>, words: &[&'a str]) -> Option<Self> {
        let mut flags = Self { nocase: false, matching: None, values: Vec::new() };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "-i" => flags.nocase = true,
                "-m" => flags.matching = Some(Matching::of(words.next()?)?),
                "-f" => flags.values.extend(listed(server, words.next()?)?),
                "-M" | "-n" | "-u" => return None,
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
