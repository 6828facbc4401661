//! DU012, DU020: what a route removes from requests to Glance, and which of them it passes on.
//!
//! In: objects. Out: findings. Fields by the references of Gateway API (HTTPRoute), Istio (VirtualService), Contour
//! (HTTPProxy) and Traefik (Middleware).

use std::collections::BTreeSet;

use direct_upload_api::web::PublicUrl;
use direct_upload_api::{Rule, Severity};
use direct_upload_core::derive::Backends;
use direct_upload_core::derive::exposure_issue::policy::{self, PolicyObject, any};
use regex::Regex;
use serde_json::Value;

use crate::derived::policy_object;
use crate::facts::catalog::{Published, Source};
use crate::facts::cloud::PlacedIssue;
use crate::facts::upload_path::UPLOAD;
use crate::finding::Finding;
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
        let (rules, field) = match object.kind() {
            "HTTPRoute" if to_glance => (&object.value["spec"]["rules"], "rules"),
            "VirtualService" if to_glance => (&object.value["spec"]["http"], "http"),
            "HTTPProxy" if to_glance => (&object.value["spec"]["routes"], "routes"),
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
                continue;
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
                continue;
            }
            _ => continue,
        };
        let rules = rules.as_array().into_iter().flatten().enumerate().filter(|(_, rule)| speaks_of_glance(rule));
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

/// What a rule, or the fields of a Middleware or Route, makes of the lists in Glance's answer to a preflight: its place,
/// and what the list then lacks.
fn lists(rule: &Value, start: &[&str]) -> Vec<(Vec<String>, String)> {
    let mut changes: Vec<(Vec<String>, &str, Option<&str>)> = Vec::new();
    let path = |more: &[&str]| -> Vec<String> { start.iter().chain(more).map(|step| (*step).to_owned()).collect() };
    let mut modifiers: Vec<(Vec<String>, &Value)> = vec![
        (path(&["headers", "response"]), &rule["headers"]["response"]),
        (path(&["responseHeadersPolicy"]), &rule["responseHeadersPolicy"]),
    ];
    for (at, filter) in rule["filters"].as_array().into_iter().flatten().enumerate() {
        modifiers
            .push((path(&["filters", &at.to_string(), "responseHeaderModifier"]), &filter["responseHeaderModifier"]));
    }
    for (place, modifier) in &modifiers {
        let at = |more: &[&str]| [place.clone(), more.iter().map(|step| (*step).to_owned()).collect()].concat();
        for (number, name) in modifier["remove"].as_array().into_iter().flatten().enumerate() {
            changes.extend(name.as_str().map(|name| (at(&["remove", &number.to_string()]), name, None)));
        }
        for (number, entry) in modifier["set"].as_array().into_iter().flatten().enumerate() {
            let name = entry["name"].as_str();
            changes.extend(name.map(|name| (at(&["set", &number.to_string()]), name, entry["value"].as_str())));
        }
        for (name, value) in modifier["set"].as_object().into_iter().flatten() {
            changes.push((at(&["set", name]), name, value.as_str()));
        }
    }
    for (name, value) in rule["customResponseHeaders"].as_object().into_iter().flatten() {
        changes.push((path(&["customResponseHeaders", name]), name, value.as_str()));
    }
    for (number, entry) in rule["response"].as_array().into_iter().flatten().enumerate() {
        let name = entry["name"].as_str();
        let place = path(&["response", &number.to_string()]);
        changes.extend(name.map(|name| (place, name, entry["action"]["set"]["value"].as_str())));
    }
    let mut found = Vec::new();
    for (place, name, value) in changes {
        let Some((_, needed)) = crate::rules::LISTS.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)) else {
            continue;
        };
        let lacks = crate::rules::lacks(value.unwrap_or_default(), needed);
        if !lacks.is_empty() && !value.is_some_and(|value| value.contains('%')) {
            let lacks = lacks.join(", ");
            found.push((place, format!("replaces Glance's {name}, and {lacks} is not allowed")));
        }
    }
    found
}

/// A condition of a rule on the path of a request.
struct PathRule<'a> {
    object: &'a Object,
    steps: Vec<String>,
    /// Empty: any host.
    hosts: Vec<String>,
    /// Whether it takes the upload's path, if that is known.
    takes: Option<bool>,
}

/// DU020: a published URL to which routes lead, but not the path of an upload; and URLs whose host no route has.
pub fn paths(
    objects: &[Object],
    published: &[Published],
    is_wanted: impl Fn(&str) -> bool,
) -> (Vec<Finding>, Vec<String>) {
    let (mut found, mut unseen) = (Vec::new(), Vec::new());
    for own in published.iter().filter(|own| own.source != Source::Exposed) {
        let (Ok(url), [namespace]) = (PublicUrl::parse(&own.url), own.scope.as_slice()) else { continue };
        let path = format!("{}{UPLOAD}", url.path().trim_end_matches('/'));
        let near = objects.iter().filter(|object| object.namespace() == namespace.as_str());
        let rules: Vec<PathRule<'_>> = near.clone().flat_map(|object| path_rules(object, &path)).collect();
        // Kinds whose hosts are not compared here.
        let others = ["IngressRoute", "Route", "TLSRoute", "TCPRoute", "IngressRouteTCP"];
        let elsewhere = near.clone().any(|object| {
            (others.contains(&object.kind()) && speaks_of_glance(&object.value["spec"]))
                || (object.kind() == "Service"
                    && object.name().contains("glance")
                    && matches!(object.value["spec"]["type"].as_str(), Some("LoadBalancer" | "NodePort")))
        });
        if rules.is_empty() || elsewhere {
            continue;
        }
        let host = url.origin().host();
        let serves = |own: &&PathRule<'_>| {
            own.hosts.is_empty()
                || own.hosts.iter().any(|name| {
                    name == host || name == "*" || name.strip_prefix('*').is_some_and(|rest| host.ends_with(rest))
                })
        };
        let serving: Vec<&PathRule<'_>> = rules.iter().filter(serves).collect();
        let Some(first) = serving.first() else {
            unseen.push(format!("{} ({}): no route to Glance in the input has the host {host}", own.url, own.place));
            continue;
        };
        let port = url::Url::parse(&own.url).ok().and_then(|url| url.port());
        if let Some(port) = port.filter(|_| serving.iter().all(|rule| rule.object.kind() == "Ingress")) {
            unseen.push(format!(
                "{} ({}): {} serves the ports of its controller, and what listens on port {port} is not in the input",
                own.url,
                own.place,
                first.object.id()
            ));
        }
        if serving.iter().all(|rule| rule.takes == Some(false)) {
            let severity = if is_wanted(namespace) { Severity::Error } else { Severity::Warning };
            let steps: Vec<&str> = first.steps.iter().map(String::as_str).collect();
            let what =
                format!("no route to Glance takes {path}, which is where {} ({}) leads uploads", own.url, own.place);
            let fix = format!("let the route take each path below {}/", url.path().trim_end_matches('/'));
            found.push(Finding::new(Rule::OptionsFiltered, severity, &first.object.place(&steps), what, fix));
        }
    }
    (found, unseen)
}

/// The rules of a route that lead to Glance.
fn path_rules<'a>(object: &'a Object, path: &str) -> Vec<PathRule<'a>> {
    let spec = &object.value["spec"];
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let list = |value: &'a Value| {
        value.as_array().into_iter().flatten().enumerate().filter(|(_, rule)| speaks_of_glance(rule))
    };
    let mut rules = Vec::new();
    match object.kind() {
        "Ingress" => {
            let regex = object.value["metadata"]["annotations"]["nginx.ingress.kubernetes.io/use-regex"] == "true";
            for (at, rule) in list(&spec["rules"]) {
                let hosts: Vec<String> = rule["host"].as_str().map(str::to_owned).into_iter().collect();
                for (number, own) in list(&rule["http"]["paths"]) {
                    let text = own["path"].as_str().unwrap_or("/");
                    let takes = match own["pathType"].as_str() {
                        Some("Exact") => Some(text == path),
                        _ if regex => Regex::new(&format!("(?i)^{text}")).ok().map(|pattern| pattern.is_match(path)),
                        _ if text.contains(['(', '*', '^', '$', '?', '[']) => None,
                        _ => Some(is_below(path, text)),
                    };
                    let steps = ["spec", "rules", &at.to_string(), "http", "paths", &number.to_string(), "path"];
                    let steps = steps.map(str::to_owned).to_vec();
                    rules.push(PathRule { object, steps, hosts: hosts.clone(), takes });
                }
            }
        }
        "HTTPRoute" => {
            for (at, rule) in list(&spec["rules"]) {
                let one = |own: &Value| match (own["path"]["type"].as_str(), own["path"]["value"].as_str()) {
                    (_, None) => Some(true),
                    (Some("Exact"), Some(text)) => Some(text == path),
                    (None | Some("PathPrefix"), Some(text)) => Some(is_below(path, text)),
                    _ => None,
                };
                let steps = ["spec", "rules", &at.to_string(), "matches"].map(str::to_owned).to_vec();
                let takes = any_of(&rule["matches"], one);
                rules.push(PathRule { object, steps, hosts: texts(&spec["hostnames"]), takes });
            }
        }
        "VirtualService" => {
            for (at, rule) in list(&spec["http"]) {
                let one = |own: &Value| match &own["uri"] {
                    Value::Null => Some(true),
                    uri => match (uri["prefix"].as_str(), uri["exact"].as_str()) {
                        (Some(text), _) => Some(path.starts_with(text)),
                        (_, Some(text)) => Some(path == text),
                        _ => None,
                    },
                };
                let steps = ["spec", "http", &at.to_string(), "match"].map(str::to_owned).to_vec();
                rules.push(PathRule {
                    object,
                    steps,
                    hosts: texts(&spec["hosts"]),
                    takes: any_of(&rule["match"], one),
                });
            }
        }
        "HTTPProxy" if !spec["includes"].is_array() => {
            let hosts: Vec<String> = spec["virtualhost"]["fqdn"].as_str().map(str::to_owned).into_iter().collect();
            for (at, rule) in list(&spec["routes"]) {
                let conditions = rule["conditions"].as_array().into_iter().flatten();
                let prefix = conditions.filter_map(|own| own["prefix"].as_str()).last();
                let unknown = rule["conditions"].as_array().into_iter().flatten().any(|own| !own["regex"].is_null());
                let takes = if unknown { None } else { Some(prefix.is_none_or(|text| path.starts_with(text))) };
                let steps = ["spec", "routes", &at.to_string(), "conditions"].map(str::to_owned).to_vec();
                rules.push(PathRule { object, steps, hosts: hosts.clone(), takes });
            }
        }
        _ => {}
    }
    rules
}

/// Whether one of some alternatives holds; true if there are none.
fn any_of(alternatives: &Value, one: impl Fn(&Value) -> Option<bool>) -> Option<bool> {
    match alternatives.as_array().map(Vec::as_slice) {
        None | Some([]) => Some(true),
        Some(all) => any(all.iter().map(one)),
    }
}

/// Whether a path is at or below another one, by whole names (Kubernetes and Gateway API, prefix).
fn is_below(path: &str, prefix: &str) -> bool {
    let rest = path.strip_prefix(prefix.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
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
        for (issue, path) in policy::unreached(&written, &backends) {
            let steps: Vec<&str> = path.iter().map(String::as_str).collect();
            let object = objects.iter().find(|o| o.id() == issue.object.to_string());
            let place = object.map(|o| o.place(&steps)).unwrap_or_default().field(issue.field.clone());
            found.push(PlacedIssue { issue, place, written: true, scope: vec![namespace.to_owned()] });
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
