//! DU012: fields of routes that change Glance's answers, and that the operator's own rules do not read.
//!
//! In: objects, and the dashboards' origins. Out: findings: `responseHeadersPolicy` of Contour's HTTPProxy, and filters of
//! one backend of an HTTPRoute.

use std::collections::BTreeSet;

use direct_upload_api::web::Origin;
use direct_upload_api::{Rule, Severity};
use direct_upload_core::openstack::needed::ALLOW_ORIGIN;
use serde_json::Value;

use crate::facts::cloud::{ExposedDashboard, PlacedIssue};
use crate::finding::Finding;
use crate::glances::Objects;
use crate::objects::Object;

const LEAVE: &str = "remove it: Glance's own [cors] answers the browser";

/// Fields that remove or replace Glance's grant. `is_wanted`: whether direct uploads are.
pub(crate) fn answers(
    objects: Objects<'_>,
    dashboards: &[ExposedDashboard],
    is_wanted: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for object in objects.routes() {
        for (steps, headers) in modifiers(objects, object) {
            let Some((what, fails)) = changes(headers, &origins(dashboards, object)) else { continue };
            let fails = fails && is_wanted(object.namespace());
            let severity = if fails { Severity::Error } else { Severity::Warning };
            let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
            findings.push(Finding::new(Rule::CorsOnTheWay, severity, &object.place(&steps), what, LEAVE));
        }
    }
    findings
}

/// A filter of an HTTPRoute that sets the only dashboard's origin: uploads work, and another dashboard's would not.
pub(crate) fn spare(objects: Objects<'_>, dashboards: &[ExposedDashboard], issues: &mut [PlacedIssue]) {
    for placed in issues.iter_mut().filter(|placed| placed.issue.rule == Rule::CorsOnTheWay && placed.issue.fails) {
        let Some(route) = objects.iter().find(|own| own.kind() == "HTTPRoute" && own.is(&placed.issue.object)) else {
            continue;
        };
        let names = placed.issue.field.to_string();
        let filters =
            route.value["spec"]["rules"].as_array().into_iter().flatten().enumerate().flat_map(|(at, rule)| {
                let own = rule["filters"].as_array().into_iter().flatten().enumerate();
                own.map(move |(nth, filter)| (format!("spec.rules[{at}].filters[{nth}]"), filter))
            });
        let mut own = filters.filter(|(name, _)| names.starts_with(name.as_str()));
        let modifier = own.next().map(|(_, filter)| &filter["responseHeaderModifier"]);
        let changed = modifier.and_then(|headers| changes(headers, &origins(dashboards, route)));
        if changed.is_some_and(|(_, fails)| !fails) {
            placed.issue.fails = false;
        }
    }
}

/// The origins of the dashboards next to a route, as far as they are known.
fn origins<'d>(dashboards: &'d [ExposedDashboard], route: &Object) -> BTreeSet<&'d Origin> {
    let near = |own: &&ExposedDashboard| own.scope.iter().any(|scope| scope == route.namespace());
    let mut own: BTreeSet<&Origin> = dashboards.iter().filter(near).filter_map(|own| own.origin.as_ref()).collect();
    if own.is_empty() {
        own = dashboards.iter().filter_map(|own| own.origin.as_ref()).collect();
    }
    own
}

/// The places of an object where it changes headers of answers.
fn modifiers<'a>(objects: Objects<'_>, object: &'a Object) -> Vec<(Vec<String>, &'a Value)> {
    let spec = &object.value["spec"];
    let numbered = |value: &'a Value| value.as_array().into_iter().flatten().enumerate();
    let (rules, backends) = match object.kind() {
        "HTTPProxy" => ("routes", "services"),
        "HTTPRoute" => ("rules", "backendRefs"),
        _ => return Vec::new(),
    };
    let mut found = Vec::new();
    for (at, rule) in numbered(&spec[rules]).filter(|(_, rule)| objects.names_glance(object, rule)) {
        let steps = |more: &[&str]| {
            let first = ["spec".to_owned(), rules.to_owned(), at.to_string()];
            first.into_iter().chain(more.iter().map(|step| (*step).to_owned())).collect::<Vec<_>>()
        };
        if object.kind() == "HTTPProxy" {
            found.push((steps(&["responseHeadersPolicy"]), &rule["responseHeadersPolicy"]));
        }
        for (nth, own) in numbered(&rule[backends]).filter(|(_, own)| objects.names_glance(object, own)) {
            if object.kind() == "HTTPProxy" {
                let steps = steps(&[backends, &nth.to_string(), "responseHeadersPolicy"]);
                found.push((steps, &own["responseHeadersPolicy"]));
            }
            for (number, filter) in numbered(&own["filters"]) {
                let steps = steps(&[backends, &nth.to_string(), "filters", &number.to_string()]);
                found.push((steps, &filter["responseHeaderModifier"]));
            }
        }
    }
    found
}

/// What `{set, add, remove}` do with Glance's grant, and whether uploads fail then.
fn changes(headers: &Value, origins: &BTreeSet<&Origin>) -> Option<(String, bool)> {
    let list = |name: &str| headers[name].as_array().into_iter().flatten();
    let is_it = |name: &Value| name.as_str().is_some_and(|name| name.eq_ignore_ascii_case(ALLOW_ORIGIN));
    if list("remove").any(is_it) {
        return Some(("it removes Glance's Access-Control-Allow-Origin".to_owned(), true));
    }
    if list("add").any(|own| is_it(&own["name"])) {
        let what = "it adds a second Access-Control-Allow-Origin to Glance's own; browsers accept only one";
        return Some((what.to_owned(), true));
    }
    let set = list("set").find(|own| is_it(&own["name"]))?;
    let value = set["value"].as_str().unwrap_or_default();
    let is_own = !origins.is_empty() && origins.iter().all(|origin| origin.as_str() == value);
    let what = format!("it replaces Glance's Access-Control-Allow-Origin by {value} for every dashboard");
    Some((what, !is_own && value != "*"))
}
