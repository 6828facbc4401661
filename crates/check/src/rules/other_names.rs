//! DU002 for a dashboard of several names: the names next to one that is allowed.

use direct_upload_api::Rule;
use direct_upload_api::web::Origin;

use crate::classify::Kind;
use crate::facts::api::Setting;
use crate::facts::cloud::{Certainty, Cloud, ExposedDashboard};
use crate::facts::glance::GlanceFacts;
use crate::facts::horizon::HorizonFacts;
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::Finding;
use crate::formats::python::Value;
use crate::unit::Program;

/// Names that both Django and a server of the dashboard have, next to one that is allowed: users of these names cannot
/// upload. What redirects to another name has no users.
pub(super) fn of_aliases(
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
pub(super) fn of_open_names(cloud: &Cloud<'_>, at: usize, setting: &Setting, allowed: &[Origin]) -> Vec<Finding> {
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
