//! Policies of gateways that are separate objects: Traefik's Middlewares, Contour's HTTPProxies, Envoy
//! Gateway's and NGINX Gateway Fabric's policies, Istio's VirtualServices.
//!
//! In: objects, and the Services through which routes lead to Glance. Out: what blocks uploads. The kinds use
//! the same words in different places, so the code searches for them at any depth. A table has what only one
//! kind has. Both the operator and `check` use this module.

mod answered;
mod attached;
mod authorization;
mod certificates;
mod decide;
mod defaults;
mod gateways;
mod headers;
mod istio;
mod judge;
mod lifting;
mod limits;
mod middlewares;
mod parents;
mod path;
mod ports;
mod request;
mod route;
mod route_filter;
mod rules;
mod seen;
mod traefik;
mod weights;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::Rule;
use direct_upload_api::web::Origin;
use serde_json::Value;

use self::attached::{Effective, effective};
use self::judge::Judge;
use self::middlewares::Met;
use self::path::Path;
use super::ExposureIssue;
use crate::derive::exposure::backends::Backends;
use crate::model::{FieldPath, Id, Key, PolicyKind};

pub use answered::is_answered;
pub use attached::selects;
pub use limits::{LIMITS, Limit};
pub use middlewares::Missing;
pub use request::{all, any};
pub use route_filter::is_read as reads_route_filter;

pub(crate) use seen::objects;

/// An object between browser and Glance, as it was written.
#[derive(Clone, Debug)]
pub struct PolicyObject<'a> {
    pub kind: PolicyKind,
    pub key: Key,
    /// Those that are known.
    pub annotations: BTreeMap<&'a str, &'a str>,
    /// Of an HTTPRoute, a Gateway or a ListenerSet.
    pub labels: BTreeMap<String, String>,
    /// The controllers that have judged an HTTPRoute.
    pub controllers: Vec<&'a str>,
    /// Its `spec`.
    pub spec: Cow<'a, Value>,
}

impl PolicyObject<'_> {
    /// How annotations of Traefik's name it.
    fn annotated(&self) -> String {
        format!("{}-{}@kubernetescrd", self.key.namespace, self.key.name)
    }
}

/// Middlewares of Traefik that an upload should meet, and that are not among the objects.
pub fn missing(objects: &[PolicyObject<'_>], backends: &Backends) -> Vec<Missing> {
    Met::of(objects, &Path::new(objects, backends)).missing
}

/// The path of these steps; a number is a position in a list.
fn place(steps: &[&str]) -> FieldPath {
    let step = |path: FieldPath, step: &&str| match step.parse() {
        Ok(at) => path.item(at),
        Err(_) => path.field(step),
    };
    steps.iter().fold(FieldPath::default(), step)
}

/// An issue at a field of an object.
fn found(
    object: &PolicyObject<'_>,
    rule: Rule,
    fails: bool,
    field: FieldPath,
    what: impl Into<String>,
    fix: &str,
) -> ExposureIssue {
    ExposureIssue {
        rule,
        fails,
        written: true,
        object: Id::new(object.kind, &object.key),
        field,
        found: what.into(),
        fix: fix.to_owned(),
        remedy: None,
        manifest: None,
        lacks: Vec::new(),
    }
}

/// What blocks uploads to the workload of these Services, from these origins.
pub fn issues(objects: &[PolicyObject<'_>], backends: &Backends, origins: &BTreeSet<&Origin>) -> Vec<ExposureIssue> {
    let path = Path::new(objects, backends);
    let mut found = Vec::new();
    let attached = effective(objects, &path);
    let middlewares = Met::of(objects, &path);
    let alone = objects.iter().filter(|o| path.has(o));
    let alone: Vec<_> = alone.chain(middlewares.all.iter().copied()).map(Effective::alone).collect();
    found.extend(headers::issues(objects, &path, &middlewares.all));
    found.extend(certificates::issues(objects, &path));
    found.extend(gateways::filters(objects, &path));
    found.extend(ports::issues(objects, &path, backends));
    found.extend(weights::issues(objects, &path));
    for own in attached.iter().chain(&alone) {
        found.extend(Judge::new(own, &path, origins).issues());
    }
    for route in objects.iter().filter(|o| o.key.namespace == backends.namespace && o.kind == PolicyKind::Route) {
        if path.services.contains(&route.spec["to"]["name"].as_str().unwrap_or_default()) {
            let actions = &route.spec["httpHeaders"]["actions"]["response"];
            found.extend(Judge::new(&Effective::alone(route), &path, origins).response_headers(actions));
        }
    }
    found.extend(middlewares.unseen);
    found.extend(defaults::issues(objects, &path, &attached));
    found.extend(traefik::entry_points(objects, &path));
    found.extend(istio::issues(objects, &path));
    found.extend(path.decisions.issues());
    found
}
