//! DU020: preflights must reach Glance.

use direct_upload_api::Rule;
use regex::Regex;

use super::proxy_headers::{ALLOW_ORIGIN, unless_it_stands_in};
use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::{Finding, Location};
use crate::formats::directives::Directive;
use crate::unit::Program;

/// DU020: OPTIONS without a token must reach Glance.
pub fn options(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for server in cloud.servers.iter().filter(|s| s.service == Program::Glance) {
        findings.extend(server.items.iter().filter_map(|item| login(server, item)));
        findings.extend(rewritten(server));
        findings.extend(server.items.iter().filter_map(|item| answered(server, item)));
    }
    unless_it_stands_in(cloud, findings)
}

const PASS: &str = "let OPTIONS and PUT pass without a login, because Glance checks the token itself: for example <LimitExcept OPTIONS PUT> around the Require, or an additional Require method OPTIONS PUT";

const NGINX_PASS: &str = "remove it: Glance checks the token itself; or let OPTIONS through, e.g. limit_except GET HEAD POST PUT PATCH DELETE OPTIONS { deny all; }";

fn filtered(server: &Server<'_>, place: &Location, found: String) -> Finding {
    let fix = if server.kind == Kind::Nginx { NGINX_PASS } else { PASS };
    Finding::error(Rule::OptionsFiltered, place, found, fix)
}

/// A login, or a list of methods, without an exception for OPTIONS.
fn login(server: &Server<'_>, item: &ScopedDirective<'_>) -> Option<Finding> {
    let word = item.directive.word();
    let around = |name: &str, has: bool| {
        item.within.iter().any(|s| s.name == name && s.args.iter().any(|a| a.eq_ignore_ascii_case("OPTIONS")) == has)
    };
    match item.directive.name.as_str() {
        "require" if !around("limitexcept", true) => {
            let limited = item.within.iter().any(|s| s.name == "limit");
            if limited && !around("limit", true) {
                return None;
            }
            let asks = asks_login(&item.directive);
            let denies = item.directive.text().eq_ignore_ascii_case("all denied")
                && (around("limitexcept", false) || around("limit", true));
            let exempt = server.of_name("require").any(|i| {
                i.directive.word() == "method" && i.directive.args.iter().any(|a| a.eq_ignore_ascii_case("OPTIONS"))
            });
            let found = format!("Require {} also applies to OPTIONS, which has no credentials", item.directive.text());
            if denies {
                let fix = if around("limit", true) {
                    "remove it"
                } else {
                    "add OPTIONS to the methods of the LimitExcept around it"
                };
                return Some(Finding::error(Rule::OptionsFiltered, &item.place(), found, fix));
            }
            (asks && !exempt).then(|| filtered(server, &item.place(), found))
        }
        "deny" if item.directive.text().eq_ignore_ascii_case("from all") || word == "all" => {
            let refused = around("limitexcept", false) || around("limit_except", false) || around("limit", true);
            refused.then(|| filtered(server, &item.place(), "OPTIONS is not among the accepted methods".into()))
        }
        "allowmethods" if word != "reset" => {
            let listed = item.directive.args.iter().any(|method| method.eq_ignore_ascii_case("OPTIONS"));
            (!listed).then(|| {
                let found = format!("AllowMethods {} does not allow OPTIONS", item.directive.text());
                Finding::error(Rule::OptionsFiltered, &item.place(), found, "add OPTIONS to it")
            })
        }
        "auth_basic" | "auth_request" if word != "off" && !around("limit_except", true) => {
            server.last(&item.directive.name).filter(|last| last.directive.word() != "off").map(|_| {
                filtered(
                    server,
                    &item.place(),
                    format!("{} also applies to OPTIONS, which has no credentials", item.directive.name),
                )
            })
        }
        _ => None,
    }
}

/// httpd: whether a `Require` asks for a login.
pub(crate) fn asks_login(require: &Directive) -> bool {
    let word = require.word();
    matches!(word.as_str(), "valid-user" | "user" | "group" | "ldap-user" | "ldap-group" | "claim" | "shibboleth")
        || word.starts_with("mellon")
}

/// A `RewriteCond` on the method, and the rule after it.
fn rewritten(server: &Server<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut conditions: Vec<&ScopedDirective<'_>> = Vec::new();
    for item in &server.items {
        match item.directive.name.as_str() {
            "rewritecond" => conditions.push(item),
            "rewriterule" => {
                let taken = std::mem::take(&mut conditions);
                let about = taken.iter().any(|c| c.directive.word() == "%{request_method}");
                if about && taken.iter().all(|c| holds_for_options(c)) && answers(item) {
                    let found = format!("RewriteRule {} ends OPTIONS before Glance sees it", item.directive.text());
                    let place = item.place();
                    findings.push(Finding::error(
                        Rule::OptionsFiltered,
                        &place,
                        found,
                        "add OPTIONS to the accepted methods",
                    ));
                }
            }
            _ => {}
        }
    }
    findings
}

/// Whether a condition is certainly true for a preflight.
fn holds_for_options(condition: &ScopedDirective<'_>) -> bool {
    let pattern = condition.directive.arg(1).unwrap_or_default();
    let (negated, pattern) = match pattern.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let nocase = condition.directive.arg(2).is_some_and(|flags| flags.contains("NC"));
    let pattern = if nocase { format!("(?i){pattern}") } else { pattern.to_owned() };
    let equals = pattern.strip_prefix('=').map(|text| text == "OPTIONS");
    let matches = equals.or_else(|| Regex::new(&pattern).ok().map(|regex| regex.is_match("OPTIONS")));
    condition.directive.word() == "%{request_method}" && matches.is_some_and(|matches| matches != negated)
}

/// Whether a rule for this path ends the request with a status.
fn answers(rule: &ScopedDirective<'_>) -> bool {
    let path = Regex::new(rule.directive.arg(0).unwrap_or_default()).is_ok_and(|r| r.is_match("/v2/images/x/file"));
    let flags = rule.directive.arg(2).unwrap_or_default().trim_matches(['[', ']']).to_uppercase();
    path && flags.split(',').map(str::trim).any(|f| f == "F" || f == "G" || f.starts_with("R="))
}

/// nginx: `if ($request_method = OPTIONS) { return 204; }`. One that grants the upload itself is DU012.
fn answered(server: &Server<'_>, item: &ScopedDirective<'_>) -> Option<Finding> {
    let ends = item.directive.name == "return" && item.within.iter().any(is_options);
    let beside = || server.of_name("add_header").filter(|other| other.within == item.within);
    let grants = beside().any(|i| i.directive.word() == ALLOW_ORIGIN);
    (ends && !grants).then(|| {
        let found = format!("return {} answers OPTIONS instead of Glance", item.directive.text());
        Finding::error(
            Rule::OptionsFiltered,
            &item.place(),
            found,
            "remove the if block: Glance answers preflights itself",
        )
    })
}

/// A preflight has neither a token nor a cookie.
const LACKS: [&str; 3] = ["$http_x_auth_token", "$http_authorization", "$http_cookie"];

/// `if ($request_method = OPTIONS)`, and whatever else is certainly true for a preflight.
pub(crate) fn is_options(block: &Directive) -> bool {
    let text = block.text();
    let inner = text.trim().trim_start_matches('(').strip_suffix(')').unwrap_or_default();
    let parts: Vec<&str> = inner.split_whitespace().collect();
    if let [variable, "=", rest @ ..] = parts.as_slice()
        && LACKS.contains(variable)
        && rest.iter().all(|word| word.trim_matches(['"', '\'']).is_empty())
    {
        return block.name == "if";
    }
    method_is(block, "OPTIONS") == Some(true)
}

/// Whether `if ($request_method …)` holds for a method; none for any other block.
pub(crate) fn method_is(block: &Directive, method: &str) -> Option<bool> {
    let text = block.text();
    let inner = text.trim().trim_start_matches('(').strip_suffix(')').unwrap_or_default();
    let mut words = inner.trim().splitn(3, char::is_whitespace);
    let (Some("$request_method"), Some(operator), Some(pattern)) = (words.next(), words.next(), words.next()) else {
        return None;
    };
    let pattern = pattern.trim();
    let matches = |pattern: &str| Regex::new(pattern).is_ok_and(|regex| regex.is_match(method));
    let holds = match operator {
        "=" => pattern == method,
        "!=" => pattern != method,
        "~" => matches(pattern),
        "~*" => matches(&format!("(?i){pattern}")),
        "!~" => !matches(pattern),
        "!~*" => !matches(&format!("(?i){pattern}")),
        _ => return None,
    };
    (block.name == "if").then_some(holds)
}
