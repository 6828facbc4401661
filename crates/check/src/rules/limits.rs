//! DU014, DU015: limits of size and time must allow an image.

use direct_upload_api::{Rule, Severity};
use direct_upload_core::derive::exposure_issue::{quantity, tolerance};
use direct_upload_core::openstack::Release;
use direct_upload_core::openstack::cors_request::CorsRequest;

use crate::classify::Kind;
use crate::effects::{self, Limit};
use crate::facts::cloud::Cloud;
use crate::facts::glance::GlanceFacts;
use crate::facts::paste::Filter;
use crate::facts::server::{ScopedDirective, Server};
use crate::facts::uwsgi_options::Uwsgi;
use crate::finding::Finding;
use crate::rules::refused::LEGACY;
use crate::rules::refused::applies::{Applies, applies};
use crate::unit::Program;

const GIB: u64 = 1 << 30;

/// The bytes of the variables that uWSGI makes of an upload's headers, two lengths for each (`uwsgi_proto_add`): the
/// fewest, of Firefox with a Fernet token of 183 bytes and no proxy.
const FEWEST_HEADERS: u64 = 1029;

/// The same for Chromium with `max_token_size` of Keystone (255 bytes), `X-CSRFToken` and a proxy's headers is 1451.
/// Tokens of other providers are longer.
const MANY_HEADERS: u64 = 2048;

fn before_glance<'a, 'b>(cloud: &'b Cloud<'a>) -> impl Iterator<Item = &'b Server<'a>> {
    let reads_bodies = |server: &Server<'_>| matches!(server.kind, Kind::Nginx | Kind::Httpd);
    cloud.servers.iter().filter(move |server| server.service == Program::Glance && reads_bodies(server))
}

/// DU015: nginx closes a connection that is silent (ngx_stream_proxy_module; 10 minutes if it is not set).
fn connection_time(server: &Server<'_>) -> Option<Finding> {
    let item = server.last("proxy_timeout").filter(|_| server.kind == Kind::Stream)?;
    let ms = quantity::milliseconds(item.directive.arg(0)?, 1000)?;
    (1..60_000).contains(&ms).then(|| {
        let found = format!(
            "proxy_timeout {}: a pause of this length, as when Glance stores the image's end, breaks the upload",
            item.directive.text()
        );
        Finding::warning(Rule::TooSlow, &item.place(), found, "proxy_timeout 1h;")
    })
}

/// DU014: body limits.
pub fn body(cloud: &Cloud<'_>) -> Vec<Finding> {
    let judge =
        |server: &Server<'_>| if server.kind == Kind::Nginx { nginx_body(server) } else { httpd_body(cloud, server) };
    let own_host = cloud.servers.iter().filter(|server| server.service == Program::Horizon);
    let uwsgi = cloud.glances.iter().filter_map(uwsgi_body).chain(cloud.glances.iter().filter_map(own_cap));
    let uwsgi = uwsgi.chain(cloud.glances.iter().filter_map(own_quota));
    let uwsgi = uwsgi.chain(cloud.glances.iter().filter_map(size_limit));
    let modsecurity = before_glance(cloud).filter_map(modsecurity).chain(before_glance(cloud).filter_map(qos_body));
    let found = before_glance(cloud).filter_map(judge).chain(own_host.filter_map(under_the_dashboard)).chain(uwsgi);
    found.chain(modsecurity).chain(legacy_body(cloud)).collect()
}

/// oslo.middleware's filter for other services, whose requests are small (sizelimit.py: 413 above
/// `max_request_body_size`, 112 KiB unless it is set).
fn size_limit(glance: &GlanceFacts<'_>) -> Option<Finding> {
    let (file, _) = glance.paste.as_ref()?;
    let pipeline = glance.pipeline.as_ref()?.as_ref().ok()?;
    let is_it = |filter: &&Filter| {
        let factory = filter.factory.to_lowercase();
        factory.contains("sizelimit") || factory.contains("requestbodysizelimiter")
    };
    let filter = pipeline.filters.iter().find(is_it)?;
    let written = glance.option("oslo_middleware", "max_request_body_size");
    let limit = written.as_ref().map_or(Some(114_688), |own| own.value.trim().parse().ok())?;
    let severity = too_small(limit)?;
    let found = format!("{} in the pipeline: bodies above {limit} bytes are refused with 413", filter.name);
    let fix = format!("remove {} from the pipeline", filter.name);
    Some(Finding::new(Rule::BodyLimit, severity, &file.option(pipeline.line, "pipeline"), found, fix))
}

/// Legacy uploads pass the dashboard's own server.
fn legacy_body(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for server in cloud.servers.iter().filter(|server| server.service == Program::Horizon) {
        if !cloud.is_legacy_in(&server.scope) {
            continue;
        }
        let finding = match server.kind {
            Kind::Nginx => nginx_body(server),
            Kind::Httpd => httpd_body(cloud, server),
            _ => None,
        };
        findings.extend(finding.map(|mut finding| {
            finding.found.push_str(LEGACY);
            if written_limit(server).is_some_and(|limit| limit >= tolerance::DELIBERATE) {
                finding.severity = finding.severity.max(Severity::Warning);
            }
            finding
        }));
    }
    findings
}

/// How texts call a program.
fn name(program: Program) -> &'static str {
    match program {
        Program::Glance => "Glance",
        Program::Horizon => "the dashboard",
    }
}

/// The body limit that a server states explicitly.
fn written_limit(server: &Server<'_>) -> Option<u64> {
    let item = server.last("client_max_body_size").or_else(|| server.last("limitrequestbody"))?;
    quantity::bytes(item.directive.arg(0)?)
}

/// ModSecurity reads bodies up to its own limit, 128 MiB by default, and refuses more.
fn modsecurity(server: &Server<'_>) -> Option<Finding> {
    let is_on = |name: &str| server.last(name).is_some_and(|item| item.directive.word() == "on");
    let fix = "SecRequestBodyAccess Off for Glance's location, or SecRequestBodyLimitAction ProcessPartial";
    if server.kind == Kind::Nginx {
        let fix = "modsecurity_rules 'SecRequestBodyAccess Off'; in Glance's location";
        let item = server.last("modsecurity").filter(|item| item.directive.word() == "on")?;
        let rules = server.of_name("modsecurity_rules").map(|item| item.directive.text().to_lowercase());
        let lifted = |text: &String| {
            ["secrequestbodyaccess off", "secruleengine off", "processpartial"].iter().any(|lift| text.contains(lift))
        };
        let lifted = rules.filter(lifted).count() > 0;
        let found =
            "modsecurity on: ModSecurity refuses bodies above its SecRequestBodyLimit, 128 MiB if it is not set";
        return (!lifted).then(|| Finding::warning(Rule::BodyLimit, &item.place(), found, fix));
    }
    let action = server.last("secrequestbodylimitaction").map(|item| item.directive.word());
    if !is_on("secruleengine") || !is_on("secrequestbodyaccess") || action.as_deref() == Some("processpartial") {
        return None;
    }
    if let Some(item) = server.last("secrequestbodylimit") {
        return limited(item, item.directive.arg(0)?.parse().ok()?, fix);
    }
    let item = server.last("secrequestbodyaccess")?;
    let found = "SecRequestBodyAccess On: ModSecurity refuses bodies above 128 MiB, its default SecRequestBodyLimit";
    Some(Finding::error(Rule::BodyLimit, &item.place(), found, fix))
}

/// mod_qos refuses a body by its Content-Length, also in front of mod_proxy_http, and with 0 each one (measured with its
/// version 11.63).
fn qos_body(server: &Server<'_>) -> Option<Finding> {
    let item = server.last("qs_limitrequestbody")?;
    let severity = too_small(item.directive.arg(0)?.parse::<u64>().ok()?.max(1))?;
    let found = format!("QS_LimitRequestBody {}: larger images are refused", item.directive.text());
    Some(Finding::new(Rule::BodyLimit, severity, &item.place(), found, "remove QS_LimitRequestBody"))
}

/// Glance's own limit, which is usually meant: only a very small one stops nearly every image.
fn own_cap(glance: &GlanceFacts<'_>) -> Option<Finding> {
    let setting = glance.option("DEFAULT", "image_size_cap")?;
    let limit: u64 = setting.value.trim().parse().ok()?;
    let finding = match limit {
        _ if limit < GIB => Finding::error,
        _ if limit < tolerance::SMALL => Finding::warning,
        _ => return None,
    };
    let found = format!("image_size_cap = {limit}: Glance refuses larger images with 413");
    let fix = "image_size_cap = 1099511627776 (1 TiB, Glance's default)";
    Some(finding(Rule::BodyLimit, &setting.place, found, fix))
}

/// What a project may store in all (glance/quota/__init__.py): bytes, or with a unit of 1024.
fn own_quota(glance: &GlanceFacts<'_>) -> Option<Finding> {
    let setting = glance.option("DEFAULT", "user_storage_quota")?;
    let text = setting.value.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let shift = ["B", "KB", "MB", "GB", "TB"].iter().position(|unit| *unit == &text[digits..]).unwrap_or_default();
    let limit = text[..digits].parse::<u64>().ok()?.checked_mul(1 << (10 * shift))?;
    (1..tolerance::SMALL).contains(&limit).then(|| {
        let found = format!("user_storage_quota = {text}: Glance refuses images beyond it with 413");
        Finding::warning(Rule::BodyLimit, &setting.place, found, "user_storage_quota = 0 (no limit, Glance's default)")
    })
}

fn uwsgi_body(glance: &GlanceFacts<'_>) -> Option<Finding> {
    let uwsgi = glance.uwsgi()?;
    let found = uwsgi.last("limit-post")?;
    let severity = too_small(found.value.trim().parse().ok()?)?;
    let what = format!("limit-post = {}: uWSGI closes the connection on larger images", found.value.trim());
    Some(Finding::new(Rule::BodyLimit, severity, &found.place, what, "remove limit-post").changes("limit-post"))
}

/// A path of the dashboard's own host that leads to Glance (docs/same-origin.md).
fn under_the_dashboard(server: &Server<'_>) -> Option<Finding> {
    let location = |item: &ScopedDirective<'_>| {
        let inner = item.within.iter().rev().find(|d| matches!(d.name.as_str(), "location" | "directory" | "files"))?;
        inner.arg(0).map(|path| path.trim_matches('"').to_owned())
    };
    let proxy = server.glance_below()?;
    let path = location(proxy).or_else(|| proxy.directive.arg(0).map(str::to_owned))?;
    let holds = |item: &&ScopedDirective<'_>| location(item).is_none_or(|at| at == path || at == "/");
    // A host's own limit counts before that of a path.
    let (inner, outer): (Vec<_>, Vec<_>) =
        server.of_name("limitrequestbody").filter(holds).partition(|i| location(i).is_some());
    let item = inner.last().or(outer.last())?;
    // mod_proxy_http of httpd 2.4 enforces no limit.
    let enforced = proxy.directive.text().contains("uwsgi://");
    let fix = format!("LimitRequestBody 0 in <Location {path}>");
    if enforced { limited(item, item.directive.arg(0)?.parse().ok()?, &fix) } else { None }
}

fn httpd_body(cloud: &Cloud<'_>, server: &Server<'_>) -> Option<Finding> {
    // mod_proxy_http of httpd 2.4 enforces no limit.
    let uwsgi =
        |i: &&ScopedDirective<'_>| i.directive.name.starts_with("proxypass") && i.directive.text().contains("uwsgi://");
    let enforcing =
        server.items.iter().find(|i| i.directive.name == "wsgiscriptalias").or_else(|| server.items.iter().find(uwsgi));
    let item = enforcing?;
    let counts = |item: &&ScopedDirective<'_>| {
        matches!(applies(cloud, server, item, &[CorsRequest::Upload]), Applies::Always | Applies::Sometimes)
    };
    if let Some(item) = server.of_name("limitrequestbody").filter(counts).last() {
        let limit: u64 = item.directive.arg(0)?.parse().ok()?;
        return limited(item, limit, "LimitRequestBody 0");
    }
    Some(Finding::warning(
        Rule::BodyLimit,
        &item.place(),
        "no LimitRequestBody: httpd 2.4.54 and newer refuse bodies above 1 GiB here",
        format!("LimitRequestBody 0 in {}'s virtual host", name(server.service)),
    ))
}

fn nginx_body(server: &Server<'_>) -> Option<Finding> {
    match server.last("client_max_body_size") {
        Some(item) => limited(item, quantity::bytes(item.directive.arg(0)?)?, "client_max_body_size 0;"),
        None => Some(Finding::error(
            Rule::BodyLimit,
            &server.place(),
            format!("no client_max_body_size in front of {}: nginx refuses bodies above 1 MiB", name(server.service)),
            "client_max_body_size 0;",
        )),
    }
}

fn too_small(limit: u64) -> Option<Severity> {
    let fails = tolerance::body_fails(limit).filter(|_| limit > 0)?;
    Some(if fails { Severity::Error } else { Severity::Warning })
}

pub fn limited(item: &ScopedDirective<'_>, limit: u64, fix: &str) -> Option<Finding> {
    let severity = too_small(limit)?;
    let found = format!("{} {}: larger images are refused", item.directive.written, item.directive.text());
    Some(Finding::new(Rule::BodyLimit, severity, &item.place(), found, fix))
}

/// DU015: timeouts and buffers.
pub fn time(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = before_glance(cloud).flat_map(of_server).collect();
    let connections = cloud.servers.iter().filter(|server| server.service == Program::Glance);
    findings.extend(connections.filter_map(connection_time));
    findings.extend(cloud.glances.iter().filter_map(|glance| own_patience(cloud, glance)));
    for glance in &cloud.glances {
        let Some(uwsgi) = glance.uwsgi() else { continue };
        findings.extend(uwsgi_patience(&uwsgi));
        let Some(found) = uwsgi.last("harakiri") else { continue };
        let seconds: u64 = found.value.trim().parse().unwrap_or_default();
        findings.extend(too_short(seconds).map(|severity| {
            let what =
                format!("harakiri = {seconds}: uWSGI kills each request after {seconds} s, an upload in progress too");
            Finding::new(
                Rule::TooSlow,
                severity,
                &found.place,
                what,
                "remove harakiri, or set it to the longest upload, e.g. 14400",
            )
            .changes("harakiri")
        }));
    }
    findings
}

/// The first release whose `glance-api` is no server (`glance/cmd/api.py`).
const WITHOUT_SERVER: Release = Release::new(2026, 2);

/// DU015: how long Glance's own server waits for the next bytes of a body (`glance/common/wsgi.py`; 900 s if it is not
/// set). Under uWSGI or mod_wsgi nothing reads the option.
fn own_patience(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<Finding> {
    let setting = glance.option("DEFAULT", "client_socket_timeout")?;
    let seconds: u64 = setting.value.trim().parse().ok().filter(|seconds| (1..60).contains(seconds))?;
    let is_wsgi = |server: &Server<'_>| server.scope == glance.unit.scope && server.last("wsgiscriptalias").is_some();
    let others = ["uwsgi", "apache", "httpd", "glance-wsgi-api"];
    let another = glance.uwsgi().is_some()
        || cloud.servers.iter().filter(|server| server.service == Program::Glance).any(is_wsgi)
        || glance.unit.commands.iter().any(|(command, _)| others.iter().any(|other| command.contains(other)))
        || cloud.release_of(glance.unit).is_some_and(|release| release >= WITHOUT_SERVER);
    (!another).then(|| {
        let found = format!("client_socket_timeout = {seconds}: Glance ends an upload that stalls for {seconds} s");
        Finding::warning(Rule::TooSlow, &setting.place, found, "client_socket_timeout = 900")
    })
}

/// DU015, DU020: what uWSGI does with large headers, with a body that stops, or before Glance gets it.
fn uwsgi_patience(uwsgi: &Uwsgi<'_>) -> Vec<Finding> {
    let number = |name: &str| Some((uwsgi.last(name)?, uwsgi.last(name)?.value.trim().parse::<u64>().ok()?));
    let mut findings = Vec::new();
    // The router of `http` itself waits, and kolla-ansible's 30 s behind it work with HAProxy.
    if uwsgi.last("http").is_none()
        && let Some((found, seconds)) = number("socket-timeout").filter(|(_, seconds)| (1..60).contains(seconds))
    {
        let what = format!("socket-timeout = {seconds}: uWSGI ends an upload that stalls for {seconds} s");
        findings.push(
            Finding::warning(Rule::TooSlow, &found.place, what, "socket-timeout = 600").changes("socket-timeout"),
        );
    }
    if let Some((found, seconds)) = number("http-timeout").filter(|(_, seconds)| (1..60).contains(seconds)) {
        let what = format!(
            "http-timeout = {seconds}: a pause of this length breaks the upload, for example while Glance stores the last part"
        );
        findings
            .push(Finding::warning(Rule::TooSlow, &found.place, what, "http-timeout = 3600").changes("http-timeout"));
    }
    if let Some((found, size)) = number("buffer-size").filter(|(_, size)| *size < MANY_HEADERS) {
        let (severity, are) = if size < FEWEST_HEADERS {
            (Severity::Error, "are")
        } else {
            (Severity::Warning, "may be, depending on the browser, the token and proxies")
        };
        let what = format!(
            "buffer-size = {size}: uWSGI closes the connection if a request's headers are larger, and those of an upload {are}"
        );
        let finding = Finding::new(Rule::OptionsFiltered, severity, &found.place, what, "buffer-size = 65535");
        findings.push(finding.changes("buffer-size"));
    }
    if let Some((found, _)) = number("post-buffering").filter(|(_, size)| *size > 0) {
        let what = "post-buffering: uWSGI stores each image whole on its own disk before Glance gets the first byte";
        findings.push(
            Finding::warning(Rule::TooSlow, &found.place, what, "remove post-buffering").changes("post-buffering"),
        );
    }
    findings
}

/// The severity of a limit on a whole upload.
fn too_short(seconds: u64) -> Option<Severity> {
    let fails = tolerance::whole_fails(seconds.saturating_mul(1000))?;
    Some(if fails { Severity::Error } else { Severity::Warning })
}

fn of_server(server: &Server<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(item) = server.last("requestreadtimeout")
        && let Some((seconds, severity)) = item.directive.args.iter().find_map(|arg| total(arg))
    {
        findings.push(Finding::new(
            Rule::TooSlow,
            severity,
            &item.place(),
            format!(
                "RequestReadTimeout {}: a body that takes longer than {seconds} s is cut off",
                item.directive.text()
            ),
            "RequestReadTimeout body=0 in Glance's virtual host, or body=SECONDS,MinRate=BYTES without a maximum",
        ));
    }
    findings.extend(daemon_time(server));
    if server.kind == Kind::Nginx {
        findings.extend(nginx_time(server));
    } else {
        findings.extend(server.of_name("proxypass").filter_map(impatient));
        for name in effects::of("httpd", Limit::Silence).chain(effects::of("httpd", Limit::Answer)) {
            let Some(item) = server.last(&name.to_ascii_lowercase()) else { continue };
            let Some(seconds) =
                item.directive.arg(0).and_then(|a| a.parse::<u64>().ok()).filter(|s| (1..60).contains(s))
            else {
                continue;
            };
            let name = &item.directive.written;
            findings.push(Finding::warning(
                Rule::TooSlow,
                &item.place(),
                format!(
                    "{name} {seconds}: a pause of {seconds} s, as when Glance stores the image's end, breaks the upload"
                ),
                format!("{name} 3600"),
            ));
        }
    }
    findings
}

/// mod_wsgi's daemon (measured with 4.9.4): `socket-timeout` ends a body that stalls with 500, and a late answer with 504.
/// `request-timeout` restarts the process when requests run longer, and so ends uploads in it. With more threads mod_wsgi
/// has more patience (docs of WSGIDaemonProcess), so this is never certain.
fn daemon_time(server: &Server<'_>) -> Vec<Finding> {
    let Some(script) = server.last("wsgiscriptalias") else { return Vec::new() };
    let own = script.directive.args.iter().find_map(|word| word.strip_prefix("process-group="));
    let group = own.or_else(|| server.last("wsgiprocessgroup")?.directive.arg(0));
    let daemons = server.of_name("wsgidaemonprocess").filter(|item| item.directive.arg(0) == group);
    let Some(item) = daemons.last().filter(|_| group.is_some()) else { return Vec::new() };
    let option = |name: &str| {
        let word = item.directive.args.iter().rev().find(|word| word.starts_with(&format!("{name}=")))?;
        Some((word, word.split_once('=')?.1.parse::<u64>().ok()?))
    };
    let told = |word: &str, what: String| {
        let found = format!("{word} of WSGIDaemonProcess: {what}");
        Finding::warning(Rule::TooSlow, &item.place(), found, format!("take {word} off the line"))
    };
    let still = option("socket-timeout").filter(|(_, seconds)| (1..60).contains(seconds)).map(|(word, seconds)| {
        let what = format!("a pause of {seconds} s, as when Glance stores the image's end, breaks the upload");
        told(word, what)
    });
    let whole = option("request-timeout").filter(|(_, seconds)| too_short(*seconds).is_some()).map(|(word, _)| {
        told(word, "mod_wsgi restarts Glance when requests take longer, and so may end uploads".to_owned())
    });
    still.into_iter().chain(whole).collect()
}

/// `ProxyPass / http://… timeout=30` counts before ProxyTimeout.
fn impatient(item: &ScopedDirective<'_>) -> Option<Finding> {
    let seconds: u64 = item.directive.args.iter().find_map(|word| word.strip_prefix("timeout=")?.parse().ok())?;
    (1..60).contains(&seconds).then(|| {
        let found = format!(
            "timeout={seconds} of ProxyPass: a pause of {seconds} s, as when Glance stores the image's end, breaks the upload"
        );
        Finding::warning(Rule::TooSlow, &item.place(), found, "timeout=3600")
    })
}

/// The seconds after which a body is cut, if there is a fixed end: `body=60`, `body=10-600,MinRate=1`.
fn total(argument: &str) -> Option<(u64, Severity)> {
    let (name, value) = argument.split_once('=')?;
    if !name.eq_ignore_ascii_case("body") {
        return None;
    }
    let (range, rate) = value.split_once(',').map_or((value, None), |(range, rate)| (range, Some(rate)));
    let seconds: u64 = match (range.split_once('-'), rate) {
        (Some((_, end)), _) => end.parse().ok()?,
        // With only a rate, each further part of the body adds time.
        (None, Some(_)) => return None,
        (None, None) => range.parse().ok()?,
    };
    too_short(seconds).map(|severity| (seconds, severity))
}

fn nginx_time(server: &Server<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let buffering = |name: &str| server.last(name).filter(|item| item.directive.word() == "on");
    if let Some(item) = buffering("proxy_request_buffering").or_else(|| buffering("uwsgi_request_buffering")) {
        findings.push(Finding::warning(
            Rule::TooSlow,
            &item.place(),
            "nginx stores each image whole before it passes it on: it needs the disk space, and the browser waits twice",
            format!("{} off;", item.directive.name),
        ));
    } else if server.last("proxy_request_buffering").or_else(|| server.last("uwsgi_request_buffering")).is_none() {
        findings.push(Finding::note(
            Rule::TooSlow,
            &server.place(),
            "request buffering is on by default: nginx stores each image whole before it passes it on",
            "proxy_request_buffering off; (uwsgi_request_buffering off; for uwsgi_pass)",
        ));
    }
    for name in effects::of("nginx", Limit::Silence).chain(effects::of("nginx", Limit::Answer)) {
        let Some(item) = server.last(name) else { continue };
        let Some(seconds) = item
            .directive
            .arg(0)
            .and_then(|time| quantity::milliseconds(time, 1000))
            .map(|ms| ms / 1000)
            .filter(|s| *s < 60)
        else {
            continue;
        };
        findings.push(Finding::warning(
            Rule::TooSlow,
            &item.place(),
            format!("{name} {seconds} s: a pause of this length breaks the upload, for example while Glance stores the last part"),
            format!("{name} 3600s;"),
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("body=60", Some(60))]
    #[case("body=0", None)]
    #[case("body=20,MinRate=500", None)]
    #[case("body=10-600,MinRate=500", Some(600))]
    #[case("header=20-40,MinRate=500", None)]
    #[case("body=86400", None)]
    fn read_timeouts(#[case] argument: &str, #[case] seconds: Option<u64>) {
        assert_eq!(total(argument).map(|(s, _)| s), seconds);
    }
}
