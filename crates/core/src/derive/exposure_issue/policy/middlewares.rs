//! Which of Traefik's Middlewares an upload meets, and references to such as are not there.
//!
//! In: the routes to Glance, and the Middlewares among the objects. Sources: pkg/provider/kubernetes/crd of
//! traefik/traefik (`makeMiddlewareKeys`: a Middleware of another namespace needs `allowCrossNamespace`; a chain names
//! further ones) and pkg/server/middleware (the router of a route with an unknown Middleware is not built).

use direct_upload_api::Rule;
use serde_json::Value;

use super::path::{Path, kind_of};
use super::route::Route;
use super::{PolicyObject, found, route_filter};
use crate::derive::exposure_issue::ExposureIssue;
use crate::derive::exposure_issue::ingress::TRAEFIK;
use crate::model::{FieldPath, Key, PolicyKind, RouteKind};

/// A reference that leads nowhere, as far as the objects show.
pub struct Missing {
    pub middleware: Key,
    pub issue: ExposureIssue,
}

/// The Middlewares that an upload meets.
pub(super) struct Met<'a> {
    pub all: Vec<&'a PolicyObject<'a>>,
    pub missing: Vec<Missing>,
    /// What cannot be known.
    pub unseen: Vec<ExposureIssue>,
}

impl<'a> Met<'a> {
    pub fn of(objects: &'a [PolicyObject<'a>], through: &Path<'a>) -> Self {
        let mut met = Self { all: Vec::new(), missing: Vec::new(), unseen: Vec::new() };
        for route in &through.routes {
            let annotated = route.annotations.get(format!("{TRAEFIK}/router.middlewares").as_str()).copied();
            for name in annotated.into_iter().flat_map(|text| text.split(',')).map(str::trim) {
                let own = objects.iter().find(|own| own.kind == PolicyKind::Middleware && own.annotated() == name);
                if let Some(own) = own {
                    met.add(objects, own);
                }
            }
            for (path, reference) in references(*route, through) {
                met.follow(objects, route, &path, reference);
            }
            met.unseen.extend(extensions(objects, *route, through));
        }
        met
    }

    /// Adds a Middleware and what it chains.
    fn add(&mut self, objects: &'a [PolicyObject<'a>], own: &'a PolicyObject<'a>) {
        if self.all.iter().any(|known| std::ptr::eq(*known, own)) {
            return;
        }
        self.all.push(own);
        let chained = own.spec["chain"]["middlewares"].as_array().into_iter().flatten().enumerate();
        for (at, reference) in chained {
            let path = FieldPath::new(&["spec", "chain", "middlewares"]).item(at);
            self.follow(objects, own, &path, reference);
        }
    }

    fn follow(
        &mut self,
        objects: &'a [PolicyObject<'a>],
        from: &PolicyObject<'_>,
        path: &FieldPath,
        reference: &Value,
    ) {
        let name = reference["name"].as_str().unwrap_or_default();
        let namespace = reference["namespace"].as_str().filter(|own| !own.is_empty()).unwrap_or(&from.key.namespace);
        let key = Key::new(namespace, name);
        let tell = |fails, what: String, fix: &str| found(from, Rule::OptionsFiltered, fails, path.clone(), what, fix);
        if name.contains('@') {
            let what = format!(
                "{name:?} belongs to another provider of Traefik; the operator cannot see what it does to uploads"
            );
            self.unseen.push(tell(false, what, "check that it needs no login, and answers no preflights"));
            return;
        }
        if namespace != from.key.namespace {
            let what = format!(
                "Middleware {key} is in another namespace: without allowCrossNamespace, Traefik does not build this rule, and answers 404"
            );
            self.unseen.push(tell(false, what, "use a Middleware of the same namespace"));
        }
        match objects.iter().find(|own| own.kind == PolicyKind::Middleware && own.key == key) {
            Some(own) => self.add(objects, own),
            None if namespace != from.key.namespace => {}
            None => {
                let what = format!("there is no Middleware {key}, so Traefik does not build the rule, and answers 404");
                let issue = tell(true, what, "create it, or remove it from the list");
                self.missing.push(Missing { middleware: key, issue });
            }
        }
    }
}

/// Filters of other kinds in the rules of an HTTPRoute: HTTPRouteFilters are read where they are among the objects, and
/// SnippetsFilters are known. What others do is not read.
fn extensions(objects: &[PolicyObject<'_>], route: Route<'_>, through: &Path<'_>) -> Vec<ExposureIssue> {
    let mut all = Vec::new();
    for (at, rule) in through.met(&route).into_iter().filter(|_| route.kind == RouteKind::HTTPRoute) {
        for (nth, filter) in rule["filters"].as_array().into_iter().flatten().enumerate() {
            let own = &filter["extensionRef"];
            let (Some(kind), Some(name)) = (own["kind"].as_str(), own["name"].as_str()) else { continue };
            let meant = kind_of(own);
            let is_it = |o: &&PolicyObject<'_>| {
                meant == PolicyKind::HTTPRouteFilter
                    && o.kind == meant
                    && o.key.name == name
                    && o.key.namespace == route.key.namespace
            };
            let seen = objects.iter().find(is_it);
            all.extend(seen.into_iter().flat_map(route_filter::issues));
            let is_read = seen.is_some_and(|filter| route_filter::is_read(&filter.spec));
            if !is_read && !matches!(meant, PolicyKind::Middleware | PolicyKind::SnippetsFilter) {
                let field = FieldPath::new(&["spec", "rules"]).item(at).field("filters").item(nth);
                let what = format!("what its filter {kind} {name} does to uploads is not read");
                let fix = "check that it answers no preflights, needs no login, and limits neither size nor time";
                all.push(found(&route, Rule::OptionsFiltered, false, field, what, fix));
            }
        }
    }
    all
}

/// What the rules of a route name, in those that an upload meets.
fn references<'a>(route: Route<'a>, through: &Path<'_>) -> Vec<(FieldPath, &'a Value)> {
    let rules = through.met(route.object);
    let each = |list: &'a Value| list.as_array().into_iter().flatten().enumerate();
    match route.kind {
        RouteKind::IngressRoute => rules
            .into_iter()
            .flat_map(|(at, rule)| {
                each(&rule["middlewares"]).map(move |(nth, own)| {
                    (FieldPath::new(&["spec", "routes"]).item(at).field("middlewares").item(nth), own)
                })
            })
            .collect(),
        RouteKind::HTTPRoute => rules
            .into_iter()
            .flat_map(|(at, rule)| {
                let of_filter = move |(nth, filter): (usize, &'a Value)| {
                    let own = &filter["extensionRef"];
                    let path = FieldPath::new(&["spec", "rules"]).item(at).field("filters").item(nth);
                    (kind_of(own) == PolicyKind::Middleware).then_some((path, own))
                };
                each(&rule["filters"]).filter_map(of_filter)
            })
            .collect(),
        // An annotation names those of an Ingress.
        RouteKind::Ingress | RouteKind::VirtualService | RouteKind::HTTPProxy => Vec::new(),
    }
}
