//! The rules of routes, as data: which requests each takes, and how it ranks among the others.
//!
//! In: routes, as they were written. Out: [`Candidate`]s. The order of rules is the references' own: Gateway API
//! (HTTPRouteRule: exact path, longest prefix, method, most headers), Istio (VirtualService: the first that matches),
//! Contour (HTTPProxy: longest prefix, most conditions), Traefik (IngressRoute: priority, else the longest rule),
//! Kubernetes (Ingress: exact path, longest prefix).

use serde_json::Value;

use super::PolicyObject;
use super::path::mentions;
use super::request::{Test, all, any, has};
use crate::derive::exposure::traefik_rule;
use crate::model::FieldPath;
use crate::openstack::cors_request::{CorsRequest, KnownText, UPLOAD_PATH};

/// Where the rules of a kind are, and what has their conditions.
const RULES: [(&str, &str, &str); 4] = [
    ("HTTPRoute", "rules", "matches"),
    ("VirtualService", "http", "match"),
    ("HTTPProxy", "routes", "conditions"),
    ("IngressRoute", "routes", "match"),
];

/// The list in the spec of a kind of routes that has its rules.
pub(crate) fn rule_list(kind: &str) -> Option<&'static str> {
    RULES.iter().find(|(own, ..)| *own == kind).map(|(_, list, _)| *list)
}

/// One alternative of one rule of one route.
pub(super) struct Candidate<'a> {
    pub route: &'a PolicyObject<'a>,
    /// The rule's position; an Ingress counts its paths.
    pub at: usize,
    pub field: FieldPath,
    /// Whether it leads to Glance.
    pub leads: bool,
    /// The hosts of the route or rule; empty: any host.
    pub hosts: Vec<String>,
    /// The rule with the greatest rank is tried first.
    pub rank: Vec<usize>,
    conditions: Conditions<'a>,
}

enum Conditions<'a> {
    /// The condition on the path; and for each request, whether all other conditions hold.
    Each(PathTest<'a>, [Option<bool>; 2], Option<&'a str>),
    /// Traefik's rule.
    Traefik(&'a str),
}

#[derive(Clone, Copy)]
enum PathTest<'a> {
    Any,
    Exact(&'a str),
    Prefix(&'a str),
    Pattern(&'a str),
    Unknown,
}

impl PathTest<'_> {
    fn matches(self, path: &str) -> Option<bool> {
        match self {
            Self::Any => Some(true),
            Self::Exact(own) => Some(own == path),
            Self::Prefix(own) => Some(path.starts_with(own.trim_end_matches('/'))),
            Self::Pattern(own) => Test::Pattern(own).meets(path),
            Self::Unknown => None,
        }
    }
}

impl Candidate<'_> {
    /// Whether it takes a request below a path; none if that is not known.
    pub fn takes(&self, base: &str, request: CorsRequest) -> Option<bool> {
        let path = format!("{base}{UPLOAD_PATH}");
        match &self.conditions {
            Conditions::Each(own, rest, _) => all([own.matches(&path), rest[request as usize]]),
            Conditions::Traefik(rule) => {
                traefik_rule::holds(rule, &|name, values| matcher(name, values, &path, Some(request))).ok()?
            }
        }
    }

    /// Whether its path may be the upload's, whatever else it asks for.
    pub fn covers(&self, base: &str) -> bool {
        let path = format!("{base}{UPLOAD_PATH}");
        let covers = match &self.conditions {
            Conditions::Each(own, ..) => own.matches(&path),
            Conditions::Traefik(rule) => {
                traefik_rule::holds(rule, &|name, values| matcher(name, values, &path, None)).ok().flatten()
            }
        };
        covers != Some(false)
    }

    /// The path below which it may publish Glance.
    pub fn base(&self) -> Option<String> {
        match &self.conditions {
            Conditions::Each(PathTest::Prefix(own), ..) => Some(own.trim_end_matches('/').to_owned()),
            Conditions::Each(..) => None,
            Conditions::Traefik(rule) => {
                let all = traefik_rule::alternatives(rule).ok()?;
                all.into_iter().find_map(|one| one.prefix).map(|own| own.trim_end_matches('/').to_owned())
            }
        }
    }

    /// The header that it asks for, and that no preflight has.
    pub fn never_met(&self) -> Option<&str> {
        match &self.conditions {
            Conditions::Each(.., asks) => *asks,
            Conditions::Traefik(_) => None,
        }
    }

    /// How exactly a route of Gateway API names a host, which counts before its rules (HTTPRouteSpec, `hostnames`).
    pub fn precision(&self, host: &str) -> usize {
        let precision = |own: &String| match own.strip_prefix('*') {
            None if own == host => usize::MAX,
            Some(suffix) if host.ends_with(suffix) => suffix.len(),
            _ => 0,
        };
        let named = self.hosts.iter().map(precision).max().unwrap_or_default();
        if self.route.kind == "HTTPRoute" { named } else { 0 }
    }

    /// Whether requests to a host meet it.
    pub fn serves(&self, host: &str) -> bool {
        let is = |own: &String| {
            own == host || own == "*" || own.strip_prefix('*').is_some_and(|suffix| host.ends_with(suffix))
        };
        self.hosts.is_empty() || self.hosts.iter().any(is)
    }
}

/// Traefik's matchers; without a request only those of the path.
fn matcher(name: &str, values: &[String], path: &str, request: Option<CorsRequest>) -> Option<bool> {
    let each = |test: &dyn Fn(&str) -> Option<bool>| any(values.iter().map(|value| test(value)));
    let header = |test: Test<'_>| has(request?, values.first()?, test);
    match name {
        // Candidate::serves decides this.
        "host" | "hostregexp" | "hostheader" => Some(true),
        "path" => each(&|own| if own.contains('{') { None } else { Some(own == path) }),
        "pathprefix" => each(&|own| if own.contains('{') { None } else { Some(path.starts_with(own)) }),
        "pathregexp" => each(&|own| Test::Search(own).meets(path)),
        "method" => request.map(|request| values.iter().any(|own| own.eq_ignore_ascii_case(request.method()))),
        "header" | "headers" => header(values.get(1).map_or(Test::Any, |value| Test::Exact(value))),
        "headerregexp" | "headersregexp" => header(values.get(1).map_or(Test::Any, |value| Test::Pattern(value))),
        "query" | "queryregexp" => request.map(|_| false),
        _ => None,
    }
}

/// The rules of a route.
pub(super) fn of<'a>(route: &'a PolicyObject<'a>, services: &[&str]) -> Vec<Candidate<'a>> {
    let spec: &'a Value = &route.spec;
    let Some((_, list, conditions)) = RULES.iter().find(|(kind, ..)| *kind == route.kind) else {
        return of_ingress(route, services);
    };
    let field = |at: usize| FieldPath::new(&["spec", list]).item(at).field(conditions);
    let rules = spec[*list].as_array().into_iter().flatten().enumerate();
    let of = |(at, rule): (usize, &'a Value)| {
        let leads = ["backendRefs", "route", "services"].iter().any(|name| mentions(&rule[*name], services));
        let one = |hosts, rank, conditions| Candidate { route, at, field: field(at), leads, hosts, rank, conditions };
        match route.kind {
            "HTTPRoute" => alternatives(&rule["matches"])
                .map(|own| one(texts(&spec["hostnames"]), rank(own), gateway(own)))
                .collect(),
            "VirtualService" => {
                let rank = vec![usize::MAX - at];
                alternatives(&rule["match"]).map(|own| one(texts(&spec["hosts"]), rank.clone(), istio(own))).collect()
            }
            "HTTPProxy" => {
                let conditions = contour(&rule["conditions"]);
                let length = match &conditions {
                    Conditions::Each(PathTest::Exact(_), ..) => usize::MAX,
                    Conditions::Each(PathTest::Prefix(own), ..) => own.len(),
                    _ => 0,
                };
                let count = rule["conditions"].as_array().map_or(0, Vec::len);
                vec![one(texts(&spec["virtualhost"]["fqdn"]), vec![length, count], conditions)]
            }
            _ => {
                let text = rule["match"].as_str().unwrap_or_default();
                let priority = rule["priority"].as_u64().and_then(|own| usize::try_from(own).ok());
                let rank = vec![priority.filter(|own| *own > 0).unwrap_or(text.len())];
                let all = traefik_rule::alternatives(text).unwrap_or_default();
                let hosts = all.into_iter().filter_map(|own| own.hosts).flatten().collect();
                vec![one(hosts, rank, Conditions::Traefik(text))]
            }
        }
    };
    rules.flat_map(|entry| -> Vec<Candidate<'a>> { of(entry) }).collect()
}

/// An Ingress, with its paths where they are seen; and routes of other kinds, which take all.
fn of_ingress<'a>(route: &'a PolicyObject<'a>, services: &[&str]) -> Vec<Candidate<'a>> {
    let one = |at, hosts, rank, leads, test| Candidate {
        route,
        at,
        field: FieldPath::new(&["spec"]),
        leads,
        hosts,
        rank,
        conditions: Conditions::Each(test, [Some(true); 2], None),
    };
    let mut found = Vec::new();
    for rule in route.spec["rules"].as_array().into_iter().flatten() {
        for entry in rule["http"]["paths"].as_array().into_iter().flatten() {
            let written = entry["path"].as_str().unwrap_or("/");
            let exact = entry["pathType"] == "Exact";
            let path = match () {
                () if exact => PathTest::Exact(written),
                () if written.contains(['(', '*', '[', '$']) => PathTest::Unknown,
                () => PathTest::Prefix(written),
            };
            let rank = vec![usize::from(exact), written.len()];
            found.push(one(found.len(), texts(&rule["host"]), rank, mentions(&entry["backend"], services), path));
        }
    }
    if found.is_empty() {
        found.push(one(0, texts(&route.spec["host"]), vec![0], true, PathTest::Any));
    }
    found
}

/// Each entry of a list; an empty one takes all.
fn alternatives(list: &Value) -> impl Iterator<Item = &Value> {
    let all = list.as_array().filter(|all| !all.is_empty());
    let none = all.is_none().then_some(&Value::Null);
    all.into_iter().flatten().chain(none)
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.to_lowercase()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_lowercase).collect(),
        _ => Vec::new(),
    }
}

fn entries(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// For each request whether all of these hold.
fn rest(of: impl Fn(CorsRequest) -> Option<bool>) -> [Option<bool>; 2] {
    CorsRequest::BOTH.map(of)
}

/// A name that no preflight has.
fn asked<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut names = names;
    names.find(|name| CorsRequest::Preflight.header(name) == KnownText::Missing)
}

/// An HTTPRouteMatch.
fn gateway(own: &Value) -> Conditions<'_> {
    let path = own["path"]["value"].as_str().unwrap_or("/");
    let test = match own["path"]["type"].as_str().unwrap_or("PathPrefix") {
        "Exact" => PathTest::Exact(path),
        "PathPrefix" => PathTest::Prefix(path),
        _ => PathTest::Pattern(path),
    };
    let header = |request: CorsRequest, own: &Value| {
        let value = own["value"].as_str()?;
        let exact = own["type"].as_str().unwrap_or("Exact") == "Exact";
        has(request, own["name"].as_str()?, if exact { Test::Exact(value) } else { Test::Pattern(value) })
    };
    let holds = |request: CorsRequest| {
        let method = own["method"].as_str().map(|method| method == request.method());
        let query = entries(&own["queryParams"]).next().map(|_| false);
        let headers = entries(&own["headers"]).map(|own| header(request, own));
        all(headers.chain([method.or(Some(true)), query.or(Some(true))]))
    };
    Conditions::Each(test, rest(holds), asked(entries(&own["headers"]).filter_map(|own| own["name"].as_str())))
}

fn rank(own: &Value) -> Vec<usize> {
    let exact = own["path"]["type"] == "Exact";
    let path = own["path"]["value"].as_str().map_or(1, str::len);
    let count = |name: &str| own[name].as_array().map_or(0, Vec::len);
    vec![usize::from(exact), path, usize::from(own["method"].is_string()), count("headers"), count("queryParams")]
}

/// Istio's StringMatch.
fn string_match(own: &Value) -> Option<Test<'_>> {
    let of = |name: &str| own[name].as_str();
    let test = of("exact").map(Test::Exact).or_else(|| of("prefix").map(Test::Prefix));
    test.or_else(|| of("regex").map(Test::Pattern))
}

/// Istio's HTTPMatchRequest.
fn istio(own: &Value) -> Conditions<'_> {
    let path = match string_match(&own["uri"]) {
        None => PathTest::Any,
        Some(_) if own["ignoreUriCase"] == true => PathTest::Unknown,
        Some(Test::Exact(own)) => PathTest::Exact(own),
        Some(Test::Prefix(own)) => PathTest::Prefix(own),
        Some(Test::Pattern(own)) => PathTest::Pattern(own),
        Some(_) => PathTest::Unknown,
    };
    let named = |list: &'static str| own[list].as_object().into_iter().flatten();
    let holds = |request: CorsRequest| {
        let method = string_match(&own["method"]).map(|test| test.meets(request.method()));
        let headers =
            named("headers").map(|(name, value)| has(request, name, string_match(value).unwrap_or(Test::Any)));
        let without = named("withoutHeaders")
            .map(|(name, value)| has(request, name, string_match(value).unwrap_or(Test::Any)).map(|has| !has));
        let query = named("queryParams").next().map(|_| Some(false));
        let unknown = ["authority", "scheme", "port", "gateways", "sourceLabels", "sourceNamespace"];
        let unknown = unknown.iter().any(|name| !own[*name].is_null()).then_some(None);
        all(headers.chain(without).chain(method).chain(query).chain(unknown))
    };
    Conditions::Each(path, rest(holds), asked(named("headers").map(|(name, _)| name.as_str())))
}

/// Contour's conditions, which must all hold.
fn contour(list: &Value) -> Conditions<'_> {
    let text = |name: &'static str| entries(list).find_map(move |own| own[name].as_str());
    let path = match (text("exact"), text("regex"), text("prefix")) {
        (Some(own), ..) => PathTest::Exact(own),
        (_, Some(own), _) => PathTest::Pattern(own),
        (.., Some(own)) => PathTest::Prefix(own),
        _ => PathTest::Any,
    };
    let header = |request: CorsRequest, own: &Value| {
        let name = own["name"].as_str()?;
        let of = |field: &str| own[field].as_str();
        let (value, wanted) = match () {
            () if of("exact").is_some() => (Test::Exact(of("exact")?), true),
            () if of("contains").is_some() => (Test::Contains(of("contains")?), true),
            () if of("regex").is_some() => (Test::Pattern(of("regex")?), true),
            () if of("notexact").is_some() => (Test::Exact(of("notexact")?), false),
            () if of("notcontains").is_some() => (Test::Contains(of("notcontains")?), false),
            () => (Test::Any, own["notpresent"] != true),
        };
        has(request, name, value).map(|has| has == wanted)
    };
    let holds = |request: CorsRequest| {
        let headers = entries(list).map(|own| &own["header"]).filter(|own| own.is_object());
        let query = entries(list).any(|own| own["queryParameter"].is_object()).then_some(Some(false));
        all(headers.map(|own| header(request, own)).chain(query))
    };
    let wants = |own: &&Value| own["notpresent"] != true && own["notcontains"].is_null() && own["notexact"].is_null();
    let names = entries(list).map(|own| &own["header"]).filter(wants).filter_map(|own| own["name"].as_str());
    Conditions::Each(path, rest(holds), asked(names))
}
