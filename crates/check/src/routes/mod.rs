//! DU012, DU020: what a route removes from requests to Glance, and which of them it passes on.
//!
//! In: objects. Out: findings. Fields by the references of Gateway API (HTTPRoute), Istio (VirtualService), Contour
//! (HTTPProxy) and Traefik (Middleware).

mod lists;
mod paths;
mod ports;
mod redirects;
mod refusals;

use std::collections::BTreeSet;

use direct_upload_api::{Rule, Severity};
use direct_upload_core::derive::Backends;
use direct_upload_core::derive::exposure_issue::policy::{self, PolicyObject};
use serde_json::Value;

use self::lists::lists;
pub use self::paths::paths;
pub(crate) use self::ports::ports;
pub(crate) use self::redirects::redirects;
use self::refusals::refuses;
use crate::derived::policy_object;
use crate::facts::cloud::PlacedIssue;
use crate::finding::{Finding, Location};
use crate::needed::{self, NEEDED, Needed};
use crate::objects::{Object, any_text};

const LEAVE: &str = "remove it: Glance's own [cors] answers the browser";

/// What routes to Glance do. `is_wanted`: whether direct uploads are.
pub fn findings(objects: &[Object], is_wanted: impl Fn(&str) -> bool) -> Vec<Finding> {
    let routes: Vec<&Object> = objects.iter().filter(|object| speaks_of_glance(&object.value["spec"])).collect();
    let mut found = Vec::new();
    for object in objects {
        let error = |rule, path: &[&str], what: String, fix: &str| {
            let severity = if is_wanted(object.namespace()) { Severity::Error } else { Severity::Warning };
            Finding::new(rule, severity, &object.place(path), what, fix)
        };
        let to_glance = routes.iter().any(|route| std::ptr::eq(*route, object));
        for (path, rule, what, fix) in refuses(object, &routes) {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            found.push(error(rule, &path, what, fix));
        }
        match object.kind() {
            "Route" if to_glance => {
                const ACTIONS: [&str; 3] = ["spec", "httpHeaders", "actions"];
                let actions = ACTIONS.iter().fold(&object.value, |value, step| &value[*step]);
                for (at, action) in actions["request"].as_array().into_iter().flatten().enumerate() {
                    let Some(needed) = action["name"].as_str().and_then(needed::of) else { continue };
                    let at = at.to_string();
                    let path = [&ACTIONS[..], &["request", &at]].concat();
                    found.push(error(needed.rule, &path, taken(needed), needed.fix));
                }
                for (path, what) in lists(actions, &ACTIONS) {
                    let path: Vec<&str> = path.iter().map(String::as_str).collect();
                    found.push(error(Rule::CorsOnTheWay, &path, what, LEAVE));
                }
            }
            "Middleware" => {
                let used = routes.iter().any(|route| uses(route, object));
                for (path, what) in
                    lists(&object.value["spec"]["headers"], &["spec", "headers"]).into_iter().filter(|_| used)
                {
                    let path: Vec<&str> = path.iter().map(String::as_str).collect();
                    found.push(error(Rule::CorsOnTheWay, &path, what, LEAVE));
                }
                let headers = object.value["spec"]["headers"]["customRequestHeaders"].as_object();
                let names = headers.into_iter().flatten().map(|(name, _)| name).filter(|_| used);
                for (name, needed) in names.filter_map(|name| Some((name, needed::of(name)?))) {
                    let path = ["spec", "headers", "customRequestHeaders", name.as_str()];
                    found.push(error(needed.rule, &path, taken(needed), needed.fix));
                }
            }
            _ => {}
        }
        let Some(field) = policy::rule_list(object.kind()).filter(|_| to_glance) else { continue };
        let rules = object.value["spec"][field]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
            .filter(|(_, rule)| speaks_of_glance(rule));
        for (at, rule) in rules {
            let at = at.to_string();
            let taken_off = NEEDED.into_iter().filter(|needed| takes(rule, needed.name));
            for (path, what) in lists(rule, &["spec", field, at.as_str()]) {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                found.push(error(Rule::CorsOnTheWay, &path, what, LEAVE));
            }
            found.extend(
                taken_off.map(|needed| error(needed.rule, &["spec", field, at.as_str()], taken(needed), needed.fix)),
            );
        }
    }
    found
}

/// Where no rule passes a request of an upload on, if the input lacks Glance's Services: those that are named so count.
pub fn unreached(objects: &[Object]) -> Vec<PlacedIssue> {
    let written: Vec<PolicyObject<'_>> = objects.iter().map(policy_object).collect();
    let namespaces: BTreeSet<&str> =
        objects.iter().filter(|o| speaks_of_glance(&o.value["spec"])).map(Object::namespace).collect();
    let mut found = Vec::new();
    for namespace in namespaces {
        let own = objects.iter().filter(|o| o.namespace() == namespace);
        let is_seen = own.clone().any(|o| o.kind() == "Service" && o.name().contains("glance"));
        let rules = own.flat_map(|o| ["rules", "http", "routes"].map(|list| &o.value["spec"][list]));
        let rules = rules.filter_map(Value::as_array).flatten();
        let backends = rules.flat_map(|rule| ["backendRefs", "route", "services"].map(|list| &rule[list]));
        let mut names = BTreeSet::new();
        backends.for_each(|value| named(value, &mut names));
        if is_seen || names.is_empty() {
            continue;
        }
        let backends = Backends { namespace: namespace.to_owned(), services: names.into_iter().collect() };
        for issue in policy::unreached(&written, &backends) {
            let object = objects.iter().find(|o| o.id() == issue.object.to_string());
            let unseen = || Location::default().field(issue.field.to_string());
            let place = object.map_or_else(unseen, |o| o.place_of(&issue.field));
            found.push(PlacedIssue { issue, place, written: true, asked: false, scope: vec![namespace.to_owned()] });
        }
    }
    found
}

/// The Services of Glance in the backends of a rule.
fn named(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.contains("glance") => {
            names.extend(text.split('.').next().map(str::to_owned));
        }
        Value::Array(all) => all.iter().for_each(|value| named(value, names)),
        Value::Object(all) => all.values().for_each(|value| named(value, names)),
        _ => {}
    }
}

fn taken(needed: Needed) -> String {
    format!("removes or replaces the browser's {}, {}", needed.name, needed.without)
}

fn speaks_of_glance(value: &Value) -> bool {
    any_text(value, &|text| text.contains("glance"))
}

/// Whether a route names a middleware, in its rules or by Traefik's annotation.
fn uses(route: &Object, middleware: &Object) -> bool {
    let annotated = route.value["metadata"]["annotations"]["traefik.ingress.kubernetes.io/router.middlewares"].as_str();
    let long = format!("{}-{}@kubernetescrd", middleware.namespace(), middleware.name());
    annotated.is_some_and(|all| all.split(',').any(|name| name.trim() == long))
        || (route.namespace() == middleware.namespace()
            && any_text(&route.value["spec"], &|text| text == middleware.name()))
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
