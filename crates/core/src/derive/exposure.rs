//! The URLs under which browsers reach a workload.
//!
//! In: a workload, and what its resource says about its exposure. Out: [`Exposures`], the primary first.
//! Each kind of exposing object has its own deriver with this result type.

pub mod attachment;
pub mod backends;
pub mod hostname;
pub mod http_proxy;
pub mod http_route;
pub mod ingress;
pub mod ingress_route;
mod ingress_tls;
mod outer_port;
pub(crate) mod parent;
pub mod route;
pub mod scheme;
pub mod service;
pub mod tls_route;
pub(crate) mod traefik_middleware;
pub(crate) mod traefik_rule;
pub mod virtual_service;

use std::collections::BTreeSet;
use std::fmt;

use direct_upload_api::web::{Origin, PublicUrl};
use direct_upload_api::{ExposedBy, ExposureKind, Reason};
use serde_json::Value;

use super::exposing_object::ExposingObject;
use crate::derive::exposure::backends::Backends;
use crate::model::{Advice, FieldPath, Id, Key, Kind, Lead, Needs, Problem, Snapshot, Unread, Workload};

/// The kinds to look for if none is named. Not Services: every workload has one, which says nothing.
const KINDS: [ExposureKind; 7] = [
    ExposureKind::HTTPRoute,
    ExposureKind::TLSRoute,
    ExposureKind::Route,
    ExposureKind::Ingress,
    ExposureKind::VirtualService,
    ExposureKind::HTTPProxy,
    ExposureKind::IngressRoute,
];

/// One URL and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    pub url: PublicUrl,
    pub source: ExposureSource,
    /// No object states its port, so the scheme's default is assumed.
    pub port_assumed: bool,
}

/// What gives a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExposureSource {
    /// `spec.publicURL` of the resource.
    Stated,
    /// An exposing object.
    Object(Id),
}

impl ExposureSource {
    /// The same advice, about what gives the URL.
    pub(super) fn advised(&self, advice: Advice) -> Advice {
        match self {
            Self::Stated => advice.field(FieldPath::new(&["spec", "publicURL"])),
            Self::Object(object) => advice.object(object.clone()),
        }
    }

    /// The exposing object, if one gives the URL.
    pub fn object(&self) -> Option<&Id> {
        match self {
            Self::Stated => None,
            Self::Object(object) => Some(object),
        }
    }
}

/// `spec.publicURL` or e.g. `Ingress openstack/horizon`.
impl fmt::Display for ExposureSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stated => f.write_str("spec.publicURL"),
            Self::Object(object) => object.fmt(f),
        }
    }
}

impl Exposure {
    /// Whether browsers may also come from that origin: it differs only in the port, which is assumed here.
    pub fn may_be(&self, origin: &Origin) -> bool {
        self.port_assumed && self.url.origin().without_port() == origin.without_port()
    }
}

/// All URLs of one service. The first is the primary: `publicURL` if given, else https before http, then
/// the order of `exposedBy`, else of kind (as in `KINDS`) and name, then as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposures {
    pub urls: Vec<Exposure>,
    /// What was assumed or left out.
    pub notes: Vec<Advice>,
    /// The objects that lead there, if they can block uploads.
    pub exposing: Vec<ExposingObject>,
}

impl Exposures {
    /// The primary URL.
    pub fn primary(&self) -> Option<&PublicUrl> {
        self.urls.first().map(|e| &e.url)
    }

    /// Whether `spec.publicURL` alone decides.
    pub fn is_stated(&self) -> bool {
        self.urls.first().is_some_and(|exposure| exposure.source == ExposureSource::Stated)
    }

    /// The objects that give an origin, or may. `resource` is the one whose `spec.publicURL` states it.
    pub fn sources_of(&self, origin: &Origin, resource: &Id) -> BTreeSet<Id> {
        let here = self.urls.iter().filter(|exposure| exposure.url.origin() == origin || exposure.may_be(origin));
        here.map(|exposure| exposure.source.object().unwrap_or(resource).clone()).collect()
    }

    /// Adds a URL that the object of these notes gives.
    fn add(&mut self, notes: &Notes<'_>, url: PublicUrl, port_assumed: bool) {
        self.urls.push(Exposure { url, source: ExposureSource::Object(notes.object()), port_assumed });
    }

    fn extend(&mut self, other: Self) {
        self.urls.extend(other.urls);
        self.notes.extend(other.notes);
        self.exposing.extend(other.exposing);
    }

    /// The same in order, without what browsers cannot or need not use. `namespace`: the workload's.
    fn for_browsers(mut self, namespace: &str) -> Self {
        let internal = |url: &PublicUrl| {
            let origin = url.origin();
            // `horizon.openstack` and similar names work only inside the cluster. An Ingress of openstack-helm
            // has one.
            let short = origin.host().split_once('.').is_some_and(|(_, rest)| rest == namespace);
            origin.unreachable().or(short.then_some("a cluster-internal name"))
        };
        // A stable sort keeps the order otherwise.
        self.urls.sort_by_key(|e| (internal(&e.url).is_some(), !e.url.origin().is_https()));
        let mut seen = BTreeSet::new();
        self.urls.retain(|e| seen.insert(e.url.clone()));
        let public = self.urls.iter().any(|e| internal(&e.url).is_none());
        let secure = self.urls.iter().map(|e| e.url.origin()).filter(|o| o.is_https());
        let secure: BTreeSet<String> = secure.map(|o| o.host().to_owned()).collect();
        let mut left_out: Vec<Advice> = Vec::new();
        self.urls.retain(|e| {
            let origin = e.url.origin();
            let why = match internal(&e.url) {
                Some(why) if public => format!("{origin} is {why} and is left out"),
                _ if !origin.is_https() && secure.contains(origin.host()) => {
                    format!("{origin} is left out: the same host is served by https; let {} redirect to it", e.source)
                }
                _ => return true,
            };
            let note = e.source.advised(Advice::new(why));
            if !left_out.contains(&note) {
                left_out.push(note);
            }
            false
        });
        self.notes.extend(left_out);
        let Self { urls, notes, exposing } = &mut self;
        urls.shrink_to_fit();
        notes.shrink_to_fit();
        exposing.shrink_to_fit();
        self
    }

    /// Ends with the object that led there.
    fn finish(mut self, notes: Notes<'_>, through: impl FnOnce() -> Option<ExposingObject>) -> Self {
        self.notes = notes.found;
        if !self.urls.is_empty() {
            self.exposing.extend(through());
        }
        self
    }
}

/// What to report about one object, each thing once.
pub(crate) struct Notes<'a> {
    kind: ExposureKind,
    key: &'a Key,
    found: Vec<Advice>,
}

impl<'a> Notes<'a> {
    const fn new(kind: ExposureKind, key: &'a Key) -> Self {
        Self { kind, key, found: Vec::new() }
    }

    fn object(&self) -> Id {
        Id { kind: self.kind.to_string(), key: self.key.clone() }
    }

    fn add(&mut self, what: impl fmt::Display) {
        let note = Advice::new(what.to_string()).object(self.object());
        if !self.found.contains(&note) {
            self.found.push(note);
        }
    }
}

/// How a resource says that it is exposed.
#[derive(Clone, Copy, Debug)]
pub struct Stated<'a> {
    pub public_url: Option<&'a str>,
    pub exposed_by: Option<&'a [ExposedBy]>,
}

/// Derives the URLs of a workload.
///
/// # Errors
/// [`Problem`] if a stated URL is unusable, nothing exposes the workload, or something that the
/// answer depends on cannot be seen.
pub fn derive(
    snapshot: &Snapshot,
    stated: Stated<'_>,
    workload: Result<&Workload, &Problem>,
    namespace: &str,
) -> Result<Exposures, Problem> {
    if let Some(text) = stated.public_url {
        let url =
            PublicUrl::parse(text).map_err(|e| Problem::new(Reason::InvalidSpec, format!("spec.publicURL: {e}")))?;
        let stated = Exposure { url, source: ExposureSource::Stated, port_assumed: false };
        return Ok(Exposures { urls: vec![stated], ..Exposures::default() });
    }
    let workload = workload.map_err(|problem| {
        // If the workload cannot be seen, what exposes it cannot either.
        if problem.is_unknown() {
            return problem.clone();
        }
        Problem::new(
            Reason::NotExposed,
            "without its workload, nothing that exposes it can be found; set spec.publicURL",
        )
    })?;
    let backends = Backends::find(snapshot, workload)?;
    let mut found = Exposures::default();
    match stated.exposed_by {
        None => found = all(snapshot, &backends)?,
        Some(list) => {
            for named in list {
                found.extend(one(snapshot, named, &key_of(named, namespace), &backends)?);
            }
        }
    }
    let found = found.for_browsers(&workload.meta.key.namespace);
    if found.urls.is_empty() { Err(not_exposed(&found.notes, stated, workload, &backends)) } else { Ok(found) }
}

/// The result of all objects that lead to the workload.
fn all(snapshot: &Snapshot, backends: &Backends) -> Result<Exposures, Problem> {
    let mut found = Exposures::default();
    let own = &backends.namespace;
    let with = |kind: &str| {
        let granting = http_route::granting(snapshot, kind, own);
        [own.clone()].into_iter().chain(granting.into_iter().filter(|namespace| namespace != own))
    };
    for namespace in with("HTTPRoute") {
        for route in snapshot.http_routes.list(&namespace)? {
            found.extend(http_route::exposures(snapshot, route, backends)?);
        }
    }
    for namespace in with("TLSRoute") {
        for route in snapshot.tls_routes.list(&namespace)? {
            found.extend(tls_route::exposures(snapshot, route, backends)?);
        }
    }
    for route in snapshot.routes.list(&backends.namespace)? {
        found.extend(route::exposures(route, backends));
    }
    let services = backends.services.iter().map(|service| Lead::Service(service)).collect();
    for ingress in snapshot.ingresses.list_leading(&backends.namespace, &services)? {
        found.extend(ingress::exposures(snapshot, ingress, backends));
    }
    for service in snapshot.virtual_services.list(own)? {
        found.extend(virtual_service::exposures(snapshot, service, backends)?);
    }
    for proxy in snapshot.http_proxies.list(own)? {
        found.extend(http_proxy::exposures(snapshot, proxy, backends)?);
    }
    for route in snapshot.ingress_routes.list(own)? {
        found.extend(ingress_route::exposures(snapshot, route, backends)?);
    }
    found.notes.extend(snapshot.unread.iter().filter_map(|object| unread(object, backends)));
    Ok(found)
}

/// What to say about an object that names one of the Services, and is not read.
fn unread(object: &Unread, backends: &Backends) -> Option<Advice> {
    let Unread { api_version, kind, key, .. } = object;
    let services = &backends.services;
    if !names_service(object, backends) {
        return None;
    }
    let found = format!("names Service {}, but the operator does not read {api_version} {kind}", services.join(", "));
    let note = Advice::new(found).object(Id { kind: kind.clone(), key: key.clone() });
    Some(note.fix("if browsers come through it, set spec.publicURL to the URL that they use"))
}

/// Whether an object that is not read names one of the Services.
pub fn names_service(object: &Unread, backends: &Backends) -> bool {
    object.key.namespace == backends.namespace && mentions(&object.spec, &backends.services)
}

/// The object that an entry of `exposedBy` names.
fn key_of(named: &ExposedBy, namespace: &str) -> Key {
    Key::new(named.namespace.as_deref().unwrap_or(namespace), named.name.clone())
}

/// What must be watched to know the exposures of workloads in these namespaces: other namespaces whose
/// routes may lead there, and the Gateways of those routes.
pub(crate) fn needs(snapshot: &Snapshot, namespaces: &BTreeSet<&str>) -> Needs {
    let mut needs = Needs::default();
    let horizons = snapshot.horizons.all().filter_map(|(_, o)| o.spec.as_ref().ok()?.exposed_by.as_deref());
    let glances = snapshot.glances.all().filter_map(|(_, o)| o.spec.as_ref().ok()?.exposed_by.as_deref());
    for named in horizons.chain(glances).flatten() {
        if let Some(namespace) = named.namespace.as_deref().filter(|namespace| !namespaces.contains(namespace)) {
            needs.add_routes_of(Kind::from(named.kind), namespace);
        }
    }
    http_route::needs(snapshot, namespaces, &mut needs);
    tls_route::needs(snapshot, namespaces, &mut needs);
    virtual_service::needs(snapshot, namespaces, &mut needs);
    ingress_route::needs(snapshot, namespaces, &mut needs);
    needs
}

/// Called for each host and path that an object claims, with the object.
pub(crate) type HostClaims<'a> = &'a mut dyn FnMut(&str, &str, ExposureKind, &Key);

/// All hosts and paths that objects claim.
pub(crate) fn claims(snapshot: &Snapshot, found: HostClaims<'_>) {
    snapshot.http_routes.all().for_each(|(_, route)| http_route::claims(route, found));
    snapshot.routes.all().for_each(|(_, route)| route::claims(route, found));
    snapshot.ingresses.all().for_each(|(_, ingress)| ingress::claims(snapshot, ingress, found));
    snapshot.tls_routes.all().for_each(|(_, route)| tls_route::claims(route, found));
    snapshot.virtual_services.all().for_each(|(_, service)| virtual_service::claims(service, found));
    snapshot.http_proxies.all().for_each(|(_, proxy)| http_proxy::claims(proxy, found));
    snapshot.ingress_routes.all().for_each(|(_, route)| ingress_route::claims(snapshot, route, found));
}

/// The result of one object that `exposedBy` names.
fn one(snapshot: &Snapshot, named: &ExposedBy, key: &Key, backends: &Backends) -> Result<Exposures, Problem> {
    let found = match named.kind {
        ExposureKind::HTTPRoute => {
            snapshot.http_routes.get(key)?.map(|route| http_route::exposures(snapshot, route, backends)).transpose()?
        }
        ExposureKind::Ingress => {
            snapshot.ingresses.get(key)?.map(|ingress| ingress::exposures(snapshot, ingress, backends))
        }
        ExposureKind::Route => snapshot.routes.get(key)?.map(|route| route::exposures(route, backends)),
        ExposureKind::Service => {
            let scheme = named.scheme.ok_or_else(|| {
                Problem::new(Reason::InvalidSpec, format!("spec.exposedBy: Service {key} needs a scheme"))
            })?;
            let port = named.port.and_then(|port| u16::try_from(port).ok());
            snapshot.services.get(key)?.map(|service| service::exposures(service, scheme, port, backends))
        }
        ExposureKind::VirtualService => {
            let service = snapshot.virtual_services.get(key)?;
            service.map(|service| virtual_service::exposures(snapshot, service, backends)).transpose()?
        }
        ExposureKind::HTTPProxy => {
            snapshot.http_proxies.get(key)?.map(|proxy| http_proxy::exposures(snapshot, proxy, backends)).transpose()?
        }
        ExposureKind::IngressRoute => {
            let route = snapshot.ingress_routes.get(key)?;
            route.map(|route| ingress_route::exposures(snapshot, route, backends)).transpose()?
        }
        ExposureKind::TLSRoute => {
            snapshot.tls_routes.get(key)?.map(|route| tls_route::exposures(snapshot, route, backends)).transpose()?
        }
    };
    let kind = named.kind;
    let note = |what: String| Advice::new(what).field(FieldPath::new(&["spec", "exposedBy"]));
    let Some(mut found) = found else {
        let others = others(snapshot, kind, key);
        let but = if others.is_empty() { String::new() } else { format!(", but {} of that name", others.join(", ")) };
        let notes = vec![note(format!("there is no {kind} {key}{but}"))];
        return Ok(Exposures { notes, ..Exposures::default() });
    };
    if let Some(scheme) = scheme::only(&mut found, named.scheme) {
        found.notes.push(note(format!("{kind} {key} has no URL of scheme {scheme:?}")));
    } else if found == Exposures::default() {
        let services = backends.services.join(", ");
        found.notes.push(note(format!("{kind} {key} leads to none of the workload's Services ({services})")));
    }
    Ok(found)
}

/// Whether a text in a value is the name of a Service, or its long form (`name.namespace.svc…`).
fn mentions(value: &Value, services: &[String]) -> bool {
    match value {
        Value::String(text) => text
            .split(['.', ':', '/'])
            .find(|part| !part.is_empty())
            .is_some_and(|name| services.iter().any(|s| s == name)),
        Value::Array(items) => items.iter().any(|item| mentions(item, services)),
        Value::Object(map) => map.values().any(|item| mentions(item, services)),
        _ => false,
    }
}

/// The other kinds that have an object of this name.
fn others(snapshot: &Snapshot, not: ExposureKind, key: &Key) -> Vec<String> {
    let others = KINDS.into_iter().filter(|kind| *kind != not && snapshot.has(Kind::from(*kind), key));
    others.map(|kind| format!("{kind} {key}")).collect()
}

/// Why a workload has no URL, with all notes about its objects.
fn not_exposed(notes: &[Advice], stated: Stated<'_>, workload: &Workload, backends: &Backends) -> Problem {
    let key = &workload.meta.key;
    let services = backends.services.join(", ");
    let mut message = if services.is_empty() {
        format!("no Service in {} selects the pods of {} {}", key.namespace, workload.kind, key.name)
    } else if stated.exposed_by.is_some() {
        format!("no object that spec.exposedBy names gives a URL for Service {services}")
    } else if notes.is_empty() {
        let kinds = KINDS.map(|kind| kind.to_string()).join(", ");
        let kinds = kinds.rsplit_once(", ").map_or_else(|| kinds.clone(), |(all, last)| format!("{all} or {last}"));
        format!("no {kinds} in {} leads to Service {services}; other kinds are not read", key.namespace)
    } else {
        format!("nothing that leads to Service {services} gives a URL")
    };
    for note in notes {
        message.push_str("; ");
        message.push_str(&note.to_string());
    }
    message.push_str(". Set spec.publicURL to the URL that browsers use");
    Problem::new(Reason::NotExposed, message)
}
