//! DU025: no log may keep the token of an upload.

use std::sync::LazyLock;

use direct_upload_api::Rule;
use regex::Regex;

use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::finding::{Finding, Location};
use crate::formats::directives::{self, Directive};
use crate::formats::haproxy;
use crate::unit::ConfigFile;

/// httpd's `%{X-Auth-Token}i` and `o`, with anything between the `%` and the brace.
static HTTPD: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)%[<>!,0-9a-z]*\{x-(?:auth|subject)-token\}[io]").ok());

const FIX: &str = "do not log this header, and delete the tokens that the log already contains";

/// Formats of access logs with the token's header.
pub(crate) fn tokens(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in cloud.units.iter().flat_map(|unit| &unit.files) {
        let (tree, logs): (Vec<Directive>, fn(&Directive) -> bool) = match file.kind {
            Kind::Httpd => (directives::httpd(&file.text), httpd),
            Kind::Nginx => (directives::nginx(&file.text), nginx),
            Kind::Haproxy => (haproxy::haproxy(&file.text), in_haproxy),
            Kind::Uwsgi => {
                findings.extend(uwsgi(file));
                continue;
            }
            _ => continue,
        };
        walk(&tree, &mut |directive| {
            if logs(directive) {
                findings.push(told(&file.option(directive.line, &directive.written), &directive.written));
            }
        });
    }
    findings
}

fn told(place: &Location, written: &str) -> Finding {
    let found = format!(
        "{written} writes X-Auth-Token into a log: anyone who reads it can act as the user until the token expires"
    );
    Finding::warning(Rule::TokenLogged, place, found, FIX)
}

fn walk(tree: &[Directive], see: &mut dyn FnMut(&Directive)) {
    for directive in tree {
        see(directive);
        walk(&directive.children, see);
    }
}

fn httpd(directive: &Directive) -> bool {
    let logs = ["logformat", "customlog", "globallog", "transferlog", "errorlogformat"];
    // mod_log_forensic writes all headers of each request.
    directive.name == "forensiclog"
        || (logs.contains(&directive.name.as_str())
            && HTTPD.as_ref().is_some_and(|regex| regex.is_match(&directive.text())))
}

fn nginx(directive: &Directive) -> bool {
    let text = directive.text();
    let names = ["$http_x_auth_token", "$sent_http_x_auth_token", "$upstream_http_x_auth_token"];
    directive.name == "log_format" && names.iter().any(|name| text.contains(name))
}

fn in_haproxy(directive: &Directive) -> bool {
    let text = directive.text().to_lowercase();
    let captures = match directive.name.as_str() {
        "http-request" | "http-response" => directive.arg(0) == Some("capture"),
        "capture" | "log-format" | "error-log-format" | "log-format-sd" => true,
        _ => false,
    };
    captures && (text.contains("x-auth-token") || text.contains("x-subject-token"))
}

fn uwsgi(file: &ConfigFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.trim();
        let is_format = matches!(name, "log-format" | "logformat" | "log_format");
        if is_format && value.to_lowercase().contains("var.http_x_auth_token") {
            findings.push(told(&file.option(at + 1, name), name));
        }
    }
    findings
}
