//! The whole picture: one view for each resource.

use std::collections::{BTreeMap, BTreeSet};

use super::api_view::ApiView;
use super::glance_view::GlanceView;
use super::horizon_view::HorizonView;
use super::tenure::Tenure;
use super::views::Views;
use crate::model::{CanaryQuery, CatalogQuery, Epoch, Key, Kind, Meta, Needs, ProbeTarget, Problem, ResourceKind};

/// All resources, each with everything its plan depends on. A resource has something to do only if its view
/// changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    pub horizons: Views<HorizonView>,
    pub glances: Views<GlanceView>,
    pub apis: Views<ApiView>,
    /// Whose routes, and which Gateways, decide about exposures.
    pub(super) routing: Needs,
    /// The resources themselves have been listed.
    pub(super) read: bool,
}

impl World {
    /// What must be watched for it.
    pub fn needs(&self) -> Needs {
        let files = self.accepting().filter_map(|view| view.api.asked.source.clone());
        let authorities = self
            .horizons
            .values()
            .flat_map(|view| [&view.proof.authorities, &view.pairing.catalog.source])
            .flatten()
            .cloned();
        let mut needs =
            Needs { namespaces: self.keys().map(|key| key.namespace.clone()).collect(), ..self.routing.clone() };
        let of_calls = self.apis.values().filter_map(|view| view.calls.as_ref()?.authorities.clone());
        files.chain(authorities).chain(of_calls).for_each(|key| needs.add_named(Kind::ReferencedConfigMap, key));
        needs
    }

    /// The preflights that are needed now, and the state of the server to which each answer would belong.
    pub fn probe_targets(&self) -> BTreeMap<ProbeTarget, Epoch> {
        let all = self.horizons.values().flat_map(|view| &view.proof.destinations);
        let uploads = all.flat_map(|d| d.questions.iter().map(|q| (q.clone(), d.epoch.clone())));
        let calls = self.apis.values().filter_map(|view| view.calls.as_ref());
        uploads.chain(calls.flat_map(|c| c.questions.iter().map(|q| (q.clone(), c.epoch.clone())))).collect()
    }

    /// The catalogs to read.
    pub fn catalog_queries(&self) -> BTreeSet<CatalogQuery> {
        self.horizons.values().filter_map(|view| view.pairing.catalog.query.clone()).collect()
    }

    /// The uploads that the operator makes itself, and the state of the server to which each result would
    /// belong.
    pub fn canary_queries(&self) -> BTreeMap<CanaryQuery, Epoch> {
        let all = self.horizons.values().flat_map(|view| &view.proof.destinations);
        all.filter_map(|d| Some((d.canary.as_ref()?.query.clone(), d.epoch.clone()))).collect()
    }

    /// Whether everything that views depend on has been read, or is known to be unreadable.
    pub fn is_read(&self) -> bool {
        let pending = |p: Option<&Problem>| p.is_some_and(Problem::is_pending);
        self.read
            && !self
                .accepting()
                .map(|view| &view.api)
                .any(|api| pending(api.tenure.applied.as_ref().err()) || pending(api.asked.settings.as_ref().err()))
            && !self.horizons.values().map(|view| &view.dashboard).any(|dashboard| {
                pending(dashboard.tenure.applied.as_ref().err()) || pending(dashboard.exposures.as_ref().err())
            })
    }

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

    /// The uids of the workloads whose pods decide something.
    pub fn pods_of(&self) -> BTreeSet<String> {
        self.tenures().filter_map(|(.., tenure)| tenure.pods_of.clone()).collect()
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        self.horizons.keys().chain(self.glances.keys()).chain(self.apis.keys())
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
