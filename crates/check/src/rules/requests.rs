//! DU012, DU020: what a server in front of Glance removes from a request, and which uploads it refuses although it
//! lets the preflight pass.

use direct_upload_api::Rule;

use super::options::asks_login;
use super::proxy_headers::{ALLOW_ORIGIN, unless_it_stands_in};
use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::Finding;
use crate::unit::Program;

/// All of them.
pub(crate) fn requests(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for server in cloud.servers.iter().filter(|server| server.service == Program::Glance) {
        if !writes_cors(server) {
            findings.extend(server.items.iter().filter_map(|item| taken_off(cloud, server, item)));
        }
        findings.extend(server.items.iter().filter_map(|item| refuses_put(server, item)));
    }
    unless_it_stands_in(cloud, findings)
}

/// A server that answers for CORS itself needs no Origin at Glance.
fn writes_cors(server: &Server<'_>) -> bool {
    server.items.iter().any(|item| item.directive.text().to_lowercase().contains(ALLOW_ORIGIN))
}

/// Headers of a preflight without which Glance's filter grants nothing.
const NEEDED: [&str; 3] = ["origin", "access-control-request-method", "access-control-request-headers"];

/// The name of a request header and its new value, none where it is removed.
fn rewrites<'a>(server: &Server<'_>, item: &'a ScopedDirective<'_>) -> Option<(String, Option<&'a str>)> {
    let args = &item.directive.args;
    let arg = |at: usize| args.get(at).map(String::as_str);
    let (name, value) = match (server.kind, item.directive.name.as_str()) {
        (Kind::Nginx, "proxy_set_header") => (arg(0)?, arg(1).filter(|value| !value.is_empty())),
        (Kind::Nginx, "proxy_pass_request_headers") => (item.directive.word() == "off").then_some(("Origin", None))?,
        (Kind::Haproxy, "http-request") => match arg(0)? {
            "del-header" => (arg(1)?, None),
            "set-header" => (arg(1)?, arg(2)),
            _ => return None,
        },
        (Kind::Httpd, "requestheader") => match arg(0)?.to_ascii_lowercase().as_str() {
            "unset" => (arg(1)?, None),
            "set" => (arg(1)?, arg(2)),
            _ => return None,
        },
        _ => return None,
    };
    Some((name.trim_end_matches(':').to_lowercase(), value))
}

/// DU012: Glance does not see which page asks, or for what.
fn taken_off(cloud: &Cloud<'_>, server: &Server<'_>, item: &ScopedDirective<'_>) -> Option<Finding> {
    let (name, value) = rewrites(server, item)?;
    // A condition may leave preflights alone.
    let conditional = item.directive.args.iter().any(|word| matches!(word.as_str(), "if" | "unless"))
        || item.directive.args.last().is_some_and(|word| word.starts_with("env=") || word.starts_with("expr="))
        || item.within.iter().any(|block| block.name == "if");
    let passes_on = value.is_some_and(|value| {
        let value = value.to_lowercase();
        value.contains("http_origin") || value.contains("hdr(origin)") || value.contains("access_control_request")
    });
    let fits = value.is_some_and(|value| {
        let mut dashboards = cloud.dashboards_near(&server.scope);
        dashboards.any(|dashboard| value.ends_with(&format!("://{}", dashboard.host)))
    });
    if !NEEDED.contains(&name.as_str()) || conditional || passes_on || fits {
        return None;
    }
    let written = format!("{} {}", item.directive.written, item.directive.text());
    let what = match value {
        Some(_) => "replaces the browser's",
        None => "removes the browser's",
    };
    let found = format!("{written}: {what} {name}, without which Glance's CORS filter grants nothing");
    Some(Finding::error(Rule::CorsOnTheWay, &item.place(), found, "remove it: Glance's own [cors] judges the origin"))
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
