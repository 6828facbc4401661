//! DU020: room for the headers of an upload. With its token they are larger than those of most pages.
//!
//! The bytes are those of the requests that Firefox and Chromium send. A test measures nginx, HAProxy and httpd with them.

use direct_upload_api::{Rule, Severity};
use direct_upload_core::derive::exposure_issue::quantity;

use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::Finding;
use crate::unit::Program;

/// The fewest bytes of a request's head: Firefox with a Fernet token of 183 bytes has 683, with short names.
const FEWEST_BYTES: u64 = 683;

/// Chromium with `max_token_size` of Keystone (255 bytes) and `X-CSRFToken` has 1114, without a proxy's headers.
const MANY_BYTES: u64 = 1536;

/// `PUT /v2/images/UUID/file HTTP/1.1`.
const FIRST_LINE: u64 = 65;

/// `X-Auth-Token: ` with 183 and with 255 bytes. httpd counts a few bytes less.
const SHORT_TOKEN: u64 = 190;
const LONG_TOKEN: u64 = 272;

/// Headers of a browser.
const FEWEST_HEADERS: u64 = 12;
const MANY_HEADERS: u64 = 20;

/// Servers in front of Glance that refuse an upload by the size of its headers.
pub(crate) fn header_room(cloud: &Cloud<'_>) -> Vec<Finding> {
    let before_glance = cloud.servers.iter().filter(|server| server.service == Program::Glance);
    let of_server = |server: &Server<'_>| match server.kind {
        Kind::Nginx => of_nginx(server).into_iter().collect(),
        Kind::Haproxy => of_haproxy(server),
        Kind::Httpd => of_httpd(server),
        _ => Vec::new(),
    };
    let mut findings: Vec<Finding> = before_glance.flat_map(of_server).collect();
    // What is written once is true of each server.
    findings.dedup();
    findings
}

/// Too little for each upload, or for some.
fn severity(room: u64, fewest: u64, many: u64) -> Option<Severity> {
    match room {
        _ if room < fewest => Some(Severity::Error),
        _ if room < many => Some(Severity::Warning),
        _ => None,
    }
}

fn told(item: &ScopedDirective<'_>, severity: Severity, room: &str, status: &str, fix: &str) -> Finding {
    let those = match severity {
        Severity::Error => "those of an upload have more",
        _ => "those of an upload may have more, depending on the browser, the token and proxies",
    };
    let found = format!(
        "{} {}: {status} for headers of more than {room}; {those}",
        item.directive.written,
        item.directive.text()
    );
    Finding::new(Rule::OptionsFiltered, severity, &item.place(), found, fix)
}

/// ngx_http_core_module: `client_header_buffer_size` (1k), and then as many of `large_client_header_buffers` (4 8k) as
/// are needed; a line has to fit in one of them.
fn of_nginx(server: &Server<'_>) -> Option<Finding> {
    const FIX: &str = "large_client_header_buffers 4 8k;";
    let item = server.last("large_client_header_buffers")?;
    let bytes = |name: &str| server.last(name).and_then(|item| quantity::bytes(item.directive.arg(0)?));
    let (number, size) = (item.directive.arg(0)?.parse::<u64>().ok()?, quantity::bytes(item.directive.arg(1)?)?);
    let first = bytes("client_header_buffer_size").unwrap_or(1024);
    let pool = bytes("connection_pool_size").unwrap_or(512);
    if size < pool {
        let found = format!(
            "large_client_header_buffers {}: nginx does not start with less than connection_pool_size, {pool} bytes",
            item.directive.text()
        );
        return Some(Finding::error(Rule::OptionsFiltered, &item.place(), found, FIX));
    }
    let is_http2 = |item: &ScopedDirective<'_>| {
        let named = item.directive.args.iter().any(|word| word == "http2");
        (item.directive.name == "listen" && named) || (item.directive.name == "http2" && item.directive.word() == "on")
    };
    // With HTTP/2 only the large ones count.
    let large = number.saturating_mul(size);
    let room = if server.items.iter().any(is_http2) { large } else { first.saturating_add(large) };
    let whole =
        severity(room, FEWEST_BYTES, MANY_BYTES).map(|own| told(item, own, &format!("{room} bytes"), "400", FIX));
    let line = || severity(size, SHORT_TOKEN, LONG_TOKEN).filter(|_| first < MANY_BYTES);
    whole.or_else(|| line().map(|own| told(item, own, &format!("{size} bytes each"), "400", FIX)))
}

/// configuration.txt, tune.bufsize (16384), tune.maxrewrite (1024, at most the half) and tune.http.maxhdr (101).
fn of_haproxy(server: &Server<'_>) -> Vec<Finding> {
    // Below HTTP, requests are not inspected.
    if server.last("mode").is_some_and(|item| item.directive.word() == "tcp") {
        return Vec::new();
    }
    let number = |name: &str| server.last(name).and_then(|item| quantity::bytes(item.directive.arg(0)?));
    let size = number("tune.bufsize").unwrap_or(16384);
    let room = size - number("tune.maxrewrite").unwrap_or(1024).min(size / 2);
    let item = server.last("tune.bufsize");
    let bytes = item.zip(severity(room, FEWEST_BYTES, MANY_BYTES));
    let bytes = bytes.map(|(item, own)| told(item, own, &format!("{room} bytes"), "400", "tune.bufsize 16384"));
    let many = server.last("tune.http.maxhdr").zip(number("tune.http.maxhdr"));
    let many = many.and_then(|(item, most)| {
        let own = severity(most, FEWEST_HEADERS, MANY_HEADERS)?;
        Some(told(item, own, &format!("{most} lines"), "400", "tune.http.maxhdr 101"))
    });
    bytes.into_iter().chain(many).collect()
}

/// httpd's core: LimitRequestFieldSize (8190), LimitRequestFields (100; 0 is no limit), LimitRequestLine (8190).
fn of_httpd(server: &Server<'_>) -> Vec<Finding> {
    let limit = |name: &str| {
        let item = server.last(name)?;
        Some((item, item.directive.arg(0)?.parse::<u64>().ok()?))
    };
    let field = limit("limitrequestfieldsize").and_then(|(item, most)| {
        let own = severity(most, SHORT_TOKEN, LONG_TOKEN)?;
        Some(told(item, own, &format!("{most} bytes each"), "400", "LimitRequestFieldSize 8190"))
    });
    let fields = limit("limitrequestfields").filter(|(_, most)| *most > 0).and_then(|(item, most)| {
        let own = severity(most, FEWEST_HEADERS, MANY_HEADERS)?;
        Some(told(item, own, &format!("{most} lines"), "400", "LimitRequestFields 100"))
    });
    let line = limit("limitrequestline").filter(|(_, most)| *most < FIRST_LINE).map(|(item, most)| {
        let found = format!("LimitRequestLine {most}: 414 for a longer first line, and that of an upload is longer");
        Finding::error(Rule::OptionsFiltered, &item.place(), found, "LimitRequestLine 8190")
    });
    [field, fields, line].into_iter().flatten().collect()
}
