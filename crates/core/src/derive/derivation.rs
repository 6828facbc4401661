//! How the world is derived: in stages. Each makes new values from finished ones, by resource, and only where
//! something changed that they are made from. Nothing is filled in later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::api::ManagedApi;
use super::api_view::ApiView;
use super::conflict::{self, HostPath};
use super::destination::GlanceState;
use super::glance::ImageService;
use super::glance_view::GlanceView;
use super::grant::{self, Asker, Grants};
use super::horizon::{Dashboard, Intent};
use super::horizon_view::HorizonView;
use super::pairing::Pairing;
use super::proof::Proof;
use super::stage::{Joint, Single, Stage, StageName};
use super::tenure::{Tenure, Tenures};
use super::throttle::{self, Candidate, Throttle};
use super::world::{CanaryQueries, CatalogQueries, ProbeTargets, World};
use super::{exposure, openstack_api, vantage};
use crate::model::{Changes, Id, Key, Kind, Map, Needs, Problem, ReadSource, Set, Snapshot, Store, note_whole};

/// A world that is kept up to date: each value is computed again only if something changed that it was computed from.
#[derive(Debug)]
pub struct Derivation {
    /// The snapshot of the last time.
    snapshot: Snapshot,
    /// By namespace, because resources of one may name the same workload. The next three pass on each resource's own,
    /// so that a change of one touches no other.
    tenures: Stage<Tenures>,
    horizon_tenures: Stage<Arc<Tenure>>,
    glance_tenures: Stage<(Arc<Tenure>, Option<Arc<Tenure>>)>,
    api_tenures: Stage<Arc<Tenure>>,
    dashboards: Stage<Dashboard>,
    glances: Stage<ImageService>,
    apis: Stage<ApiView>,
    pairings: Stage<Pairing>,
    askers: Joint<Askers>,
    unseen: Joint<Map<String, Problem>>,
    grants: Stage<Grants>,
    intents: Stage<Intent>,
    states: Stage<GlanceState>,
    addresses: Joint<String>,
    proofs: Stage<Proof>,
    candidates: Stage<Candidate>,
    throttles: Joint<Throttle>,
    horizon_places: Stage<Set<HostPath>>,
    glance_places: Stage<Set<HostPath>>,
    rivals: Joint<Set<Id>>,
    horizon_views: Stage<HorizonView>,
    glance_views: Stage<GlanceView>,
    keys: Keys,
    needs: Single<Needs>,
    probe_targets: Single<ProbeTargets>,
    catalog_queries: Single<CatalogQueries>,
    canary_queries: Single<CanaryQueries>,
    pods_of: Single<BTreeSet<Arc<str>>>,
    is_read: Single<bool>,
}

/// Who wants something of a Glance.
#[derive(Debug, Default, PartialEq)]
struct Askers {
    /// The Horizons that use it, or whose pods still upload there.
    horizons: Set<Key>,
    /// Whether one of them needs its account to read the catalog.
    looks: bool,
}

impl Default for Derivation {
    fn default() -> Self {
        Self {
            snapshot: Snapshot::unseen(),
            tenures: Stage::new(StageName::Tenures),
            dashboards: Stage::new(StageName::Dashboards),
            glances: Stage::new(StageName::Glances),
            apis: Stage::new(StageName::Apis),
            pairings: Stage::new(StageName::Pairings),
            askers: Joint::new(StageName::Askers),
            unseen: Joint::new(StageName::Unseen),
            grants: Stage::new(StageName::Grants),
            intents: Stage::new(StageName::Intents),
            states: Stage::new(StageName::States),
            addresses: Joint::new(StageName::Addresses),
            proofs: Stage::new(StageName::Proofs),
            candidates: Stage::new(StageName::Candidates),
            throttles: Joint::new(StageName::Throttles),
            horizon_places: Stage::new(StageName::HorizonPlaces),
            glance_places: Stage::new(StageName::GlancePlaces),
            rivals: Joint::new(StageName::Rivals),
            horizon_views: Stage::new(StageName::HorizonViews),
            glance_views: Stage::new(StageName::GlanceViews),
            horizon_tenures: Stage::new(StageName::HorizonTenures),
            glance_tenures: Stage::new(StageName::GlanceTenures),
            api_tenures: Stage::new(StageName::ApiTenures),
            keys: Keys::default(),
            needs: Single::default(),
            probe_targets: Single::default(),
            catalog_queries: Single::default(),
            canary_queries: Single::default(),
            pods_of: Single::default(),
            is_read: Single::default(),
        }
    }
}

impl Derivation {
    /// The world of this snapshot. What is kept serves the next one, and is lost if this panics.
    pub fn advance(&mut self, snapshot: &Snapshot) -> World {
        let mut kept = std::mem::take(self);
        if kept.snapshot.answers.are_assumed() != snapshot.answers.are_assumed() {
            kept = Self::default();
        }
        let mut changes = snapshot.changes(&kept.snapshot);
        kept.snapshot = snapshot.clone();
        let world = kept.derive(snapshot, &mut changes);
        *self = kept;
        world
    }

    /// In the order of the stages: each method reads what those before it have made.
    fn derive(&mut self, snapshot: &Snapshot, changes: &mut Changes) -> World {
        let keys = std::mem::take(&mut self.keys).renewed(snapshot, changes);
        self.assign_workloads(snapshot, &keys, changes);
        self.read_each_alone(snapshot, &keys, changes);
        self.pair(snapshot, &keys, changes);
        self.prove(snapshot, &keys, changes);
        self.view(snapshot, &keys, changes);
        let world = self.world(snapshot, &keys, changes);
        self.keys = keys;
        world
    }

    /// Which workload each resource has.
    fn assign_workloads(&mut self, snapshot: &Snapshot, keys: &Keys, changes: &mut Changes) {
        let Self { tenures, horizon_tenures, glance_tenures, api_tenures, .. } = self;
        tenures.advance(&keys.namespaces, changes, |key| Some(Tenures::derive(snapshot, &key.name)));
        let of = |key: &Key| tenures.get(&in_whole(&key.namespace));
        horizon_tenures.advance(&keys.horizons, changes, |key| of(key)?.horizons.get(key).cloned());
        glance_tenures.advance(&keys.glances, changes, |key| {
            let Tenures { glances, internals, .. } = of(key)?;
            Some((glances.get(key)?.clone(), internals.get(key).cloned()))
        });
        api_tenures.advance(&keys.apis, changes, |key| of(key)?.apis.get(key).cloned());
    }

    /// What each resource says alone.
    fn read_each_alone(&mut self, snapshot: &Snapshot, keys: &Keys, changes: &mut Changes) {
        let Self { horizon_tenures, glance_tenures, api_tenures, dashboards, glances, apis, .. } = self;
        dashboards.advance(&keys.horizons, changes, |key| {
            let tenure = horizon_tenures.get(key)?.clone();
            Some(Dashboard::derive(snapshot, snapshot.horizons.seen_one(key)?, tenure))
        });
        glances.advance(&keys.glances, changes, |key| {
            let (public, internal) = glance_tenures.get(key)?.clone();
            Some(ImageService::derive(snapshot, snapshot.glances.seen_one(key)?, public, internal))
        });
        apis.advance(&keys.apis, changes, |key| {
            let tenure = api_tenures.get(key)?.clone();
            Some(openstack_api::view(snapshot, dashboards, snapshot.apis.seen_one(key)?, tenure))
        });
    }

    /// Which Horizons use which Glances, and what the one accepts of the other.
    fn pair(&mut self, snapshot: &Snapshot, keys: &Keys, changes: &mut Changes) {
        let Self { dashboards, glances, pairings, askers, unseen, grants, intents, .. } = self;
        pairings.advance(&keys.horizons, changes, |key| Some(Pairing::derive(snapshot, glances, dashboards.get(key)?)));
        askers.advance(changes, || Askers::all(pairings));
        unseen.advance(changes, || [(in_whole(""), incomplete(dashboards))].into());
        grants.advance(&keys.glances, changes, |key| {
            let asker = |key| Some(Asker { dashboard: dashboards.get(key)?, pairing: pairings.get(key)? });
            let askers: Vec<_> = askers.get(key).iter().flat_map(|a| &a.horizons).filter_map(asker).collect();
            Some(grant::of(snapshot, glances.get(key)?, &askers, unseen.get(&in_whole(""))?))
        });
        intents.advance(&keys.horizons, changes, |key| Some(grant::settled(pairings.get(key)?, key, grants)));
    }

    /// What preflights show of each Horizon, and who may change its mode.
    fn prove(&mut self, snapshot: &Snapshot, keys: &Keys, changes: &mut Changes) {
        let Self { dashboards, glances, pairings, intents, states, addresses, proofs, candidates, throttles, .. } =
            self;
        states.advance(&keys.glances, changes, |key| Some(glances.get(key)?.public.state()));
        addresses.advance(changes, || vantage::addresses(snapshot));
        proofs.advance(&keys.horizons, changes, |key| {
            let (dashboard, pairing, intent) = (dashboards.get(key)?, pairings.get(key)?, intents.get(key)?);
            Some(Proof::derive(snapshot, dashboard, pairing, intent, states, addresses))
        });
        candidates.advance(&keys.horizons, changes, |key| Some(Candidate::of(dashboards.get(key)?, proofs.get(key)?)));
        throttles.advance(changes, || throttle::all(candidates.iter()));
    }

    /// Who else claims a host name, and the views in which all stages end.
    fn view(&mut self, snapshot: &Snapshot, keys: &Keys, changes: &mut Changes) {
        let Self { dashboards, glances, pairings, askers, grants, intents, proofs, throttles, .. } = self;
        let (horizon_places, glance_places, rivals) =
            (&mut self.horizon_places, &mut self.glance_places, &mut self.rivals);
        let (horizon_views, glance_views) = (&mut self.horizon_views, &mut self.glance_views);
        horizon_places.advance(&keys.horizons, changes, |key| Some(conflict::places(&dashboards.get(key)?.exposures)));
        glance_places.advance(&keys.glances, changes, |key| Some(conflict::places(&glances.get(key)?.exposures)));
        rivals.advance(changes, || {
            let places = horizon_places.iter().chain(glance_places.iter());
            conflict::rivals(snapshot, places.flat_map(|(_, places)| places.iter().cloned()))
        });
        horizon_views.advance(&keys.horizons, changes, |key| {
            let (dashboard, pairing, proof) = (dashboards.arc(key)?, pairings.arc(key)?, proofs.arc(key)?);
            let throttle = throttles.get(key).copied().unwrap_or_default();
            Some(HorizonView::new(dashboard, pairing, intents.get(key)?, proof, throttle, rivals))
        });
        glance_views.advance(&keys.glances, changes, |key| {
            let looked = askers.get(key).is_some_and(|askers| askers.looks);
            Some(GlanceView::new(snapshot, glances.arc(key)?, grants.arc(key)?, looked, rivals))
        });
    }

    /// The views, and what follows from all of them.
    fn world(&mut self, snapshot: &Snapshot, keys: &Keys, changes: &Changes) -> World {
        let (needs, pods_of) = (self.needs(snapshot, keys, changes), self.pods_of(changes));
        let is_read = self.is_read(snapshot, changes);
        let Self { apis, pairings, proofs, .. } = self;
        let destinations = || proofs.iter().flat_map(|(_, proof)| &proof.destinations);
        let probe_targets = self.probe_targets.advance(changes, || {
            let uploads = destinations().map(|d| (&d.questions, &d.epoch));
            let calls = apis.iter().filter_map(|(_, view)| view.calls.as_ref()).map(|c| (&c.questions, &c.epoch));
            let all = uploads.chain(calls);
            all.flat_map(|(questions, epoch)| questions.iter().map(|q| (q.clone(), epoch.clone()))).collect()
        });
        let catalog_queries = self
            .catalog_queries
            .advance(changes, || pairings.iter().filter_map(|(_, pairing)| pairing.catalog.query.clone()).collect());
        let canary_queries = self.canary_queries.advance(changes, || {
            destinations().filter_map(|d| Some((d.canary.as_ref()?.query.clone(), d.epoch.clone()))).collect()
        });
        World {
            horizons: self.horizon_views.shared(),
            glances: self.glance_views.shared(),
            apis: apis.shared(),
            needs,
            probe_targets,
            catalog_queries,
            canary_queries,
            pods_of,
            is_read,
        }
    }

    fn needs(&mut self, snapshot: &Snapshot, keys: &Keys, changes: &Changes) -> Arc<Needs> {
        let Self { glances, apis, pairings, proofs, .. } = self;
        self.needs.advance(changes, || {
            let namespaces = keys.namespaces();
            let mut needs = exposure::needs(snapshot, &namespaces);
            needs.namespaces = namespaces.into_iter().map(str::to_owned).collect();
            let of_glances = glances.iter().filter_map(|(_, glance)| glance.public.asked.source.as_ref());
            let of_apis = apis.iter().filter_map(|(_, view)| view.api.asked.source.as_ref());
            let of_calls = apis.iter().filter_map(|(_, view)| view.calls.as_ref()?.authorities.as_ref());
            let of_proofs = proofs.iter().filter_map(|(_, proof)| proof.authorities.as_ref());
            let of_catalogs = pairings.iter().filter_map(|(_, pairing)| pairing.catalog.source.as_ref());
            let files = of_glances.chain(of_apis).chain(of_calls).chain(of_proofs).chain(of_catalogs);
            files.cloned().for_each(|key| needs.add_named(Kind::ReferencedConfigMap, key));
            needs
        })
    }

    fn pods_of(&mut self, changes: &Changes) -> Arc<BTreeSet<Arc<str>>> {
        let Self { horizon_tenures, glance_tenures, api_tenures, .. } = self;
        self.pods_of.advance(changes, || {
            let of_horizons = horizon_tenures.iter().map(|(_, tenure)| &**tenure);
            let of_glances =
                glance_tenures.iter().flat_map(|(_, (public, internal))| [Some(public), internal.as_ref()]);
            let of_apis = api_tenures.iter().map(|(_, tenure)| &**tenure);
            let all = of_horizons.chain(of_glances.flatten().map(|tenure| &**tenure)).chain(of_apis);
            all.filter_map(|tenure| tenure.pods_of.clone()).collect()
        })
    }

    fn is_read(&mut self, snapshot: &Snapshot, changes: &Changes) -> bool {
        let Self { dashboards, glances, apis, .. } = self;
        let is_read = self.is_read.advance(changes, || {
            let are_known = snapshot.horizons.any_known() && snapshot.glances.any_known() && snapshot.apis.any_known();
            let pending = |problem: Option<&Problem>| problem.is_some_and(Problem::is_pending);
            let of_api = |api: &ManagedApi| {
                pending(api.tenure.applied.as_ref().err()) || pending(api.asked.settings.as_ref().err())
            };
            are_known
                && !glances.iter().any(|(_, glance)| of_api(&glance.public))
                && !apis.iter().any(|(_, view)| of_api(&view.api))
                && !dashboards.iter().any(|(_, dashboard)| {
                    pending(dashboard.tenure.applied.as_ref().err()) || pending(dashboard.exposures.as_ref().err())
                })
        });
        *is_read
    }
}

/// The keys of all resources, and of their namespaces, in order.
#[derive(Debug, Default)]
struct Keys {
    horizons: Vec<Arc<Key>>,
    glances: Vec<Arc<Key>>,
    apis: Vec<Arc<Key>>,
    namespaces: Vec<Arc<Key>>,
}

impl Keys {
    /// To look at all namespaces is to read this.
    const SOURCE: ReadSource = StageName::Keys.source();

    /// Those of a later snapshot.
    fn renewed(self, snapshot: &Snapshot, changes: &mut Changes) -> Self {
        let Snapshot { horizons, glances, apis, .. } = snapshot;
        if are_same(horizons, &self.horizons) && are_same(glances, &self.glances) && are_same(apis, &self.apis) {
            return self;
        }
        let horizons: Vec<_> = horizons.keys().cloned().collect();
        let glances: Vec<_> = glances.keys().cloned().collect();
        let apis: Vec<_> = apis.keys().cloned().collect();
        let namespaces = horizons.iter().chain(&glances).chain(&apis).map(|key| key.namespace.as_str());
        let namespaces: BTreeSet<&str> = namespaces.collect();
        let namespaces = namespaces.into_iter().map(|namespace| Arc::new(in_whole(namespace))).collect();
        changes.add_everywhere(Self::SOURCE);
        Self { horizons, glances, apis, namespaces }
    }

    /// The namespaces of all resources.
    fn namespaces(&self) -> BTreeSet<&str> {
        note_whole(Self::SOURCE);
        self.namespaces.iter().map(|key| key.name.as_str()).collect()
    }
}

/// Whether the keys of a store are still the same.
fn are_same<T>(now: &Store<T>, before: &[Arc<Key>]) -> bool {
    let mut before = before.iter();
    now.keys().all(|key| before.next().is_some_and(|before| Arc::ptr_eq(key, before))) && before.next().is_none()
}

/// The key of what is computed for a whole namespace, or for all of them.
fn in_whole(namespace: &str) -> Key {
    Key::new("", namespace)
}

impl Askers {
    fn all(pairings: &Stage<Pairing>) -> BTreeMap<Key, Self> {
        let mut all: BTreeMap<Key, Self> = BTreeMap::new();
        for (key, pairing) in pairings.iter() {
            for glance in &pairing.needs {
                all.entry(glance.clone()).or_default().horizons.insert(key.clone());
            }
            for glance in pairing.looks() {
                all.entry(glance).or_default().looks = true;
            }
        }
        all
    }
}

/// The namespaces with a Horizon that cannot be seen completely.
fn incomplete(dashboards: &Stage<Dashboard>) -> Map<String, Problem> {
    let unseen = |(key, dashboard): (&Key, &Dashboard)| Some((key.namespace.clone(), dashboard.unseen()?));
    dashboards.iter().filter_map(unseen).collect()
}
