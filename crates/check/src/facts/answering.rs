//! Objects in front of Glance that answer preflights themselves, and add CORS headers to answers: with them an upload
//! works although Glance has no `[cors]`.
//!
//! In: objects, and what is wrong with those in front of Glance. Out: the objects that grant uploads.

use direct_upload_api::Rule;
use direct_upload_core::model::FieldPath;
use serde_json::Value;

use super::cloud::PlacedIssue;
use crate::finding::Location;
use crate::glances::Objects;
use crate::kinds;
use crate::objects::Object;

/// One such object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answering {
    /// The object, or the option in a file.
    pub what: String,
    /// Of the route, or the first folder of the file.
    pub namespace: String,
    /// Why browsers refuse its answer to a request with credentials, if they do.
    pub without_credentials: Option<Credentials>,
    /// A gateway may leave out what the Gateway API calls Extended, as its CORS filter is.
    pub is_extended: bool,
}

/// What is missing for requests with credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub place: Location,
    pub what: &'static str,
    pub fix: &'static str,
}

/// The objects that grant uploads. One of whose CORS something is wrong does not.
pub(crate) fn find(objects: Objects<'_>, issues: &[PlacedIssue]) -> Vec<Answering> {
    let is_wrong = |o: &Object| {
        let of_it = |p: &&PlacedIssue| p.issue.rule == Rule::CorsOnTheWay && o.is(&p.issue.object);
        issues.iter().filter(of_it).any(|p| p.issue.fails)
    };
    let routes: Vec<&Object> = objects.routes().collect();
    let of = |object: &Object| {
        let route = match object.kind() {
            "SecurityPolicy" | "Middleware" => routes.iter().find(|route| answers(object, route)).copied()?,
            _ => {
                let leads = |own: &&Object| kinds::route(own).is_some() && objects.leads_to_glance(own);
                Some(object).filter(|own| answers(own, own)).filter(leads)?
            }
        };
        if is_wrong(object) {
            return None;
        }
        let without_credentials = any_origin(object).map(|path| (path, STAR, REMOVE));
        let without_credentials =
            without_credentials.or_else(|| without_credentials_in(object).map(|(path, fix)| (path, NOTHING, fix)));
        let without_credentials =
            without_credentials.map(|(path, what, fix)| Credentials { place: object.place_of(&path), what, fix });
        let (what, is_extended) = (object.id().to_string(), object.kind() == "HTTPRoute");
        let namespace = route.namespace().to_owned();
        Some(Answering { what, namespace, without_credentials, is_extended })
    };
    objects.iter().filter_map(of).collect()
}

pub(crate) const NOTHING: &str = "without Access-Control-Allow-Credentials";
pub(crate) const STAR: &str = "with Access-Control-Allow-Origin: *, which browsers do not accept for credentials";
pub(crate) const REMOVE: &str = "remove it: Glance's own [cors] answers the browser";

pub(crate) const ALLOW: &str = "set true, or remove its CORS: Glance's own [cors] answers the browser";

/// What makes ingress-nginx and Traefik answer `*` (ingress-nginx, `buildCorsOriginRegex`; Traefik's headers middleware).
/// Gateways of Envoy repeat the origin.
fn any_origin(object: &Object) -> Option<FieldPath> {
    match object.kind() {
        "Ingress" => {
            const PREFIX: &str = "nginx.ingress.kubernetes.io/";
            let annotation = |name: &str| object.value["metadata"]["annotations"][format!("{PREFIX}{name}")].as_str();
            let enabled = annotation("enable-cors") == Some("true");
            let any = annotation("cors-allow-origin").is_none_or(|own| own.trim() == "*");
            (enabled && any).then(|| FieldPath::of_annotation(&format!("{PREFIX}enable-cors")))
        }
        "Middleware" => {
            const NAME: &str = "accessControlAllowOriginList";
            let any = |own: &Value| own == "*";
            let listed = object.value["spec"]["headers"][NAME].as_array().is_some_and(|all| all.iter().any(any));
            listed.then(|| FieldPath::new(&["spec", "headers", NAME]))
        }
        _ => None,
    }
}

/// A field of an object that answers preflights, without which browsers refuse an upload with credentials: of the Gateway
/// API and of each gateway its default is false, of ingress-nginx and jcmoraisjr/haproxy-ingress true.
fn without_credentials_in(object: &Object) -> Option<(FieldPath, &'static str)> {
    let spec = &object.value["spec"];
    let field = |steps: &[&str]| FieldPath::new(steps);
    let off = |cors: &Value, path: FieldPath, name: &str, fix| {
        (cors.is_object() && cors[name] != true).then(|| (path.field(name), fix))
    };
    match object.kind() {
        "HTTPRoute" => {
            let rules = spec["rules"].as_array().into_iter().flatten().enumerate();
            let mut all = rules.flat_map(|(at, rule)| {
                let filters = rule["filters"].as_array().into_iter().flatten().enumerate();
                filters.map(move |(nth, filter)| (at, nth, &filter["cors"]))
            });
            all.find_map(|(at, nth, cors)| {
                let path = field(&["spec", "rules"]).item(at).field("filters").item(nth).field("cors");
                off(cors, path, "allowCredentials", ALLOW)
            })
        }
        "VirtualService" => {
            let mut rules = spec["http"].as_array().into_iter().flatten().enumerate();
            rules.find_map(|(at, rule)| {
                let path = field(&["spec", "http"]).item(at).field("corsPolicy");
                off(&rule["corsPolicy"], path, "allowCredentials", ALLOW)
            })
        }
        "HTTPProxy" => {
            let path = field(&["spec", "virtualhost", "corsPolicy"]);
            off(&spec["virtualhost"]["corsPolicy"], path, "allowCredentials", ALLOW)
        }
        "SecurityPolicy" => off(&spec["cors"], field(&["spec", "cors"]), "allowCredentials", ALLOW),
        "Middleware" => off(&spec["headers"], field(&["spec", "headers"]), "accessControlAllowCredentials", ALLOW),
        "Ingress" => {
            let annotations = object.value["metadata"]["annotations"].as_object()?;
            let named = |name: &str| annotations.iter().find(|(own, _)| own.ends_with(&format!("/{name}")));
            let (name, _) = named("cors-allow-credentials").filter(|(_, value)| *value == "false")?;
            Some((FieldPath::of_annotation(name), "remove it: true is the default"))
        }
        _ => None,
    }
}

/// Whether an object answers the preflights of a route: the route itself, or what is attached to it.
fn answers(object: &Object, route: &Object) -> bool {
    let spec = &object.value["spec"];
    let rules = |name: &str| spec[name].as_array().into_iter().flatten();
    let is_itself = object.id() == route.id();
    match object.kind() {
        "HTTPRoute" => {
            let mut filters = rules("rules").flat_map(|rule| rule["filters"].as_array().into_iter().flatten());
            is_itself && filters.any(|filter| filter["cors"].is_object())
        }
        "VirtualService" => is_itself && rules("http").any(|rule| rule["corsPolicy"].is_object()),
        "HTTPProxy" => is_itself && spec["virtualhost"]["corsPolicy"].is_object(),
        "SecurityPolicy" => spec["cors"].is_object() && is_attached(object, route),
        "Middleware" => {
            let is_written = |name: &str| spec["headers"][name].as_array().is_some_and(|list| !list.is_empty());
            let lists = ["accessControlAllowOriginList", "accessControlAllowOriginListRegex"];
            lists.into_iter().any(is_written) && is_used(object, route)
        }
        "Ingress" => {
            const ENABLE: [&str; 3] = [
                "nginx.ingress.kubernetes.io/enable-cors",
                "haproxy-ingress.github.io/cors-enable",
                "haproxy.org/cors-enable",
            ];
            let annotations = &object.value["metadata"]["annotations"];
            is_itself && ENABLE.iter().any(|name| annotations[*name] == "true")
        }
        _ => false,
    }
}

/// Whether a policy of Envoy Gateway is attached to a route or to its Gateway.
fn is_attached(policy: &Object, route: &Object) -> bool {
    let spec = &policy.value["spec"];
    let mut targets = spec["targetRefs"].as_array().into_iter().flatten().chain([&spec["targetRef"]]);
    let mut parents = route.value["spec"]["parentRefs"].as_array().into_iter().flatten();
    targets.any(|target| match target["kind"].as_str() {
        Some("HTTPRoute") => target["name"] == route.name() && route.namespace() == policy.namespace(),
        Some("Gateway") => parents.any(|parent| parent["name"] == target["name"]),
        _ => false,
    })
}

/// Whether a route names a middleware of Traefik.
fn is_used(middleware: &Object, route: &Object) -> bool {
    let name = format!("{}-{}@kubernetescrd", middleware.namespace(), middleware.name());
    let annotation = &route.value["metadata"]["annotations"]["traefik.ingress.kubernetes.io/router.middlewares"];
    let mut rules = route.value["spec"]["routes"].as_array().into_iter().flatten();
    let is_it = |own: &Value| own["name"] == middleware.name();
    match route.kind() {
        "Ingress" => annotation.as_str().is_some_and(|list| list.split(',').any(|own| own.trim() == name)),
        "IngressRoute" => rules.any(|rule| rule["middlewares"].as_array().into_iter().flatten().any(is_it)),
        _ => false,
    }
}
