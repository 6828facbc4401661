//! How the world is derived: in stages. Each makes new values from finished ones, by resource, and only where
//! something changed that they are made from. Nothing is filled in later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use direct_upload_api::Rollout;
use direct_upload_api::web::Origin;

use super::api::ApiView;
use super::conflict::{self, HostPath};
use super::destination::GlanceState;
use super::exposure::{self, backends::Backends};
use super::exposure_issue::ExposureIssue;
use super::glance::{GlanceView, ImageService};
use super::grant::{self, Asker, Grants};
use super::horizon::{Dashboard, HorizonView, Intent};
use super::pairing::Pairing;
use super::proof::Proof;
use super::requester::Requester;
use super::stage::{Joint, Stage};
use super::tenure::{Tenure, Tenures};
use super::throttle::{self, Throttle};
use super::world::World;
use super::{adjust, catalog, exposure_issue, openstack_api, user_cors, vantage};
use crate::model::{Advice, Changes, Id, Key, Map, Problem, ResourceKind, Set, Snapshot};
use crate::workload::drain;
use crate::workload::rehearsal::LookState;

/// A world that is kept up to date: each value is computed again only if something changed that it was computed from.
#[derive(Debug)]
pub struct Derivation {
    /// The snapshot of the last time.
    snapshot: Snapshot,
    /// By namespace.
    tenures: Stage<Tenures>,
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

        let Self { tenures, dashboards, glances, apis, pairings, askers, unseen, grants, intents, .. } = self;
        tenures.advance(&by_namespace, changes, |key| Some(Tenures::derive(snapshot, &key.name)));
        let tenures = &*tenures;
        let of = |key: &Key| tenures.get(&in_whole(&key.namespace));
        dashboards.advance(&horizons, changes, |key| {
            let tenure = of(key)?.horizons.get(key)?.clone();
            Some(Dashboard::derive(snapshot, snapshot.horizons.seen_one(key)?, tenure))
        });
        glances.advance(&images, changes, |key| {
            let Tenures { glances, internals, .. } = of(key)?;
            let (public, internal) = (glances.get(key)?.clone(), internals.get(key).cloned());
            Some(ImageService::derive(snapshot, snapshot.glances.seen_one(key)?, public, internal))
        });
        let (dashboards, glances) = (&*dashboards, &*glances);
        apis.advance(&others, changes, |key| {
            let tenure = of(key)?.apis.get(key)?.clone();
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
            Some(horizon_view(dashboard, pairing, intents.get(key)?, proof, throttle, rivals))
        });
        glance_views.advance(&images, changes, |key| {
            let looked = askers.get(key).is_some_and(|askers| askers.looks);
            Some(glance_view(snapshot, glances.arc(key)?, grants.arc(key)?, looked, rivals))
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

fn horizon_view(
    dashboard: Arc<Dashboard>,
    pairing: Arc<Pairing>,
    intent: &Intent,
    proof: Arc<Proof>,
    throttle: Throttle,
    rivals: &Joint<Set<Id>>,
) -> HorizonView {
    let mut advice = dashboard.advice.to_vec();
    advice.extend(pairing.advice.iter().cloned());
    if let (Some(spec), Intent::Direct) = (dashboard.spec(), intent) {
        advice.extend(of_rolls(false, spec.suspend, &spec.rollout, &dashboard.tenure));
    }
    advice.extend(conflict::advice(rivals, &dashboard.exposures));
    let canaries = || proof.destinations.iter().filter_map(|to| Some((to, to.canary.as_ref()?)));
    advice.extend(canaries().filter_map(|(to, canary)| canary.advice(&to.to)));
    advice.extend(canaries().filter_map(|(_, canary)| canary.stuck_advice()));
    HorizonView { dashboard, pairing, intent: intent.clone(), proof, throttle, advice: advice.into() }
}

fn glance_view(
    snapshot: &Snapshot,
    glance: Arc<ImageService>,
    grants: Arc<Grants>,
    looked: bool,
    rivals: &Joint<Set<Id>>,
) -> GlanceView {
    let horizon = |key: &Key| Requester::Dashboard(Id::new(ResourceKind::Horizon, key));
    let mut wanted = glance.public.wanted();
    for (origin, horizons) in &grants.by {
        wanted.entry(origin.clone()).or_default().extend(horizons.iter().map(horizon));
    }
    let found = adjust::derive(snapshot, &glance);
    let issues = issues(snapshot, &glance, &wanted.keys().collect());
    let mut advice = glance.public.asked.advice.to_vec();
    advice.extend(found.refusals());
    advice.extend(found.of_exposures(&glance, &issues, !wanted.is_empty()));
    if let (Ok(terms), false) = (&glance.public.resource.terms, wanted.is_empty()) {
        advice.extend(of_rolls(true, terms.suspend, &terms.rollout, &glance.public.tenure));
    }
    advice.extend(conflict::advice(rivals, &glance.exposures));
    advice.extend(conflict::shared(&grants));
    let hides_cors = glance.hides_cors() && !wanted.is_empty();
    let ImageService { public, internal, exposures, catalog: look, cors, .. } = &*glance;
    let incomplete = snapshot.horizons.complete().err().map(Problem::from);
    let is_new = public.tenure.applied.as_ref().is_ok_and(|applied| applied.mount.is_none());
    let awaited = match &look.state {
        LookState::Pending(held_up) if looked && is_new => Some(catalog::awaited(held_up.as_deref())),
        _ => cors.pending.as_ref().filter(|_| hides_cors && is_new).map(|why| user_cors::awaited(why.as_deref())),
    };
    let due = look.due.as_ref().filter(|_| looked).or(cors.due.as_ref().filter(|_| hides_cors));
    let pending = exposures.as_ref().err().filter(|problem| problem.is_pending()).cloned();
    GlanceView {
        public: ApiView {
            api: public.clone(),
            wanted,
            grants,
            pending,
            incomplete,
            calls: None,
            advice: advice.into(),
        },
        internal: internal.clone().map(ApiView::unasked),
        issues,
        awaited,
        look: due.cloned(),
        adjustments: found.adjustments,
        service: glance,
    }
}

/// What blocks uploads on the objects that expose Glance. Nothing if `spec.publicURL` states its URL.
fn issues(snapshot: &Snapshot, glance: &ImageService, origins: &BTreeSet<&Origin>) -> Vec<ExposureIssue> {
    let Ok(exposures) = &glance.exposures else { return Vec::new() };
    let workload = glance.public.tenure.named.as_ref().ok().filter(|_| !exposures.is_stated());
    match workload.and_then(|target| Backends::find(snapshot, &target.workload).ok()) {
        Some(backends) => exposure_issue::find_all(snapshot, &exposures.exposing, &backends, origins),
        None => exposure_issue::find(&exposures.exposing, origins),
    }
}

/// What rolls cost, if one is expected.
fn of_rolls(is_glance: bool, suspended: bool, rollout: &Rollout, tenure: &Tenure) -> Vec<Advice> {
    let Ok(target) = &tenure.target else { return Vec::new() };
    // Is the first roll about to start?
    let first = tenure.applied.as_ref().is_ok_and(|a| a.mount.is_none());
    let soon = !suspended && rollout.not_before.is_none() && first;
    drain::advice(is_glance, &rollout.drain, target, soon)
}
