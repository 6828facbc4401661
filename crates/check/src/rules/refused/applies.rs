//! How often a directive with a condition does something for uploads.

use direct_upload_core::openstack::cors_request::CorsRequest;

use super::{expression, haproxy, nginx};
use crate::classify::Kind;
use crate::facts::browser::Sent;
use crate::facts::cloud::Cloud;
use crate::facts::server::{ScopedDirective, Server};

/// How often a directive does something for uploads, by its condition and the blocks around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applies {
    /// For one of the requests of each browser, from each dashboard.
    Always,
    /// For some browsers or dashboards.
    Sometimes,
    Never,
    Unknown,
}

/// How often a directive does something for one of these requests.
pub(crate) fn applies(
    cloud: &Cloud<'_>,
    server: &Server<'_>,
    item: &ScopedDirective<'_>,
    requests: &[CorsRequest],
) -> Applies {
    let holds = |sent: &Sent| match server.kind {
        Kind::Nginx => nginx::holds(server, item, sent),
        Kind::Haproxy => haproxy::applies(server, item, sent),
        Kind::Httpd => expression::holds(server, item, sent),
        _ => Some(true),
    };
    let of_request = |request: &CorsRequest| Sent::all(cloud, server, *request, None).iter().map(holds).collect();
    let all: Vec<Vec<Option<bool>>> = requests.iter().map(of_request).collect();
    let any = |is: Option<bool>| all.iter().flatten().any(|holds| *holds == is);
    match () {
        () if all.iter().any(|own| own.iter().all(|holds| *holds == Some(true))) => Applies::Always,
        () if any(Some(true)) => Applies::Sometimes,
        () if any(None) => Applies::Unknown,
        () => Applies::Never,
    }
}
