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

    fn derive(&mut self, snapshot: &Snapshot, changes: &mut Changes) -> World {
        let horizons: Vec<Key> = snapshot.horizons.all().map(|(key, _)| key.clone()).collect();
        let images: Vec<Key> = snapshot.glances.all().map(|(key, _)| key.clone()).collect();
        let others: Vec<Key> = snapshot.apis.all().map(|(key, _)| key.clone()).collect();
        let namespaces = horizons.iter().chain(&images).chain(&others).map(|key| key.namespace.as_str());
        let namespaces: BTreeSet<&str> = namespaces.collect();
        let by_namespace: Vec<Key> = namespaces.iter().map(|namespace| in_whole(namespace)).collect();

        let Self { tenures, horizon_tenures, glance_tenures, api_tenures, .. } = self;
        tenures.advance(&by_namespace, changes, |key| Some(Tenures::derive(snapshot, &key.name)));
        let tenures = &*tenures;
        let of = |key: &Key| tenures.get(&in_whole(&key.namespace));
        horizon_tenures.advance(&horizons, changes, |key| of(key)?.horizons.get(key).cloned());
        glance_tenures.advance(&images, changes, |key| {
            let Tenures { glances, internals, .. } = of(key)?;
            Some((glances.get(key)?.clone(), internals.get(key).cloned()))
        });
        api_tenures.advance(&others, changes, |key| of(key)?.apis.get(key).cloned());
        let (horizon_tenures, glance_tenures, api_tenures) = (&*horizon_tenures, &*glance_tenures, &*api_tenures);

        let Self { dashboards, glances, apis, pairings, askers, unseen, grants, intents, .. } = self;
        dashboards.advance(&horizons, changes, |key| {
            let tenure = horizon_tenures.get(key)?.clone();
            Some(Dashboard::derive(snapshot, snapshot.horizons.seen_one(key)?, tenure))
        });
        glances.advance(&images, changes, |key| {
            let (public, internal) = glance_tenures.get(key)?.clone();
            Some(ImageService::derive(snapshot, snapshot.glances.seen_one(key)?, public, internal))
        });
        let (dashboards, glances) = (&*dashboards, &*glances);
        apis.advance(&others, changes, |key| {
            let tenure = api_tenures.get(key)?.clone();
            Some(openstack_api::view(snapshot, dashboards, snapshot.apis.seen_one(key)?, tenure))
        });
        pairings.advance(&horizons, changes, |key| Some(Pairing::derive(snapshot, glances, dashboards.get(key)?)));
        let pairings = &*pairings;
        askers.advance(changes, || Askers::all(pairings));
        unseen.advance(changes, || [(in_whole(""), incomplete(dashboards))].into());
        let (askers, unseen) = (&*askers, &*unseen);
        grants.advance(&images, changes, |key| {
            let asker = |key| Some(Asker { dashboard: dashboards.get(key)?, pairing: pairings.get(key)? });
            let askers: Vec<_> = askers.get(key).iter().flat_map(|a| &a.horizons).filter_map(asker).collect();
            Some(grant::of(snapshot, glances.get(key)?, &askers, unseen.get(&in_whole(""))?))
        });
        let grants = &*grants;
        intents.advance(&horizons, changes, |key| Some(grant::settled(pairings.get(key)?, key, grants)));
        let intents = &*intents;

        let Self { states, addresses, proofs, throttles, .. } = self;
        states.advance(&images, changes, |key| Some(glances.get(key)?.public.state()));
        addresses.advance(changes, || vantage::addresses(snapshot));
        let (states, addresses) = (&*states, &*addresses);
        proofs.advance(&horizons, changes, |key| {
            let (dashboard, pairing, intent) = (dashboards.get(key)?, pairings.get(key)?, intents.get(key)?);
            Some(Proof::derive(snapshot, dashboard, pairing, intent, states, addresses))
        });
        let proofs = &*proofs;
        throttles.advance(changes, || {
            let all = dashboards.iter().filter_map(|(key, dashboard)| Some((dashboard, proofs.get(key)?)));
            throttle::all(&all.collect::<Vec<_>>())
        });

        let Self { horizon_places, glance_places, rivals, horizon_views, glance_views, .. } = self;
        horizon_places.advance(&horizons, changes, |key| Some(conflict::places(&dashboards.get(key)?.exposures)));
        glance_places.advance(&images, changes, |key| Some(conflict::places(&glances.get(key)?.exposures)));
        rivals.advance(changes, || {
            let places = horizon_places.iter().chain(glance_places.iter());
            conflict::rivals(snapshot, places.flat_map(|(_, places)| places.iter().cloned()))
        });
        let (rivals, throttles) = (&*rivals, &*throttles);
        horizon_views.advance(&horizons, changes, |key| {
            let (dashboard, pairing, proof) = (dashboards.arc(key)?, pairings.arc(key)?, proofs.arc(key)?);
            let throttle = throttles.get(key).copied().unwrap_or_default();
            Some(HorizonView::new(dashboard, pairing, intents.get(key)?, proof, throttle, rivals))
        });
        glance_views.advance(&images, changes, |key| {
            let looked = askers.get(key).is_some_and(|askers| askers.looks);
            Some(GlanceView::new(snapshot, glances.arc(key)?, grants.arc(key)?, looked, rivals))
        });
        World {
            horizons: horizon_views.shared().into(),
            glances: glance_views.shared().into(),
            apis: apis.shared().into(),
            routing: exposure::needs(snapshot, &namespaces),
            read: snapshot.horizons.any_known() && snapshot.glances.any_known() && snapshot.apis.any_known(),
        }
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
