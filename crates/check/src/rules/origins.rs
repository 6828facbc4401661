//! DU001, DU002, DU005: who may upload.

use std::collections::BTreeSet;

use direct_upload_api::web::{Origin, OriginError, PublicUrl};
use direct_upload_api::{Rule, Severity};
use direct_upload_core::openstack::Release;

use crate::classify::Kind;
use crate::facts::api::Setting;
use crate::facts::catalog::Published;
use crate::facts::cloud::{Certainty, Cloud, ExposedDashboard};
use crate::facts::filter::{self, PreflightAnswer, Reading};
use crate::facts::glance::GlanceFacts;
use crate::facts::horizon::{HorizonFacts, Mode};
use crate::facts::listen::Listen;
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::{Finding, Location};
use crate::formats::python::Value;
use crate::rules::refused;
use crate::unit::Program;

/// From this release on, `[cors.NAME]` is not read.
pub(crate) const NO_SUBGROUPS: Release = Release::new(2026, 1);

/// DU001, DU005: each entry must be one that a browser sends.
pub fn form(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, glance) in cloud.glances.iter().enumerate() {
        let all: Vec<Setting> = glance.cors_in_effect("allowed_origin").into_iter().chain(glance.subgroups()).collect();
        let entries: BTreeSet<String> = all.iter().flat_map(Setting::items).collect();
        let told = |item: &&String| *item == "*" && super::credentials::needs_origins(cloud, at, glance);
        let known = known_origin(cloud, &glance.unit.scope);
        for setting in &all {
            let items = setting.items();
            let severity = refused(cloud, at);
            let listed = Listed { option: ORIGINS, items: &items, place: &setting.place };
            findings.extend(
                items
                    .iter()
                    .filter(|item| !told(item))
                    .filter_map(|item| entry(item, &entries, &listed, known.as_deref(), severity)),
            );
        }
    }
    findings
}

/// The option of `[cors]`.
pub(crate) const ORIGINS: &str = "allowed_origin";

/// A list of origins in one place.
pub(crate) struct Listed<'a> {
    pub option: &'a str,
    pub items: &'a [String],
    pub place: &'a Location,
}

pub(crate) fn entry(
    item: &str,
    entries: &BTreeSet<String>,
    listed: &Listed<'_>,
    known: Option<&str>,
    severity: Severity,
) -> Option<Finding> {
    let place = listed.place;
    if item == "*" || item.eq_ignore_ascii_case("null") {
        let found = format!("{} holds {item:?}", listed.option);
        return Some(Finding::warning(Rule::AnyOrigin, place, found, listed.exact(known)));
    }
    let shown = shown(item);
    let found = match Origin::parse(item) {
        Ok(origin) if origin.as_str() == item => return None,
        Ok(origin) => format!("{shown}, which browsers write {origin}"),
        Err(_) if item.is_empty() => return None,
        Err(OriginError::Wildcard(_)) => {
            format!("{shown} is a pattern, but the CORS filter compares only exact origins")
        }
        Err(_) if item.contains(" #") => format!("{shown}: a comment after a value is part of the value"),
        Err(_) if item.contains(';') || item.split_whitespace().count() > 1 => {
            format!("{shown}: entries are separated by commas")
        }
        Err(_) if item.contains(['[', ']', '"', '\'']) => {
            format!("{shown}: brackets and quotes become part of the value")
        }
        Err(_) => format!("{shown} is not an origin"),
    };
    let meant: Vec<String> = meant(item).iter().map(Origin::to_string).collect();
    let of_pattern = || known.filter(|_| item.contains('*')).map(str::to_owned);
    let canonical = (!meant.is_empty()).then(|| meant.join(",")).or_else(of_pattern);
    let harmless = canonical.as_ref().is_some_and(|origin| entries.contains(origin));
    // openstack-helm writes it for everyone, and nothing needs to be done.
    let with_port = |origin: &String| [":443", ":80"].iter().any(|port| *item == format!("{origin}{port}"));
    if harmless && canonical.as_ref().is_some_and(with_port) {
        return None;
    }
    let fix = match &canonical {
        Some(origin) if harmless => {
            format!("no change is necessary, because {origin} is there, too; or remove the entry")
        }
        Some(origin) => format!("write {origin}"),
        None => {
            "write scheme://host[:port] exactly as the browser's address bar has it, several separated by commas".into()
        }
    };
    Some(Finding::new(Rule::OriginForm, if harmless { Severity::Note } else { severity }, place, found, fix))
}

impl Listed<'_> {
    /// The list without the entry that allows every site.
    pub fn exact(&self, known: Option<&str>) -> String {
        let kept = self.items.iter().filter(|item| Origin::parse(item).is_ok_and(|o| o.as_str() == *item));
        let mut listed: Vec<&str> = kept.map(String::as_str).collect();
        if let Some(known) = known.filter(|known| !listed.contains(known)) {
            listed.push(known);
        }
        if listed.is_empty() {
            "list the dashboards' exact origins, such as https://horizon.example.com".to_owned()
        } else {
            format!("{} = {} (list each dashboard's exact origin)", self.option, listed.join(","))
        }
    }
}

/// The origins from which browsers load the dashboard, if the input shows them.
pub(crate) fn known_origin(cloud: &Cloud<'_>, scope: &[String]) -> Option<String> {
    let edges = cloud.edges(scope, Program::Horizon);
    let of = |d: &ExposedDashboard| {
        let at_edge = || origins_at(&d.host, &edges)?.into_iter().next();
        Some(d.origin.clone().or_else(at_edge)?.to_string())
    };
    let known = cloud.dashboards_near(scope).find_map(of);
    known.or_else(|| cloud.dashboards_near(scope).next().map(|d| format!("https://{}", d.host)))
}

/// An entry up to its first space; anything may follow.
fn shown(item: &str) -> String {
    match item.split_once(char::is_whitespace) {
        Some((first, _)) => format!("{:?}", format!("{first} …")),
        None => format!("{item:?}"),
    }
}

/// The origins in a wrong entry: too long, without scheme, or several in one.
fn meant(item: &str) -> Vec<Origin> {
    let item = item.split(" #").next().unwrap_or_default();
    let words = item.split(|c: char| c.is_whitespace() || "[](){}<>\"'#;".contains(c)).filter(|word| !word.is_empty());
    let of = |text: &str| {
        let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        Origin::parse(&url.origin().ascii_serialization()).ok()
    };
    let found: Vec<Origin> = words.clone().filter_map(of).collect();
    let bare = words.filter(|word| !word.contains("://")).filter_map(|word| of(&format!("https://{word}")));
    if found.is_empty() { bare.take(1).collect() } else { found }
}

/// Whether a pattern, which matches nothing, was meant for this host.
fn covers(pattern: &str, host: &str) -> bool {
    pattern.split_once('*').is_some_and(|(_, tail)| !tail.is_empty() && host.ends_with(tail))
}

/// DU002: each dashboard must be allowed to upload.
pub fn missing(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, glance) in cloud.glances.iter().enumerate() {
        let setting = glance.cors_in_effect("allowed_origin");
        match (&glance.reading, setting) {
            // Another rule says why Glance does not start. Nothing is claimed about what is unknown.
            (Reading::Refuses(..) | Reading::Unknown, _) => {}
            (Reading::Runs(options), Some(setting)) if !options.allowed_origin.is_empty() => {
                findings.extend(not_listed(cloud, at, glance, &setting));
            }
            (Reading::Runs(_), setting) => findings.extend(nothing_allowed(cloud, at, glance, setting.as_ref())),
        }
    }
    findings
}

fn nothing_allowed(
    cloud: &Cloud<'_>,
    at: usize,
    glance: &GlanceFacts<'_>,
    setting: Option<&Setting>,
) -> Option<Finding> {
    let other = |(i, g): (usize, &GlanceFacts<'_>)| {
        i != at && g.unit.scope == glance.unit.scope && g.cors_in_effect("allowed_origin").is_some()
    };
    // A split deployment has an internal API without CORS. Otherwise other rules name the cause.
    let explained = cloud.glances.iter().enumerate().any(other)
        || super::reading::is_told_elsewhere(glance)
        || cloud.is_same_origin(glance.unit)
        || super::proxy_headers::stands_in(cloud)
        || !glance.subgroups().is_empty();
    if explained || !glance.is_whole() {
        return None;
    }
    let modes: Vec<Mode> = cloud.horizons_of(at).map(HorizonFacts::mode).collect();
    let severity = match modes.as_slice() {
        [] => Severity::Note,
        modes if modes.iter().any(|mode| matches!(mode, Mode::Direct | Mode::Invalid)) => Severity::Error,
        _ => return None,
    };
    // With what grants uploads in front of Glance, they work.
    let (severity, instead) = match cloud.answering_for(glance) {
        Some(own) => (severity.max(Severity::Warning), format!(" ({} answers browsers instead)", own.what)),
        None => (severity, String::new()),
    };
    let (origin, whose) = match known_origin(cloud, &glance.unit.scope) {
        Some(origin) => (origin, "the dashboard's own origin"),
        None => ("https://horizon.example.com".to_owned(), "the origin that the browser's address bar shows"),
    };
    let headers = match super::headers::to_write(cloud, at, glance) {
        Some(headers) => format!(", and allow_headers = {headers}"),
        None => String::new(),
    };
    Some(Finding::new(
        Rule::OriginMissing,
        severity,
        &setting.map_or_else(|| glance.place(), |setting| setting.place.clone()),
        match setting {
            None => format!("no allowed_origin: Glance's CORS filter is there, but grants nothing{instead}"),
            Some(_) => format!("allowed_origin is empty: Glance's CORS filter grants nothing{instead}"),
        },
        format!("[cors] allowed_origin = {origin}{headers} ({whose})"),
    ))
}

fn not_listed(cloud: &Cloud<'_>, at: usize, glance: &GlanceFacts<'_>, setting: &Setting) -> Vec<Finding> {
    let old = cloud.release_of(glance.unit).is_none_or(|release| release < NO_SUBGROUPS);
    let written = glance.allowed_origins(old);
    if written.contains("*") {
        return Vec::new();
    }
    // DU001 reports an entry in a wrong form.
    let allowed: Vec<Origin> = written.iter().flat_map(|item| meant(item)).collect();
    let edges = cloud.edges(&glance.unit.scope, Program::Horizon);
    let is_allowed = |d: &&ExposedDashboard| {
        let listed = match (&d.origin, origins_at(&d.host, &edges)) {
            (Some(origin), _) => allowed.contains(origin),
            (None, Some(origins)) => origins.iter().any(|origin| allowed.contains(origin)),
            (None, None) => allowed.iter().any(|a| a.host() == d.host),
        };
        listed || written.iter().any(|item| covers(item, &d.host))
    };
    let severity = refused(cloud, at);
    let near: Vec<&ExposedDashboard> = cloud.dashboards_near(&glance.unit.scope).collect();
    let of = |certainty| near.iter().copied().filter(move |d| d.certainty == certainty).collect::<Vec<_>>();
    let (exposed, served, named) = (of(Certainty::Exposed), of(Certainty::Served), of(Certainty::Named));
    let severity = if exposed.is_empty() && served.is_empty() { severity.max(Severity::Warning) } else { severity };
    // Settings also have names of old or internal hosts, so one match is enough.
    let stated = if served.is_empty() && exposed.is_empty() { named } else { served };
    let mut lost: Vec<&ExposedDashboard> = exposed.into_iter().filter(|d| !is_allowed(d)).collect();
    if !stated.iter().any(is_allowed) {
        lost.extend(stated);
    }
    lost.dedup_by_key(|d| d.host.clone());
    let in_group = |d: &ExposedDashboard| {
        let of =
            |item: &String| meant(item).iter().any(|o| d.origin.as_ref().map_or(o.host() == d.host, |own| o == own));
        glance.subgroups().iter().any(|setting| setting.items().iter().any(of))
    };
    let explained = |d: &&&ExposedDashboard| super::reading::is_lost(glance, d) || in_group(d);
    let mut findings: Vec<Finding> = lost
        .iter()
        .filter(|d| !explained(d))
        .map(|d| {
            let at_edge = || origins_at(&d.host, &edges).and_then(|origins| origins.first().map(Origin::to_string));
            let origin = d.origin.as_ref().map(Origin::to_string).or_else(at_edge);
            let origin = origin.unwrap_or_else(|| format!("https://{}", d.host));
            Finding::new(
                Rule::OriginMissing,
                severity,
                &setting.place,
                format!(
                    "allowed_origin lacks {origin}, from which browsers load the dashboard ({}: {}){}",
                    d.source,
                    d.place,
                    replaced(glance, &origin)
                ),
                format!("add {origin} to allowed_origin (or correct the setting that names the dashboard)"),
            )
        })
        .collect();
    let others: Vec<_> = near.iter().copied().filter(|d| !is_allowed(d) && !explained(&d)).collect();
    findings.extend(of_aliases(cloud, glance, setting, &others));
    findings.extend(of_open_names(cloud, at, setting, &allowed));
    if near.is_empty() {
        // If Glance is known by exactly that name, the input shows nothing in front of the proxy.
        let is_glances = |host: &str| {
            let of = |p: &Published| PublicUrl::parse(&p.url).is_ok_and(|url| url.origin().host() == host);
            cloud.published.iter().any(|p| p.scope == glance.unit.scope && of(p))
        };
        let certain = allowed.first().is_some_and(|origin| is_glances(origin.host()));
        let severity = if certain { refused(cloud, at) } else { severity.max(Severity::Warning) };
        findings.extend(another_port(&edges, &allowed, setting, severity));
    }
    if findings.is_empty() && lost.is_empty() {
        findings.extend(only_http(cloud, at, &allowed, setting, severity));
    }
    findings
}

/// Names that both Django and a server of the dashboard have, next to one that is allowed: users of these names cannot
/// upload. What redirects to another name has no users.
fn of_aliases(
    cloud: &Cloud<'_>,
    glance: &GlanceFacts<'_>,
    setting: &Setting,
    refused: &[&ExposedDashboard],
) -> Vec<Finding> {
    let servers = cloud.servers_near(&glance.unit.scope, Program::Horizon).filter(|server| !redirects(server));
    let names: Vec<String> = servers.flat_map(names).map(|(name, _)| name).collect();
    let told = |d: &&&ExposedDashboard| d.certainty == Certainty::Served && names.contains(&d.host);
    // If none is allowed, each of them is reported as lost.
    let served = cloud.dashboards_near(&glance.unit.scope).filter(|d| d.certainty == Certainty::Served).count();
    if refused.iter().filter(|d| d.certainty == Certainty::Served).count() >= served {
        return Vec::new();
    }
    refused
        .iter()
        .filter(told)
        .map(|d| {
            let origin = d.origin.as_ref().map_or_else(|| format!("https://{}", d.host), Origin::to_string);
            let found = format!(
                "allowed_origin lacks {origin}, one of the dashboard's names ({}: {}): its users cannot upload",
                d.source, d.place
            );
            let fix = format!("add {origin} to allowed_origin (or correct the setting that names the dashboard)");
            Finding::warning(Rule::OriginMissing, &setting.place, found, fix)
        })
        .collect()
}

/// Whether a server may redirect one of its names to another.
fn redirects(server: &Server<'_>) -> bool {
    server.items.iter().any(|item| match item.directive.name.as_str() {
        "redirect" | "redirectmatch" | "redirectpermanent" | "rewriterule" => true,
        "return" | "rewrite" => !item.within.is_empty(),
        _ => false,
    })
}

/// The names of a server, each with its directive.
fn names<'s, 'a>(server: &'s Server<'a>) -> Vec<(String, &'s ScopedDirective<'a>)> {
    let named = server
        .items
        .iter()
        .filter(|item| matches!(item.directive.name.as_str(), "servername" | "serveralias" | "server_name"));
    let host =
        |name: &String| name.split("://").last().unwrap_or(name).split(':').next().unwrap_or(name).to_lowercase();
    named.flat_map(|item| item.directive.args.iter().map(move |name| (host(name), item))).collect()
}

/// Names of one server, of which some are allowed, where Django serves each name (`ALLOWED_HOSTS = ['*']`). A server
/// behind HAProxy may have names that browsers never use.
fn of_open_names(cloud: &Cloud<'_>, at: usize, setting: &Setting, allowed: &[Origin]) -> Vec<Finding> {
    let is_open = |horizon: &HorizonFacts<'_>| {
        horizon.value("ALLOWED_HOSTS").and_then(Value::texts).is_some_and(|hosts| hosts.contains(&"*"))
    };
    let Some(horizon) = cloud.horizons_of(at).find(|horizon| is_open(horizon)) else { return Vec::new() };
    let servers: Vec<&Server<'_>> = cloud.servers_near(&horizon.unit.scope, Program::Horizon).collect();
    if servers.iter().any(|server| matches!(server.kind, Kind::Haproxy | Kind::Stream)) {
        return Vec::new();
    }
    let is_allowed = |name: &str| allowed.iter().any(|origin| origin.host() == name);
    let mut findings: Vec<Finding> = Vec::new();
    for server in servers.into_iter().filter(|server| !redirects(server)) {
        let names = names(server);
        if !names.iter().any(|(name, _)| is_allowed(name)) {
            continue;
        }
        for (name, item) in names.iter().filter(|(name, _)| !is_allowed(name)) {
            let Ok(origin) = Origin::parse(&format!("https://{name}")) else { continue };
            if origin.host() != name || origin.unreachable().is_some() || name.parse::<std::net::IpAddr>().is_ok() {
                continue;
            }
            let found = format!(
                "allowed_origin lacks {origin}, one of the dashboard's names ({}: {}): its users cannot upload",
                item.directive.written,
                item.place()
            );
            let fix = format!("add {origin} to allowed_origin (or redirect that name to the other one)");
            findings.push(Finding::warning(Rule::OriginMissing, &setting.place, found, fix));
        }
    }
    findings
}

/// DU002: whatever the cause, a Glance that refuses a dashboard never gets "fine". This covers what no
/// other rule has found.
pub(crate) fn refused_after_all(cloud: &Cloud<'_>, found: &[Finding]) -> Vec<Finding> {
    const TOLD: [Rule; 9] = [
        Rule::OriginForm,
        Rule::OriginMissing,
        Rule::HeaderMissing,
        Rule::MethodMissing,
        Rule::OldSubgroup,
        Rule::NotRead,
        Rule::NoSuchFlavor,
        Rule::OptionsFiltered,
        Rule::Unknown,
    ];
    let mut findings = Vec::new();
    for (at, glance) in cloud.glances.iter().enumerate() {
        let severity = refused(cloud, at);
        let told = |f: &Finding| f.severity <= severity && TOLD.contains(&f.rule);
        let answered = glance.cors_in_effect(ORIGINS).is_none() && cloud.answering_for(glance).is_some();
        if severity != Severity::Error || answered || !glance.is_whole() || found.iter().any(told) {
            continue;
        }
        // A split deployment has an internal API without CORS.
        let split = cloud.glances.iter().filter(|g| g.unit.scope == glance.unit.scope).count() > 1;
        let sent = super::headers::csrf(cloud, at, glance).filter(|(severity, _)| *severity == Severity::Error);
        let headers: &[&str] = if sent.is_some() {
            &["content-type", "x-auth-token", "x-csrftoken"]
        } else {
            &["content-type", "x-auth-token"]
        };
        let certain = |d: &&ExposedDashboard| d.certainty == Certainty::Exposed;
        let dashboards = cloud.dashboards_near(&glance.unit.scope).filter(certain).filter_map(|d| d.origin.as_ref());
        for origin in dashboards.filter(|_| !split) {
            if matches!(
                filter::answer(glance, origin.as_str(), "PUT", headers),
                PreflightAnswer::None | PreflightAnswer::Of(None)
            ) {
                let found = format!("with its current files, Glance refuses the preflight of {origin}");
                let fix = format!("[cors] allowed_origin = {origin}, in a file that the CORS filter reads");
                findings.push(Finding::error(Rule::OriginMissing, &glance.place(), found, fix));
            }
        }
    }
    findings
}

/// The origins under which browsers know a host, if TLS ends at a server that is seen. A server without TLS
/// may have another scheme and port in front of it.
pub(super) fn origins_at(host: &str, edges: &[&Listen]) -> Option<Vec<Origin>> {
    let secure: Vec<&&Listen> = edges.iter().filter(|listen| listen.tls == Some(true)).collect();
    let of = |listen: &&&Listen| {
        Origin::parse(&match listen.port? {
            443 => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        })
        .ok()
    };
    let origins: Option<Vec<Origin>> = secure.iter().map(of).collect();
    origins.filter(|origins| !origins.is_empty())
}

/// Nothing names the dashboard, but its https ports are seen, and an origin has one of them.
fn another_port(edges: &[&Listen], allowed: &[Origin], setting: &Setting, severity: Severity) -> Option<Finding> {
    let first = allowed.first()?;
    let fits = |own: &Origin| origins_at(own.host(), edges).is_some_and(|origins| origins.contains(own));
    let wanted = origins_at(first.host(), edges)?.into_iter().next()?;
    let place = edges.iter().find(|listen| listen.tls == Some(true))?;
    if allowed.iter().any(fits) {
        return None;
    }
    let found = format!(
        "allowed_origin has no origin with the port on which the dashboard is served ({}: {})",
        place.place, place.written
    );
    let fix = format!("add {wanted} to allowed_origin (or correct what serves the dashboard)");
    Some(Finding::new(Rule::OriginMissing, severity, &setting.place, found, fix))
}

/// An earlier `allowed_origin` of the same file has the origin, and a later one replaces it.
fn replaced(glance: &GlanceFacts<'_>, origin: &str) -> String {
    let has = |value: &str| value.split(',').any(|item| item.trim() == origin);
    let found = glance.confs.iter().find_map(|conf| {
        let mut own = conf.ini.assignments.iter();
        let found = own.rfind(|a| a.normalized_section() == "cors" && a.name == "allowed_origin" && has(&a.value));
        found.map(|assignment| conf.file.at(assignment.line))
    });
    found.map(|place| format!("; {place} has it, and a later allowed_origin replaces that")).unwrap_or_default()
}

/// Secure cookies need https, so the dashboard is https.
fn only_http(
    cloud: &Cloud<'_>,
    at: usize,
    allowed: &[Origin],
    setting: &Setting,
    severity: Severity,
) -> Option<Finding> {
    if allowed.is_empty() || allowed.iter().any(Origin::is_https) {
        return None;
    }
    let secure = |h: &&HorizonFacts<'_>| {
        ["SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"].iter().any(|name| h.value(name) == Some(&Value::Bool(true)))
    };
    cloud.horizons_of(at).find(secure)?;
    let https = allowed.first().map(|o| o.as_str().replacen("http:", "https:", 1)).unwrap_or_default();
    Some(Finding::new(
        Rule::OriginMissing,
        severity,
        &setting.place,
        "only http origins are allowed, but the dashboard's cookies are secure, so browsers load it by https",
        format!("allowed_origin = {https}"),
    ))
}
