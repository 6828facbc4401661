//! The rules of routes, as data: which requests each takes, and how it ranks among the others.
//!
//! In: routes, as they were written. Out: [`Candidate`]s. The order of rules is the references' own: Gateway API
//! (HTTPRouteRule: exact path, longest prefix, method, most headers), Istio (VirtualService: the first that matches),
//! Contour (HTTPProxy: longest prefix, most conditions), Traefik (IngressRoute: priority, else the longest rule),
//! Kubernetes (Ingress: exact path, longest prefix).

use serde_json::Value;

use super::request::{Test, all, any, has};
use super::route::{Route, mentions};
use crate::derive::exposure::traefik_rule;
use crate::model::{FieldPath, RouteKind};
use crate::openstack::cors_request::{CorsRequest, KnownText, UPLOAD_PATH};

/// Where routes of a kind have their rules, and where each rule has its backends.
#[derive(Clone, Copy)]
pub(super) struct RuleFields {
    pub rules: &'static str,
    pub backends: &'static str,
}

/// The lists of a kind. An Ingress has none: its paths are one level deeper, and each has one backend.
pub(super) const fn rule_fields(kind: RouteKind) -> Option<RuleFields> {
    let (rules, backends) = match kind {
        RouteKind::Ingress => return None,
        RouteKind::HTTPRoute => ("rules", "backendRefs"),
        RouteKind::VirtualService => ("http", "route"),
        RouteKind::HTTPProxy | RouteKind::IngressRoute => ("routes", "services"),
    };
    Some(RuleFields { rules, backends })
}

/// One alternative of one rule of one route.
pub(super) struct Candidate<'a> {
    pub route: Route<'a>,
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
    pub(super) fn never_met(&self) -> Option<&str> {
        match &self.conditions {
            Conditions::Each(.., asks) => *asks,
            Conditions::Traefik(_) => None,
        }
    }

    /// How exactly a route of Gateway API names a host, which counts before its rules (HTTPRouteSpec, `hostnames`).
    pub(super) fn precision(&self, host: &str) -> usize {
        let precision = |own: &String| match own.strip_prefix('*') {
            None if own == host => usize::MAX,
            Some(suffix) if host.ends_with(suffix) => suffix.len(),
            _ => 0,
        };
        let named = self.hosts.iter().map(precision).max().unwrap_or_default();
        if self.route.kind == RouteKind::HTTPRoute { named } else { 0 }
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
pub(super) fn of<'a>(route: Route<'a>, services: &[&str]) -> Vec<Candidate<'a>> {
    let spec: &'a Value = &route.object.spec;
    match route.kind {
        RouteKind::Ingress => of_ingress(route, services),
        RouteKind::HTTPRoute => of_rules(route, services, |_, rule| Rule {
            conditions: "matches",
            hosts: texts(&spec["hostnames"]),
            alternatives: alternatives(&rule["matches"]).map(|own| (rank(own), gateway(own))).collect(),
        }),
        RouteKind::VirtualService => of_rules(route, services, |at, rule| Rule {
            conditions: "match",
            hosts: texts(&spec["hosts"]),
            alternatives: alternatives(&rule["match"]).map(|own| (vec![usize::MAX - at], istio(own))).collect(),
        }),
        RouteKind::HTTPProxy => of_rules(route, services, |_, rule| {
            let conditions = contour(&rule["conditions"]);
            let length = match &conditions {
                Conditions::Each(PathTest::Exact(_), ..) => usize::MAX,
                Conditions::Each(PathTest::Prefix(own), ..) => own.len(),
                _ => 0,
            };
            let count = rule["conditions"].as_array().map_or(0, Vec::len);
            Rule {
                conditions: "conditions",
                hosts: texts(&spec["virtualhost"]["fqdn"]),
                alternatives: vec![(vec![length, count], conditions)],
            }
        }),
        RouteKind::IngressRoute => of_rules(route, services, |_, rule| {
            let text = rule["match"].as_str().unwrap_or_default();
            let priority = rule["priority"].as_u64().and_then(|own| usize::try_from(own).ok());
            let rank = vec![priority.filter(|own| *own > 0).unwrap_or(text.len())];
            let all = traefik_rule::alternatives(text).unwrap_or_default();
            Rule {
                conditions: "match",
                hosts: all.into_iter().filter_map(|own| own.hosts).flatten().collect(),
                alternatives: vec![(rank, Conditions::Traefik(text))],
            }
        }),
    }
}

/// What a rule says.
struct Rule<'a> {
    /// The field with its conditions.
    conditions: &'static str,
    hosts: Vec<String>,
    /// The rank and the conditions of each.
    alternatives: Vec<(Vec<usize>, Conditions<'a>)>,
}

/// The candidates of a route that has a list of rules.
fn of_rules<'a>(
    route: Route<'a>,
    services: &[&str],
    read: impl Fn(usize, &'a Value) -> Rule<'a>,
) -> Vec<Candidate<'a>> {
    let mut found = Vec::new();
    let Some(fields) = rule_fields(route.kind) else { return found };
    for (at, rule) in entries(&route.object.spec[fields.rules]).enumerate() {
        let leads = mentions(&rule[fields.backends], services);
        let Rule { conditions, hosts, alternatives } = read(at, rule);
        let field = FieldPath::new(&["spec", fields.rules]).item(at).field(conditions);
        for (rank, conditions) in alternatives {
            let (field, hosts) = (field.clone(), hosts.clone());
            found.push(Candidate { route, at, field, leads, hosts, rank, conditions });
        }
    }
    found
}

/// An Ingress, with its paths where they are seen.
fn of_ingress<'a>(route: Route<'a>, services: &[&str]) -> Vec<Candidate<'a>> {
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
    for rule in entries(&route.object.spec["rules"]) {
        for entry in entries(&rule["http"]["paths"]) {
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
        found.push(one(0, Vec::new(), vec![0], true, PathTest::Any));
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
