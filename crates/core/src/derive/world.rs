//! The whole picture: one view for each resource.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::api_view::ApiView;
use super::glance_view::GlanceView;
use super::horizon_view::HorizonView;
use super::tenure::{Tenure, Tenures};
use super::views::Views;
use crate::model::{CanaryQuery, CatalogQuery, Epoch, Key, Meta, Needs, ProbeTarget, ResourceKind};

/// What to request by preflights, and the state of the server to which each answer would belong.
pub type ProbeTargets = BTreeMap<Arc<ProbeTarget>, Epoch>;

/// The ConfigMaps to watch by name, in any namespace: with a workload's main file, or with certificate authorities.
pub type ReferencedConfigMaps = BTreeSet<Key>;

/// The catalogs to read.
pub type CatalogQueries = BTreeSet<CatalogQuery>;

/// The uploads that the operator makes itself, and the state of the server to which each result would belong.
pub type CanaryQueries = BTreeMap<CanaryQuery, Epoch>;

/// All resources, each with everything its plan depends on. A resource has something to do only if its view
/// changed. What is shared is another one only if it differs from that of the last world.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    pub horizons: Views<HorizonView>,
    pub glances: Views<GlanceView>,
    pub apis: Views<ApiView>,
    /// The workloads of all resources, by namespace.
    pub(super) workloads: Views<Tenures>,
    /// What must be watched for it.
    pub needs: Arc<Needs>,
    pub config_maps: Arc<ReferencedConfigMaps>,
    pub probe_targets: Arc<ProbeTargets>,
    pub catalog_queries: Arc<CatalogQueries>,
    pub canary_queries: Arc<CanaryQueries>,
    /// Whether everything that views depend on has been read, or is known to be unreadable.
    pub is_read: bool,
}

impl World {
    /// All APIs that accept origins.
    pub fn accepting(&self) -> impl Iterator<Item = &ApiView> {
        self.glances.values().map(|view| &view.public).chain(self.apis.values())
    }

    /// The internal APIs of Glances.
    fn internal(&self) -> impl Iterator<Item = &ApiView> {
        self.glances.values().filter_map(|view| view.internal.as_ref())
    }

    /// The workloads that resources name, each with the resource's kind and metadata: of Horizons, then
    /// APIs, then internal ones.
    pub fn tenures(&self) -> impl Iterator<Item = (ResourceKind, &Meta, &Tenure)> {
        let dashboards = self.horizons.values().map(|view| &*view.dashboard);
        let dashboards =
            dashboards.map(|dashboard| (ResourceKind::Horizon, &dashboard.object.meta, &*dashboard.tenure));
        let apis = self.accepting().chain(self.internal()).map(|view| &*view.api);
        dashboards.chain(apis.map(|api| (api.resource.kind, &api.resource.meta, &*api.tenure)))
    }

    /// Whether the pods of this workload decide something: a resource of its namespace names it.
    pub fn counts_pods_of(&self, namespace: &str, uid: &str) -> bool {
        let tenures = self.workloads.get(&Key::new("", namespace));
        tenures.is_some_and(|tenures| tenures.all().any(|tenure| tenure.pods_of.as_deref() == Some(uid)))
    }

    /// Keys of the resources whose view differs from `before`: Horizons, Glances, APIs.
    pub fn changed<'a>(&'a self, before: &'a Self) -> [Vec<&'a Key>; 3] {
        [
            self.horizons.differing(&before.horizons),
            self.glances.differing(&before.glances),
            self.apis.differing(&before.apis),
        ]
    }
}
