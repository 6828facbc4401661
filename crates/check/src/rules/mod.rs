//! Facts → findings. Each rule is a function of the facts only.

mod connections;
pub mod credentials;
pub mod csp;
pub mod endpoint;
mod expanded;
pub mod exposed;
pub mod haproxy;
mod haproxy_header;
mod header_room;
pub mod headers;
pub mod import;
pub mod limits;
mod lists;
pub mod logs;
mod network;
mod options;
mod origin_list;
pub mod origins;
mod other_names;
pub mod proxy_headers;
pub mod reading;
mod refused;
mod requests;
mod segments;
pub mod services;
pub mod settings;
pub mod start;
pub mod swift;
pub mod traefik;
mod trusted;
pub mod unknown;
mod upload_target;

use direct_upload_api::Severity;

use super::finding::Finding;
use crate::facts::cloud::{Cloud, PlacedIssue};

/// Everything that is wrong. `before_glance` and `legacy` are the issues of [`exposed::issues`].
pub fn all(cloud: &Cloud<'_>, before_glance: &[PlacedIssue], legacy: &[PlacedIssue]) -> Vec<Finding> {
    type RuleOf = fn(&Cloud<'_>) -> Vec<Finding>;
    const RULES: [RuleOf; 42] = [
        origins::form,
        origins::missing,
        headers::headers,
        headers::methods,
        reading::subgroups,
        reading::not_read,
        reading::refused_values,
        reading::overridden,
        credentials::credentials,
        start::flavor,
        start::program,
        start::chunked,
        endpoint::published,
        network::addresses,
        connections::connections,
        proxy_headers::cors,
        lists::lists,
        lists::added_by_uwsgi,
        lists::routes,
        refused::refused,
        refused::legacy,
        requests::requests,
        upload_target::changed,
        haproxy::haproxy,
        csp::connect_src,
        header_room::header_room,
        limits::body,
        limits::time,
        settings::no_effect,
        unknown::settings,
        import::store,
        import::swift,
        segments::segments,
        import::bypassed,
        logs::tokens,
        services::cors,
        services::pipelines,
        services::edges,
        services::uwsgi,
        swift::cors,
        traefik::entry_points,
        traefik::middlewares,
    ];
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(cloud)).collect();
    findings.extend(exposed::issues(cloud, before_glance, legacy));
    findings.extend(origins::refused_after_all(cloud, &findings));
    findings.extend(trusted::origins(cloud, &findings));
    findings
}

/// What may end an upload, under conditions whose values the input does not show.
pub(crate) fn open_conditions(cloud: &Cloud<'_>) -> Vec<String> {
    let refused = refused::open(cloud).into_iter().chain(refused::led_elsewhere(cloud));
    refused.chain(requests::open(cloud)).collect()
}

/// The severity if a Glance would refuse an upload. In legacy mode nobody uploads directly, and with the
/// dashboard's own origin the browser needs no CORS.
fn refused(cloud: &Cloud<'_>, glance: usize) -> Severity {
    match cloud.glances.get(glance) {
        Some(found) if cloud.is_same_origin(found.unit) => Severity::Note,
        _ if cloud.is_direct(glance) => Severity::Error,
        _ => Severity::Warning,
    }
}
