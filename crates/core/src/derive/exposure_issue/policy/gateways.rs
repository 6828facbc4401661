//! Settings of whole gateways that are in objects of their own, apart from any route: Istio's EnvoyFilters, and what load
//! balancers of Google and AWS allow.
//!
//! Sources: Istio's reference (EnvoyFilter: `workloadSelector`, `targetRefs`, the root namespace); Envoy's buffer filter
//! (`max_request_bytes`: 413); Google's GCPBackendPolicy (`default.timeoutSec`); AWS Load Balancer Controller's
//! LoadBalancerConfiguration (`loadBalancerAttributes`).

use direct_upload_api::Rule;
use serde_json::Value;

use super::certificates::names;
use super::path::{Path, kind_of, targets};
use super::route::{Route, mentions};
use super::{PolicyObject, found, place};
use crate::derive::exposure_issue::ExposureIssue;
use crate::derive::exposure_issue::tolerance::{body_fails, whole_fails};
use crate::model::{PolicyKind, RouteKind};

type Found = Vec<ExposureIssue>;

/// Where Istio's control plane is, unless an installation says otherwise.
const ROOT: &str = "istio-system";

/// What EnvoyFilters change on the path of an upload.
pub(super) fn filters(objects: &[PolicyObject<'_>], through: &Path<'_>) -> Found {
    let applies =
        |filter: &&PolicyObject<'_>| filter.kind == PolicyKind::EnvoyFilter && applies(filter, objects, through);
    objects.iter().filter(applies).map(of_filter).collect()
}

fn applies(filter: &PolicyObject<'_>, objects: &[PolicyObject<'_>], through: &Path<'_>) -> bool {
    let by_istio = |route: &&Route<'_>| route.kind == RouteKind::VirtualService;
    let gateways = || {
        let named =
            |gateway: &&PolicyObject<'_>| through.routes.iter().filter(by_istio).any(|route| names(route, gateway));
        objects.iter().filter(|own| own.kind == PolicyKind::IstioGateway).filter(named)
    };
    let near = filter.key.namespace == through.namespace();
    let patches = filter.spec["configPatches"].as_array().into_iter().flatten();
    let mut contexts = patches.map(|patch| patch["match"]["context"].as_str().unwrap_or("ANY"));
    // Those of requests that leave a pod, or of pods that are not Glance's.
    let is_met = |context: &str| matches!(context, "ANY" | "GATEWAY") || (context == "SIDECAR_INBOUND" && near);
    if !contexts.any(is_met) {
        return false;
    }
    if targets(&filter.spec).next().is_some() {
        return targets(&filter.spec).any(|target| {
            let of_route = |route: &Route<'_>| {
                let mut parents = route.spec["parentRefs"].as_array().into_iter().flatten();
                parents.any(|parent| parent["name"] == target["name"])
            };
            near && match kind_of(target) {
                PolicyKind::Service => mentions(&target["name"], &through.services),
                PolicyKind::Gateway => through.routes.iter().any(of_route),
                _ => false,
            }
        });
    }
    if let Some(labels) = filter.spec["workloadSelector"]["labels"].as_object().filter(|labels| !labels.is_empty()) {
        return gateways().any(|gateway| {
            let own = &gateway.spec["selector"];
            labels.iter().all(|(name, value)| own[name.as_str()] == *value)
        });
    }
    let here = |gateway: &PolicyObject<'_>| gateway.key.namespace == filter.key.namespace;
    let by_istio = through.routes.iter().any(|route| by_istio(&route));
    by_istio && (near || filter.key.namespace == ROOT || gateways().any(here))
}

fn of_filter(filter: &PolicyObject<'_>) -> ExposureIssue {
    if let Some(limit) =
        smallest(&filter.spec, "max_request_bytes").or_else(|| smallest(&filter.spec, "maxRequestBytes"))
    {
        let what =
            format!("max_request_bytes {limit}: larger images are refused with 413, and each image is held in memory");
        let fails = body_fails(limit).unwrap_or_default();
        return found(
            filter,
            Rule::BodyLimit,
            fails,
            place(&["spec", "configPatches"]),
            what,
            "remove it for Glance's host",
        );
    }
    let what = "it changes the proxy on the path of uploads, and its patches are not read";
    let fix = "check that it answers no preflights, needs no login, and limits neither size nor time";
    found(filter, Rule::OptionsFiltered, false, place(&["spec", "configPatches"]), what, fix)
}

/// The smallest number of this name at any depth.
fn smallest(value: &Value, name: &str) -> Option<u64> {
    match value {
        Value::Array(items) => items.iter().filter_map(|item| smallest(item, name)).min(),
        Value::Object(fields) => {
            let own = fields.get(name).and_then(Value::as_u64);
            fields.values().filter_map(|item| smallest(item, name)).chain(own).min()
        }
        _ => None,
    }
}

/// What Google's load balancer does to an HTTPRoute's uploads.
pub(super) fn google(objects: &[PolicyObject<'_>], route: &PolicyObject<'_>, through: &Path<'_>) -> Found {
    let is_its = |policy: &&PolicyObject<'_>| {
        let of_service =
            |target: &Value| kind_of(target) == PolicyKind::Service && mentions(&target["name"], &through.services);
        policy.kind == PolicyKind::GCPBackendPolicy
            && policy.key.namespace == through.namespace()
            && targets(&policy.spec).any(of_service)
    };
    let timed =
        objects.iter().filter(is_its).find_map(|policy| Some((policy, policy.spec["default"]["timeoutSec"].as_u64()?)));
    let Some((policy, seconds)) = timed else {
        let what = "Google's load balancer cuts an upload that takes longer than the backend service's timeout, 30 s unless a GCPBackendPolicy sets timeoutSec";
        let fix = "set timeoutSec of a GCPBackendPolicy for Glance's Service, for example to 86400";
        return vec![found(route, Rule::TooSlow, false, place(&["spec"]), what, fix)];
    };
    let time = seconds.saturating_mul(1000);
    let what = format!("{seconds}: Google's load balancer cuts an upload that takes longer than this many seconds");
    let path = ["spec", "default", "timeoutSec"];
    let issue = whole_fails(time).map(|fails| found(policy, Rule::TooSlow, fails, place(&path), what, "set 86400"));
    issue.into_iter().collect()
}

/// A silence after which AWS's load balancer closes a connection: 60 s unless an attribute says another time.
pub(super) fn aws(objects: &[PolicyObject<'_>], route: &PolicyObject<'_>) -> Found {
    const NAME: &str = "idle_timeout.timeout_seconds";
    let parents = || route.spec["parentRefs"].as_array().into_iter().flatten();
    let near = |own: &&PolicyObject<'_>| {
        let namespace =
            |parent: &Value| parent["namespace"].as_str().unwrap_or(&route.key.namespace) == own.key.namespace;
        own.kind == PolicyKind::LoadBalancerConfiguration && parents().any(namespace)
    };
    let attribute = |own: &PolicyObject<'_>| {
        let mut attributes = own.spec["loadBalancerAttributes"].as_array().into_iter().flatten();
        let named = attributes.find(|attribute| attribute["key"] == NAME)?;
        named["value"].as_str()?.parse::<u64>().ok()
    };
    let written = objects.iter().filter(near).find_map(|own| Some((own, attribute(own)?)));
    let time = written.as_ref().map_or(60, |(_, time)| *time);
    let what = format!(
        "{NAME} is {time}: a silence of this length cuts the upload, for example while Glance stores the last part"
    );
    let fix =
        "set idle_timeout.timeout_seconds to 3600 in loadBalancerAttributes of the Gateway's LoadBalancerConfiguration";
    let issue = match written {
        _ if time >= 600 => return Found::new(),
        Some((own, _)) => found(own, Rule::TooSlow, false, place(&["spec", "loadBalancerAttributes"]), what, fix),
        None => {
            let issue = found(route, Rule::TooSlow, false, place(&["spec"]), what, fix);
            ExposureIssue { written: false, ..issue }
        }
    };
    vec![issue]
}
