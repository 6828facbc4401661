//! DU012, DU020: what a route changes of requests to Glance, and which of them it passes on: header conditions that no
//! preflight meets, and an Origin that does not arrive.
//!
//! In: objects. Out: findings. Fields by the references of Gateway API (HTTPRoute), Istio (VirtualService), Contour
//! (HTTPProxy) and Traefik (Middleware).

use direct_upload_api::{Rule, Severity};
use serde_json::Value;

use crate::finding::Finding;
use crate::objects::{Object, any_text};

/// Headers that a preflight never has.
const NEVER: [&str; 3] = ["x-auth-token", "authorization", "cookie"];

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
            "Middleware" => {
                let used = routes.iter().any(|route| uses(route, object));
                let headers = object.value["spec"]["headers"]["customRequestHeaders"].as_object();
                let origin = headers.into_iter().flatten().find(|(name, _)| name.eq_ignore_ascii_case("origin"));
                if let Some((name, _)) = origin.filter(|_| used) {
                    found.push(error(
                        Rule::CorsOnTheWay,
                        &["spec", "headers", "customRequestHeaders", name.as_str()],
                        TAKEN.to_owned(),
                        LEAVE,
                    ));
                }
                continue;
            }
            _ => continue,
        };
        let rules: Vec<(String, &Value)> = rules
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
            .filter(|(_, rule)| speaks_of_glance(rule))
            .map(|(at, rule)| (at.to_string(), rule))
            .collect();
        for (at, rule) in &rules {
            if takes_origin(rule) {
                found.push(error(Rule::CorsOnTheWay, &["spec", field, at.as_str()], TAKEN.to_owned(), LEAVE));
            }
        }
        let refusing = rules.iter().filter_map(|(at, rule)| Some((at, never_met(rule)?)));
        let refusing: Vec<_> = refusing.collect();
        if let (Some((at, name)), true) = (refusing.first(), refusing.len() == rules.len()) {
            let what = format!("it forwards only requests with {name}; a preflight has none, and never reaches Glance");
            let fix = "match only host and path: Glance checks the token itself";
            found.push(error(Rule::OptionsFiltered, &["spec", field, at.as_str()], what, fix));
        }
    }
    found
}

const TAKEN: &str = "removes or replaces the browser's Origin, and then Glance's CORS filter grants nothing";

const LEAVE: &str = "remove it: Glance's own [cors] judges the origin";

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

/// Whether a rule changes the Origin of requests.
fn takes_origin(rule: &Value) -> bool {
    let is_origin = |text: &Value| text.as_str().is_some_and(|name| name.eq_ignore_ascii_case("origin"));
    let listed =
        |value: &Value| value.as_array().into_iter().flatten().any(|item| is_origin(item) || is_origin(&item["name"]));
    let keyed =
        |value: &Value| value.as_object().into_iter().flatten().any(|(name, _)| name.eq_ignore_ascii_case("origin"));
    let changes = |own: &Value| listed(&own["remove"]) || listed(&own["set"]) || keyed(&own["set"]);
    let filters = rule["filters"].as_array().into_iter().flatten();
    filters.map(|filter| &filter["requestHeaderModifier"]).any(changes)
        || changes(&rule["headers"]["request"])
        || changes(&rule["requestHeadersPolicy"])
}

/// The header that each of a rule's conditions asks for, and that no preflight has.
fn never_met(rule: &Value) -> Option<String> {
    let of = |name: &str| NEVER.iter().any(|never| name.eq_ignore_ascii_case(never)).then(|| name.to_owned());
    // Gateway API lists headers by name, Istio by key.
    let of_match = |own: &Value| match &own["headers"] {
        Value::Array(headers) => headers.iter().find_map(|header| of(header["name"].as_str()?)),
        Value::Object(headers) => headers.keys().find_map(|name| of(name)),
        _ => None,
    };
    let matches = rule["matches"].as_array().or_else(|| rule["match"].as_array());
    if let Some(matches) = matches.filter(|matches| !matches.is_empty()) {
        let all: Option<Vec<String>> = matches.iter().map(of_match).collect();
        return all?.into_iter().next();
    }
    // Contour's conditions must all hold.
    let conditions = rule["conditions"].as_array().into_iter().flatten();
    conditions
        .map(|condition| &condition["header"])
        .filter(|header| {
            header["notpresent"] != true && header["notcontains"].is_null() && header["notexact"].is_null()
        })
        .find_map(|header| of(header["name"].as_str()?))
}
