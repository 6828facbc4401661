//! Gateway API TLSRoute → URLs: the names that TLS connections ask for, wherever TLS ends.
//!
//! As GEP-2643 and the conformance tests say it: at listeners of protocol TLS, passed through to pods that
//! end TLS themselves, or ended at the listener.

use std::collections::BTreeSet;
use std::sync::Arc;

use direct_upload_api::ExposureKind;
use direct_upload_api::web::PublicUrl;

use super::attachment::{self, attachments};
use super::backends::Backends;
use super::exposing::{Exposing, Exposures, HostClaims, Notes};
use super::http_route::{any_leads, granting, is_accepted, is_inside, origins};
use super::route_acceptance::Attaching;
use crate::derive::exposing_object::ExposingObject;
use crate::model::{Kind, Needs, Problem, Snapshot, Store, TlsRoute};

impl Exposing for TlsRoute {
    fn store(snapshot: &Snapshot) -> &Store<Self> {
        &snapshot.tls_routes
    }

    fn other_namespaces(snapshot: &Snapshot, namespace: &str) -> BTreeSet<String> {
        granting(snapshot, "TLSRoute", namespace)
    }

    /// The URLs under which a TLSRoute exposes any of the Services.
    ///
    /// # Errors
    /// [`Problem`] if a parent that the answer depends on cannot be seen, or its controller has not yet looked
    /// at the route as it stands.
    fn exposures(snapshot: &Snapshot, route: &Arc<Self>, backends: &Backends) -> Result<Exposures, Problem> {
        let mut notes = Notes::new(ExposureKind::TLSRoute, &route.meta.key);
        let mut found = Exposures::default();
        let TlsRoute { meta, spec, parents } = &**route;
        let mut leads = false;
        for rule in &spec.rules {
            leads |= any_leads(snapshot, "TLSRoute", &meta.key.namespace, &rule.backend_refs, backends, &mut notes)?;
        }
        if leads {
            let attaching = Attaching { kind: "TLSRoute", meta, parents: &spec.parent_refs, judged: parents };
            for attachment in attachments(snapshot, attaching, &mut notes)? {
                for listener in &attachment.listeners {
                    let https = (listener.protocol == "TLS").then_some(true);
                    let origins = origins("TLSRoute", &spec.hostnames, https, &attachment, listener, &mut notes);
                    if !origins.is_empty() && listener.tls.mode.as_deref() == Some("Passthrough") {
                        let (name, parent) = (&listener.name, &attachment.parent);
                        notes.add(format!(
                            "listener {name} of {parent} passes TLS through, so the pods must end it themselves"
                        ));
                    }
                    for (origin, assumed) in origins {
                        found.add(&notes, PublicUrl::with_path(origin, ""), assumed);
                    }
                }
            }
        }
        let object = || Some(ExposingObject::Other(ExposureKind::TLSRoute, meta.key.clone()));
        Ok(found.finish(notes, object))
    }

    /// The hosts of an accepted TLSRoute.
    fn claims(&self, _: &Snapshot, found: HostClaims<'_>) {
        if is_accepted(&self.meta, &self.parents) {
            for host in &self.spec.hostnames {
                found(host, "", ExposureKind::TLSRoute, &self.meta.key);
            }
        }
    }

    /// Namespaces whose routes may lead into these, and the parents of all routes that do.
    fn needs(snapshot: &Snapshot, namespaces: &BTreeSet<&str>, needs: &mut Needs) {
        for namespace in namespaces.iter().flat_map(|namespace| granting(snapshot, "TLSRoute", namespace)) {
            needs.add_routes_of(Kind::TLSRoute, namespace);
        }
        let all: Vec<String> = needs.namespaces_of(Kind::TLSRoute, namespaces).map(str::to_owned).collect();
        let leads = |route: &&Arc<TlsRoute>| {
            let mut backends = route.spec.rules.iter().flat_map(|rule| &rule.backend_refs);
            backends.any(|backend| is_inside(&route.meta.key.namespace, backend, namespaces))
        };
        let routes = all.iter().flat_map(|namespace| snapshot.tls_routes.seen(namespace)).filter(leads);
        attachment::needs(snapshot, routes.map(|route| (&route.meta, route.spec.parent_refs.as_slice())), needs);
    }
}
