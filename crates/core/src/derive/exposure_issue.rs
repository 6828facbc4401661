//! What stops an upload on the objects that lead browsers to Glance. Pure.
//!
//! In: an exposing object, and the origins of the dashboards. Out: [`ExposureIssue`]s, one for each field:
//! which rule, what is there, what to write instead. By default nothing changes, because these objects
//! usually belong to somebody's Git. [`adjust`](super::adjust) changes them on request.

pub mod calls;
pub mod http_route;
pub mod ingress;
mod issue;
pub mod policy;
pub mod quantity;
pub mod read_timeout;
pub mod route;
pub mod tolerance;

use std::collections::BTreeSet;

use direct_upload_api::web::Origin;

use crate::derive::exposing_object::ExposingObject;
use crate::derive::exposure::backends::Backends;
use crate::model::Snapshot;

use issue::Annotations;
pub use issue::{ExposureIssue, lacks};

/// What blocks uploads from these origins.
pub fn find<'a>(
    through: impl IntoIterator<Item = &'a ExposingObject>,
    origins: &BTreeSet<&Origin>,
) -> Vec<ExposureIssue> {
    let found: BTreeSet<_> = through
        .into_iter()
        .flat_map(|through| match through {
            ExposingObject::Ingress(ingress, _) => ingress::issues(ingress, origins),
            ExposingObject::Route(route, _) => route::issues(route),
            ExposingObject::HttpRoute(route, rules) => http_route::issues(route, rules, origins),
            ExposingObject::Other(..) => Vec::new(),
        })
        .collect();
    found.into_iter().collect()
}

/// What blocks uploads to the workload of these Services, on the objects that lead to it and in policies of
/// their gateways.
pub(crate) fn find_all(
    snapshot: &Snapshot,
    through: &[ExposingObject],
    backends: &Backends,
    origins: &BTreeSet<&Origin>,
) -> Vec<ExposureIssue> {
    let objects = policy::objects(snapshot, backends);
    let mut found = find(through, origins);
    found.retain(|issue| !policy::is_answered(issue, &objects, backends));
    found.extend(policy::issues(&objects, backends, origins));
    let is_known = |missing: &policy::Missing| snapshot.middlewares.known(&missing.middleware.namespace).is_ok();
    found.extend(policy::missing(&objects, backends).into_iter().filter(is_known).map(|missing| missing.issue));
    found.sort();
    found.dedup();
    found
}
