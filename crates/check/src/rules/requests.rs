//! DU012, DU020: what a server in front of Glance removes from a request, and which uploads it refuses although it
//! lets the preflight pass.

use direct_upload_api::Rule;
use regex::Regex;

use super::options::asks_login;
use super::proxy_headers::{ALLOW_ORIGIN, unless_it_stands_in};
use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::Finding;
use crate::needed::{self, NEEDED};
use crate::unit::Program;

/// All of them.
pub(crate) fn requests(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for server in cloud.servers.iter().filter(|server| server.service == Program::Glance) {
        findings.extend(server.items.iter().flat_map(|item| taken_off(cloud, server, item)));
        findings.extend(server.items.iter().filter_map(|item| refuses_put(server, item)));
    }
    unless_it_stands_in(cloud, findings)
}

/// A server that answers for CORS itself needs no Origin at Glance.
fn writes_cors(server: &Server<'_>) -> bool {
    server.items.iter().any(|item| item.directive.text().to_lowercase().contains(ALLOW_ORIGIN))
}

/// A header of the request that a directive changes: its name, and the new value; none where it is removed.
type Rewritten<'a> = (String, Option<&'a str>);

/// What a directive does to the headers that Glance needs.
fn rewrites<'a>(server: &Server<'_>, item: &'a ScopedDirective<'_>) -> Vec<Rewritten<'a>> {
    let args = &item.directive.args;
    let arg = |at: usize| args.get(at).map(String::as_str);
    let one = |name: Option<&'a str>, value: Option<&'a str>| name.map(|name| (name.to_owned(), value));
    let filled = |value: Option<&'a str>| value.filter(|value| !value.is_empty());
    let first = match (server.kind, item.directive.name.as_str()) {
        (Kind::Nginx, "proxy_set_header") => one(arg(0), filled(arg(1))),
        (Kind::Nginx, "uwsgi_param") => {
            return arg(0)
                .and_then(|name| name.strip_prefix("HTTP_"))
                .map_or_else(Vec::new, |name| vec![(name.replace('_', "-").to_lowercase(), filled(arg(1)))]);
        }
        (Kind::Nginx, "proxy_pass_request_headers") if item.directive.word() == "off" => one(Some("Origin"), None),
        (Kind::Nginx, "more_clear_input_headers") => return args.iter().map(|name| (lower(name), None)).collect(),
        (Kind::Nginx, "more_set_input_headers") => {
            let pairs = args.iter().filter_map(|pair| pair.split_once(':'));
            return pairs.map(|(name, value)| (lower(name), filled(Some(value.trim())))).collect();
        }
        (Kind::Haproxy, "http-request") => match arg(0) {
            Some("del-header") if arg(2) == Some("-m") => return matched(arg(1), arg(3)),
            Some("del-header") => one(arg(1), None),
            Some("set-header") => one(arg(1), arg(2)),
            // Only what replaces every value.
            Some("replace-header" | "replace-value") if matches!(arg(2), Some(".*" | "^.*$" | "^.+$" | ".+")) => {
                one(arg(1), filled(arg(3)))
            }
            _ => None,
        },
        // Removed in HAProxy 2.1.
        (Kind::Haproxy, "reqdel" | "reqidel") => {
            let pattern = arg(0).map(|pattern| format!("(?i){pattern}")).and_then(|own| Regex::new(&own).ok());
            let names = NEEDED.iter().map(|needed| needed.name);
            let gone = |name: &&str| pattern.as_ref().is_some_and(|own| own.is_match(&format!("{name}: x")));
            return names.filter(gone).map(|name| (name.to_owned(), None)).collect();
        }
        (Kind::Httpd, "requestheader") => match arg(0).map(str::to_ascii_lowercase).as_deref() {
            Some("unset") => one(arg(1), None),
            Some("set") => one(arg(1), filled(arg(2))),
            _ => None,
        },
        _ => None,
    };
    first.into_iter().map(|(name, value)| (lower(&name), value)).collect()
}

fn lower(name: &str) -> String {
    name.trim().trim_end_matches(':').to_lowercase()
}

/// `del-header NAME -m METHOD`: those of the needed headers that it matches.
fn matched<'a>(name: Option<&str>, method: Option<&str>) -> Vec<Rewritten<'a>> {
    let (Some(name), Some(method)) = (name.map(str::to_lowercase), method) else { return Vec::new() };
    let is = |own: &&str| match method {
        "str" => *own == name,
        "beg" => own.starts_with(&name),
        "end" => own.ends_with(&name),
        "sub" => own.contains(&name),
        "reg" => Regex::new(&format!("(?i){name}")).is_ok_and(|pattern| pattern.is_match(own)),
        _ => false,
    };
    NEEDED.iter().map(|needed| needed.name).filter(is).map(|own| (own.to_owned(), None)).collect()
}

/// DU012, DU020: Glance does not see which page asks, for what, or for whom.
fn taken_off(cloud: &Cloud<'_>, server: &Server<'_>, item: &ScopedDirective<'_>) -> Vec<Finding> {
    // A condition may leave uploads alone.
    let conditional = item.directive.args.iter().any(|word| matches!(word.as_str(), "if" | "unless"))
        || item.directive.args.last().is_some_and(|word| word.starts_with("env=") || word.starts_with("expr="))
        || item.within.iter().any(|block| block.name == "if");
    let is_restored = |name: &str| {
        let later = server.items.iter().skip_while(|other| !std::ptr::eq(*other, item)).skip(1);
        later.flat_map(|other| rewrites(server, other)).any(|(own, value)| own == name && value.is_some())
    };
    let of_one = |(name, value): Rewritten<'_>| {
        let needed = needed::of(&name)?;
        let own = name.replace('-', "_");
        let passes_on = value.map(str::to_lowercase).is_some_and(|value| {
            value.contains(&format!("http_{own}"))
                || value.contains(&format!("hdr({name})"))
                || value.contains("{http:")
        });
        let fits = name == "origin"
            && value.is_some_and(|value| {
                let mut dashboards = cloud.dashboards_near(&server.scope);
                dashboards.any(|dashboard| value.ends_with(&format!("://{}", dashboard.host)))
            });
        let judged_here = needed.rule == Rule::CorsOnTheWay && writes_cors(server);
        if conditional || passes_on || fits || judged_here || (value.is_none() && is_restored(&name)) {
            return None;
        }
        let what = match value {
            Some(_) => "replaces the browser's",
            None => "removes the browser's",
        };
        // A token's own value may be written there.
        let written = match needed.rule {
            Rule::CorsOnTheWay => format!("{} {}:", item.directive.written, item.directive.text()),
            _ if server.kind == Kind::Nginx => item.directive.written.clone(),
            _ => format!("{} {}", item.directive.written, item.directive.arg(0).unwrap_or_default()),
        };
        let found = format!("{written} {what} {name}, {}", needed.without);
        Some(Finding::error(needed.rule, &item.place(), found, needed.fix))
    };
    rewrites(server, item).into_iter().filter_map(of_one).collect()
}

/// DU020: a list of methods, or of those that need no login, that has OPTIONS, and not PUT.
fn refuses_put(server: &Server<'_>, item: &ScopedDirective<'_>) -> Option<Finding> {
    let has = |words: &[String], method: &str| words.iter().any(|word| word.eq_ignore_ascii_case(method));
    let lacks_put = |words: &[String]| has(words, "OPTIONS") && !has(words, "PUT");
    let told = |found: String, fix: &str| Some(Finding::error(Rule::OptionsFiltered, &item.place(), found, fix));
    let list = |name: &str| item.within.iter().find(|block| block.name == name).map(|block| &block.args);
    let written = format!("{} {}", item.directive.written, item.directive.text());
    let denies = match (server.kind, item.directive.name.as_str()) {
        (Kind::Nginx, "deny") => item.directive.word() == "all",
        (Kind::Httpd, "require") => item.directive.text().eq_ignore_ascii_case("all denied"),
        (Kind::Httpd, "deny") => item.directive.text().eq_ignore_ascii_case("from all"),
        (Kind::Httpd, "allowmethods") => {
            let found = format!("{written} lets OPTIONS through, but not PUT");
            return if lacks_put(&item.directive.args) { told(found, "add PUT to it") } else { None };
        }
        _ => false,
    };
    let logs_in = match (server.kind, item.directive.name.as_str()) {
        (Kind::Nginx, "auth_basic") => item.directive.word() != "off",
        (Kind::Httpd, "require") => asks_login(&item.directive),
        _ => false,
    };
    let spared = || server.of_name("require").find(|other| other.directive.word() == "method");
    let spared = spared().map(|other| &other.directive.args).filter(|_| logs_in && server.kind == Kind::Httpd);
    let around = list("limit_except").or_else(|| list("limitexcept"));
    let limited = list("limit").is_some_and(|methods| has(methods, "PUT") && !has(methods, "OPTIONS"));
    if denies && around.is_some_and(|methods| lacks_put(methods)) {
        let methods = around.map(|methods| methods.join(" ")).unwrap_or_default();
        return told(
            format!("{methods} accepts OPTIONS, but not PUT, which is the upload"),
            "add PUT to the accepted methods",
        );
    }
    let fix = match around {
        Some(methods) => lacks_put(methods).then_some(match server.kind {
            Kind::Httpd => "add PUT to the methods of the LimitExcept around it: Glance checks the token itself",
            _ => REMOVE,
        }),
        None if list("limit").is_some() => limited.then_some(REMOVE),
        None => spared
            .is_some_and(|methods| lacks_put(methods))
            .then_some("add PUT to the Require method there: Glance checks the token itself"),
    };
    let found = format!("{written} accepts OPTIONS, but not PUT: the upload has Glance's token and no other login");
    told(found, fix.filter(|_| logs_in)?)
}

const REMOVE: &str = "remove it: Glance checks the token itself";
