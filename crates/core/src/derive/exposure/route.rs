//! OpenShift Route → URLs: the hosts that a router has admitted.

use std::sync::Arc;

use direct_upload_api::web::{Origin, PublicUrl};
use direct_upload_api::{ConditionStatus, ExposureKind};

use super::backends::Backends;
use super::exposing::{Exposing, Exposures, HostClaims, Notes};
use crate::derive::exposing_object::ExposingObject;
use crate::model::{Problem, Route, RouteIngress, RouteTarget, Snapshot, Store, find_condition};

impl Exposing for Route {
    fn store(snapshot: &Snapshot) -> &Store<Self> {
        &snapshot.routes
    }

    /// The URLs under which a Route exposes any of the Services.
    ///
    /// Routers listen at the default ports; a Route has no field for others.
    fn exposures(_: &Snapshot, route: &Arc<Self>, backends: &Backends) -> Result<Exposures, Problem> {
        let mut notes = Notes::new(ExposureKind::Route, &route.meta.key);
        let mut found = Exposures::default();
        let leads = |target: &RouteTarget| {
            matches!(target.kind.as_str(), "" | "Service") && target.weight != Some(0) && backends.leads(&target.name)
        };
        let spec = &route.spec;
        if !leads(&spec.to) && !spec.alternate_backends.iter().any(leads) {
            return Ok(found);
        }
        for host in hosts(route, &mut notes) {
            if host.contains('*') {
                notes.add(format!("host {host} is a wildcard, but an origin needs an exact host name"));
                continue;
            }
            for https in schemes(route) {
                match Origin::from_parts(https, host, None) {
                    Ok(origin) => found.add(&notes, PublicUrl::with_path(origin, &spec.path), false),
                    Err(why) => notes.add(why),
                }
            }
        }
        let termination = spec.tls.as_ref().and_then(|tls| tls.termination.as_deref());
        if termination.is_some_and(|own| own.eq_ignore_ascii_case("passthrough")) && !found.urls.is_empty() {
            notes.add("it passes TLS through, so the pods must end it themselves");
        }
        if spec.wildcard_policy.as_deref() == Some("Subdomain") && !found.urls.is_empty() {
            notes.add("wildcardPolicy Subdomain: the other hosts of the subdomain lead here, too, but an origin needs an exact host name");
        }
        Ok(found.finish(notes, || {
            let all = spec.alternate_backends.iter().chain([&spec.to]);
            Some(ExposingObject::Route(route.clone(), backends.others(all.map(|target| target.name.as_str()))))
        }))
    }

    /// The hosts that routers have admitted, with the Route's path; of a file, the host that it requests.
    fn claims(&self, _: &Snapshot, found: HostClaims<'_>) {
        let admitted = |entry: &&RouteIngress| {
            find_condition(&entry.conditions, "Admitted")
                .is_some_and(|condition| condition.status == ConditionStatus::True)
        };
        let is_of_file = self.ingress.is_empty() && !self.meta.is_stored() && !self.spec.host.is_empty();
        let requested = is_of_file.then_some(&self.spec.host);
        for host in self.ingress.iter().filter(admitted).map(|entry| &entry.host).chain(requested) {
            found(host, &self.spec.path, ExposureKind::Route, &self.meta.key);
        }
    }
}

/// What routers have admitted. For a file, which no router has seen, what it requests.
fn hosts<'a>(route: &'a Route, notes: &mut Notes<'_>) -> Vec<&'a str> {
    let mut hosts = Vec::new();
    for entry in &route.ingress {
        match find_condition(&entry.conditions, "Admitted") {
            Some(condition) if condition.status == ConditionStatus::True => hosts.push(entry.host.as_str()),
            Some(condition) => {
                notes.add(format!(
                    "router {} refuses {}: {}: {}",
                    entry.router_name, entry.host, condition.reason, condition.message
                ));
            }
            None => notes.add(format!("router {} has not admitted {}", entry.router_name, entry.host)),
        }
    }
    match (route.ingress.is_empty(), route.meta.is_stored(), route.spec.host.as_str()) {
        (true, true, _) => notes.add("no router has admitted it"),
        (true, false, "") => notes.add("it names no host, so its origin is unknown until a router has chosen one"),
        (true, false, host) => hosts.push(host),
        (false, ..) => {}
    }
    hosts
}

/// Whether https, and which else.
fn schemes(route: &Route) -> Vec<bool> {
    match &route.spec.tls {
        None => vec![false],
        Some(tls) if tls.insecure_edge_termination_policy.as_deref() == Some("Allow") => vec![true, false],
        Some(_) => vec![true],
    }
}
