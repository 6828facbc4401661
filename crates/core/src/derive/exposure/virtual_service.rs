//! Istio VirtualService → URLs: the hosts that it shares with the servers of its Gateways.
//!
//! Who binds to what is as istio.io/api, networking/v1alpha3/gateway.proto and virtual_service.proto, say
//! it, and as pilot/pkg/networking/core/gateway.go of istio/istio does it. Neither kind has a status by
//! which Istio says that it accepts one.

mod leading;
mod listening;
mod names;

use std::collections::BTreeSet;
use std::sync::Arc;

use direct_upload_api::ExposureKind;

use self::leading::{Leading, notes_of_delegate};
use self::listening::{demand, through_gateways};
use self::names::{gateway_of, gateways_of, service_of};
use super::backends::Backends;
use super::exposing::{Exposing, Exposures, HostClaims, Notes};
use crate::derive::exposing_object::ExposingObject;
use crate::model::{
    IstioHttpMatch, IstioHttpRoute, IstioRouted, Kind, Needs, Problem, Snapshot, Store, VirtualService,
};

impl Exposing for VirtualService {
    fn store(snapshot: &Snapshot) -> &Store<Self> {
        &snapshot.virtual_services
    }

    /// The URLs under which a VirtualService exposes any of the Services.
    ///
    /// # Errors
    /// [`Problem`] if a Gateway, or a VirtualService that it delegates to, cannot be seen.
    fn exposures(snapshot: &Snapshot, service: &Arc<Self>, backends: &Backends) -> Result<Exposures, Problem> {
        let mut notes = Notes::new(ExposureKind::VirtualService, &service.meta.key);
        let mut found = Exposures::default();
        let leading = Leading::of(snapshot, service, backends, &mut notes)?;
        if !leading.is_empty() {
            if service.spec.hosts.is_empty() {
                notes_of_delegate(snapshot, service, &mut notes);
            } else {
                through_gateways(snapshot, service, &leading, &mut found, &mut notes)?;
            }
        }
        let object = || Some(ExposingObject::Other(ExposureKind::VirtualService, service.meta.key.clone()));
        Ok(found.finish(notes, object))
    }

    /// The hosts and paths that a VirtualService serves at Gateways.
    fn claims(&self, _: &Snapshot, found: HostClaims<'_>) {
        let spec = &self.spec;
        let serves = |rule: &&IstioHttpRoute| rule.redirect.is_none() && rule.direct_response.is_none();
        let at_gateways =
            |gateways: &[String]| gateways.iter().any(|name| gateway_of(&self.meta.key.namespace, name).is_some());
        for rule in spec.http.iter().filter(serves) {
            let of_match = |found: &IstioHttpMatch| {
                let gateways = if found.gateways.is_empty() { &spec.gateways } else { &found.gateways };
                if demand(found).is_some() {
                    return None;
                }
                let path = found.uri.as_ref().and_then(|uri| uri.prefix.clone()).unwrap_or_default();
                at_gateways(gateways).then_some(path)
            };
            let all = (rule.matches.is_empty() && at_gateways(&spec.gateways)).then(String::new);
            for path in rule.matches.iter().filter_map(of_match).chain(all) {
                for host in &spec.hosts {
                    found(host, &path, ExposureKind::VirtualService, &self.meta.key);
                }
            }
        }
    }

    /// The Gateways of all VirtualServices that may lead into these namespaces.
    fn needs(snapshot: &Snapshot, namespaces: &BTreeSet<&str>, needs: &mut Needs) {
        let all: Vec<&str> = needs.namespaces_of(Kind::VirtualService, namespaces).collect();
        let mut gateways = BTreeSet::new();
        for service in all.into_iter().flat_map(|namespace| snapshot.virtual_services.seen(namespace)) {
            let (own, spec) = (&service.meta.key.namespace, &service.spec);
            let inside = |routed: &IstioRouted| {
                service_of(own, routed).is_some_and(|service| namespaces.contains(service.namespace.as_str()))
            };
            let http = spec.http.iter().any(|rule| rule.delegate.is_some() || rule.route.iter().any(inside));
            if http || spec.tls.iter().chain(&spec.tcp).any(|rule| rule.route.iter().any(inside)) {
                gateways.extend(gateways_of(service));
            }
        }
        for gateway in gateways {
            needs.add_named(Kind::IstioGateway, gateway);
        }
    }
}
