//! Where browsers load the dashboard, compared with what `allowed_origin` names.
//!
//! In: the cloud, and a Glance. Out: one sentence.

use direct_upload_api::web::{Origin, PublicUrl};

use crate::classify::Kind;
use crate::facts::cloud::{Certainty, Cloud, ExposedDashboard};
use crate::facts::glance::GlanceFacts;
use crate::facts::listen::Listen;
use crate::facts::server::Server;
use crate::unit::Program;

/// Browsers load the dashboard by https, as `allowed_origin` says, and nothing that is seen ends TLS before it.
pub(super) fn ends_tls(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<String> {
    let scope = &glance.unit.scope;
    let allowed: Vec<Origin> =
        glance.cors_in_effect("allowed_origin")?.items().iter().filter_map(|item| Origin::parse(item).ok()).collect();
    let edges = cloud.edges(scope, Program::Horizon);
    let plain = edges.first().filter(|_| edges.iter().all(|listen| listen.tls == Some(false)))?;
    let is_stated = cloud.dashboards_near(scope).any(|d| d.origin.is_some());
    (cloud.is_direct_in(scope) && !is_stated && !allowed.is_empty() && allowed.iter().all(Origin::is_https)).then(
        || {
            format!(
                "what ends TLS before the dashboard: {} ({}) has no TLS, and allowed_origin has only https",
                plain.written, plain.place
            )
        },
    )
}

/// Only web servers' own names are known, and `allowed_origin` has none of them: a proxy that has the allowed name may
/// be in front of the dashboard, or browsers are refused.
pub(super) fn another_name(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<String> {
    let scope = &glance.unit.scope;
    let setting = glance.cors_in_effect("allowed_origin")?;
    let allowed: Vec<Origin> = setting.items().iter().filter_map(|item| Origin::parse(item).ok()).collect();
    let shown = allowed.first().filter(|_| setting.items().iter().all(|item| item != "*"))?;
    if !cloud.is_direct_in(scope) || cloud.is_same_origin(glance.unit) {
        return None;
    }
    let of_allowed = format!("{shown}, which allowed_origin names ({})", setting.place);
    let mut near = cloud.dashboards_near(scope).peekable();
    let Some(first) = near.peek().copied() else {
        let port = |origin: &Origin| url::Url::parse(origin.as_str()).ok()?.port_or_known_default();
        let edges = cloud.edges(scope, Program::Horizon);
        let published = cloud.published.iter().filter(|own| own.scope == *scope);
        let hosts: Vec<String> =
            published.filter_map(|own| Some(PublicUrl::parse(&own.url).ok()?.origin().host().to_owned())).collect();
        let is_shared = allowed.iter().any(|origin| hosts.iter().any(|host| host == origin.host()));
        // Below HTTP nothing shows the dashboard's host.
        let is_below = |server: &&Server<'_>| {
            server.kind == Kind::Stream
                || (server.kind == Kind::Haproxy
                    && server.last("mode").is_some_and(|item| item.directive.word() == "tcp"))
        };
        if let Some(server) = cloud.servers_near(scope, Program::Horizon).find(is_below).filter(|_| !is_shared) {
            return Some(format!(
                "{of_allowed}: nothing in the input names the dashboard's host; {} passes connections on as they are",
                server.place()
            ));
        }
        let edge = edges.iter().find(|listen| listen.tls == Some(true))?;
        let other = |listen: &&Listen| listen.port.is_some() && allowed.iter().all(|own| port(own) != listen.port);
        if edges.iter().all(other) {
            return Some(format!(
                "{of_allowed}: no server of the dashboard in the input has this port ({}: {})",
                edge.place, edge.written
            ));
        }
        // HAProxy's lines have no names; and often both have the same one.
        let by_address = |server: &Server<'_>| matches!(server.kind, Kind::Haproxy | Kind::Stream);
        if cloud.servers_near(scope, Program::Horizon).any(by_address) {
            return None;
        }
        return (!is_shared).then(|| format!("{of_allowed}: nothing in the input names the dashboard's host"));
    };
    let other =
        |d: &ExposedDashboard| d.certainty == Certainty::Named && allowed.iter().all(|origin| origin.host() != d.host);
    near.all(other).then(|| {
        format!(
            "{of_allowed}: no server of the dashboard in the input has this name, but {} is one ({})",
            first.host, first.place
        )
    })
}
