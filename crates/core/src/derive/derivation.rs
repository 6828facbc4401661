//! How the world is derived: in stages. Each makes new values from finished ones, by resource, and only where
//! something changed that they are made from. Nothing is filled in later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
use super::stage::{Joint, Stage};
use super::tenure::{Tenure, Tenures};
use super::throttle::{self, Throttle};
use super::world::World;
use super::{exposure, openstack_api, vantage};
use crate::model::{Changes, Id, Key, Map, Problem, Set, Snapshot};

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
    throttles: Joint<Throttle>,
    horizon_places: Stage<Set<HostPath>>,
    glance_places: Stage<Set<HostPath>>,
    rivals: Joint<Set<Id>>,
    horizon_views: Stage<HorizonView>,
    glance_views: Stage<GlanceView>,
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
            tenures: Stage::new(0),
            dashboards: Stage::new(1),
            glances: Stage::new(2),
            apis: Stage::new(3),
            pairings: Stage::new(4),
            askers: Joint::new(5),
            unseen: Joint::new(6),
            grants: Stage::new(7),
            intents: Stage::new(8),
            states: Stage::new(9),
            addresses: Joint::new(10),
            proofs: Stage::new(11),
            throttles: Joint::new(12),
            horizon_places: Stage::new(13),
            glance_places: Stage::new(14),
            rivals: Joint::new(15),
            horizon_views: Stage::new(16),
            glance_views: Stage::new(17),
            horizon_tenures: Stage::new(18),
            glance_tenures: Stage::new(19),
            api_tenures: Stage::new(20),
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
        let keys = Keys::of(snapshot);
        self.assign_workloads(snapshot, &keys, changes);
        self.read_each_alone(snapshot, &keys, changes);
        self.pair(snapshot, &keys, changes);
        self.prove(snapshot, &keys, changes);
        self.view(snapshot, &keys, changes);
        World {
            horizons: self.horizon_views.shared().into(),
            glances: self.glance_views.shared().into(),
            apis: self.apis.shared().into(),
            routing: exposure::needs(snapshot, &keys.namespaces()),
            read: snapshot.horizons.any_known() && snapshot.glances.any_known() && snapshot.apis.any_known(),
        }
    }

    /// Which workload each resource has.
    fn assign_workloads(&mut self, snapshot: &Snapshot, keys: &Keys, changes: &mut Changes) {
        let Self { tenures, horizon_tenures, glance_tenures, api_tenures, .. } = self;
        let by_namespace: Vec<Key> = keys.namespaces().into_iter().map(in_whole).collect();
        tenures.advance(&by_namespace, changes, |key| Some(Tenures::derive(snapshot, &key.name)));
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
        let Self { dashboards, glances, pairings, intents, states, addresses, proofs, throttles, .. } = self;
        states.advance(&keys.glances, changes, |key| Some(glances.get(key)?.public.state()));
        addresses.advance(changes, || vantage::addresses(snapshot));
        proofs.advance(&keys.horizons, changes, |key| {
            let (dashboard, pairing, intent) = (dashboards.get(key)?, pairings.get(key)?, intents.get(key)?);
            Some(Proof::derive(snapshot, dashboard, pairing, intent, states, addresses))
        });
        throttles.advance(changes, || {
            let all = dashboards.iter().filter_map(|(key, dashboard)| Some((dashboard, proofs.get(key)?)));
            throttle::all(&all.collect::<Vec<_>>())
        });
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
}

/// The keys of all resources.
struct Keys {
    horizons: Vec<Key>,
    glances: Vec<Key>,
    apis: Vec<Key>,
}

impl Keys {
    fn of(snapshot: &Snapshot) -> Self {
        Self {
            horizons: snapshot.horizons.all().map(|(key, _)| key.clone()).collect(),
            glances: snapshot.glances.all().map(|(key, _)| key.clone()).collect(),
            apis: snapshot.apis.all().map(|(key, _)| key.clone()).collect(),
        }
    }

    fn namespaces(&self) -> BTreeSet<&str> {
        self.horizons.iter().chain(&self.glances).chain(&self.apis).map(|key| key.namespace.as_str()).collect()
    }
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
