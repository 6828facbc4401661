//! DU001, DU002, DU005: who may upload.

use std::collections::BTreeSet;

use direct_upload_api::web::{Origin, PublicUrl};
use direct_upload_api::{Rule, Severity};

use super::origin_list::{Listed, ORIGINS, entry, known_origin, meant, origins_at};
use super::reading::NO_SUBGROUPS;
use crate::classify::Kind;
use crate::facts::api::Setting;
use crate::facts::catalog::Published;
use crate::facts::cloud::{Certainty, Cloud, ExposedDashboard};
use crate::facts::filter::{self, PreflightAnswer, Reading};
use crate::facts::glance::GlanceFacts;
use crate::facts::horizon::{HorizonFacts, Mode};
use crate::facts::listen::Listen;
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::Finding;
use crate::formats::python::Value;
use crate::rules::refused;
use crate::unit::Program;

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

/// What is compared for one Glance with a list of origins.
struct Comparison<'c, 'a> {
    cloud: &'c Cloud<'a>,
    /// Its place among the Glances.
    at: usize,
    glance: &'c GlanceFacts<'a>,
    setting: &'c Setting,
    /// The entries as they are written.
    written: BTreeSet<String>,
    /// What they mean. DU001 reports one in a wrong form.
    allowed: Vec<Origin>,
    /// What browsers meet first.
    edges: Vec<&'c Listen>,
    /// The dashboards that may belong to this Glance.
    near: Vec<&'c ExposedDashboard>,
}

fn not_listed(cloud: &Cloud<'_>, at: usize, glance: &GlanceFacts<'_>, setting: &Setting) -> Vec<Finding> {
    let old = cloud.release_of(glance.unit).is_none_or(|release| release < NO_SUBGROUPS);
    let written = glance.allowed_origins(old);
    if written.contains("*") {
        return Vec::new();
    }
    let allowed = written.iter().flat_map(|item| meant(item)).collect();
    let edges = cloud.edges(&glance.unit.scope, Program::Horizon);
    let near = cloud.dashboards_near(&glance.unit.scope).collect();
    Comparison { cloud, at, glance, setting, written, allowed, edges, near }.findings()
}

impl Comparison<'_, '_> {
    fn findings(&self) -> Vec<Finding> {
        let Self { cloud, at, glance, setting, allowed, .. } = self;
        let is_of = |certainty| self.near.iter().any(|d| d.certainty == certainty);
        let is_sure = is_of(Certainty::Exposed) || is_of(Certainty::Served);
        let refused = refused(cloud, *at);
        let severity = if is_sure { refused } else { refused.max(Severity::Warning) };
        let lost = self.lost();
        let told = lost.iter().filter(|d| !self.is_explained(d));
        let mut findings: Vec<Finding> = told.map(|d| self.lacks(d, severity)).collect();
        let others = self.near.iter().copied().filter(|d| !self.is_allowed(d) && !self.is_explained(d));
        findings.extend(of_aliases(cloud, glance, setting, &others.collect::<Vec<_>>()));
        findings.extend(of_open_names(cloud, *at, setting, allowed));
        if self.near.is_empty() {
            let severity = if self.is_known_by_its_own_name() { refused } else { severity };
            findings.extend(another_port(&self.edges, allowed, setting, severity));
        }
        if findings.is_empty() && lost.is_empty() {
            findings.extend(only_http(cloud, *at, allowed, setting, severity));
        }
        findings
    }

    /// The dashboards whose users cannot upload. Settings also have names of old or internal hosts, so one match is
    /// enough among what is only stated.
    fn lost(&self) -> Vec<&ExposedDashboard> {
        let of = |certainty| self.near.iter().copied().filter(move |d| d.certainty == certainty).collect::<Vec<_>>();
        let (exposed, served, named) = (of(Certainty::Exposed), of(Certainty::Served), of(Certainty::Named));
        let stated = if served.is_empty() && exposed.is_empty() { named } else { served };
        let mut lost: Vec<&ExposedDashboard> = exposed.into_iter().filter(|d| !self.is_allowed(d)).collect();
        if !stated.iter().any(|d| self.is_allowed(d)) {
            lost.extend(stated);
        }
        lost.dedup_by_key(|d| d.host.clone());
        lost
    }

    fn is_allowed(&self, dashboard: &ExposedDashboard) -> bool {
        let host = &dashboard.host;
        let listed = match (&dashboard.origin, origins_at(host, &self.edges)) {
            (Some(origin), _) => self.allowed.contains(origin),
            (None, Some(origins)) => origins.iter().any(|origin| self.allowed.contains(origin)),
            (None, None) => self.allowed.iter().any(|allowed| allowed.host() == host),
        };
        listed || self.written.iter().any(|item| covers(item, host))
    }

    /// Whether another rule says why a dashboard is not allowed: its origin is in a file or group that is not read.
    fn is_explained(&self, dashboard: &ExposedDashboard) -> bool {
        let is_its = |o: &Origin| dashboard.origin.as_ref().map_or(o.host() == dashboard.host, |own| o == own);
        let has = |setting: &Setting| setting.items().iter().any(|item| meant(item).iter().any(is_its));
        super::reading::is_lost(self.glance, dashboard) || self.glance.subgroups().iter().any(has)
    }

    fn lacks(&self, dashboard: &ExposedDashboard, severity: Severity) -> Finding {
        let ExposedDashboard { host, source, place, .. } = dashboard;
        let at_edge = || origins_at(host, &self.edges).and_then(|origins| origins.into_iter().next());
        let origin = dashboard.origin.clone().or_else(at_edge);
        let origin = origin.map_or_else(|| format!("https://{host}"), |origin| origin.to_string());
        let found = format!(
            "allowed_origin lacks {origin}, from which browsers load the dashboard ({source}: {place}){}",
            replaced(self.glance, &origin)
        );
        let fix = format!("add {origin} to allowed_origin (or correct the setting that names the dashboard)");
        Finding::new(Rule::OriginMissing, severity, &self.setting.place, found, fix)
    }

    /// Whether browsers know Glance by the host of the first entry. Then the input shows nothing in front of the proxy.
    fn is_known_by_its_own_name(&self) -> bool {
        let is_glances = |host: &str| {
            let of = |p: &Published| PublicUrl::parse(&p.url).is_ok_and(|url| url.origin().host() == host);
            self.cloud.published.iter().any(|p| p.scope == self.glance.unit.scope && of(p))
        };
        self.allowed.first().is_some_and(|origin| is_glances(origin.host()))
    }
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
