//! httpd: mod_rewrite, mod_allowmethods, ModSecurity's own rules and authorization, for one request.

use direct_upload_core::derive::exposure_issue::policy::{all, any};
use direct_upload_core::openstack::cors_request::{KnownText, UPLOAD_PATH};
use regex::Regex;

use super::access;
use super::expression::filled;
use crate::facts::browser::Sent;
use crate::facts::server::{ScopedDirective, Server};
use crate::formats::directives::Directive;

/// What certainly ends a request.
pub(super) fn ends<'s, 'a>(server: &'s Server<'a>, sent: &Sent) -> Option<&'s ScopedDirective<'a>> {
    rewritten(server, sent)
        .or_else(|| excluded(server))
        .or_else(|| access::refuses(server, sent))
        .or_else(|| server.items.iter().find(|item| few_methods(server, item, sent)))
        .or_else(|| modsecurity(server, sent))
}

/// What ends a request under a condition whose value for it the input does not show.
pub(super) fn may_end<'s, 'a>(server: &'s Server<'a>, sent: &Sent) -> Option<&'s ScopedDirective<'a>> {
    access::may_refuse(server, sent).or_else(|| open_rule(server, sent))
}

/// A rule of mod_rewrite that ends requests by a header of which the input shows no value, such as the proof of an edge.
fn open_rule<'s, 'a>(server: &'s Server<'a>, sent: &Sent) -> Option<&'s ScopedDirective<'a>> {
    let path = sent.path();
    let is_of_header = |condition: &&ScopedDirective<'_>| {
        condition.directive.arg(0).is_some_and(|test| test.to_uppercase().starts_with("%{HTTP"))
    };
    server.of_name("rewriterule").find(|item| {
        let conditions = conditions(server, item);
        let open: Vec<_> =
            conditions.iter().copied().filter(|own| holds(&own.directive, sent, &path).is_none()).collect();
        !open.is_empty()
            && open.iter().all(is_of_header)
            && hold(&conditions, sent, &path).is_none()
            && Rule::read(item).takes(&path, &section(item)) != Some(false)
            && Rule::read(item).ends(server, sent)
    })
}

/// `ProxyPass /v2 !`: the first `ProxyPass` for a path decides, and those of a `<Location>` come before
/// (mod_proxy, proxy_trans in modules/proxy/mod_proxy.c).
fn excluded<'s, 'a>(server: &'s Server<'a>) -> Option<&'s ScopedDirective<'a>> {
    if !server.takes_uploads {
        return None;
    }
    let in_location = |item: &&ScopedDirective<'_>| !section(item).is_empty();
    // Sections of other paths are dropped before.
    let of_location = server.of_name("proxypass").filter(in_location).last();
    let takes = |item: &&ScopedDirective<'_>| {
        let path = item.directive.arg(0).unwrap_or_default();
        match item.directive.name.as_str() {
            "proxypass" => {
                let rest = UPLOAD_PATH.strip_prefix(path.trim_end_matches('/'));
                rest.is_some_and(|rest| rest.starts_with('/'))
            }
            "proxypassmatch" => Regex::new(path).is_ok_and(|pattern| pattern.is_match(UPLOAD_PATH)),
            _ => false,
        }
    };
    let first = || server.items.iter().filter(|item| !in_location(item)).find(takes);
    let decides = of_location.or_else(first)?;
    let target = if section(decides).is_empty() { decides.directive.arg(1) } else { decides.directive.arg(0) };
    (target == Some("!")).then_some(decides)
}

/// Whether a rule answers a preflight itself, with the headers that httpd writes into each answer.
pub(super) fn granted(server: &Server<'_>, item: &ScopedDirective<'_>) -> Option<Vec<(String, String)>> {
    let is_ok = |flag: &&str| {
        let status = flag.split_once('=').filter(|(name, _)| matches!(name.to_uppercase().as_str(), "R" | "REDIRECT"));
        status.and_then(|(_, status)| status.parse::<u16>().ok()).is_some_and(|status| (200..300).contains(&status))
    };
    if item.directive.name != "rewriterule" || !Rule::read(item).flags.iter().any(is_ok) {
        return None;
    }
    // Of what has no `always`, such an answer has nothing.
    let written = |item: &ScopedDirective<'_>| {
        let args = &item.directive.args;
        let always = args.first().is_some_and(|word| word.eq_ignore_ascii_case("always"));
        let sets = args.get(1).is_some_and(|action| matches!(action.to_lowercase().as_str(), "set" | "add" | "append"));
        (always && sets).then(|| Some((args.get(2)?.trim_end_matches(':').to_owned(), args.get(3)?.clone())))?
    };
    Some(server.of_name("header").filter_map(written).collect())
}

/// Advice on a rule of ModSecurity.
pub(super) const WITHOUT_RULE: &str = "remove it for Glance: its API needs GET HEAD POST PUT PATCH DELETE OPTIONS";

/// Advice in httpd's words. `methods`: those that the directive refuses.
pub(super) fn fix(server: &Server<'_>, item: &ScopedDirective<'_>, sent: &Sent, methods: &str) -> String {
    match item.directive.name.as_str() {
        "rewriterule" => {
            let listed = conditions(server, item).into_iter().any(|condition| {
                let about = condition.directive.word() == "%{request_method}";
                about && condition.directive.arg(1).is_some_and(|pattern| pattern.starts_with("!^("))
            });
            if listed {
                format!("add {} to the accepted methods", methods.replace(' ', "|"))
            } else {
                "remove the rule and its conditions: Glance answers OPTIONS and checks the token itself".to_owned()
            }
        }
        "proxypass" | "proxypassmatch" => "remove it: uploads take this path".to_owned(),
        "allowmethods" => format!("add {methods} to it"),
        "secrule" => WITHOUT_RULE.to_owned(),
        _ => access::fix(server, item, sent, methods),
    }
}

/// `AllowMethods` (mod_allowmethods).
fn few_methods(server: &Server<'_>, item: &ScopedDirective<'_>, sent: &Sent) -> bool {
    let last = || server.of_name("allowmethods").filter(|other| other.within == item.within).last();
    item.directive.name == "allowmethods"
        && last().is_some_and(|last| std::ptr::eq(last, item))
        && item.directive.word() != "reset"
        && !item
            .directive
            .args
            .iter()
            .any(|method| method.trim_start_matches(['+']).eq_ignore_ascii_case(sent.method()))
}

/// The conditions of a rule: those right before it.
fn conditions<'s, 'a>(server: &'s Server<'a>, rule: &ScopedDirective<'_>) -> Vec<&'s ScopedDirective<'a>> {
    let mut taken = Vec::new();
    for item in &server.items {
        match item.directive.name.as_str() {
            "rewritecond" => taken.push(item),
            "rewriterule" if std::ptr::eq(item, rule) => break,
            "rewriterule" => taken.clear(),
            _ => {}
        }
    }
    taken
}

/// The sections of paths around a directive.
fn section<'s>(item: &'s ScopedDirective<'_>) -> Vec<&'s Directive> {
    let is_path = |block: &&Directive| {
        matches!(block.name.as_str(), "location" | "locationmatch" | "directory" | "directorymatch" | "files" | "proxy")
    };
    item.within.iter().filter(is_path).collect()
}

/// mod_rewrite: the rules of the host, then those of each section.
fn rewritten<'s, 'a>(server: &'s Server<'a>, sent: &Sent) -> Option<&'s ScopedDirective<'a>> {
    let mut sections: Vec<Vec<&Directive>> = Vec::new();
    for item in server.of_name("rewriterule") {
        let own = section(item);
        if !sections.contains(&own) {
            sections.push(own);
        }
    }
    sections.sort_by_key(Vec::len);
    sections.into_iter().find_map(|own| ruleset(server, &own, sent))
}

fn ruleset<'s, 'a>(server: &'s Server<'a>, of: &[&Directive], sent: &Sent) -> Option<&'s ScopedDirective<'a>> {
    let of_section = |item: &&ScopedDirective<'_>| section(item) == of;
    let engine = server.of_name("rewriteengine").filter(of_section).last();
    if engine.is_some_and(|item| item.directive.word() == "off") {
        return None;
    }
    // A section of a part of the host matters only where that part is Glance's.
    let leads = |item: &ScopedDirective<'_>| {
        section(item) == of && matches!(item.directive.name.as_str(), "proxypass" | "wsgiscriptalias" | "sethandler")
    };
    if !of.is_empty() && !server.takes_uploads && !server.items.iter().any(leads) {
        return None;
    }
    let mut path = if server.takes_uploads { KnownText::is(UPLOAD_PATH) } else { KnownText::Unknown };
    let mut open: Vec<&ScopedDirective<'_>> = Vec::new();
    for item in server.items.iter().filter(of_section) {
        match item.directive.name.as_str() {
            "rewritecond" => open.push(item),
            "rewriterule" => {
                let conditions = std::mem::take(&mut open);
                let rule = Rule::read(item);
                let holds = match rule.takes(&path, of) {
                    Some(false) => Some(false),
                    takes => all([takes, hold(&conditions, sent, &path)]),
                };
                // What comes after a chain or a skip depends on it.
                if rule.has(&["C", "chain"])
                    || rule.flags.iter().any(|flag| flag.starts_with("S=") || flag.starts_with("skip="))
                {
                    return None;
                }
                if rule.ends(server, sent) && holds == Some(true) {
                    return Some(item);
                }
                let stops = rule.has(&["L", "last", "END", "P", "proxy", "N", "next"]);
                if holds != Some(false) {
                    if stops && (holds == Some(true) || !rule.ends(server, sent)) {
                        return None;
                    }
                    if rule.target != "-" {
                        path = KnownText::Unknown;
                    }
                }
            }
            _ => {}
        }
    }
    None
}

/// `RewriteRule PATTERN TARGET [FLAGS]`.
struct Rule<'a> {
    pattern: &'a str,
    target: &'a str,
    flags: Vec<&'a str>,
}

impl<'a> Rule<'a> {
    fn read(item: &'a ScopedDirective<'_>) -> Self {
        let arg = |at: usize| item.directive.arg(at).unwrap_or_default();
        let flags = arg(2).trim_matches(['[', ']']).split(',').map(str::trim).filter(|flag| !flag.is_empty());
        Self { pattern: arg(0), target: arg(1), flags: flags.collect() }
    }

    fn has(&self, names: &[&str]) -> bool {
        self.flags.iter().any(|flag| names.iter().any(|name| flag.eq_ignore_ascii_case(name)))
    }

    /// Whether its pattern matches the path; in a section the path has no slash at its start.
    fn takes(&self, path: &KnownText, of: &[&Directive]) -> Option<bool> {
        let (negated, pattern) = self.pattern.strip_prefix('!').map_or((false, self.pattern), |rest| (true, rest));
        let nocase = self.has(&["NC", "nocase"]);
        let regex = Regex::new(&if nocase { format!("(?i){pattern}") } else { pattern.to_owned() }).ok()?;
        if ["", "/", "/a", "a/b.c"].iter().all(|path| regex.is_match(path)) {
            return Some(!negated);
        }
        let found = path.text()?;
        let whole = regex.is_match(found);
        let cut = regex.is_match(found.trim_start_matches('/'));
        (of.is_empty() || whole == cut).then_some(whole != negated)
    }

    /// Whether it answers the request itself. A redirect to the same host by https is for requests without TLS; one with TLS
    /// would be redirected forever.
    fn ends(&self, server: &Server<'_>, sent: &Sent) -> bool {
        let redirects = |flag: &str| {
            let flag = flag.to_uppercase();
            flag == "R" || flag == "REDIRECT" || flag.starts_with("R=") || flag.starts_with("REDIRECT=")
        };
        let proxies = self.has(&["P", "proxy"]);
        let outside = self.target.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"));
        let to_itself = outside.is_some_and(|(scheme, rest)| {
            let names =
                server.items.iter().filter(|i| matches!(i.directive.name.as_str(), "servername" | "serveralias"));
            let host = rest.split(['/', ':']).next().unwrap_or_default();
            let is_own = names.flat_map(|item| &item.directive.args).any(|name| name.split(':').next() == Some(host));
            !sent.comes_by_https()
                && scheme == "https"
                && (rest.starts_with("%{HTTP_HOST}") || rest.starts_with("%{SERVER_NAME}") || is_own)
        });
        self.has(&["F", "forbidden", "G", "gone"])
            || (!to_itself && !proxies && (self.flags.iter().any(|flag| redirects(flag)) || outside.is_some()))
    }
}

/// Whether all conditions of a rule hold; `[OR]` joins one with the next.
fn hold(conditions: &[&ScopedDirective<'_>], sent: &Sent, path: &KnownText) -> Option<bool> {
    let mut groups: Vec<Vec<Option<bool>>> = vec![Vec::new()];
    for condition in conditions {
        if let Some(group) = groups.last_mut() {
            group.push(holds(&condition.directive, sent, path));
        }
        let flags = condition.directive.arg(2).unwrap_or_default().trim_matches(['[', ']']).to_uppercase();
        if !flags.split(',').any(|flag| matches!(flag.trim(), "OR" | "ORNEXT")) {
            groups.push(Vec::new());
        }
    }
    all(groups.into_iter().filter(|group| !group.is_empty()).map(any))
}

/// `RewriteCond TEST PATTERN [FLAGS]`.
fn holds(condition: &Directive, sent: &Sent, path: &KnownText) -> Option<bool> {
    let value = filled(condition.arg(0)?, sent, path);
    let pattern = condition.arg(1)?;
    let (negated, pattern) = pattern.strip_prefix('!').map_or((false, pattern), |rest| (true, rest));
    let flags = condition.arg(2).unwrap_or_default().trim_matches(['[', ']']).to_uppercase();
    let nocase = flags.split(',').any(|flag| matches!(flag.trim(), "NC" | "NOCASE"));
    let number = |compare: fn(u64, u64) -> bool, limit: &str| {
        let limit: u64 = limit.trim().parse().ok()?;
        Some(compare(value.text()?.trim().parse().ok()?, limit))
    };
    let found = match pattern.strip_prefix('=') {
        Some(text) => {
            let text = text.trim_matches('"');
            value.meets(|own| if nocase { own.eq_ignore_ascii_case(text) } else { own == text })
        }
        None => match pattern.get(..3) {
            Some("-gt") => number(|a, b| a > b, &pattern[3..]),
            Some("-ge") => number(|a, b| a >= b, &pattern[3..]),
            Some("-lt") => number(|a, b| a < b, &pattern[3..]),
            Some("-le") => number(|a, b| a <= b, &pattern[3..]),
            Some("-eq") => number(|a, b| a == b, &pattern[3..]),
            _ if pattern.starts_with(['-', '<', '>']) => None,
            _ => value.matches(pattern, nocase),
        },
    };
    found.map(|found| found != negated)
}

/// ModSecurity: `SecRule VARIABLE OPERATOR ACTIONS`, where it enforces its rules.
pub(super) fn modsecurity<'s, 'a>(server: &'s Server<'a>, sent: &Sent) -> Option<&'s ScopedDirective<'a>> {
    if server.last("secruleengine").is_none_or(|item| item.directive.word() != "on") {
        return None;
    }
    let blocks = |item: &ScopedDirective<'_>| {
        let actions = item.directive.arg(2).unwrap_or_default().to_lowercase();
        let has = |name: &str| actions.split(',').any(|action| action.trim().split(':').next() == Some(name));
        let by_default = || {
            let default = server.last("secdefaultaction").map(|item| item.directive.text().to_lowercase());
            default.is_some_and(|text| ["deny", "drop", "redirect"].iter().any(|end| text.contains(end)))
        };
        let ends = ["deny", "drop", "redirect"].into_iter().any(has) || (has("block") && by_default());
        ends && !has("chain")
    };
    let of_rule = |item: &&ScopedDirective<'_>| {
        let value = match item.directive.arg(0).unwrap_or_default().to_uppercase().as_str() {
            "REQUEST_METHOD" => KnownText::is(sent.method()),
            name => match name.strip_prefix("REQUEST_HEADERS:") {
                Some(header) => sent.header(header),
                None => return false,
            },
        };
        blocks(item) && operator(item.directive.arg(1).unwrap_or_default(), &value, server) == Some(true)
    };
    let chained = |at: usize| {
        let before =
            server.items[..at].iter().rfind(|item| matches!(item.directive.name.as_str(), "secrule" | "secaction"));
        before.is_some_and(|item| item.directive.text().to_lowercase().contains("chain"))
    };
    let mut rules = server.items.iter().enumerate().filter(|(_, item)| item.directive.name == "secrule");
    rules.find(|(at, item)| !chained(*at) && of_rule(item)).map(|(_, item)| item)
}

/// `"!^(?:GET)$"`, `"@streq PUT"`, `"!@within GET HEAD"`; without a name it is a pattern.
fn operator(written: &str, value: &KnownText, server: &Server<'_>) -> Option<bool> {
    let (negated, own) = written.strip_prefix('!').map_or((false, written), |rest| (true, rest));
    // A header that is missing is no target of the rule.
    if *value == KnownText::Missing {
        return Some(false);
    }
    let (name, argument) = match own.strip_prefix('@') {
        Some(rest) => rest.split_once(' ').unwrap_or((rest, "")),
        None => ("rx", own),
    };
    let argument = macros(argument.trim(), server)?;
    let number =
        |compare: fn(u64, u64) -> bool| Some(compare(value.text()?.trim().parse().ok()?, argument.parse().ok()?));
    let found = match name {
        "rx" => value.matches(&argument, false),
        "streq" => value.meets(|text| text == argument),
        "within" => value.meets(|text| argument.contains(text)),
        "contains" => value.meets(|text| text.contains(&argument)),
        "beginsWith" => value.meets(|text| text.starts_with(&argument)),
        "endsWith" => value.meets(|text| text.ends_with(&argument)),
        "pm" => value.meets(|text| argument.split(' ').any(|word| text.to_lowercase().contains(&word.to_lowercase()))),
        "gt" => number(|a, b| a > b),
        "ge" => number(|a, b| a >= b),
        "lt" => number(|a, b| a < b),
        "le" => number(|a, b| a <= b),
        "eq" => number(|a, b| a == b),
        _ => None,
    };
    found.map(|found| found != negated)
}

/// `%{tx.NAME}`, as a `setvar` writes it.
fn macros(argument: &str, server: &Server<'_>) -> Option<String> {
    let Some(name) = argument.strip_prefix("%{").and_then(|rest| rest.strip_suffix('}')) else {
        return (!argument.contains("%{")).then(|| argument.to_owned());
    };
    let name = name.to_lowercase();
    let sets = |item: &ScopedDirective<'_>| {
        let text = item.directive.text();
        let at = text.to_lowercase().find(&format!("{name}="))?;
        let quoted = text.get(..at)?.ends_with('\'');
        let value = text.get(at + name.len() + 1..)?;
        Some(value.split(if quoted { '\'' } else { ',' }).next()?.trim().to_owned())
    };
    // A SecRule sets a default where no SecAction has set the value (OWASP's REQUEST-901-INITIALIZATION.conf).
    let of = |kind: &str| server.of_name(kind).collect::<Vec<_>>().into_iter().rev().find_map(sets);
    of("secaction").or_else(|| of("secrule"))
}
