//! The whole picture: one view for each resource, from one snapshot, in stages. Each stage makes new values
//! from finished ones, by resource. Nothing is filled in later.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::web::Origin;
use direct_upload_api::{Reason, Rollout};

use super::api::ApiView;
use super::conflict::{self, Rivals};
use super::destination::GlanceState;
use super::exposure::{self, backends::Backends};
use super::exposure_issue::ExposureIssue;
use super::glance::{GlanceView, ImageService};
use super::grant::{self, Grants};
use super::horizon::{Dashboard, HorizonView, Intent};
use super::pairing::Pairing;
use super::proof::Proof;
use super::tenure::{Tenure, Tenures};
use super::throttle::{self, Throttle};
use super::vantage::Vantage;
use super::{adjust, catalog, exposure_issue, openstack_api, user_cors};
use crate::model::{Advice, CanaryQuery, CatalogQuery, Epoch, Key, Kind, Meta, Needs, ProbeTarget, Problem, Snapshot};
use crate::workload::drain;
use crate::workload::rehearsal::LookState;

/// All resources, each with everything its plan depends on. A resource has something to do only if its view
/// changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    pub horizons: BTreeMap<Key, HorizonView>,
    pub glances: BTreeMap<Key, GlanceView>,
    pub apis: BTreeMap<Key, ApiView>,
    /// Whose routes, and which Gateways, decide about exposures.
    routing: Needs,
    /// The resources themselves have been listed.
    read: bool,
}

impl World {
    /// Derives the world.
    pub fn of(snapshot: &Snapshot) -> Self {
        let tenures = Tenures::derive(snapshot);
        let dashboards = dashboards(snapshot, tenures.horizons);
        let glances = glances(snapshot, tenures.glances, tenures.internals);
        let apis = apis(snapshot, tenures.apis, &dashboards);
        let pairings = each(&dashboards, |_, dashboard| Pairing::derive(snapshot, &glances, dashboard));
        let grants = grant::all(snapshot, &glances, &dashboards, &pairings);
        let intents = each(&pairings, |key, pairing| grant::settled(pairing, key, &grants));
        let proofs = proofs(snapshot, &glances, &dashboards, &pairings, &intents);
        let throttles = throttle::all(&dashboards, &proofs);
        let exposures = glances.values().map(|glance| &glance.exposures);
        let looked: BTreeSet<_> = each(&pairings, |_, pairing| pairing.looks()).into_values().flatten().collect();
        let rivals = Rivals::find(snapshot, exposures.chain(dashboards.values().map(|dashboard| &dashboard.exposures)));

        let keys = dashboards.keys().chain(glances.keys()).chain(apis.keys());
        let routing = exposure::needs(snapshot, &keys.map(|key| key.namespace.as_str()).collect());
        let read = snapshot.horizons.any_known() && snapshot.glances.any_known() && snapshot.apis.any_known();
        Self {
            horizons: horizon_views(dashboards, pairings, intents, proofs, &throttles, &rivals),
            glances: glance_views(snapshot, glances, grants, &looked, &rivals),
            apis,
            routing,
            read,
        }
    }

    /// What must be watched for it.
    pub fn needs(&self) -> Needs {
        let files = self.accepting().filter_map(|view| view.api.asked.source.clone());
        let authorities =
            self.horizons.values().flat_map(|view| [&view.authorities, &view.catalog.source]).flatten().cloned();
        let mut needs =
            Needs { namespaces: self.keys().map(|key| key.namespace.clone()).collect(), ..self.routing.clone() };
        let of_calls = self.apis.values().filter_map(|view| view.calls.as_ref()?.authorities.clone());
        files.chain(authorities).chain(of_calls).for_each(|key| needs.add_named(Kind::ReferencedConfigMap, key));
        needs
    }

    /// The preflights that are needed now, and the state of the server to which each answer would belong.
    pub fn probe_targets(&self) -> BTreeMap<ProbeTarget, Epoch> {
        let all = self.horizons.values().flat_map(|view| &view.destinations);
        let uploads = all.flat_map(|d| d.questions.iter().map(|q| (q.clone(), d.epoch.clone())));
        let calls = self.apis.values().filter_map(|view| view.calls.as_ref());
        uploads.chain(calls.flat_map(|c| c.questions.iter().map(|q| (q.clone(), c.epoch.clone())))).collect()
    }

    /// The catalogs to read.
    pub fn catalog_queries(&self) -> BTreeSet<CatalogQuery> {
        self.horizons.values().filter_map(|view| view.catalog.query.clone()).collect()
    }

    /// The uploads that the operator makes itself, and the state of the server to which each result would
    /// belong.
    pub fn canary_queries(&self) -> BTreeMap<CanaryQuery, Epoch> {
        let all = self.horizons.values().flat_map(|view| &view.destinations);
        all.filter_map(|d| Some((d.canary.as_ref()?.query.clone(), d.epoch.clone()))).collect()
    }

    /// Whether everything that views depend on has been read, or is known to be unreadable.
    pub fn is_read(&self) -> bool {
        let pending = |p: Option<&Problem>| p.is_some_and(|p| p.reason == Reason::ObservationPending);
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
    pub fn tenures(&self) -> impl Iterator<Item = (&'static str, &Meta, &Tenure)> {
        let dashboards = self.horizons.values().map(|view| &view.dashboard);
        let dashboards = dashboards.map(|dashboard| ("Horizon", &dashboard.object.meta, &dashboard.tenure));
        let apis = self.accepting().chain(self.internal()).map(|view| &view.api);
        dashboards.chain(apis.map(|api| (api.service.kind, &api.resource.meta, &api.tenure)))
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
        fn differing<'a, V: PartialEq>(now: &'a BTreeMap<Key, V>, before: &BTreeMap<Key, V>) -> Vec<&'a Key> {
            now.iter().filter(|(key, view)| before.get(key) != Some(view)).map(|(key, _)| key).collect()
        }
        [
            differing(&self.horizons, &before.horizons),
            differing(&self.glances, &before.glances),
            differing(&self.apis, &before.apis),
        ]
    }
}

type Keyed<T> = BTreeMap<Key, T>;

fn each<T, U>(all: &Keyed<T>, make: impl Fn(&Key, &T) -> U) -> Keyed<U> {
    all.iter().map(|(key, value)| (key.clone(), make(key, value))).collect()
}

fn dashboards(snapshot: &Snapshot, mut tenures: Keyed<Tenure>) -> Keyed<Dashboard> {
    let all = snapshot.horizons.all();
    all.filter_map(|(key, o)| Some((key.clone(), Dashboard::derive(snapshot, o, tenures.remove(key)?)))).collect()
}

fn glances(snapshot: &Snapshot, mut tenures: Keyed<Tenure>, mut internals: Keyed<Tenure>) -> Keyed<ImageService> {
    let all = snapshot.glances.all();
    all.filter_map(|(key, object)| {
        let glance = ImageService::derive(snapshot, object, tenures.remove(key)?, internals.remove(key));
        Some((key.clone(), glance))
    })
    .collect()
}

fn apis(snapshot: &Snapshot, mut tenures: Keyed<Tenure>, dashboards: &Keyed<Dashboard>) -> Keyed<ApiView> {
    let all = snapshot.apis.all();
    all.filter_map(|(key, object)| {
        Some((key.clone(), openstack_api::view(snapshot, dashboards, object, tenures.remove(key)?)))
    })
    .collect()
}

fn proofs(
    snapshot: &Snapshot,
    glances: &Keyed<ImageService>,
    dashboards: &Keyed<Dashboard>,
    pairings: &Keyed<Pairing>,
    intents: &Keyed<Intent>,
) -> Keyed<Proof> {
    let glances: Keyed<GlanceState> = each(glances, |_, glance| glance.public.state());
    let vantage = Vantage::of(snapshot);
    let stages = dashboards.iter().zip(pairings.values()).zip(intents.values());
    stages
        .map(|(((key, dashboard), pairing), intent)| {
            (key.clone(), Proof::derive(snapshot, dashboard, pairing, intent, &glances, &vantage))
        })
        .collect()
}

fn horizon_views(
    dashboards: Keyed<Dashboard>,
    pairings: Keyed<Pairing>,
    intents: Keyed<Intent>,
    proofs: Keyed<Proof>,
    throttles: &Keyed<Throttle>,
    rivals: &Rivals,
) -> Keyed<HorizonView> {
    let stages =
        dashboards.into_iter().zip(pairings.into_values()).zip(intents.into_values().zip(proofs.into_values()));
    stages
        .map(|(((key, dashboard), pairing), (intent, proof))| {
            let mut advice = dashboard.advice.clone();
            advice.extend(pairing.advice);
            if let (Some(spec), Intent::Direct) = (dashboard.spec(), &intent) {
                advice.extend(of_rolls(false, spec.suspend, &spec.rollout, &dashboard.tenure));
            }
            advice.extend(rivals.advice(&dashboard.exposures));
            let Pairing { catalog, proxies, .. } = pairing;
            let Proof { destinations, evidence, assumptions, authorities } = proof;
            advice.extend(destinations.iter().filter_map(|d| d.canary.as_ref()?.advice(&d.to)));
            advice.extend(destinations.iter().filter_map(|d| d.canary.as_ref()?.stuck_advice()));
            let throttle = throttles.get(&key).copied().unwrap_or_default();
            let view = HorizonView {
                dashboard,
                catalog,
                proxies,
                intent,
                destinations,
                evidence,
                assumptions,
                authorities,
                throttle,
                advice,
            };
            (key, view)
        })
        .collect()
}

fn glance_views(
    snapshot: &Snapshot,
    glances: Keyed<ImageService>,
    grants: Keyed<Grants>,
    looked: &BTreeSet<Key>,
    rivals: &Rivals,
) -> Keyed<GlanceView> {
    let stages = glances.into_iter().zip(grants.into_values());
    stages
        .map(|((key, glance), grants)| {
            let view = glance_view(snapshot, glance, grants, looked.contains(&key), rivals);
            (key, view)
        })
        .collect()
}

fn glance_view(snapshot: &Snapshot, glance: ImageService, grants: Grants, looked: bool, rivals: &Rivals) -> GlanceView {
    let mut wanted = glance.public.wanted();
    for (origin, horizons) in &grants.by {
        wanted.entry(origin.clone()).or_default().extend(horizons.iter().map(|key| format!("Horizon {key}")));
    }
    let found = adjust::derive(snapshot, &glance);
    let issues = issues(snapshot, &glance, &wanted.keys().collect());
    let mut advice = glance.public.asked.advice.clone();
    advice.extend(found.refusals());
    advice.extend(found.of_exposures(&glance, &issues, !wanted.is_empty()));
    if let (Ok(terms), false) = (&glance.public.resource.terms, wanted.is_empty()) {
        advice.extend(of_rolls(true, terms.suspend, &terms.rollout, &glance.public.tenure));
    }
    advice.extend(rivals.advice(&glance.exposures));
    advice.extend(conflict::shared(&grants));
    let hides_cors = glance.hides_cors() && !wanted.is_empty();
    let ImageService { object, public, internal, exposures, catalog: look, cors } = glance;
    let incomplete = snapshot.horizons.complete().err().map(Problem::from);
    let is_new = public.tenure.applied.as_ref().is_ok_and(|applied| applied.mount.is_none());
    let awaited = match &look.state {
        LookState::Pending(held_up) if looked && is_new => Some(catalog::awaited(held_up.as_deref())),
        _ => cors.pending.as_ref().filter(|_| hides_cors && is_new).map(|why| user_cors::awaited(why.as_deref())),
    };
    let due = look.due.filter(|_| looked).or(cors.due.filter(|_| hides_cors));
    let sources = grants.sources.clone();
    let pending = exposures.as_ref().err().filter(|problem| problem.reason == Reason::ObservationPending).cloned();
    GlanceView {
        object,
        public: ApiView { api: public, wanted, sources, grants, pending, incomplete, calls: None, advice },
        internal: internal.map(ApiView::unasked),
        exposures,
        issues,
        awaited,
        look: due,
        adjustments: found.adjustments,
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
