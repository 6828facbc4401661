//! Glance under a path of the dashboard's own host, if Horizon's own httpd leads to it. Uploads then pass
//! the pods that are rolled.

use std::collections::BTreeSet;

use direct_upload_api::GlanceProxy;

use super::destination::Destination;
use super::horizon::{Dashboard, is_below};
use crate::model::Advice;
use crate::workload::Applied;

/// The proxies in Horizon's own httpd through which uploads go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GlanceProxies {
    /// The one that the spec requests.
    pub wanted: Option<GlanceProxy>,
    /// Those that pods have, or will have.
    pub in_effect: BTreeSet<GlanceProxy>,
}

impl GlanceProxies {
    /// Those through which uploads to these destinations go.
    pub fn derive(dashboard: &Dashboard, destinations: &[Destination]) -> Self {
        let used = |proxy: &GlanceProxy| destinations.iter().any(|d| passes(dashboard, d, proxy));
        let mut in_effect = in_effect(dashboard);
        in_effect.retain(used);
        Self { wanted: wanted(dashboard).filter(|proxy| used(proxy)).cloned(), in_effect }
    }

    /// What an answer of a destination depends on in addition to Glance's own state: the proxy that all
    /// pods have. None while some have another.
    pub fn epoch(&self, dashboard: &Dashboard, destination: &Destination) -> Option<String> {
        let everywhere = |proxy: &GlanceProxy| {
            let applied = dashboard.tenure.applied.as_ref().ok()?;
            let names = applied.running.iter().chain(applied.mount.as_ref().map(|m| &m.config_map));
            let has =
                |name: &String| applied.config_map(name).is_some_and(|c| c.effects.glance_proxies.contains(proxy));
            let all = !applied.unconfigured && applied.mount.is_some() && names.into_iter().all(has);
            (all && applied.rollout.is_ok()).then(|| format!(" {} {}", proxy.path, proxy.backend))
        };
        if let Some(proxy) = self.wanted.as_ref().filter(|proxy| passes(dashboard, destination, proxy)) {
            return everywhere(proxy);
        }
        let passed = self.in_effect.iter().any(|proxy| passes(dashboard, destination, proxy));
        (!passed).then(String::new)
    }

    /// What to know about a proxy that the spec requests, but no upload uses.
    pub fn advice(&self, dashboard: &Dashboard) -> Option<Advice> {
        let unused = wanted(dashboard).filter(|_| self.wanted.is_none())?;
        let origin = dashboard.origins().ok().and_then(|origins| origins.into_iter().next());
        let url = origin.map_or_else(|| unused.path.clone(), |origin| format!("{origin}{}", unused.path));
        let found = format!(
            "spec.httpd.glanceProxy routes {url} to {}, but uploads do not go there: make it the public endpoint of service type image in the Keystone catalog, then state it in spec.directUpload.glanceEndpoint",
            unused.backend
        );
        Some(Advice::new(found))
    }
}

fn wanted(dashboard: &Dashboard) -> Option<&GlanceProxy> {
    dashboard.settings.as_ref().ok()?.httpd.as_ref()?.glance_proxy.as_ref()
}

fn in_effect(dashboard: &Dashboard) -> BTreeSet<GlanceProxy> {
    let present = dashboard.tenure.applied.iter().flat_map(Applied::present);
    present.flat_map(|config_map| config_map.effects.glance_proxies.iter().cloned()).collect()
}

/// Whether uploads to a destination go through a proxy of the dashboard's own host.
fn passes(dashboard: &Dashboard, destination: &Destination, proxy: &GlanceProxy) -> bool {
    let Ok(endpoint) = &destination.endpoint else { return false };
    let own = dashboard.origins().is_ok_and(|origins| origins.contains(endpoint.origin()));
    own && is_below(endpoint.path(), &proxy.path)
}
