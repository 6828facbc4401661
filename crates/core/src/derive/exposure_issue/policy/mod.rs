//! Policies of gateways that are separate objects: Traefik's Middlewares, Contour's HTTPProxies, Envoy
//! Gateway's and NGINX Gateway Fabric's policies, Istio's VirtualServices.
//!
//! In: objects, and the Services through which routes lead to Glance. Out: what blocks uploads. The kinds use
//! the same words in different places, so the code searches for them at any depth. A table has what only one
//! kind has. Both the operator and `check` use this module.

mod answered;
mod decide;
mod istio;
mod judge;
mod lifting;
mod limits;
mod path;
mod request;
mod rules;
mod seen;
mod traefik;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::web::Origin;
use serde_json::Value;

use self::judge::Judge;
use self::path::{Path, nearness};
use super::ExposureIssue;
use crate::derive::exposure::backends::Backends;
use crate::model::Key;

pub use answered::is_answered;
pub use limits::{LIMITS, Limit};
pub use request::{all, any};
pub(crate) use seen::objects;

/// An object between browser and Glance, as it was written.
#[derive(Clone, Debug)]
pub struct PolicyObject<'a> {
    pub kind: &'a str,
    pub key: Key,
    /// Those that are known.
    pub annotations: BTreeMap<&'a str, &'a str>,
    /// Its `spec`.
    pub spec: Cow<'a, Value>,
}

impl PolicyObject<'_> {
    /// How annotations of Traefik's name it.
    fn annotated(&self) -> String {
        format!("{}-{}@kubernetescrd", self.key.namespace, self.key.name)
    }
}

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

const ROUTES: [&str; 5] = ["Ingress", "HTTPRoute", "IngressRoute", "VirtualService", "HTTPProxy"];

/// Where a request of an upload does not reach these Services, as their routes' own conditions decide.
pub fn unreached(objects: &[PolicyObject<'_>], backends: &Backends) -> Vec<(ExposureIssue, Vec<String>)> {
    Path::new(objects, backends).decisions.issues()
}

/// What blocks uploads to the workload of these Services, from these origins.
pub fn issues(
    objects: &[PolicyObject<'_>],
    backends: &Backends,
    origins: &BTreeSet<&Origin>,
) -> Vec<(ExposureIssue, Vec<String>)> {
    let path = Path::new(objects, backends);
    let mut found = Vec::new();
    let applied: Vec<&PolicyObject<'_>> =
        objects.iter().filter(|o| POLICIES.contains(&o.kind) && path.has(o)).collect();
    for policy in &applied {
        let nearest = applied.iter().filter(|o| o.kind == policy.kind).map(|o| nearness(o)).max();
        if nearest == Some(nearness(policy)) {
            let mut judge = Judge { policy, through: &path, origins, found: &mut found };
            judge.walk(&policy.spec, &mut vec!["spec".to_owned()]);
        }
    }
    for route in objects.iter().filter(|o| o.key.namespace == backends.namespace && o.kind == "Route") {
        if path.services.contains(&route.spec["to"]["name"].as_str().unwrap_or_default()) {
            let mut judge = Judge { policy: route, through: &path, origins, found: &mut found };
            judge.response_headers(&route.spec["httpHeaders"]["actions"]["response"]);
        }
    }
    found.extend(traefik::entry_points(objects, &path));
    found.extend(istio::issues(objects, &path));
    found.extend(path.decisions.issues());
    found
}
