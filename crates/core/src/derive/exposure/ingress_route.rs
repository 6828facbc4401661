//! Traefik IngressRoute → URLs: the hosts of the rules that lead to one of the Services.
//!
//! Traefik writes no status, and the ports of its entry points are in its own configuration.

use std::collections::BTreeSet;
use std::sync::Arc;

use direct_upload_api::ExposureKind;
use direct_upload_api::web::{Origin, PublicUrl};
use serde_json::Value;

use super::backends::Backends;
use super::exposing::{Exposing, Exposures, HostClaims, Notes};
use super::ingress_tls::WEBSECURE;
use super::outer_port::of_entry_point;
use super::traefik_middleware::{missing, named, redirect_http, without_redirected};
use super::traefik_rule::{Alternative, alternatives, both};
use crate::derive::exposing_object::ExposingObject;
use crate::model::{
    IngressRoute, IngressRouteRef, IngressRouteRule, IngressRouteService, Key, Kind, Needs, Problem, Snapshot, Store,
};

impl Exposing for IngressRoute {
    fn store(snapshot: &Snapshot) -> &Store<Self> {
        &snapshot.ingress_routes
    }

    /// The URLs under which an IngressRoute exposes any of the Services.
    ///
    /// # Errors
    /// [`Problem`] if one that it names as its parent, or a `TraefikService`, cannot be seen.
    fn exposures(snapshot: &Snapshot, route: &Arc<Self>, backends: &Backends) -> Result<Exposures, Problem> {
        let mut notes = Notes::new(ExposureKind::IngressRoute, &route.meta.key);
        let mut found = Exposures::default();
        let namespace = &route.meta.key.namespace;
        for rule in &route.spec.routes {
            if !leads(snapshot, namespace, rule, backends)? {
                continue;
            }
            let mut rules = read(rule, &mut notes);
            if route.spec.parent_refs.is_empty() {
                for one in &mut rules {
                    without_lost_hosts(snapshot, route, rule, one, backends, &mut notes);
                }
            }
            let redirects = redirect_http(snapshot, namespace, rule.middlewares.iter());
            for entry in entries(snapshot, route, rules, &mut Vec::new(), &mut notes)? {
                for scheme in schemes(entry.root, redirects) {
                    let mut own = Exposures::default();
                    entry.rules.iter().for_each(|one| urls(snapshot, &scheme, one, &mut own, &mut notes));
                    without_redirected(snapshot, &named(namespace, rule.middlewares.iter()), &mut own, &mut notes);
                    found.urls.extend(own.urls);
                }
            }
            for key in missing(snapshot, namespace, rule.middlewares.iter()) {
                notes.add(format!(
                    "there is no Middleware {key}, and Traefik serves no rule that names one it cannot find"
                ));
            }
        }
        let object = || Some(ExposingObject::Other(ExposureKind::IngressRoute, route.meta.key.clone()));
        Ok(found.finish(notes, object))
    }

    /// The hosts and paths that the rules of an IngressRoute without a parent serve; a redirect serves nothing.
    fn claims(&self, snapshot: &Snapshot, found: HostClaims<'_>) {
        let own = &self.meta.key.namespace;
        let is_internal = |rule: &IngressRouteRule| {
            !rule.services.is_empty() && rule.services.iter().all(|service| service.name.ends_with("@internal"))
        };
        let serves = |rule: &&IngressRouteRule| {
            !is_internal(rule) && !schemes(self, redirect_http(snapshot, own, rule.middlewares.iter())).is_empty()
        };
        for rule in self.spec.routes.iter().filter(|_| self.spec.parent_refs.is_empty()).filter(serves) {
            for one in alternatives(&rule.matches).unwrap_or_default().iter().filter(|one| one.demand.is_none()) {
                for host in one.hosts.iter().flatten() {
                    let path = one.prefix.as_deref().unwrap_or_default();
                    found(host, path, ExposureKind::IngressRoute, &self.meta.key);
                }
            }
        }
    }

    /// The namespaces of the parents of those that lead into these namespaces.
    fn needs(snapshot: &Snapshot, namespaces: &BTreeSet<&str>, needs: &mut Needs) {
        let all: Vec<&str> = needs.namespaces_of(Kind::IngressRoute, namespaces).collect();
        let mut parents = BTreeSet::new();
        for route in all.into_iter().flat_map(|namespace| snapshot.ingress_routes.seen(namespace)) {
            let own = &route.meta.key.namespace;
            let inside = |service: &IngressRouteService| match target_of(own, service) {
                Some(Backend::Service(service)) => namespaces.contains(service.namespace.as_str()),
                Some(Backend::Shared(_)) => true,
                None => false,
            };
            let leads = route.spec.routes.iter().flat_map(|rule| &rule.services).any(inside);
            let elsewhere = route.spec.parent_refs.iter().filter_map(|parent| parent.namespace.as_deref());
            if leads {
                parents.extend(elsewhere.filter(|namespace| !namespaces.contains(namespace)));
            }
        }
        for namespace in parents {
            needs.add_routes_of(Kind::IngressRoute, namespace);
        }
    }
}

/// Where a service of a rule leads.
enum Backend {
    Service(Key),
    /// A `TraefikService`, which shares requests out.
    Shared(Key),
}

fn target_of(own: &str, service: &IngressRouteService) -> Option<Backend> {
    let key = Key::new(service.namespace.as_deref().unwrap_or(own), service.name.clone());
    match service.kind.as_deref().unwrap_or_default() {
        "" | "Service" => Some(Backend::Service(key)),
        "TraefikService" if !service.name.contains('@') => Some(Backend::Shared(key)),
        _ => None,
    }
}

/// No real `TraefikService` nests deeper than this.
const DEEPEST: usize = 8;

fn leads(snapshot: &Snapshot, own: &str, rule: &IngressRouteRule, backends: &Backends) -> Result<bool, Problem> {
    any_leads(snapshot, own, &rule.services, backends, DEEPEST)
}

/// Whether any of the services that get something is one of the workload's.
fn any_leads(
    snapshot: &Snapshot,
    own: &str,
    services: &[IngressRouteService],
    backends: &Backends,
    depth: usize,
) -> Result<bool, Problem> {
    for service in services.iter().filter(|service| services.len() == 1 || service.weight != Some(0)) {
        let leads = match target_of(own, service) {
            Some(Backend::Service(service)) => backends.has(&service),
            Some(Backend::Shared(key)) if depth > 0 => match snapshot.traefik_services.get(&key)? {
                Some(shared) => any_leads(snapshot, &key.namespace, &shares(&shared.spec), backends, depth - 1)?,
                None => false,
            },
            Some(Backend::Shared(_)) | None => false,
        };
        if leads {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Who gets requests through a `TraefikService` (traefikio/v1alpha1/service.go). Who only gets copies of them
/// answers nobody.
fn shares(spec: &Value) -> Vec<IngressRouteService> {
    let weighted = ["weighted", "highestRandomWeight"].into_iter().map(|field| &spec[field]["services"]);
    let weighted = weighted.filter_map(Value::as_array).flatten();
    let all = weighted.chain(spec.get("mirroring"));
    all.filter_map(|one| serde_json::from_value(one.clone()).ok()).collect()
}

fn read(rule: &IngressRouteRule, notes: &mut Notes<'_>) -> Vec<Alternative> {
    let mut read = alternatives(&rule.matches).unwrap_or_else(|why| {
        notes.add(format!("its rule {:?} cannot be read: {why}", rule.matches));
        Vec::new()
    });
    read.retain(|one| {
        if let Some(demand) = &one.demand {
            notes.add(format!("a rule with {demand} does not count: browsers send requests without it"));
        }
        one.demand.is_none()
    });
    read
}

/// Removes the hosts whose requests all meet another rule of the IngressRoute first, which leads elsewhere.
/// What a rule of another one takes is only reported: another Traefik may serve it.
fn without_lost_hosts(
    snapshot: &Snapshot,
    route: &IngressRoute,
    rule: &IngressRouteRule,
    one: &mut Alternative,
    backends: &Backends,
    notes: &mut Notes<'_>,
) {
    let own = Alternative { hosts: None, ..one.clone() };
    let Some(hosts) = &mut one.hosts else { return };
    hosts.retain(|host| {
        let wins = |other: &IngressRoute| wins(snapshot, other, route, rule, (host, &own), backends);
        if wins(route) {
            notes.add(format!("host {host} goes to a rule of a higher priority, which leads elsewhere"));
            return false;
        }
        if let Some((key, _)) = snapshot.ingress_routes.all().find(|(_, other)| wins(other)) {
            notes.add(format!(
                "a rule of IngressRoute {key} for host {host} has a higher priority and leads elsewhere; browsers reach that one if the same Traefik serves both"
            ));
        }
        true
    });
}

/// Whether a rule of an IngressRoute takes all requests of a rule before it. Traefik tries rules by priority, which
/// is a rule's length unless it is set (`GetRulePriority` in pkg/muxer/http/mux.go).
fn wins(
    snapshot: &Snapshot,
    other: &IngressRoute,
    route: &IngressRoute,
    rule: &IngressRouteRule,
    (host, one): (&str, &Alternative),
    backends: &Backends,
) -> bool {
    let priority = |rule: &IngressRouteRule| match rule.priority {
        0 => i64::try_from(rule.matches.len()).unwrap_or(i64::MAX),
        set => set,
    };
    let namespace = &other.meta.key.namespace;
    let leads_here = |rule: &IngressRouteRule| leads(snapshot, namespace, rule, backends).unwrap_or(true);
    let is_before = |them: &&IngressRouteRule| {
        let redirects = redirect_http(snapshot, namespace, them.middlewares.iter());
        let is_there =
            |scheme: &ServedScheme<'_>| schemes(other, redirects).iter().any(|their| their.https == scheme.https);
        priority(them) > priority(rule) && schemes(route, false).iter().all(is_there) && !leads_here(them)
    };
    let mut before = other.spec.routes.iter().filter(|_| other.spec.parent_refs.is_empty()).filter(is_before);
    before.any(|them| alternatives(&them.matches).unwrap_or_default().iter().any(|a| a.takes_all_of(one, host)))
}

/// Rules, and the IngressRoute with their entry points.
struct Entry<'a> {
    root: &'a IngressRoute,
    rules: Vec<Alternative>,
}

/// One scheme under which an IngressRoute serves requests.
struct ServedScheme<'a> {
    https: bool,
    /// The entry point, where only one is named.
    entry: Option<&'a str>,
    /// The entry point itself is assumed to have TLS.
    assumed: bool,
}

/// The schemes under which an IngressRoute serves requests. `redirects`: it sends those of plain http away.
fn schemes(root: &IngressRoute, redirects: bool) -> Vec<ServedScheme<'_>> {
    let named = &root.spec.entry_points;
    let only = named.first().filter(|_| named.len() == 1).map(String::as_str);
    if root.spec.tls.is_some() {
        let secure = named.iter().find(|name| *name == WEBSECURE).map(String::as_str);
        return vec![ServedScheme { https: true, entry: only.or(secure), assumed: false }];
    }
    // Without names the rule is at all default entry points; Traefik's Helm chart has websecure among them.
    let secure = named.is_empty() || named.iter().any(|name| name == WEBSECURE);
    let secure = secure.then_some(ServedScheme { https: true, entry: Some(WEBSECURE), assumed: true });
    let is_plain = named.is_empty() || named.iter().any(|name| name != WEBSECURE);
    let plain = (is_plain && !redirects).then_some(ServedScheme { https: false, entry: only, assumed: false });
    secure.into_iter().chain(plain).collect()
}

/// The rules together with those of the parents, up to those that have entry points.
fn entries<'a>(
    snapshot: &'a Snapshot,
    route: &'a IngressRoute,
    rules: Vec<Alternative>,
    path: &mut Vec<Key>,
    notes: &mut Notes<'_>,
) -> Result<Vec<Entry<'a>>, Problem> {
    let key = &route.meta.key;
    if route.spec.parent_refs.is_empty() {
        return Ok(vec![Entry { root: route, rules }]);
    }
    let mut entries = Vec::new();
    path.push(key.clone());
    for IngressRouteRef { name, namespace } in &route.spec.parent_refs {
        let parent = Key::new(namespace.as_deref().unwrap_or(&key.namespace), name.clone());
        if path.contains(&parent) {
            continue;
        }
        let Some(parent) = snapshot.ingress_routes.get(&parent)? else {
            notes.add(format!("its parent IngressRoute {parent} does not exist"));
            continue;
        };
        let of_parent: Vec<_> = parent.spec.routes.iter().flat_map(|rule| read(rule, notes)).collect();
        match both(&of_parent, &rules) {
            Ok(rules) => entries.extend(self::entries(snapshot, parent, rules, path, notes)?),
            Err(why) => notes.add(format!(
                "its rules, combined with those of IngressRoute {}, are too many: {why}",
                parent.meta.key
            )),
        }
    }
    path.pop();
    Ok(entries)
}

fn urls(
    snapshot: &Snapshot,
    scheme: &ServedScheme<'_>,
    rule: &Alternative,
    found: &mut Exposures,
    notes: &mut Notes<'_>,
) {
    let Some(hosts) = &rule.hosts else {
        match &rule.host_pattern {
            Some(pattern) => {
                notes.add(format!("hosts {pattern:?} are a pattern, but an origin needs an exact host name"));
            }
            None => notes.add("a rule without Host gives no origin"),
        }
        return;
    };
    if let Some(path) = &rule.path {
        notes.add(format!("path {path:?} is not a prefix; / is assumed"));
    }
    let path = if rule.path.is_some() { "" } else { rule.prefix.as_deref().unwrap_or_default() };
    let ServedScheme { https, entry, assumed } = *scheme;
    let seen = entry.and_then(|name| of_entry_point(snapshot, name)).and_then(|port| u16::try_from(port).ok());
    for host in hosts {
        match Origin::from_parts(https, host, seen) {
            Ok(origin) => found.add(notes, PublicUrl::with_path(origin, path), seen.is_none()),
            Err(why) => {
                notes.add(why);
                continue;
            }
        }
        if seen.is_none() {
            let port = if https { 443 } else { 80 };
            notes.add(format!("it does not state the port of its entry points, so port {port} is assumed; if that is wrong, set spec.publicURL"));
        }
        if assumed {
            notes.add(format!("it has no tls, but Traefik's Helm chart gives its entry point {WEBSECURE} TLS, so https is assumed; if yours has none, set spec.publicURL"));
        } else if !https {
            notes.add("it has no tls, so http is assumed; if its entry point has its own TLS, set spec.publicURL");
        }
    }
}
