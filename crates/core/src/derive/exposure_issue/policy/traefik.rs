//! Traefik's entry points cut a request, its body too, after `transport.respondingTimeouts.readTimeout`: 60 s
//! unless it is written, since v2.11.2 and v3.0 (Traefik's migration notes; canonical/traefik-k8s-operator#719). It does
//! not read an HTTPRoute's timeouts (its list of supported features).
//!
//! In: the path to Glance. Out: the timeout of its entry points, which is in Traefik's own arguments.

use direct_upload_api::Rule;
use serde_json::Value;

use super::defaults::{Implementation, implementation};
use super::judge::{LONG, SHORT};
use super::path::Path;
use super::{PolicyObject, found};
use crate::derive::exposure_issue::{ExposureIssue, quantity};
use crate::model::FieldPath;

const WORKLOADS: [&str; 2] = ["Deployment", "DaemonSet"];

/// What cuts uploads that pass Traefik. If the objects lack Traefik's workload, the issue is on the routes of
/// Traefik's own kind. For Ingresses, the issue comes from their annotations.
pub(super) fn entry_points(objects: &[PolicyObject<'_>], through: &Path<'_>) -> Vec<ExposureIssue> {
    let Some(route) = through.routes.iter().find(|route| is_traefiks(objects, route)) else { return Vec::new() };
    if !is_seen(objects) {
        if route.kind == "Ingress" {
            return Vec::new();
        }
        let what = if route.kind == "HTTPRoute" {
            "Traefik cuts a request after its entry point's readTimeout, 60s unless it is set, and does not read an HTTPRoute's timeouts"
        } else {
            "Traefik's entry points cut uploads after 60 s unless readTimeout is set, and the operator cannot see Traefik's arguments"
        };
        let fix = "give Traefik --entryPoints.websecure.transport.respondingTimeouts.readTimeout=0";
        return vec![found(route, Rule::TooSlow, false, FieldPath::new(&["spec"]), what, fix)];
    }
    let named: Vec<&str> =
        route.spec["entryPoints"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    objects.iter().flat_map(|traefik| of_workload(traefik, &named)).collect()
}

/// Whether Traefik's workload is among the objects.
pub(super) fn is_seen(objects: &[PolicyObject<'_>]) -> bool {
    objects.iter().any(|object| container(object).is_some())
}

/// The position of Traefik's container.
fn container(object: &PolicyObject<'_>) -> Option<usize> {
    let containers = object.spec.pointer("/template/spec/containers")?.as_array()?;
    let is_it = |container: &Value| {
        let image = container["image"].as_str().unwrap_or_default();
        let name = image.split('@').next().unwrap_or(image).rsplit('/').next().unwrap_or_default();
        name.split(':').next() == Some("traefik")
    };
    WORKLOADS.contains(&object.kind).then(|| containers.iter().position(is_it)).flatten()
}

fn of_workload(traefik: &PolicyObject<'_>, named: &[&str]) -> Vec<ExposureIssue> {
    let Some(at) = container(traefik) else { return Vec::new() };
    let own = &traefik.spec["template"]["spec"]["containers"][at];
    let image = own["image"].as_str().unwrap_or_default();
    let lists = ["command", "args"].into_iter().flat_map(|field| own[field].as_array().into_iter().flatten());
    let args: Vec<(String, &str)> = lists
        .filter_map(|word| word.as_str()?.trim_start_matches('-').split_once('='))
        .map(|(name, value)| (name.to_lowercase(), value))
        .collect();
    let entry = |name: &str| Some(name.strip_prefix("entrypoints.")?.strip_suffix(".address")?.to_owned());
    let wanted = |name: &String| match named {
        [] => !matches!(name.as_str(), "traefik" | "metrics" | "web"),
        named => named.iter().any(|own| own.to_lowercase() == *name),
    };
    let mut all = Vec::new();
    for name in args.iter().filter_map(|(name, _)| entry(name)).filter(wanted) {
        let option = format!("entrypoints.{name}.transport.respondingtimeouts.readtimeout");
        let written = args.iter().rfind(|(own, _)| *own == option).map(|(_, value)| *value);
        let time = match written {
            Some(text) => quantity::milliseconds(text, 1000),
            None => had_no_limit(image).then_some(0).or(Some(60_000)),
        };
        let Some(time) = time.filter(|time| *time > 0 && *time < LONG) else { continue };
        let said = written.map_or_else(|| "is missing, so it is 60s".to_owned(), str::to_owned);
        let what = format!("readTimeout of entry point {name} {said}: an upload that takes longer is cut");
        let path = FieldPath::new(&["spec", "template", "spec", "containers"]).item(at).field("args");
        let fix = format!("set the argument --entryPoints.{name}.transport.respondingTimeouts.readTimeout=0");
        all.push(found(traefik, Rule::TooSlow, time < SHORT, path, what, &fix));
    }
    all
}

/// Releases before v2.11.2 had no limit.
fn had_no_limit(image: &str) -> bool {
    let tag = image.rsplit_once(':').map_or("", |(_, tag)| tag).trim_start_matches('v');
    let numbers: Vec<u32> = tag.split(['.', '-']).map_while(|part| part.parse().ok()).collect();
    matches!(numbers.as_slice(), [2, minor, rest @ ..] if *minor < 11 || (*minor == 11 && rest.first().is_some_and(|patch| *patch < 2)))
}

/// Whether Traefik serves a route.
fn is_traefiks(objects: &[PolicyObject<'_>], route: &PolicyObject<'_>) -> bool {
    if route.kind == "HTTPRoute" {
        return implementation(objects, route) == Implementation::Traefik;
    }
    let class = route.spec["ingressClassName"].as_str();
    let class = class.or_else(|| route.annotations.get("kubernetes.io/ingress.class").copied());
    route.kind == "IngressRoute" || class.is_some_and(|class| class.contains("traefik"))
}
