//! The URLs under which browsers reach a workload.
//!
//! In: a workload, and what its resource says about its exposure. Out: [`Exposures`], the primary first.
//! Each kind of exposing object has its own deriver with this result type.

pub mod attachment;
pub mod backends;
pub(crate) mod exposing;
pub mod hostname;
pub mod http_proxy;
pub mod http_route;
pub mod ingress;
pub mod ingress_route;
mod ingress_tls;
mod outer_port;
pub(crate) mod parent;
pub mod route;
mod route_acceptance;
mod route_parent;
pub mod scheme;
pub mod service;
pub mod tls_route;
pub(crate) mod traefik_middleware;
pub(crate) mod traefik_rule;
pub mod virtual_service;

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::web::PublicUrl;
use direct_upload_api::{ExposedBy, ExposureKind, Reason};
use serde_json::Value;
use strum::VariantArray;

use self::backends::Backends;
use self::exposing::{Exposing, HostClaims, key_of};
pub use self::exposing::{Exposure, ExposureSource, Exposures, Stated};
use crate::model::{
    Advice, FieldPath, HttpProxy, HttpRoute, Id, Ingress, IngressRoute, Key, Kind, Lead, Needs, Problem, Route, Set,
    Snapshot, TlsRoute, Unread, VirtualService, Workload,
};

/// What is done with objects of one kind, by its [`Exposing`].
struct Deriver {
    /// The URLs that all objects give.
    all: fn(&Snapshot, &Backends) -> Result<Exposures, Problem>,
    /// The URLs that one object gives; none if it does not exist.
    one: fn(&Snapshot, &Key, &Backends) -> Result<Option<Exposures>, Problem>,
    claims: fn(&Snapshot, HostClaims<'_>),
    needs: fn(&Snapshot, &BTreeSet<&str>, &mut Needs),
}

/// Makes everything that follows from the list of kinds.
macro_rules! kinds {
    ($($kind:ident: $object:ty,)*) => {
        /// The kinds to look for if none is named. Not Services: every workload has one, which says nothing.
        const KINDS: &[ExposureKind] = &[$(ExposureKind::$kind,)*];

        /// What is done with objects of a kind; none for Services.
        const fn deriver(kind: ExposureKind) -> Option<Deriver> {
            match kind {
                $(ExposureKind::$kind => Some(Deriver::of::<$object>()),)*
                ExposureKind::Service => None,
            }
        }
    };
}

// In order of preference.
kinds! {
    HTTPRoute: HttpRoute,
    TLSRoute: TlsRoute,
    Route: Route,
    Ingress: Ingress,
    VirtualService: VirtualService,
    HTTPProxy: HttpProxy,
    IngressRoute: IngressRoute,
}

impl Deriver {
    const fn of<T: Exposing>() -> Self {
        Self {
            all: |snapshot, backends| {
                let own = &backends.namespace;
                let others = T::other_namespaces(snapshot, own).into_iter().filter(|namespace| namespace != own);
                let services = backends.services.iter().map(|service| Lead::Service(service)).collect();
                let mut found = Exposures::default();
                for namespace in [own.clone()].into_iter().chain(others) {
                    for object in T::store(snapshot).list_leading(&namespace, &services)? {
                        found.extend(T::exposures(snapshot, object, backends)?);
                    }
                }
                Ok(found)
            },
            one: |snapshot, key, backends| {
                let object = T::store(snapshot).get(key)?;
                object.map(|object| T::exposures(snapshot, object, backends)).transpose()
            },
            claims: |snapshot, found| {
                T::store(snapshot).all().for_each(|(_, object)| object.claims(snapshot, found));
            },
            needs: T::needs,
        }
    }

    /// Those of all kinds.
    fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().filter_map(|kind| deriver(*kind))
    }
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
    for deriver in Deriver::all() {
        found.extend((deriver.all)(snapshot, backends)?);
    }
    found.notes.extend(snapshot.unread.iter().filter_map(|object| unread(object, backends)));
    Ok(found)
}

/// The result of one object that `exposedBy` names.
fn one(snapshot: &Snapshot, named: &ExposedBy, key: &Key, backends: &Backends) -> Result<Exposures, Problem> {
    let kind = named.kind;
    let found = if let Some(deriver) = deriver(kind) {
        (deriver.one)(snapshot, key, backends)?
    } else {
        let scheme = named.scheme.ok_or_else(|| {
            Problem::new(Reason::InvalidSpec, format!("spec.exposedBy: Service {key} needs a scheme"))
        })?;
        let port = named.port.and_then(|port| u16::try_from(port).ok());
        snapshot.services.get(key)?.map(|service| service::exposures(service, scheme, port, backends))
    };
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

/// The other kinds that have an object of this name.
fn others(snapshot: &Snapshot, not: ExposureKind, key: &Key) -> Vec<String> {
    let others = KINDS.iter().filter(|kind| **kind != not && snapshot.has(Kind::from(**kind), key));
    others.map(|kind| format!("{kind} {key}")).collect()
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

/// Why a workload has no URL, with all notes about its objects.
fn not_exposed(notes: &[Advice], stated: Stated<'_>, workload: &Workload, backends: &Backends) -> Problem {
    let key = &workload.meta.key;
    let services = backends.services.join(", ");
    let mut message = if services.is_empty() {
        format!("no Service in {} selects the pods of {} {}", key.namespace, workload.kind, key.name)
    } else if stated.exposed_by.is_some() {
        format!("no object that spec.exposedBy names gives a URL for Service {services}")
    } else if notes.is_empty() {
        let kinds = KINDS.iter().map(ExposureKind::to_string).collect::<Vec<_>>().join(", ");
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

/// What must be watched to know the exposures of workloads in these namespaces: other namespaces whose
/// routes may lead there, and the Gateways of those routes. `named`: the namespaces that resources name for routes of a
/// kind ([`named_routes`]).
pub(crate) fn needs<'a>(
    snapshot: &Snapshot,
    namespaces: &BTreeSet<&str>,
    named: impl Fn(ExposureKind) -> Option<&'a Set<String>>,
) -> Needs {
    let mut needs = Needs::default();
    for kind in ExposureKind::VARIANTS.iter().copied() {
        let named = named(kind).into_iter().flat_map(Set::iter);
        for namespace in named.filter(|namespace| !namespaces.contains(namespace.as_str())) {
            needs.add_routes_of(Kind::from(kind), namespace);
        }
    }
    Deriver::all().for_each(|deriver| (deriver.needs)(snapshot, namespaces, &mut needs));
    needs
}

/// The namespaces of the routes that resources name, by the kind of the routes.
pub(crate) fn named_routes(snapshot: &Snapshot) -> BTreeMap<ExposureKind, Set<String>> {
    let horizons = snapshot.horizons.all().filter_map(|(_, o)| o.spec.as_ref().ok()?.exposed_by.as_deref());
    let glances = snapshot.glances.all().filter_map(|(_, o)| o.spec.as_ref().ok()?.exposed_by.as_deref());
    let mut all = BTreeMap::<_, Set<String>>::new();
    for named in horizons.chain(glances).flatten() {
        if let Some(namespace) = &named.namespace {
            all.entry(named.kind).or_default().insert(namespace.clone());
        }
    }
    all
}

/// All hosts and paths that objects claim.
pub(crate) fn claims(snapshot: &Snapshot, found: HostClaims<'_>) {
    Deriver::all().for_each(|deriver| (deriver.claims)(snapshot, found));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::recorded;

    fn take(snapshot: &mut Snapshot, kind: ExposureKind, name: &str, service: &str, generation: u8) {
        let spec = match kind {
            ExposureKind::Ingress => {
                json!({"rules": [{"http": {"paths": [{"pathType": "Prefix", "backend": {"service": {"name": service}}}]}}]})
            }
            ExposureKind::HTTPRoute | ExposureKind::TLSRoute => {
                json!({"rules": [{"backendRefs": [{"name": service, "port": 80}]}]})
            }
            ExposureKind::Route => json!({"host": "a.example.com", "to": {"kind": "Service", "name": service}}),
            ExposureKind::VirtualService => json!({"http": [{"route": [{"destination": {"host": service}}]}]}),
            ExposureKind::HTTPProxy => json!({"routes": [{"services": [{"name": service, "port": 80}]}]}),
            ExposureKind::IngressRoute => json!({"routes": [{"match": "Host(`a`)", "services": [{"name": service}]}]}),
            ExposureKind::Service => json!({}),
        };
        let metadata = json!({"name": name, "namespace": "cloud", "generation": generation});
        let taken = snapshot.take(Kind::from(kind), json!({"metadata": metadata, "spec": spec}), |_| Ok(()));
        assert_eq!(taken.ok(), Some(true), "{kind} {name}");
    }

    /// So a change costs the same, however many objects of other workloads are in the namespace.
    #[test]
    fn an_object_is_read_only_if_it_may_lead_to_the_services() {
        let backends = Backends { namespace: "cloud".into(), services: vec!["glance".into()], ..Backends::default() };
        for kind in KINDS.iter().copied() {
            let mut snapshot = Snapshot::complete();
            take(&mut snapshot, kind, "own", "glance", 1);
            take(&mut snapshot, kind, "other", "horizon", 1);
            let all = deriver(kind).unwrap().all;
            let (_, reads) = recorded(|| all(&snapshot, &backends));
            let touched = |name: &str, service: &str| {
                let mut later = snapshot.clone();
                take(&mut later, kind, name, service, 2);
                later.changes(&snapshot).touch(&reads)
            };
            // These may lead through others of their kind, so what they say alone does not tell.
            let through_others =
                matches!(kind, ExposureKind::VirtualService | ExposureKind::HTTPProxy | ExposureKind::IngressRoute);
            assert!(touched("own", "glance") && touched("own", "horizon"), "{kind}");
            assert!(touched("other", "glance") && touched("new", "glance"), "{kind}");
            assert_eq!([touched("other", "horizon"), touched("new", "horizon")], [through_others; 2], "{kind}");
        }
    }
}
