//! The whole picture: one view per resource, from one snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use direct_upload_api::{Reason, Rollout, WorkloadKind};
use jiff::Timestamp;

use super::glance::GlanceView;
use super::grant::Refusal;
use super::horizon::{HorizonView, Intent};
use super::{conflict, openstack_api, pairing, proof};
use crate::derive::exposure::http_route;
use crate::derive::turns;
use crate::model::{CatalogQuery, Epoch, Key, Meta, Needs, ProbeTarget, Problem, Snapshot, Workload, describe};
use crate::openstack::GLANCE;
use crate::workload::{Applied, Claim, Target, drain};

/// All resources, each with everything that its plan depends on. A resource has something to do
/// only if its view changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    pub horizons: BTreeMap<Key, HorizonView>,
    pub glances: BTreeMap<Key, GlanceView>,
    /// OpenStackAPIs: views of the same sort.
    pub apis: BTreeMap<Key, GlanceView>,
    /// Whose routes, and which Gateways, decide over exposures.
    routing: Needs,
    /// The resources themselves have been listed.
    read: bool,
}

impl World {
    /// Derives the world.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut glances: BTreeMap<_, _> = snapshot
            .glances
            .all()
            .map(|(key, object)| (key.clone(), GlanceView::of(snapshot, object, &GLANCE)))
            .collect();
        let mut horizons: BTreeMap<_, _> =
            snapshot.horizons.all().map(|(key, object)| (key.clone(), HorizonView::of(snapshot, object))).collect();

        let mut apis = openstack_api::views(snapshot, &horizons);
        for view in glances.values_mut() {
            view.add_internal(snapshot);
        }
        let internals = glances.values().filter_map(|view| view.internal.as_deref());
        let accepting = glances.values().chain(apis.values()).chain(internals);
        let claims = claims(accepting.map(|v| (&v.object.meta, &v.target)));
        for view in glances.values_mut().chain(apis.values_mut()) {
            let strays = strays(snapshot, view.service.kind, &view.object.meta, &view.target);
            view.heir = claims.settle(&view.object.meta, &mut view.target);
            view.strays = strays;
            if let Some(internal) = &mut view.internal {
                match &internal.target {
                    Ok(target) => view.strays.retain(|w| w.meta.uid != target.workload.meta.uid),
                    // Any of them may be the one that cannot be told now.
                    Err(_) => view.strays.clear(),
                }
                internal.heir = claims.settle(&internal.object.meta, &mut internal.target);
            }
        }
        let claims = claims_of_horizons(&horizons);
        for view in horizons.values_mut() {
            let strays = strays(snapshot, "Horizon", &view.object.meta, &view.target);
            view.heir = claims.settle(&view.object.meta, &mut view.target);
            view.strays = strays;
            pairing::pair(snapshot, &glances, view);
        }
        ask(snapshot, &mut glances, &mut horizons);
        for view in glances.values_mut() {
            let advice = view.internal.iter().flat_map(|internal| internal.advice.clone());
            let advice: Vec<_> = advice.map(|advice| advice.within("spec.apis.internal")).collect();
            view.advice.extend(advice);
            if let Err(unknown) = snapshot.horizons.known(&view.object.meta.key.namespace) {
                view.incomplete = Some(unknown.into());
            }
            view.look_ahead(snapshot);
        }
        let states: BTreeMap<_, _> = glances.iter().map(|(key, glance)| (key, glance.state())).collect();
        for view in horizons.values_mut() {
            let origins = view.origins().unwrap_or_default();
            for destination in &mut view.destinations {
                let state = destination.key().and_then(|key| states.get(key));
                destination.glance = state.map(|state| state.seen_from(&origins));
            }
            proof::fill(snapshot, view);
        }
        turns::take_turns(&mut horizons);
        advise_on_rolls(&mut glances, &mut horizons);
        conflict::advise(snapshot, &mut glances, &mut horizons);
        let read = snapshot.horizons.any_known() && snapshot.glances.any_known() && snapshot.apis.any_known();
        let keys = horizons.keys().chain(glances.keys()).chain(apis.keys());
        let routing = http_route::needs(snapshot, &keys.map(|key| key.namespace.as_str()).collect());
        Self { horizons, glances, apis, routing, read }
    }

    /// What must be watched for it.
    pub fn needs(&self) -> Needs {
        let files = self.accepting().filter_map(|view| view.source.clone());
        let authorities =
            self.horizons.values().flat_map(|view| [&view.proof.source, &view.catalog.source]).flatten().cloned();
        Needs {
            namespaces: self.keys().map(|key| key.namespace.clone()).collect(),
            config_maps: files.chain(authorities).collect(),
            ..self.routing.clone()
        }
    }

    /// The preflights that matter now, and the state of the server that each would speak of.
    pub fn questions(&self) -> BTreeMap<ProbeTarget, Epoch> {
        let all = self.horizons.values().flat_map(|view| &view.destinations);
        all.flat_map(|d| d.questions.iter().map(|q| (q.clone(), d.epoch.clone()))).collect()
    }

    /// The catalogs that are to be read.
    pub fn inquiries(&self) -> BTreeSet<CatalogQuery> {
        self.horizons.values().filter_map(|view| view.catalog.inquiry.clone()).collect()
    }

    /// Whether all that views depend on has been read, or is known to be unreadable.
    pub fn is_read(&self) -> bool {
        let pending = |p: Option<&Problem>| p.is_some_and(|p| p.reason == Reason::ObservationPending);
        self.read
            && !self.accepting().any(|v| pending(v.target.as_ref().err()) || pending(v.settings.as_ref().err()))
            && !self.horizons.values().any(|v| pending(v.target.as_ref().err()) || pending(v.exposures.as_ref().err()))
    }

    /// All that accept origins.
    pub fn accepting(&self) -> impl Iterator<Item = &GlanceView> {
        self.glances.values().chain(self.apis.values())
    }

    /// The internal APIs of Glances.
    pub fn internal(&self) -> impl Iterator<Item = &GlanceView> {
        self.glances.values().filter_map(|view| view.internal.as_deref())
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        self.horizons.keys().chain(self.glances.keys()).chain(self.apis.keys())
    }

    /// Keys of the resources whose view differs from the one in `before`: Horizons, Glances, APIs.
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

/// Lets each Glance grant what Horizons ask of it; one that is refused goes no further.
fn ask(snapshot: &Snapshot, glances: &mut BTreeMap<Key, GlanceView>, horizons: &mut BTreeMap<Key, HorizonView>) {
    let mut askers: BTreeMap<Key, Vec<&HorizonView>> = BTreeMap::new();
    for view in horizons.values() {
        for glance in view.needs() {
            askers.entry(glance).or_default().push(view);
        }
    }
    let unseen = horizons.values().filter_map(|view| Some((view.object.meta.key.namespace.clone(), view.unseen()?)));
    let unseen: BTreeMap<_, _> = unseen.collect();
    for (key, glance) in glances.iter_mut() {
        glance.grant(snapshot, askers.get(key).map_or(&[], Vec::as_slice), &unseen);
    }
    for view in horizons.values_mut() {
        let refusal = |glance: &Key| glances.get(glance)?.grants.refused.get(&view.object.meta.key).cloned();
        let refusals: Vec<_> = view.destinations.iter().filter_map(|d| refusal(d.key()?)).collect();
        let never = refusals.iter().find(|refusal| matches!(refusal, Refusal::Never(_)));
        match never.or(refusals.first()) {
            Some(Refusal::Never(problem)) => view.intent = Intent::Own(problem.clone()),
            Some(Refusal::NoRoom(problem)) => view.intent = Intent::Hold(problem.clone()),
            None => {}
        }
    }
}

/// Says what rolls cost, where one is to be expected.
fn advise_on_rolls(glances: &mut BTreeMap<Key, GlanceView>, horizons: &mut BTreeMap<Key, HorizonView>) {
    let advice = |is_glance, suspended: bool, rollout: &Rollout, target: &Target, applied: Option<&Applied>| {
        // Nobody holds the first roll up any more.
        let soon = !suspended && rollout.not_before.is_none() && applied.is_some_and(|a| a.mount.is_none());
        drain::advice(is_glance, &rollout.drain, target, soon)
    };
    for view in glances.values_mut().filter(|view| !view.wanted.is_empty()) {
        if let (Ok(spec), Ok(target)) = (&view.object.spec, &view.target) {
            view.advice.extend(advice(true, spec.suspend, &spec.rollout, target, view.applied.as_ref()));
        }
    }
    for view in horizons.values_mut().filter(|view| view.intent == Intent::Direct) {
        if let (Ok(spec), Ok(target)) = (&view.object.spec, &view.target) {
            view.advice.extend(advice(false, spec.suspend, &spec.rollout, target, view.applied.as_ref()));
        }
    }
}

/// Whether a namespace is being deleted. Unknown counts as no: then the API server refuses.
pub fn terminating(snapshot: &Snapshot, namespace: &str) -> bool {
    let key = Key::new("", namespace);
    matches!(snapshot.namespaces.get(&key), Ok(Some(object)) if object.meta.deleting.is_some())
}

/// Workloads of the namespace that carry this resource's claim, but are not its target.
fn strays(snapshot: &Snapshot, kind: &str, meta: &Meta, target: &Result<Target, Problem>) -> Vec<Arc<Workload>> {
    let ours = |w: &Workload| !w.foreign && Claim::on(w).is_some_and(|c| c.kind == kind && c.is(meta));
    let is_target =
        |w: &Workload| target.as_ref().is_ok_and(|t| t.workload.kind == w.kind && t.workload.meta.key == w.meta.key);
    WorkloadKind::ALL
        .iter()
        .flat_map(|kind| snapshot.workloads(*kind).seen(&meta.key.namespace))
        .filter(|w| ours(w) && !is_target(w))
        .cloned()
        .collect()
}

type WorkloadKey = (WorkloadKind, Key);

/// Age of a resource: the oldest claims first.
type Age = (Timestamp, String, Key);

/// Who claims which workload, oldest first; resources that are being deleted come last.
struct Claims(BTreeMap<WorkloadKey, Vec<(bool, Age)>>);

fn claims<'a>(resources: impl Iterator<Item = (&'a Meta, &'a Result<Target, Problem>)>) -> Claims {
    let mut claims: BTreeMap<WorkloadKey, Vec<(bool, Age)>> = BTreeMap::new();
    for (meta, target) in resources {
        if let Ok(target) = target {
            let workload = (target.workload.kind, target.workload.meta.key.clone());
            claims.entry(workload).or_default().push((meta.deleting.is_some(), age(meta)));
        }
    }
    for list in claims.values_mut() {
        list.sort();
    }
    Claims(claims)
}

fn claims_of_horizons(horizons: &BTreeMap<Key, HorizonView>) -> Claims {
    claims(horizons.values().map(|v| (&v.object.meta, &v.target)))
}

fn age(meta: &Meta) -> Age {
    (meta.born(), meta.uid.clone(), meta.key.clone())
}

impl Claims {
    /// Refuses the target to all but the oldest resource. True if another living resource will
    /// take the workload over from this one.
    fn settle(&self, meta: &Meta, target: &mut Result<Target, Problem>) -> bool {
        let Ok(found) = target else { return false };
        let workload = &found.workload;
        let Some(list) = self.0.get(&(workload.kind, workload.meta.key.clone())) else { return false };
        let is_other = |age: &Age| age.1 != meta.uid || age.2 != meta.key;
        let heir = list.iter().any(|(deleting, other)| !deleting && is_other(other));
        let first = list.first().filter(|(_, first)| is_other(first)).map(|(_, first)| &first.2);
        if let Some(first) = first.filter(|_| meta.deleting.is_none()) {
            let name = describe(workload.kind, &workload.meta.key);
            let message = format!("{name} is already managed by {first}, which is older");
            *target = Err(Problem::new(Reason::WorkloadClaimed, message));
        }
        heir
    }
}
