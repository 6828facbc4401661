//! Policies of gateways that stand in objects of their own: Traefik's Middlewares, Contour's HTTPProxies,
//! Envoy Gateway's and NGINX Gateway Fabric's policies, Istio's VirtualServices.
//!
//! In: objects, and the Services under which routes lead to Glance. Out: what of it hinders uploads. The
//! kinds differ in little but where the same words stand, so they are looked for at any depth; what only
//! one of them has stands in `LIMITS`.

use std::collections::BTreeSet;

use direct_upload_api::Rule;
use direct_upload_api::web::Origin;
use direct_upload_core::derive::{Backends, ExposureIssue, body_fails, lacks};
use direct_upload_core::model::{Id, Key};
use serde_json::{Map, Value};

use super::objects::Object;
use crate::formats::quantity;

const POLICIES: [&str; 9] = [
    "Middleware",
    "HTTPProxy",
    "SecurityPolicy",
    "VirtualService",
    "ClientTrafficPolicy",
    "BackendTrafficPolicy",
    "ClientSettingsPolicy",
    "ServersTransport",
    "IngressRoute",
];

const ROUTES: [&str; 5] = ["Ingress", "HTTPRoute", "IngressRoute", "VirtualService", "HTTPProxy"];

const LOGINS: [&str; 6] = ["basicAuth", "digestAuth", "forwardAuth", "extAuth", "oidc", "jwt"];

/// What a field limits.
#[derive(Clone, Copy)]
enum Limit {
    /// The whole time of a request with its body.
    Whole,
    /// How long Glance may take to answer after the body's last byte.
    Answer,
    /// How long nothing may move.
    Silence,
    /// The body's size.
    Size,
}

/// Fields by kind, and where upstream says what they do: gateway.envoyproxy.io v1.9 API reference and
/// Envoy's route and connection manager time-outs; Istio's VirtualService (Envoy's route timeout);
/// Contour's TimeoutPolicy; Traefik's forwardingTimeouts; NGINX Gateway Fabric's ClientSettingsPolicy.
const LIMITS: [(&str, &str, Limit); 16] = [
    ("ClientTrafficPolicy", "spec.timeout.http.requestReceivedTimeout", Limit::Whole),
    ("ClientTrafficPolicy", "spec.timeout.http.streamIdleTimeout", Limit::Silence),
    ("ClientTrafficPolicy", "spec.connection.connectionLimit.maxConnectionDuration", Limit::Whole),
    ("ClientTrafficPolicy", "spec.connection.connectionLimit.maxStreamDuration", Limit::Whole),
    ("BackendTrafficPolicy", "spec.timeout.http.requestTimeout", Limit::Answer),
    ("BackendTrafficPolicy", "spec.timeout.http.maxStreamDuration", Limit::Whole),
    ("BackendTrafficPolicy", "spec.timeout.http.maxConnectionDuration", Limit::Answer),
    ("BackendTrafficPolicy", "spec.timeout.http.streamIdleTimeout", Limit::Silence),
    ("BackendTrafficPolicy", "spec.requestBuffer.limit", Limit::Size),
    ("ClientSettingsPolicy", "spec.body.maxSize", Limit::Size),
    ("ClientSettingsPolicy", "spec.body.timeout", Limit::Silence),
    ("VirtualService", "timeout", Limit::Answer),
    ("VirtualService", "retries.perTryTimeout", Limit::Answer),
    ("HTTPProxy", "timeoutPolicy.response", Limit::Answer),
    ("HTTPProxy", "timeoutPolicy.idle", Limit::Silence),
    ("ServersTransport", "spec.forwardingTimeouts.responseHeaderTimeout", Limit::Answer),
];

/// Whole uploads below this many milliseconds are sure to be cut one day …
const SHORT: u64 = 1_800_000;

/// … and above this one they are not.
const LONG: u64 = 7_200_000;

/// A silence, or a wait for the answer, below this ends uploads whose end Glance takes its time to store.
const PATIENT: u64 = 600_000;

/// Where browsers come through: the Services, the routes to them, and the Gateways of these.
struct Way<'a> {
    namespace: &'a str,
    services: Vec<&'a str>,
    routes: Vec<&'a Object>,
}

impl<'a> Way<'a> {
    fn new(objects: &'a [Object], backends: &'a Backends) -> Self {
        let services: Vec<&str> = backends.services.iter().map(String::as_str).collect();
        let leads = |o: &&Object| ROUTES.contains(&o.kind()) && mentions(&o.value["spec"], &services);
        let near = |o: &&Object| o.namespace() == backends.namespace;
        let routes = objects.iter().filter(near).filter(leads).collect();
        Self { namespace: &backends.namespace, services, routes }
    }

    /// Whether an object holds for requests on this way.
    fn has(&self, policy: &Object) -> bool {
        let spec = &policy.value["spec"];
        let near = policy.namespace() == self.namespace;
        match policy.kind() {
            "ClientTrafficPolicy" | "BackendTrafficPolicy" | "SecurityPolicy" | "ClientSettingsPolicy" => {
                targets(spec).any(|target| self.is_target(policy, target))
            }
            "Middleware" => {
                let written =
                    [policy.name().to_owned(), format!("{}-{}@kubernetescrd", policy.namespace(), policy.name())];
                near && self.routes.iter().any(|route| names_policy(route, &written))
            }
            "ServersTransport" => {
                near && self.routes.iter().any(|route| mentions(&route.value["spec"], &[policy.name()]))
            }
            _ => near && mentions(spec, &self.services),
        }
    }

    fn is_target(&self, policy: &Object, target: &Value) -> bool {
        let (kind, name) = (target["kind"].as_str().unwrap_or_default(), target["name"].as_str().unwrap_or_default());
        if kind == "Gateway" {
            let section = target["sectionName"].as_str();
            return self.parents().any(|(namespace, parent, own)| {
                (namespace, parent) == (policy.namespace(), name) && section.is_none_or(|s| own.is_none_or(|o| o == s))
            });
        }
        policy.namespace() == self.namespace
            && (self.services.contains(&name) || self.routes.iter().any(|r| r.kind() == kind && r.name() == name))
    }

    /// Namespace, name and listener of each Gateway that a route is attached to.
    fn parents(&self) -> impl Iterator<Item = (&str, &str, Option<&str>)> {
        self.routes.iter().flat_map(|route| {
            let refs = route.value["spec"]["parentRefs"].as_array().into_iter().flatten();
            refs.map(|parent| {
                let namespace = parent["namespace"].as_str().unwrap_or(route.namespace());
                (namespace, parent["name"].as_str().unwrap_or_default(), parent["sectionName"].as_str())
            })
        })
    }
}

/// `targetRefs` and the older `targetRef`.
fn targets(spec: &Value) -> impl Iterator<Item = &Value> {
    let one = spec.get("targetRef").into_iter();
    one.chain(spec["targetRefs"].as_array().into_iter().flatten())
}

/// How near a policy stands to the requests: of one kind only the nearest holds.
fn nearness(policy: &Object) -> u8 {
    let of = |target: &Value| match (target["kind"].as_str(), target["sectionName"].is_string()) {
        (Some("Gateway"), false) => 0,
        (Some("Gateway"), true) => 1,
        (_, false) => 2,
        (_, true) => 3,
    };
    targets(&policy.value["spec"]).map(of).max().unwrap_or(4)
}

/// What hinders uploads to the workload of these Services, from these origins.
pub fn issues(
    objects: &[Object],
    backends: &Backends,
    origins: &BTreeSet<&Origin>,
) -> Vec<(ExposureIssue, Vec<String>)> {
    let way = Way::new(objects, backends);
    let mut found = Vec::new();
    let applied: Vec<&Object> = objects.iter().filter(|o| POLICIES.contains(&o.kind()) && way.has(o)).collect();
    for policy in &applied {
        let nearest = applied.iter().filter(|o| o.kind() == policy.kind()).map(|o| nearness(o)).max();
        if nearest == Some(nearness(policy)) {
            let mut judge = Judge { policy, origins, found: &mut found };
            judge.walk(&policy.value["spec"], &mut vec!["spec".to_owned()]);
        }
    }
    for route in objects.iter().filter(|o| o.namespace() == backends.namespace && o.kind() == "Route") {
        if way.services.contains(&route.value["spec"]["to"]["name"].as_str().unwrap_or_default()) {
            let mut judge = Judge { policy: route, origins, found: &mut found };
            judge.response_headers(&route.value["spec"]["httpHeaders"]["actions"]["response"]);
        }
    }
    found.extend(no_options(&way));
    found
}

/// The gateway's limit on requests holds where a policy names it; then the route need not.
pub fn sets_request_timeout(objects: &[Object], backends: &Backends) -> bool {
    let way = Way::new(objects, backends);
    let written = |o: &&Object| o.value.pointer("/spec/timeout/http/requestTimeout").is_some();
    objects.iter().filter(|o| o.kind() == "BackendTrafficPolicy").filter(written).any(|policy| way.has(policy))
}

/// Routes that choose requests by their method, and none of which takes OPTIONS.
fn no_options(way: &Way<'_>) -> Vec<(ExposureIssue, Vec<String>)> {
    let mut found = Vec::new();
    let choices: Vec<Choice<'_>> = way.routes.iter().flat_map(|route| chosen(route, &way.services)).collect();
    let passes = |methods: &Option<Vec<String>>| {
        methods.as_ref().is_none_or(|methods| methods.iter().any(|m| m.eq_ignore_ascii_case("OPTIONS")))
    };
    // One way that takes OPTIONS is enough, whichever object has it.
    if choices.iter().any(|(.., methods)| passes(methods)) {
        return found;
    }
    if let Some((route, path, _)) = choices.into_iter().next() {
        let key = Key::new(route.namespace(), route.name());
        let issue = ExposureIssue {
            rule: Rule::OptionsFiltered,
            fails: true,
            object: Id { kind: route.kind().to_owned(), key },
            field: path.join("."),
            found: "only requests of some methods are passed on, and OPTIONS is none of them: the preflight never reaches Glance".into(),
            fix: "add OPTIONS to the methods, or choose by path and host alone".into(),
            remedy: None,
        };
        found.push((issue, path));
    }
    found
}

/// A rule of a route: the object, where its choice stands, and the methods that it takes; none: all.
type Choice<'a> = (&'a Object, Vec<String>, Option<Vec<String>>);

/// The rules of a route that lead to the Services, and the methods that each takes; none: all.
fn chosen<'a>(route: &'a Object, services: &[&str]) -> Vec<Choice<'a>> {
    let spec = &route.value["spec"];
    let list = |name: &str| spec[name].as_array().into_iter().flatten().enumerate();
    let path = |parts: [&str; 3], at: usize| -> Vec<String> {
        vec![parts[0].to_owned(), parts[1].to_owned(), at.to_string(), parts[2].to_owned()]
    };
    match route.kind() {
        "HTTPRoute" => list("rules")
            .filter(|(_, rule)| mentions(&rule["backendRefs"], services))
            .map(|(at, rule)| {
                let methods = all_of(rule["matches"].as_array(), |m| Some(vec![m["method"].as_str()?.to_owned()]));
                (route, path(["spec", "rules", "matches"], at), methods)
            })
            .collect(),
        "VirtualService" => list("http")
            .filter(|(_, rule)| mentions(&rule["route"], services))
            .map(|(at, rule)| {
                let methods = all_of(rule["match"].as_array(), |m| matched_methods(&m["method"]));
                (route, path(["spec", "http", "match"], at), methods)
            })
            .collect(),
        "HTTPProxy" => list("routes")
            .filter(|(_, rule)| mentions(&rule["services"], services))
            .map(|(at, rule)| {
                let on_method =
                    |c: &&Value| c["header"]["name"].as_str().is_some_and(|n| n.eq_ignore_ascii_case(":method"));
                let condition = rule["conditions"].as_array().into_iter().flatten().find(on_method);
                let methods = condition.map(|c| header_methods(&c["header"]));
                (route, path(["spec", "routes", "conditions"], at), methods)
            })
            .collect(),
        "IngressRoute" => list("routes")
            .filter(|(_, rule)| mentions(&rule["services"], services))
            .map(|(at, rule)| (route, path(["spec", "routes", "match"], at), traefik_methods(rule["match"].as_str())))
            .collect(),
        _ => vec![(route, Vec::new(), None)],
    }
}

/// The methods of all matches; none if one of them takes any.
fn all_of(matches: Option<&Vec<Value>>, of: impl Fn(&Value) -> Option<Vec<String>>) -> Option<Vec<String>> {
    let matches = matches.filter(|matches| !matches.is_empty())?;
    let each: Option<Vec<Vec<String>>> = matches.iter().map(of).collect();
    each.map(|methods| methods.concat())
}

/// Istio's StringMatch.
fn matched_methods(found: &Value) -> Option<Vec<String>> {
    if let Some(exact) = found["exact"].as_str() {
        return Some(vec![exact.to_owned()]);
    }
    if let Some(prefix) = found["prefix"].as_str() {
        return Some(if "OPTIONS".starts_with(prefix) { vec!["OPTIONS".to_owned()] } else { vec![prefix.to_owned()] });
    }
    let pattern = regex::Regex::new(&format!("^(?:{})$", found["regex"].as_str()?)).ok()?;
    Some(if pattern.is_match("OPTIONS") { vec!["OPTIONS".to_owned()] } else { Vec::new() })
}

/// Contour's header condition.
fn header_methods(header: &Value) -> Vec<String> {
    let is = |name: &str| header[name].as_str();
    let takes = match (is("exact"), is("contains"), is("notexact"), is("notcontains"), is("regex")) {
        (Some(text), ..) => text == "OPTIONS",
        (_, Some(text), ..) => "OPTIONS".contains(text),
        (_, _, Some(text), ..) => text != "OPTIONS",
        (_, _, _, Some(text), _) => !"OPTIONS".contains(text),
        (.., Some(text)) => regex::Regex::new(&format!("^(?:{text})$")).is_ok_and(|regex| regex.is_match("OPTIONS")),
        _ => true,
    };
    if takes { vec!["OPTIONS".to_owned()] } else { Vec::new() }
}

/// ``Host(`g.example`) && (Method(`GET`) || Method(`PUT`))``.
fn traefik_methods(rule: Option<&str>) -> Option<Vec<String>> {
    let rule = rule?;
    let mut methods = Vec::new();
    for part in rule.split("Method(").skip(1) {
        let arguments = part.split(')').next().unwrap_or_default();
        methods.extend(arguments.split(',').map(|m| m.trim_matches([' ', '`', '"']).to_owned()));
    }
    (!methods.is_empty() && !rule.contains("!Method(")).then_some(methods)
}

/// Whether a text in a value is one of some names, or its long form (`name.namespace.svc…`).
fn mentions(value: &Value, names: &[&str]) -> bool {
    match value {
        Value::String(text) => names.contains(&text.split('.').next().unwrap_or_default()),
        Value::Array(items) => items.iter().any(|item| mentions(item, names)),
        Value::Object(map) => map.values().any(|item| mentions(item, names)),
        _ => false,
    }
}

fn names_policy(route: &Object, names: &[String]) -> bool {
    let annotations = route.value["metadata"]["annotations"].as_object();
    let texts = annotations.into_iter().flat_map(|map| map.values()).filter_map(Value::as_str);
    let annotated = texts.flat_map(|text| text.split(',')).any(|text| names.iter().any(|name| text.trim() == name));
    annotated || mentions(&route.value["spec"], &[names[0].as_str()])
}

struct Judge<'a> {
    policy: &'a Object,
    origins: &'a BTreeSet<&'a Origin>,
    found: &'a mut Vec<(ExposureIssue, Vec<String>)>,
}

impl Judge<'_> {
    fn walk(&mut self, value: &Value, path: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, inner) in map {
                    path.push(key.clone());
                    self.field(key, inner, path);
                    self.limit(inner, path);
                    self.walk(inner, path);
                    path.pop();
                }
            }
            Value::Array(items) => {
                for (at, inner) in items.iter().enumerate() {
                    path.push(at.to_string());
                    self.walk(inner, path);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    fn field(&mut self, key: &str, value: &Value, path: &[String]) {
        if let (Some(map), true) = (value.as_object(), matches!(key, "cors" | "corsPolicy" | "headers")) {
            let lacks = self.lacking(map);
            if !lacks.is_empty() {
                let found = format!("answers preflights in Glance's place, without {}", lacks.join(", "));
                self.tell(Rule::CorsOnTheWay, true, path, found, "remove it, or name them in it too");
            }
        }
        if key.eq_ignore_ascii_case("access-control-allow-origin")
            && !matches!(self.policy.kind(), "IngressRoute" | "VirtualService" if !path.iter().any(|p| p == "headers"))
        {
            self.rewritten(value.as_str().filter(|text| !text.is_empty()), path);
        }
        if key == "maxRequestBodyBytes"
            && let Some(limit) = value.as_u64().filter(|limit| *limit > 0)
            && let Some(fails) = body_fails(limit)
        {
            self.tell(
                Rule::BodyLimit,
                fails,
                path,
                format!("{limit}: larger images are refused with 413"),
                "remove it",
            );
        }
        if LOGINS.contains(&key) && value.is_object() {
            let found = "it asks for a login, which a browser's preflight never carries".to_owned();
            self.tell(Rule::OptionsFiltered, true, path, found, "remove it: Glance checks the token itself");
        }
    }

    /// What the table of limits has for a field.
    fn limit(&mut self, value: &Value, path: &[String]) {
        let names: Vec<&str> = path.iter().map(String::as_str).filter(|step| step.parse::<usize>().is_err()).collect();
        let written = names.join(".");
        let is_it = |field: &&(&str, &str, Limit)| {
            field.0 == self.policy.kind() && (written == field.1 || written.ends_with(&format!(".{}", field.1)))
        };
        let Some((.., limit)) = LIMITS.iter().find(is_it) else { return };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let time = || quantity::milliseconds(&text, 1000).filter(|time| *time > 0);
        let (rule, fails, found, fix) = match limit {
            Limit::Whole => {
                let Some(time) = time().filter(|time| *time < LONG) else { return };
                let found = format!("{text}: an upload that takes longer is cut off");
                (Rule::TooSlow, time < SHORT, found, "set 0s, which is no limit, or remove it")
            }
            Limit::Answer => {
                if time().is_none_or(|time| time >= PATIENT) {
                    return;
                }
                let found = format!(
                    "{text}: Glance must have answered so long after the image's last byte, and storing takes its time"
                );
                (Rule::TooSlow, false, found, "set 0s, which is no limit, or 1h")
            }
            Limit::Silence => {
                if time().is_none_or(|time| time >= PATIENT / 2) {
                    return;
                }
                let found = format!(
                    "{text}: the upload is cut where nothing moves for so long, as while Glance stores its end"
                );
                (Rule::TooSlow, false, found, "set 1h")
            }
            Limit::Size => {
                let Some(fails) = quantity::bytes(&text).filter(|size| *size > 0).and_then(body_fails) else { return };
                (Rule::BodyLimit, fails, format!("{text}: larger images are refused with 413"), "remove it")
            }
        };
        self.tell(rule, fails, path, found, fix);
    }

    /// Actions on the header that Glance writes, in OpenShift's Routes.
    fn response_headers(&mut self, actions: &Value) {
        for (at, action) in actions.as_array().into_iter().flatten().enumerate() {
            let path = ["spec", "httpHeaders", "actions", "response", &at.to_string()].map(str::to_owned);
            let name = action["name"].as_str().unwrap_or_default();
            if name.eq_ignore_ascii_case("access-control-allow-origin") {
                let value = action["action"]["set"]["value"].as_str();
                self.rewritten(value, &path);
            }
        }
    }

    /// Somebody else writes Glance's Access-Control-Allow-Origin; no value: it is removed.
    fn rewritten(&mut self, value: Option<&str>, path: &[String]) {
        let other = |value: &str| {
            !value.contains(['*', '%', '$']) && self.origins.iter().any(|origin| origin.as_str() != value)
        };
        let (fails, found) = match value {
            None => (true, "removes Glance's Access-Control-Allow-Origin".to_owned()),
            Some(value) if other(value) => (
                true,
                format!(
                    "replaces Glance's Access-Control-Allow-Origin by {value}, which is not the dashboard's origin"
                ),
            ),
            Some(_) => {
                (false, "replaces Glance's Access-Control-Allow-Origin by one value for every dashboard".to_owned())
            }
        };
        self.tell(Rule::CorsOnTheWay, fails, path, found, "remove it: Glance's own [cors] answers the browser");
    }

    /// What a grant lacks; nothing if it is none.
    fn lacking(&self, map: &Map<String, Value>) -> Vec<String> {
        let listed = |name: &str| {
            let of =
                map.iter().filter(|(key, _)| key.to_lowercase().trim_start_matches("accesscontrol").starts_with(name));
            let found: Vec<(&String, &Value)> = of.collect();
            (!found.is_empty())
                .then(|| found.into_iter().flat_map(|(key, value)| texts(key, value)).collect::<Vec<_>>())
        };
        let Some(named) = listed("alloworigin") else { return Vec::new() };
        let (headers, methods) =
            (listed("allowheaders").unwrap_or_default(), listed("allowmethods").unwrap_or_default());
        let mut lacks = lacks(&named, &headers, self.origins);
        if !methods.iter().any(|method| matches!(*method, "PUT" | "*")) {
            lacks.push("PUT".to_owned());
        }
        lacks
    }

    fn tell(&mut self, rule: Rule, fails: bool, path: &[String], found: String, fix: &str) {
        let key = Key::new(self.policy.namespace(), self.policy.name());
        let object = Id { kind: self.policy.kind().to_owned(), key };
        let field = path.join(".");
        self.found
            .push((ExposureIssue { rule, fails, object, field, found, fix: fix.into(), remedy: None }, path.to_vec()));
    }
}

/// The entries of a list, also where each says how it is compared. What only a pattern decides may be
/// anything.
fn texts<'a>(key: &str, list: &'a Value) -> Vec<&'a str> {
    let pattern = key.ends_with("Regex");
    let entry = |item: &'a Value| match item {
        _ if pattern => Some("*"),
        Value::String(text) => Some(text.as_str()),
        Value::Object(map) => map.get("exact").or(map.get("value")).and_then(Value::as_str).or(Some("*")),
        _ => None,
    };
    match list {
        Value::Array(items) => items.iter().filter_map(entry).collect(),
        Value::String(text) => text.split(',').collect(),
        _ => Vec::new(),
    }
}
