//! Stage 4: what a Glance grants to its Horizons: whose origins it accepts, and no more.
//!
//! In: the Horizons that request access, what the Glance's owner allows, and what the mounted file was made
//! for. Out: [`Grants`]. A tenant writes its Horizon's own objects, so nothing here depends on them alone.
//! Without consent they add no origin, and they keep only what their namespace had.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::web::Origin;
use direct_upload_api::{AllowedHorizons, Reason, Scheme};

use super::api::ManagedApi;
use super::consent;
use super::glance::ImageService;
use super::horizon::{Dashboard, Intent, OwnMode};
use super::pairing::Pairing;
use super::stage::Stage;
use crate::model::{Id, Key, Map, Problem, ResourceKind, Set, Snapshot};
use crate::workload::{Applied, annotations};

/// The default number of origins of each other namespace.
const MOST: u32 = 16;

/// Bytes for what other namespaces have. An object can have 256 KiB of annotations.
const ROOM: usize = 240 << 10;

/// Origins by the namespace of their Horizons.
pub type ByNamespace = Map<String, Set<Origin>>;

/// What one Glance grants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grants {
    /// What is requested and granted now.
    pub given: ByNamespace,
    /// Whose Horizons each granted origin belongs to.
    pub by: Map<Origin, Set<Key>>,
    /// Which objects give each granted origin.
    pub sources: Map<Origin, Set<Id>>,
    /// Horizons whose pods upload here directly, or may.
    pub holders: Set<Key>,
    /// What the mounted file was made for.
    pub before: ByNamespace,
    /// Origins without consent from which pods still upload, or may. Those pods leave first.
    pub leaving: Set<Origin>,
    /// Namespaces of which something cannot be seen. What they had stays.
    pub unseen: Map<String, Problem>,
    /// What is not granted, by Horizon.
    pub denied: Map<Key, Denial>,
}

/// Why a Horizon's origin is not granted although its namespace may use the Glance.
#[derive(Clone, Debug, PartialEq)]
pub enum Denial {
    /// It never may be accepted. A direct Horizon goes back.
    Never(Problem),
    /// There is no space for it. A direct Horizon stays direct with the origins that it had.
    NoRoom(Problem),
}

impl Grants {
    /// Why nothing can be said yet: something is still being read for the first time.
    pub fn pending(&self) -> Option<&Problem> {
        self.unseen.values().find(|problem| problem.is_pending())
    }

    /// Whether an origin must stay because its owner cannot be seen.
    pub fn is_frozen(&self, origin: &Origin) -> bool {
        self.unseen.keys().any(|namespace| self.before.get(namespace).is_some_and(|had| had.contains(origin)))
    }

    /// A Horizon whose namespace may use this Glance: what it requests.
    fn admit<'a>(&mut self, glance: &Key, asker: &Asker<'a>, in_use: &BTreeSet<Origin>) -> Vec<Request<'a>> {
        let Asker { dashboard, pairing } = asker;
        let key = &dashboard.object.meta.key;
        let had = self.before.get(&key.namespace);
        if dashboard.holds() {
            self.holders.insert(key.clone());
        }
        let mut origins = match pairing.origins_at(glance, dashboard) {
            Ok(origins) => origins,
            Err(problem) => {
                if problem.is_unknown() || dashboard.holds() {
                    self.unseen.insert(key.namespace.clone(), problem);
                }
                return Vec::new();
            }
        };
        // An origin that is unnecessary because both share it is not worth a roll.
        let all = dashboard.origins().unwrap_or_default();
        origins.extend(all.into_iter().filter(|o| in_use.contains(o)));
        // An assumption does not replace an earlier fact.
        let earlier = had.map(|had| dashboard.may_be_among(had)).unwrap_or_default();
        origins.extend(earlier.into_iter().cloned());
        let is_new = |origin: &Origin| !had.is_some_and(|had| had.contains(origin));
        origins.into_iter().map(|origin| (is_new(&origin), key, origin)).collect()
    }

    /// A Horizon whose namespace may not use this Glance. Its pods leave first.
    fn refuse(&mut self, dashboard: &Dashboard) {
        let key = &dashboard.object.meta.key;
        let had = self.before.get(&key.namespace).cloned().unwrap_or_default();
        if dashboard.holds() && !had.is_empty() {
            self.holders.insert(key.clone());
            self.leaving.extend(had);
        }
    }

    /// Which objects of the Horizons give the granted origins.
    fn note_sources(&mut self, askers: &[Asker<'_>]) {
        let dashboards = askers.iter().map(|asker| (&asker.dashboard.object.meta.key, asker.dashboard));
        let dashboards: BTreeMap<&Key, &Dashboard> = dashboards.collect();
        for (origin, horizons) in &self.by {
            for (key, dashboard) in horizons.iter().filter_map(|key| Some((key, dashboards.get(key)?))) {
                let who = Id::new(ResourceKind::Horizon, key);
                let sources = self.sources.entry(origin.clone()).or_default();
                sources.extend(dashboard.exposures.iter().flat_map(|e| e.sources_of(origin, &who)));
            }
        }
    }

    /// The same with the requests for which there is space, in this order.
    fn within(mut self, mut quota: Quota<'_>, asked: Vec<Request<'_>>) -> Self {
        for (_, key, origin) in asked {
            match quota.reserve(&key.namespace, &origin) {
                Ok(()) => {
                    self.given.entry(key.namespace.clone()).or_default().insert(origin.clone());
                    self.by.entry(origin).or_default().insert(key.clone());
                }
                Err(denial) => {
                    if matches!(denial, Denial::Never(_)) && self.holders.contains(key) {
                        self.leaving.insert(origin);
                    }
                    self.denied.entry(key.clone()).or_insert(denial);
                }
            }
        }
        self
    }

    /// The annotation of a file that has these origins.
    pub fn annotation(&self, kept: impl Fn(&Origin) -> bool) -> Option<(String, String)> {
        let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (namespace, had) in &self.before {
            for origin in had.iter().filter(|origin| kept(origin)) {
                all.entry(namespace).or_default().insert(origin.as_str());
            }
        }
        for (namespace, origins) in &self.given {
            all.entry(namespace).or_default().extend(origins.iter().map(Origin::as_str));
        }
        (!all.is_empty()).then(|| (annotations::GRANTED.to_owned(), serde_json::to_string(&all).unwrap_or_default()))
    }
}

/// What a mounted file's annotation says.
pub fn parse(text: &str) -> Option<ByNamespace> {
    let all: BTreeMap<String, Vec<String>> = serde_json::from_str(text).ok()?;
    let origins = |list: Vec<String>| list.iter().filter_map(|o| Origin::parse(o).ok()).collect();
    Some(all.into_iter().map(|(namespace, list)| (namespace, origins(list))).collect())
}

/// An origin that a Horizon requests: whether it is new, who requests it, and the origin.
type Request<'a> = (bool, &'a Key, Origin);

/// A Horizon that requests access.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    pub dashboard: &'a Dashboard,
    pub pairing: &'a Pairing,
}

/// What a Glance grants to the Horizons that use it, or whose pods still upload there. `unseen`: the namespaces with a
/// Horizon that cannot be seen completely. It may need anything that it is allowed to use.
pub(super) fn of(
    snapshot: &Snapshot,
    glance: &ImageService,
    askers: &[Asker<'_>],
    unseen: &Map<String, Problem>,
) -> Grants {
    if let Ok(spec) = &glance.object.spec {
        return for_glance(snapshot, glance, &spec.cors.allowed_horizons, askers, unseen);
    }
    // The owner's consent cannot be read. Nothing is granted, and everyone who uploads there counts.
    let holders = askers.iter().map(|asker| asker.dashboard).filter(|dashboard| dashboard.holds());
    let holders = holders.map(|dashboard| dashboard.object.meta.key.clone()).collect();
    Grants { holders, before: granted_before(&glance.public), unseen: unseen.clone(), ..Grants::default() }
}

/// What happens to a Horizon's intent. One that is denied goes no further.
pub fn settled(pairing: &Pairing, horizon: &Key, grants: &Stage<Grants>) -> Intent {
    let denial = |glance: &Key| grants.get(glance)?.denied.get(horizon);
    let denials: Vec<_> = pairing.destinations.iter().filter_map(|d| denial(d.key()?)).collect();
    let never = denials.iter().find(|denial| matches!(denial, Denial::Never(_)));
    match never.or(denials.first()) {
        Some(Denial::Never(problem)) => Intent::Own(OwnMode::NoGlance, problem.clone()),
        Some(Denial::NoRoom(problem)) => Intent::Hold(problem.clone()),
        None => pairing.intent.clone(),
    }
}

fn for_glance(
    snapshot: &Snapshot,
    glance: &ImageService,
    allowed: &AllowedHorizons,
    askers: &[Asker<'_>],
    unseen: &Map<String, Problem>,
) -> Grants {
    let own = &glance.object.meta.key;
    let consent = |namespace: &str| consent::is_given(snapshot, own, &allowed.namespaces, namespace);
    let in_use = glance.public.origins_in_use();
    let mut grants = Grants { before: granted_before(&glance.public), ..Grants::default() };
    let mut asked = Vec::new();
    for asker in askers {
        let namespace = &asker.dashboard.object.meta.key.namespace;
        match consent(namespace) {
            Ok(true) => asked.extend(grants.admit(own, asker, &in_use)),
            Ok(false) => grants.refuse(asker.dashboard),
            Err(unknown) => drop(grants.unseen.insert(namespace.clone(), unknown.into())),
        }
    }
    let may_ask = |namespace: &String| consent(namespace).unwrap_or(true);
    let concerns = |namespace: &String| grants.before.contains_key(namespace) || may_ask(namespace);
    let unseen: Vec<_> = unseen.iter().filter(|(namespace, _)| concerns(namespace)).collect();
    grants.unseen.extend(unseen.into_iter().map(|(namespace, problem)| (namespace.clone(), problem.clone())));
    // Existing origins come first, so that nobody's new origin replaces another's.
    asked.sort();
    let quota = Quota::new(own, allowed, &grants.before, &in_use);
    let mut grants = grants.within(quota, asked);
    grants.note_sources(askers);
    grants
}

/// What the file in effect was made for.
fn granted_before(api: &ManagedApi) -> ByNamespace {
    let mut before = ByNamespace::new();
    for config_map in api.tenure.applied.as_ref().map(Applied::in_effect).unwrap_or_default() {
        let said = config_map.meta.ours.get(annotations::GRANTED).and_then(|text| parse(text));
        for (namespace, origins) in said.into_iter().flatten() {
            before.entry(namespace).or_default().extend(origins);
        }
    }
    before
}

/// Counts what each namespace has.
struct Quota<'a> {
    glance: &'a Key,
    plain: bool,
    most: usize,
    /// For other namespaces: what is in use and what is newly granted.
    has: ByNamespace,
    room: usize,
}

impl<'a> Quota<'a> {
    fn new(glance: &'a Key, allowed: &AllowedHorizons, before: &ByNamespace, in_use: &BTreeSet<Origin>) -> Self {
        let others = before.iter().filter(|(namespace, _)| **namespace != glance.namespace);
        let has: ByNamespace = others
            .map(|(namespace, had)| {
                (namespace.clone(), had.iter().filter(|origin| in_use.contains(origin)).cloned().collect())
            })
            .collect();
        let taken = has.iter().flat_map(|(namespace, had)| had.iter().map(|origin| size(namespace, origin)));
        let room = ROOM.saturating_sub(taken.sum());
        let most = usize::try_from(allowed.max_origins_per_namespace.unwrap_or(MOST)).unwrap_or(usize::MAX);
        Self { glance, plain: allowed.schemes.contains(&Scheme::HTTP), most, has, room }
    }

    fn reserve(&mut self, namespace: &str, origin: &Origin) -> Result<(), Denial> {
        let Self { glance, .. } = self;
        if namespace == glance.namespace {
            return Ok(());
        }
        let problem = |why: String| Problem::new(Reason::OriginNotAllowed, format!("Glance {glance} {why}"));
        if !origin.is_https() && !self.plain {
            return Err(Denial::Never(problem(format!(
                "accepts no plain http from other namespaces, so it does not accept {origin}; give the dashboard TLS, or let the Glance's owner add HTTP to spec.cors.allowedHorizons.schemes"
            ))));
        }
        let has = self.has.entry(namespace.to_owned()).or_default();
        if has.contains(origin) {
            return Ok(());
        }
        if has.len() >= self.most {
            return Err(Denial::NoRoom(problem(format!(
                "accepts {} origins of namespace {namespace} already, retiring ones included, so it does not accept {origin}; wait until some have retired, expose the dashboard under fewer names, or let the Glance's owner raise spec.cors.allowedHorizons.maxOriginsPerNamespace",
                has.len()
            ))));
        }
        let size = size(namespace, origin);
        if size > self.room {
            return Err(Denial::NoRoom(problem(format!(
                "cannot store more origins of other namespaces (its annotations are full), so it does not accept {origin}; the owner of that Glance can add this origin to its spec.cors.allowedOrigins"
            ))));
        }
        self.room -= size;
        has.insert(origin.clone());
        Ok(())
    }
}

/// The most space of an origin in annotations: here, and with a time where it retires.
fn size(namespace: &str, origin: &Origin) -> usize {
    namespace.len() + 2 * origin.as_str().len() + 40
}
