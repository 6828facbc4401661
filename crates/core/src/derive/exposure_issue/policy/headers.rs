//! DU012, DU020: headers that routes and Middlewares take from an upload's requests, or from Glance's answers.
//!
//! In: the rules of routes that an upload meets, and the Middlewares on them. Out: what they remove or replace. Fields by
//! the references of Gateway API (HTTPRoute), Istio (VirtualService), Contour (HTTPProxy), Traefik (Middleware) and
//! OpenShift (Route).

use direct_upload_api::Rule;
use serde_json::Value;

use super::path::Path;
use super::route::mentions;
use super::rules::{RuleFields, rule_fields};
use super::{PolicyObject, found, place};
use crate::derive::exposure_issue::ExposureIssue;
use crate::model::{PolicyKind, RouteKind};
use crate::openstack::needed::{self, LISTS, NEEDED, Needed, lacks};

type Found = Vec<ExposureIssue>;

const LEAVE: &str = "remove it: Glance's own [cors] answers the browser";

pub(super) fn issues(objects: &[PolicyObject<'_>], through: &Path<'_>, middlewares: &[&PolicyObject<'_>]) -> Found {
    let mut all = Found::new();
    for route in &through.routes {
        // Middlewares change headers for Traefik.
        if route.kind == RouteKind::IngressRoute {
            continue;
        }
        let Some(RuleFields { rules, backends }) = rule_fields(route.kind) else { continue };
        for (at, rule) in through.met(route) {
            let each = rule[backends].as_array().into_iter().flatten().enumerate();
            let mut leading = each.filter(|(_, backend)| mentions(backend, &through.services)).peekable();
            if leading.peek().is_some() {
                all.extend(of_rule(route, rule, &["spec", rules, &at.to_string()]));
            }
            // A backend may have the same fields.
            for (nth, backend) in leading {
                all.extend(of_rule(route, backend, &["spec", rules, &at.to_string(), backends, &nth.to_string()]));
            }
        }
    }
    for middleware in middlewares {
        all.extend(of_middleware(middleware));
    }
    let near = objects.iter().filter(|own| own.kind == PolicyKind::Route && own.key.namespace == through.namespace());
    let leads = |route: &&PolicyObject<'_>| {
        let others = route.spec["alternateBackends"].as_array().into_iter().flatten();
        others.chain([&route.spec["to"]]).any(|to| mentions(&to["name"], &through.services))
    };
    near.filter(leads).for_each(|route| all.extend(of_openshift(route)));
    all
}

fn of_rule(route: &PolicyObject<'_>, rule: &Value, place: &[&str]) -> Found {
    let taken = NEEDED.into_iter().filter(|needed| takes(rule, needed.name));
    let taken = taken.map(|needed| taken_off(route, place, needed));
    let mut all: Found = taken.collect();
    let mut modifiers: Vec<(Vec<String>, &Value)> = vec![
        (strings(&["headers", "response"]), &rule["headers"]["response"]),
        (strings(&["responseHeadersPolicy"]), &rule["responseHeadersPolicy"]),
    ];
    for (at, filter) in rule["filters"].as_array().into_iter().flatten().enumerate() {
        let steps = ["filters", &at.to_string(), "responseHeaderModifier"];
        modifiers.push((strings(&steps), &filter["responseHeaderModifier"]));
    }
    for (steps, modifier) in &modifiers {
        let start = [strings(place), steps.clone()].concat();
        let at = |more: &[&str]| [start.clone(), strings(more)].concat();
        for (number, name) in modifier["remove"].as_array().into_iter().flatten().enumerate() {
            let path = at(&["remove", &number.to_string()]);
            all.extend(name.as_str().and_then(|name| replaced(route, &path, name, None)));
        }
        for (number, entry) in modifier["set"].as_array().into_iter().flatten().enumerate() {
            let path = at(&["set", &number.to_string()]);
            let name = entry["name"].as_str();
            all.extend(name.and_then(|name| replaced(route, &path, name, entry["value"].as_str())));
        }
        for (name, value) in modifier["set"].as_object().into_iter().flatten() {
            all.extend(replaced(route, &at(&["set", name]), name, value.as_str()));
        }
    }
    all
}

fn of_middleware(middleware: &PolicyObject<'_>) -> Found {
    let headers = &middleware.spec["headers"];
    let named = |list: &str| headers[list].as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value));
    let taken = named("customRequestHeaders").filter_map(|(name, _)| {
        let needed = needed::of(&name)?;
        Some(taken_off(middleware, &["spec", "headers", "customRequestHeaders", &name], needed))
    });
    let answers = named("customResponseHeaders").filter_map(|(name, value)| {
        let path = strings(&["spec", "headers", "customResponseHeaders", &name]);
        replaced(middleware, &path, &name, value.as_str())
    });
    taken.chain(answers).collect()
}

fn of_openshift(route: &PolicyObject<'_>) -> Found {
    const ACTIONS: [&str; 3] = ["spec", "httpHeaders", "actions"];
    let actions = &route.spec["httpHeaders"]["actions"];
    let each = |list: &str| actions[list].as_array().cloned().unwrap_or_default().into_iter().enumerate();
    let mut all = Found::new();
    for (at, action) in each("request") {
        if let Some(needed) = action["name"].as_str().and_then(needed::of) {
            all.push(taken_off(route, &[&ACTIONS[..], &["request", &at.to_string()]].concat(), needed));
        }
    }
    for (at, action) in each("response") {
        let path = strings(&[&ACTIONS[..], &["response", &at.to_string()]].concat());
        let name = action["name"].as_str().unwrap_or_default();
        all.extend(replaced(route, &path, name, action["action"]["set"]["value"].as_str()));
    }
    all
}

fn taken_off(object: &PolicyObject<'_>, path: &[&str], needed: Needed) -> ExposureIssue {
    let what = format!("removes or replaces the browser's {}, {}", needed.name, needed.without);
    found(object, needed.rule, true, place(path), what, needed.fix)
}

/// What one of Glance's lists of methods and headers then lacks; no value: it is removed.
fn replaced(object: &PolicyObject<'_>, path: &[String], name: &str, value: Option<&str>) -> Option<ExposureIssue> {
    let (_, needed) = LISTS.iter().find(|(own, _)| own.eq_ignore_ascii_case(name))?;
    let lacks = lacks(value.unwrap_or_default(), needed);
    if lacks.is_empty() || value.is_some_and(|value| value.contains('%')) {
        return None;
    }
    let what = format!("replaces Glance's {}, and {} is not allowed", name.to_lowercase(), lacks.join(", "));
    let steps: Vec<&str> = path.iter().map(String::as_str).collect();
    Some(found(object, Rule::CorsOnTheWay, true, place(&steps), what, LEAVE))
}

/// Whether a rule changes a header of requests.
fn takes(rule: &Value, name: &str) -> bool {
    let is_it = |text: &Value| text.as_str().is_some_and(|own| own.eq_ignore_ascii_case(name));
    let listed = |value: &Value| value.as_array().into_iter().flatten().any(|item| is_it(item) || is_it(&item["name"]));
    let keyed = |value: &Value| value.as_object().into_iter().flatten().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let changes = |own: &Value| listed(&own["remove"]) || listed(&own["set"]) || keyed(&own["set"]);
    let filters = rule["filters"].as_array().into_iter().flatten();
    filters.map(|filter| &filter["requestHeaderModifier"]).any(changes)
        || changes(&rule["headers"]["request"])
        || changes(&rule["requestHeadersPolicy"])
}

fn strings(steps: &[&str]) -> Vec<String> {
    steps.iter().map(|step| (*step).to_owned()).collect()
}
