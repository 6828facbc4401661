//! The ports on which browsers reach a proxy whose configuration names the ports of its own pods.
//!
//! Gateway API calls a listener's port a network port, and most implementations open that one. Traefik
//! compares it with the ports of its entry points, inside its pods (doc.traefik.io, Kubernetes Gateway API,
//! "Listener ports"); a Service maps the outer port to it, in its Helm chart 443 to 8443 and 80 to 8000
//! (traefik/values.yaml, `ports`).
//!
//! In: the Services that are seen. Out: the outer port, or what is assumed, and why.

use crate::model::{Gateway, Service, Snapshot};

/// Traefik's entry points as its Helm chart makes them: name, port of the pod, outer port.
const CHART: [(&str, i32, i32); 2] = [("websecure", 8443, 443), ("web", 8000, 80)];

const INSIDE: &str = "which is that of an entry point inside Traefik's pods";

/// The outer ports of a Gateway.
pub(super) struct Ports {
    /// Outer port and target of the Services with the Gateway's addresses; of Traefik's, if it is Traefik's.
    mapped: Vec<(i32, String)>,
    is_traefiks: bool,
}

impl Ports {
    pub fn new(snapshot: &Snapshot, gateway: &Gateway, is_traefiks: bool) -> Self {
        let has_address = |service: &Service| !service.virtual_ips.is_disjoint(&gateway.addresses);
        let is_its = |service: &Service| has_address(service) || (is_traefiks && is_traefik(service));
        let services = snapshot.services.all().map(|(_, service)| service).filter(|service| is_its(service));
        Self { mapped: services.flat_map(|service| service.targets.iter().cloned()).collect(), is_traefiks }
    }

    /// The port of a listener, seen from outside; and why that is assumed, if it is.
    pub fn of(&self, port: i32) -> (i32, Option<&'static str>) {
        let entry = CHART.iter().find(|(_, inner, _)| self.is_traefiks && *inner == port);
        let leads = |target: &str| target.parse() == Ok(port) || entry.is_some_and(|(name, ..)| *name == target);
        if self.mapped.iter().any(|(outer, target)| *outer == port && leads(target)) {
            return (port, None);
        }
        if let Some((outer, _)) = self.mapped.iter().find(|(_, target)| leads(target)) {
            return (*outer, None);
        }
        match entry {
            Some((_, _, outer)) => (*outer, Some(INSIDE)),
            None if self.is_traefiks && !matches!(port, 80 | 443) => (port, Some(INSIDE)),
            None => (port, None),
        }
    }
}

/// The outer port of one of Traefik's entry points, if a Service of Traefik is seen.
pub(super) fn of_entry_point(snapshot: &Snapshot, name: &str) -> Option<i32> {
    let services = snapshot.services.all().map(|(_, service)| service).filter(|service| is_traefik(service));
    services.flat_map(|service| &service.targets).find(|(_, target)| target == name).map(|(outer, _)| *outer)
}

/// Whether browsers reach Traefik by it: only the ports of its Helm chart have such names.
fn is_traefik(service: &Service) -> bool {
    service.type_ == "LoadBalancer" && service.targets.iter().any(|(_, target)| target == CHART[0].0)
}
