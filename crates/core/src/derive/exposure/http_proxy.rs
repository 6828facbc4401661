//! Contour HTTPProxy → URLs: the host of a root, and what it and its included HTTPProxies lead to.
//!
//! It follows internal/dag/httpproxy_processor.go of projectcontour/contour. Paths of includes are joined.
//! A host with TLS is redirected from http unless the rule permits http. The status says whether Contour
//! accepts an HTTPProxy.

use std::collections::BTreeSet;
use std::sync::Arc;

use direct_upload_api::web::{Origin, PublicUrl};
use direct_upload_api::{ExposureKind, Reason};

use super::backends::Backends;
use super::exposing::{Exposing, Exposures, HostClaims, Notes};
use super::http_route::is_sent;
use super::ingress::port;
use crate::derive::exposing_object::ExposingObject;
use crate::model::{
    HttpProxy, Key, Problem, ProxyCondition, ProxyHeader, ProxyHost, ProxyInclude, ProxyRoute, ProxyService, Snapshot,
    Store, find_condition,
};

impl Exposing for HttpProxy {
    fn store(snapshot: &Snapshot) -> &Store<Self> {
        &snapshot.http_proxies
    }

    /// The URLs under which an HTTPProxy exposes any of the Services.
    ///
    /// # Errors
    /// [`Problem`] if one that it includes cannot be seen, or Contour has not yet looked at one as it stands.
    fn exposures(snapshot: &Snapshot, proxy: &Arc<Self>, backends: &Backends) -> Result<Exposures, Problem> {
        let mut notes = Notes::new(ExposureKind::HTTPProxy, &proxy.meta.key);
        let mut found = Exposures::default();
        let mut walk =
            Walk { snapshot, backends, path: Vec::new(), rules: Vec::new(), tcp: false, unread: BTreeSet::new() };
        walk.of(proxy, "", &mut notes)?;
        let leads = walk.tcp || !walk.rules.is_empty();
        match &proxy.spec.virtualhost {
            None if leads => notes_of_included(snapshot, proxy, &mut notes),
            Some(host) if leads => urls(proxy, host, &walk, &mut found, &mut notes),
            None | Some(_) => {}
        }
        if found.urls.is_empty() && proxy.spec.virtualhost.is_some() && leads {
            notes.add("so it gives no URL");
        }
        let object = || Some(ExposingObject::Other(ExposureKind::HTTPProxy, proxy.meta.key.clone()));
        Ok(found.finish(notes, object))
    }

    /// The host and paths that a valid HTTPProxy serves; what it includes counts as its own.
    fn claims(&self, _: &Snapshot, found: HostClaims<'_>) {
        let Some(host) = self.spec.virtualhost.as_ref().filter(|_| is_in_effect(self)) else { return };
        let routes = self.spec.routes.iter().filter(|route| serves(route)).map(|route| &route.conditions);
        let all = routes.chain(self.spec.includes.iter().map(|include| &include.conditions));
        for conditions in all.filter(|conditions| demand(conditions).is_none()) {
            let path: String = conditions.iter().filter_map(|condition| condition.prefix.as_deref()).collect();
            found(&host.fqdn, &path, ExposureKind::HTTPProxy, &self.meta.key);
        }
    }
}

/// Contour has accepted it, or has not seen it: it is in a file.
fn is_in_effect(proxy: &HttpProxy) -> bool {
    proxy.current_status == "valid" || (proxy.current_status.is_empty() && !proxy.meta.is_stored())
}

fn serves(route: &ProxyRoute) -> bool {
    route.request_redirect_policy.is_none() && route.direct_response_policy.is_none()
}

/// A rule that leads to the workload.
struct LeadingRule {
    /// Its prefix, with those of the includes before it; or what is none.
    path: Result<String, String>,
    /// Over plain http, too.
    insecure: bool,
}

struct Walk<'a> {
    snapshot: &'a Snapshot,
    backends: &'a Backends,
    /// The path from the root to the current HTTPProxy.
    path: Vec<Key>,
    rules: Vec<LeadingRule>,
    /// Connections lead there.
    tcp: bool,
    /// Namespaces that are not read.
    unread: BTreeSet<String>,
}

impl Walk<'_> {
    fn of(&mut self, proxy: &HttpProxy, prefix: &str, notes: &mut Notes<'_>) -> Result<(), Problem> {
        let key = &proxy.meta.key;
        // Contour refuses a circle, too.
        if self.path.contains(key) {
            return Ok(());
        }
        if let Some(why) = refused(proxy)? {
            // Nothing needs to be reported about one that has nothing to do with the workload.
            if self.leads(proxy) {
                notes.add(format!("HTTPProxy {key} is not in effect: {why}"));
            }
            return Ok(());
        }
        self.path.push(key.clone());
        for route in proxy.spec.routes.iter().filter(|route| serves(route)) {
            if self.is_ours(key, &route.services) && is_met(&route.conditions, notes) {
                self.rules
                    .push(LeadingRule { path: joined(prefix, &route.conditions), insecure: route.permit_insecure });
            }
        }
        for include in &proxy.spec.includes {
            // Only prefixes are allowed here, and headers and queries.
            let prefix = joined(prefix, &include.conditions).unwrap_or_default();
            if let Some(next) = self.included(proxy, include, notes)? {
                let before = self.rules.len();
                self.of(&next, &prefix, notes)?;
                if self.rules.len() > before && !is_met(&include.conditions, notes) {
                    self.rules.truncate(before);
                }
            }
        }
        self.connections(proxy, notes)?;
        self.path.pop();
        Ok(())
    }

    /// Where connections go, along the chain of includes.
    fn connections(&mut self, proxy: &HttpProxy, notes: &mut Notes<'_>) -> Result<(), Problem> {
        let Some(tcp) = &proxy.spec.tcpproxy else { return Ok(()) };
        self.tcp |= self.is_ours(&proxy.meta.key, &tcp.services);
        let Some(include) = tcp.include.as_ref().or(tcp.includes.as_ref()) else { return Ok(()) };
        let Some(next) = self.included(proxy, include, notes)?.filter(|next| !self.path.contains(&next.meta.key))
        else {
            return Ok(());
        };
        self.path.push(next.meta.key.clone());
        self.connections(&next, notes)?;
        self.path.pop();
        Ok(())
    }

    fn leads(&self, proxy: &HttpProxy) -> bool {
        let services = proxy.spec.routes.iter().map(|route| &route.services);
        let tcp = proxy.spec.tcpproxy.iter().map(|tcp| &tcp.services);
        services.chain(tcp).any(|services| self.is_ours(&proxy.meta.key, services)) || !proxy.spec.includes.is_empty()
    }

    /// Whether any of the Services that get something is the workload's. If all weights are 0, each Service
    /// gets the same share.
    fn is_ours(&self, own: &Key, services: &[ProxyService]) -> bool {
        let equal = services.iter().all(|service| service.weight == 0);
        let gets = |service: &&ProxyService| !service.mirror && (equal || service.weight > 0);
        own.namespace == self.backends.namespace
            && services.iter().filter(gets).any(|service| self.backends.leads(&service.name))
    }

    /// An included HTTPProxy, if it is in a namespace that is read: the root's, or the workload's.
    fn included(
        &mut self,
        by: &HttpProxy,
        include: &ProxyInclude,
        notes: &mut Notes<'_>,
    ) -> Result<Option<Arc<HttpProxy>>, Problem> {
        let own = &by.meta.key.namespace;
        let key = Key::new(include.namespace.as_deref().unwrap_or(own), include.name.clone());
        let root = self.path.first().map_or(own, |root| &root.namespace);
        if key.namespace != *root && key.namespace != self.backends.namespace {
            self.unread.insert(key.namespace);
            return Ok(None);
        }
        let Some(next) = self.snapshot.http_proxies.get(&key)? else {
            notes.add(format!("it includes HTTPProxy {key}, which does not exist"));
            return Ok(None);
        };
        if next.spec.virtualhost.is_some() {
            notes.add(format!("it includes HTTPProxy {key}, which is a root itself"));
            return Ok(None);
        }
        Ok(Some(next.clone()))
    }
}

/// A header or a query that a request must have, and that browsers do not send.
fn demand(conditions: &[ProxyCondition]) -> Option<String> {
    conditions.iter().find_map(|condition| {
        let query = || condition.query_parameter.as_ref().map(|query| format!("query {}", query.name));
        let is_negative = |h: &ProxyHeader| h.notpresent || h.notcontains.is_some() || h.notexact.is_some();
        let header = condition.header.as_ref().filter(|header| !is_negative(header) && !is_sent(&header.name));
        header.map(|header| format!("header {}", header.name)).or_else(query)
    })
}

/// Whether requests of browsers meet conditions; if not, it is recorded.
fn is_met(conditions: &[ProxyCondition], notes: &mut Notes<'_>) -> bool {
    let demand = demand(conditions);
    if let Some(demand) = &demand {
        notes.add(format!("a condition with {demand} does not count: browsers send requests without it"));
    }
    demand.is_none()
}

/// Prefixes follow each other, and slashes that meet are one.
fn joined(prefix: &str, conditions: &[ProxyCondition]) -> Result<String, String> {
    let mut path = prefix.to_owned();
    for condition in conditions {
        if let Some(other) = condition.exact.as_ref().or(condition.regex.as_ref()) {
            return Err(format!("{path}{other}"));
        }
        path.push_str(condition.prefix.as_deref().unwrap_or_default());
    }
    while path.contains("//") {
        path = path.replace("//", "/");
    }
    Ok(path)
}

/// Why Contour does not serve an HTTPProxy. One in a file, which no Contour has seen, counts as it is written.
fn refused(proxy: &HttpProxy) -> Result<Option<String>, Problem> {
    let meta = &proxy.meta;
    let valid = find_condition(&proxy.conditions, "Valid");
    if let Some(condition) = valid.filter(|condition| !condition.is_current(meta.generation)) {
        let why = format!(
            "Contour has processed HTTPProxy {} only up to generation {}, not {}",
            meta.key,
            condition.observed_generation.unwrap_or_default(),
            meta.generation
        );
        return Err(Problem::new(Reason::ObservationIncomplete, why));
    }
    Ok(match proxy.current_status.as_str() {
        // Contour itself marks it so until it has looked.
        "" | "NotReconciled" if meta.is_stored() => Some("no controller has accepted it".to_owned()),
        "valid" | "" | "NotReconciled" => None,
        status => Some(format!("{status}: {}", proxy.description)),
    })
}

/// An HTTPProxy without a virtual host, which no HTTPProxy in the snapshot includes.
fn notes_of_included(snapshot: &Snapshot, proxy: &HttpProxy, notes: &mut Notes<'_>) {
    let key = &proxy.meta.key;
    let includes = |by: &HttpProxy| {
        let own = &by.meta.key.namespace;
        let of_tcp = by.spec.tcpproxy.iter().flat_map(|tcp| tcp.include.iter().chain(&tcp.includes));
        let mut all = by.spec.includes.iter().chain(of_tcp);
        all.any(|to| to.name == key.name && to.namespace.as_ref().unwrap_or(own) == &key.namespace)
    };
    if !snapshot.http_proxies.all().any(|(_, by)| includes(by)) {
        notes.add(
            "it has no virtualhost, and no HTTPProxy that is seen includes it; if one of another namespace does, name that \
             one in spec.exposedBy",
        );
    }
}

fn urls(proxy: &HttpProxy, host: &ProxyHost, walk: &Walk<'_>, found: &mut Exposures, notes: &mut Notes<'_>) {
    if host.fqdn.contains('*') {
        return notes.add(format!("host {} is a wildcard, but an origin needs an exact host name", host.fqdn));
    }
    let mut add = |https: bool, path: &str, notes: &mut Notes<'_>| {
        let (port, port_assumed) = port(https, &proxy.ports, notes);
        match Origin::from_parts(https, &host.fqdn, port) {
            Ok(origin) => found.add(notes, PublicUrl::with_path(origin, path), port_assumed),
            Err(why) => notes.add(why),
        }
    };
    let https = host.tls.is_some();
    let passes = host.tls.as_ref().is_some_and(|tls| tls.passthrough);
    // A connection that is passed on has no paths.
    if walk.tcp && https {
        if passes {
            notes.add("it passes TLS through, so the pods must end it themselves");
        }
        add(true, "", notes);
    }
    for rule in &walk.rules {
        let path = rule.path.clone().unwrap_or_else(|other| {
            notes.add(format!("path {other:?} is not a prefix; / is assumed"));
            String::new()
        });
        if !https || rule.insecure {
            add(false, &path, notes);
        }
        if https && !walk.tcp && !passes {
            add(true, &path, notes);
        }
    }
    if !walk.unread.is_empty() {
        let namespaces: Vec<&str> = walk.unread.iter().map(String::as_str).collect();
        notes.add(format!(
            "this program does not read what it includes from other namespaces ({})",
            namespaces.join(", ")
        ));
    }
}
