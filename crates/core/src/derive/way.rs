//! Glance under a path of the dashboard's own host, where Horizon's own httpd leads to it: uploads then
//! go through the very pods that are rolled.

use std::collections::BTreeSet;

use direct_upload_api::web::Endpoint;
use direct_upload_api::{GlanceProxy, HorizonSpec, Reason};

use super::destination::Destination;
use super::horizon::HorizonView;
use crate::model::{Advice, Problem};
use crate::workload::Applied;

impl HorizonView {
    /// The proxy that the spec asks for, if uploads go through it.
    pub fn way(&self) -> Option<&GlanceProxy> {
        let wanted = self.settings.as_ref().ok()?.httpd.as_ref()?.glance_proxy.as_ref()?;
        self.destinations.iter().any(|d| self.passes(d, wanted)).then_some(wanted)
    }

    /// The proxies that pods have, or are about to have, through which uploads go.
    pub fn ways_in_effect(&self) -> BTreeSet<GlanceProxy> {
        let mut ways = self.all_in_effect();
        ways.retain(|way| self.destinations.iter().any(|d| self.passes(d, way)));
        ways
    }

    fn all_in_effect(&self) -> BTreeSet<GlanceProxy> {
        self.applied.iter().flat_map(Applied::present).flat_map(|c| c.effects.glance_proxies.iter().cloned()).collect()
    }

    /// What an answer of a destination speaks of beside Glance's own state: the proxy that all pods
    /// have. None while some have another.
    pub fn way_of(&self, destination: &Destination) -> Option<String> {
        let wanted = self.way().filter(|way| self.passes(destination, way));
        let mut ways = self.all_in_effect();
        ways.retain(|way| self.passes(destination, way));
        let everywhere = |way: &GlanceProxy| {
            let applied = self.applied.as_ref()?;
            let names = applied.running.iter().chain(applied.mount.as_ref().map(|m| &m.config_map));
            let has = |name: &String| applied.config_map(name).is_some_and(|c| c.effects.glance_proxies.contains(way));
            let all = !applied.bare && applied.mount.is_some() && names.into_iter().all(has);
            (all && applied.rollout.is_ok()).then(|| format!(" {} {}", way.path, way.backend))
        };
        match wanted {
            Some(way) => everywhere(way),
            None => ways.is_empty().then(String::new),
        }
    }

    /// Whether uploads to a destination go through a proxy of the dashboard's own host.
    fn passes(&self, destination: &Destination, way: &GlanceProxy) -> bool {
        let own = |endpoint: &Endpoint| self.origins().is_ok_and(|origins| origins.contains(endpoint.origin()));
        destination.endpoint.as_ref().is_ok_and(|endpoint| own(endpoint) && is_below(endpoint.path(), &way.path))
    }

    /// What to know of a proxy that the spec asks for.
    pub fn advise_on_way(&mut self) {
        let Ok(Some(httpd)) = self.settings.as_ref().map(|s| s.httpd.as_ref()) else { return };
        let Some(wanted) = httpd.glance_proxy.as_ref().filter(|_| self.way().is_none()) else { return };
        let origin = self.origins().ok().and_then(|origins| origins.into_iter().next());
        let url = origin.map_or_else(|| wanted.path.clone(), |origin| format!("{origin}{}", wanted.path));
        let found = format!(
            "spec.httpd.glanceProxy leads {url} to {}, but uploads do not go there: make it the public endpoint of service type image in the Keystone catalog, then state it in spec.directUpload.glanceEndpoint",
            wanted.backend
        );
        self.advice.push(Advice::new(found));
    }

    /// The proxy that the spec asks for.
    ///
    /// # Errors
    /// It is in the way of the dashboard's own URL.
    pub fn proxy(&self, spec: &HorizonSpec) -> Result<Option<GlanceProxy>, Problem> {
        let Some(asked) = spec.httpd.as_ref().and_then(|httpd| httpd.glance_proxy.as_ref()) else { return Ok(None) };
        let urls = self.exposures.iter().flat_map(|exposures| &exposures.urls).map(|exposed| &exposed.url);
        let meets = |own: &str| !own.is_empty() && (is_below(&asked.path, own) || is_below(own, &asked.path));
        if let Some(url) = urls.into_iter().find(|url| meets(url.path())) {
            let message = format!(
                "spec.httpd.glanceProxy.path: {} and the dashboard's own {url} are one below the other; choose another, e.g. /image",
                asked.path
            );
            return Err(Problem::new(Reason::InvalidSpec, message));
        }
        Ok(Some(asked.clone()))
    }
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
