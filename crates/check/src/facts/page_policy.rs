//! Objects in front of the dashboard that add a Content-Security-Policy to its pages. A browser obeys each policy of a
//! page, so one more policy forbids what it does not name.
//!
//! In: objects, and which of them expose a dashboard. Out: each header with its place. Fields by the references of
//! Gateway API (HTTPHeaderFilter), Istio (Headers), Contour (HeadersPolicy), Traefik (headers middleware), OpenShift
//! (RouteHTTPHeaderActions) and HAProxy's controller. ingress-nginx's are read as text of nginx.

use direct_upload_core::model::{FieldPath, Id};
use serde_json::Value;

use crate::finding::Location;
use crate::objects::Object;
use crate::objects::object_set::ObjectSet;

/// A policy that an object adds.
#[derive(Clone, Debug)]
pub struct PagePolicy {
    /// The header's value.
    pub text: String,
    pub place: Location,
    pub scope: Vec<String>,
}

const NAME: &str = "Content-Security-Policy";

/// The policies that objects add. `exposing`: what leads to a dashboard, with the dashboard's scope.
pub(crate) fn find(objects: &ObjectSet, exposing: &[(Vec<String>, Id)]) -> Vec<PagePolicy> {
    let mut found = Vec::new();
    for (scope, id) in exposing {
        let Some(route) = objects.of_id(id) else { continue };
        let mut written: Vec<(&Object, FieldPath, String)> = Vec::new();
        let mut own = Vec::new();
        headers(&route.value["spec"], &FieldPath::new(&["spec"]), &mut own);
        if route.kind() == "Ingress" {
            own.extend(of_annotations(route));
        }
        written.extend(own.into_iter().map(|(path, text)| (route, path, text)));
        for middleware in objects.of_kind("Middleware").filter(|object| is_named(object, route)) {
            let path = FieldPath::new(&["spec", "headers"]);
            let headers = &middleware.value["spec"]["headers"];
            let policy = headers["contentSecurityPolicy"].as_str();
            let policy = policy.map(|text| (path.clone().field("contentSecurityPolicy"), text.to_owned()));
            let path = path.field("customResponseHeaders");
            let all = policy.into_iter().chain(of_map(&headers["customResponseHeaders"], &path));
            written.extend(all.map(|(path, text)| (middleware, path, text)));
        }
        found.extend(written.into_iter().map(|(object, path, text)| PagePolicy {
            text,
            place: object.place_of(&path),
            scope: scope.clone(),
        }));
    }
    found
}

/// Whether a route names a middleware of Traefik.
fn is_named(middleware: &Object, route: &Object) -> bool {
    let name = format!("{}-{}@kubernetescrd", middleware.namespace(), middleware.name());
    let listed = &route.value["metadata"]["annotations"]["traefik.ingress.kubernetes.io/router.middlewares"];
    let mut rules = route.value["spec"]["routes"].as_array().into_iter().flatten();
    let is_it = |own: &Value| {
        own["name"] == middleware.name()
            && own["namespace"].as_str().unwrap_or(route.namespace()) == middleware.namespace()
    };
    listed.as_str().is_some_and(|list| list.split(',').any(|own| own.trim() == name))
        || rules.any(|rule| rule["middlewares"].as_array().into_iter().flatten().any(is_it))
}

type Written = Vec<(FieldPath, String)>;

/// What sets or adds the header, anywhere in a route's spec: a list of names and values, or a map of them.
fn headers(value: &Value, path: &FieldPath, found: &mut Written) {
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                headers(item, &path.clone().item(at), found);
            }
        }
        Value::Object(map) => {
            for (name, own) in map {
                let path = path.clone().field(name);
                if matches!(name.as_str(), "responseHeaderModifier" | "response" | "responseHeadersPolicy") {
                    found.extend(of_modifier(own, &path));
                } else {
                    headers(own, &path, found);
                }
            }
        }
        _ => {}
    }
}

fn of_modifier(modifier: &Value, path: &FieldPath) -> Written {
    // OpenShift: a list of actions.
    let actions = modifier.as_array().into_iter().flatten().enumerate().filter_map(|(at, own)| {
        let text = own["action"]["set"]["value"].as_str().filter(|_| is_it(&own["name"]))?;
        Some((path.clone().item(at).field("action").field("set").field("value"), text.to_owned()))
    });
    let lists = ["set", "add"].into_iter().flat_map(|name| {
        let path = path.clone().field(name);
        let listed = modifier[name].as_array().into_iter().flatten().enumerate();
        let listed = listed
            .filter(|(_, own)| is_it(&own["name"]))
            .filter_map(|(at, own)| Some((path.clone().item(at).field("value"), own["value"].as_str()?.to_owned())));
        listed.chain(of_map(&modifier[name], &path)).collect::<Written>()
    });
    actions.chain(lists).collect()
}

fn is_it(name: &Value) -> bool {
    name.as_str().is_some_and(|name| name.eq_ignore_ascii_case(NAME))
}

fn of_map(map: &Value, path: &FieldPath) -> Written {
    let all = map.as_object().into_iter().flatten().filter(|(name, _)| name.eq_ignore_ascii_case(NAME));
    all.filter_map(|(name, value)| Some((path.clone().field(name), value.as_str()?.to_owned()))).collect()
}

/// `haproxy.org/response-set-header`: a name and a value in each line.
fn of_annotations(ingress: &Object) -> Written {
    const SET: &str = "haproxy.org/response-set-header";
    let text = ingress.value["metadata"]["annotations"][SET].as_str().unwrap_or_default();
    let of_line = |line: &str| {
        let (name, value) = line.trim().split_once([' ', '\t'])?;
        let value = value.trim().trim_matches('"').to_owned();
        name.eq_ignore_ascii_case(NAME).then(|| (FieldPath::of_annotation(SET), value))
    };
    text.lines().filter_map(of_line).collect()
}
