//! Policies of gateways in separate objects: Traefik's Middlewares, Contour's HTTPProxies, Envoy Gateway's
//! and NGINX Gateway Fabric's policies, Istio's VirtualServices.
//!
//! In: objects, and the Services with which routes lead to Glance. Out: what of it blocks uploads.

pub mod judge;
pub mod methods;
pub mod traefik;
pub mod way;

use std::collections::BTreeSet;

use direct_upload_api::web::Origin;
use direct_upload_core::derive::{Backends, ExposureIssue};

use crate::objects::Object;
use crate::policies::judge::Judge;
use crate::policies::way::{Way, nearness};

const POLICIES: [&str; 9] = [
    "Middleware",
    "HTTPProxy",
    "SecurityPolicy",
    "VirtualService",
    "ClientTrafficPolicy",
    "BackendTrafficPolicy",
    "ClientSettingsPolicy",
    "ServersTransport",
    "IngressRoute",
];

/// What blocks uploads to the workload of these Services, from these origins.
pub fn issues(
    objects: &[Object],
    backends: &Backends,
    origins: &BTreeSet<&Origin>,
) -> Vec<(ExposureIssue, Vec<String>)> {
    let way = Way::new(objects, backends);
    let mut found = Vec::new();
    let applied: Vec<&Object> = objects.iter().filter(|o| POLICIES.contains(&o.kind()) && way.has(o)).collect();
    for policy in &applied {
        let nearest = applied.iter().filter(|o| o.kind() == policy.kind()).map(|o| nearness(o)).max();
        if nearest == Some(nearness(policy)) {
            let mut judge = Judge { policy, origins, found: &mut found };
            judge.walk(&policy.value["spec"], &mut vec!["spec".to_owned()]);
        }
    }
    for route in objects.iter().filter(|o| o.namespace() == backends.namespace && o.kind() == "Route") {
        if way.services.contains(&route.value["spec"]["to"]["name"].as_str().unwrap_or_default()) {
            let mut judge = Judge { policy: route, origins, found: &mut found };
            judge.response_headers(&route.value["spec"]["httpHeaders"]["actions"]["response"]);
        }
    }
    found.extend(methods::no_options(&way));
    found.extend(traefik::entry_points(objects, &way));
    found
}

/// The gateway's limit applies to requests that a policy names; the route then needs none.
pub fn sets_request_timeout(objects: &[Object], backends: &Backends) -> bool {
    let way = Way::new(objects, backends);
    let written = |o: &&Object| o.value.pointer("/spec/timeout/http/requestTimeout").is_some();
    objects.iter().filter(|o| o.kind() == "BackendTrafficPolicy").filter(written).any(|policy| way.has(policy))
}
