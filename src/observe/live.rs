//! The snapshot of a running cluster, kept up to date by watches and by the answers to our own writes.
//!
//! Answers go in immediately, so that the next plan sees what the last one did. A watch event that is older
//! than what is known is dropped. So the operator never sends a write that changes nothing.
//!
//! An answer may arrive after the event that its object is gone. Kubernetes never uses a uid twice. So the
//! snapshot remembers each gone uid for longer than any request takes, and nothing brings the object back.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use direct_upload_api::{ExposureKind, WorkloadKind};
use direct_upload_core::derive::{Derivation, World};
use direct_upload_core::model::{
    CanaryOutcome, CanaryQuery, CanaryRecord, CatalogQuery, CatalogReading, DecodeError, Key, Kind, ProbeRecord,
    ProbeTarget, RefusedWrite, Snapshot, StuckReading, Unknown,
};
use direct_upload_core::workload::is_bystander;
use prometheus_client::metrics::counter::Counter;
use serde_json::Value;
use tokio::sync::watch;

use super::scope::Scope;

/// Changes within this time are handled together …
const TOGETHER: Duration = Duration::from_millis(5);

/// … in a large world, within so many times what the last derivation took: derivations take at most a fifth of one
/// processor; …
const TOGETHER_FOR: u32 = 4;

/// … but not longer than this, because a paused process also makes a derivation long.
const TOGETHER_MOST: Duration = Duration::from_secs(1);

/// How long to remember that an object is gone: longer than a reconcile may take.
const REMEMBERED: Duration = Duration::from_secs(900);

/// The live snapshot.
#[derive(Debug)]
pub struct Live {
    state: Mutex<LiveState>,
    /// Locked while a world is derived.
    world: tokio::sync::Mutex<Derived>,
    changes: watch::Sender<u64>,
    derivations: Counter,
}

/// The newest world.
#[derive(Debug, Default)]
struct Derived {
    derivation: Derivation,
    world: Arc<World>,
    /// From which revision it was derived.
    revision: u64,
    /// How long that took.
    took: Duration,
}

impl Derived {
    /// How long changes wait for others before the next derivation.
    fn pause(&self) -> Duration {
        (TOGETHER_FOR * self.took).clamp(TOGETHER, TOGETHER_MOST)
    }
}

#[derive(Debug)]
struct LiveState {
    snapshot: Snapshot,
    versions: HashMap<(Kind, Key), ObjectVersion>,
    gone: Gone,
    /// What is watched but unknown, and since when.
    unread: HashMap<(Kind, Scope), Instant>,
    /// Counts arrivals.
    arrivals: u64,
    /// Counts changes of meaning.
    revision: u64,
    /// The newest world, and the revision that it was derived from.
    derived: (u64, Arc<World>),
}

/// Which state of an object is known.
#[derive(Debug)]
struct ObjectVersion {
    uid: String,
    /// Its resourceVersion.
    number: u64,
    /// When it arrived.
    arrival: u64,
}

/// Uids of objects that are gone, oldest first.
#[derive(Debug, Default)]
struct Gone {
    uids: HashSet<String>,
    since: VecDeque<(Instant, String)>,
}

impl Gone {
    fn add(&mut self, uid: String) {
        let now = Instant::now();
        while let Some((_, old)) = self.since.pop_front_if(|(since, _)| now.duration_since(*since) > REMEMBERED) {
            self.uids.remove(&old);
        }
        if !uid.is_empty() && self.uids.insert(uid.clone()) {
            self.since.push_back((now, uid));
        }
    }
}

/// What the operator cannot see of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlindSpots {
    /// Scopes that are watched but unknown.
    pub scopes: usize,
    /// Objects that cannot be read.
    pub objects: usize,
}

/// A moment, as a number of arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Default for Live {
    fn default() -> Self {
        let state = LiveState {
            snapshot: Snapshot::unseen(),
            versions: HashMap::new(),
            gone: Gone::default(),
            unread: HashMap::new(),
            arrivals: 0,
            revision: 0,
            derived: (0, Arc::default()),
        };
        Self {
            state: Mutex::new(state),
            world: tokio::sync::Mutex::default(),
            changes: watch::Sender::new(0),
            derivations: Counter::default(),
        }
    }
}

impl Live {
    /// The world with everything that arrived before. Callers at the same time share one derivation, so
    /// many writes do not cause many derivations. Meanwhile the snapshot accepts more.
    pub async fn world(&self) -> Arc<World> {
        let wanted = self.lock().revision;
        let mut newest = self.world.lock().await;
        if newest.revision < wanted {
            tokio::time::sleep(newest.pause()).await;
            let (revision, snapshot) = {
                let state = self.lock();
                (state.revision, state.snapshot.clone())
            };
            let start = Instant::now();
            let world = Arc::new(newest.derivation.advance(&snapshot));
            debug_assert!(*world == World::of(&snapshot), "something that a stage read was not noted");
            self.lock().derived = (revision, world.clone());
            newest.world = world;
            newest.revision = revision;
            newest.took = start.elapsed();
            self.derivations.inc();
        }
        newest.world.clone()
    }

    /// How often the world was derived.
    pub fn derivations(&self) -> Counter {
        self.derivations.clone()
    }

    /// Notifies of each change of meaning.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Takes in an object, from a watch or from the answer to a write.
    pub fn put(&self, kind: Kind, object: Value) {
        let (key, uid, version) = identity(kind, &object);
        let mut state = self.lock();
        let known = state.versions.get(&(kind, key.clone()));
        // A gone object stays gone; of existing ones, the newest counts.
        if known.is_some_and(|known| version < known.number) || state.gone.uids.contains(&uid) {
            return;
        }
        state.arrivals += 1;
        let arrival = state.arrivals;
        state.versions.insert((kind, key.clone()), ObjectVersion { uid, number: version, arrival });
        let was_bystander = state.is_bystander(kind, &key);
        // A fault of the reader must not lose what others hold.
        let snapshot = AssertUnwindSafe(&mut state.snapshot);
        let taken = catch_unwind(|| { snapshot }.take(kind, object, |_| Ok(())));
        match taken
            .unwrap_or_else(|_| Err(DecodeError::Invalid("the operator fails to read it, see its log".to_owned())))
        {
            Ok(changed) => {
                let changed = changed && !(was_bystander && state.is_bystander(kind, &key));
                self.note(&mut state, changed);
            }
            // The object is neither absent nor unchanged, so answers that depend on it are unknown.
            Err(error) => {
                tracing::warn!(?kind, object = %key, %error, "this object cannot be read");
                let changed = state.snapshot.take_unreadable(kind, key, error.to_string());
                self.note(&mut state, changed);
            }
        }
    }

    /// Removes an object, unless a newer one of the same name is known.
    pub fn remove(&self, kind: Kind, object: &Value) {
        let (key, uid, version) = identity(kind, object);
        let mut state = self.lock();
        state.gone.add(uid.clone());
        if state.versions.get(&(kind, key.clone())).is_some_and(|known| known.uid != uid && version < known.number) {
            return;
        }
        let changed = state.remove(kind, &key);
        self.note(&mut state, changed);
    }

    /// Takes in the results of preflights; `None` when nobody needs the answer any more.
    pub fn answer(&self, question: Arc<ProbeTarget>, standing: Option<ProbeRecord>) {
        let mut state = self.lock();
        let changed = state.snapshot.answers.set(question, standing);
        self.note(&mut state, changed);
    }

    /// Takes in what a catalog says; `None` when nobody needs it any more.
    pub fn read_catalog(&self, query: CatalogQuery, reading: Option<CatalogReading>) {
        let mut state = self.lock();
        let catalogs = &mut state.snapshot.catalogs;
        let before = catalogs.get(&query).cloned();
        let after = reading.map(|reading| CatalogReading::then(before.as_ref(), reading));
        match &after {
            Some(reading) => drop(catalogs.insert(query, reading.clone())),
            None => drop(catalogs.remove(&query)),
        }
        self.note(&mut state, before != after);
    }

    /// Takes in the result of one of the operator's uploads; `None` when nobody needs it any more.
    pub fn saw_canary(&self, query: CanaryQuery, ended: Option<(CanaryOutcome, Option<StuckReading>)>) {
        let mut state = self.lock();
        let canaries = &mut state.snapshot.canaries;
        let before = canaries.remove(&query);
        let after = ended.map(|(outcome, stuck)| CanaryRecord::then(before.as_ref(), outcome).counted(stuck));
        let changed = before != after;
        canaries.extend(after.map(|record| (query, record)));
        self.note(&mut state, changed);
    }

    /// Records that a write to an exposing object was refused.
    pub fn refuse(&self, kind: ExposureKind, key: Key, refusal: RefusedWrite) {
        let mut state = self.lock();
        state.snapshot.refused_writes.insert((kind, key), refusal);
        self.note(&mut state, true);
    }

    /// Removes an object that is gone according to the API server: it has none of this name, or we deleted
    /// the one with this uid. Another object of the same name stays.
    pub fn forget_object(&self, kind: Kind, key: &Key, uid: &str) {
        let mut state = self.lock();
        state.gone.add(uid.to_owned());
        if state.versions.get(&(kind, key.clone())).is_some_and(|known| known.uid != uid) {
            return;
        }
        let changed = state.remove(kind, key);
        self.note(&mut state, changed);
    }

    /// Whether a revision of a workload of this kind refers to the ConfigMap, or may.
    pub fn is_referenced(&self, config_map: &Key, workload: WorkloadKind) -> bool {
        let state = self.lock();
        let revisions = state.snapshot.revisions(workload).list(&config_map.namespace);
        revisions.map_or(true, |mut all| all.any(|revision| revision.config_maps.contains(&config_map.name)))
    }

    /// Now.
    pub fn moment(&self) -> Moment {
        Moment(self.lock().arrivals)
    }

    /// Ends a list that started at a moment. What it does not contain is gone, and the scope is known. What
    /// arrived since that moment, with the answer to a write, may be newer than the list. It stays, and is
    /// returned with its uid, so that the caller can check whether it exists.
    #[must_use]
    pub fn listed(&self, kind: Kind, scope: &Scope, seen: &HashSet<Key>, asked: Moment) -> Vec<(Key, String)> {
        let mut state = self.lock();
        let missing =
            state.versions.iter().filter(|((k, key), _)| *k == kind && scope.holds(key) && !seen.contains(key));
        let missing = missing.map(|((_, key), known)| (key.clone(), known.uid.clone(), known.arrival));
        let (doubtful, gone): (Vec<_>, Vec<_>) = missing.partition(|(.., arrival)| *arrival > asked.0);
        for (key, ..) in gone {
            state.remove(kind, &key);
        }
        state.unread.remove(&(kind, scope.clone()));
        state.snapshot.set_known(kind, &scope.names(), &Ok(()));
        self.note(&mut state, true);
        doubtful.into_iter().map(|(key, uid, _)| (key, uid)).collect()
    }

    /// No object of this kind exists.
    pub fn none(&self, kind: Kind, scope: &Scope) {
        let all = self.listed(kind, scope, &HashSet::new(), self.moment());
        debug_assert!(all.is_empty(), "nothing is later than now");
    }

    /// A watch of a scope starts, so the scope will become known.
    pub fn watched(&self, kind: Kind, scope: &Scope) {
        let mut state = self.lock();
        if state.snapshot.synced(kind, &scope.names()).is_err() {
            state.unread.entry((kind, scope.clone())).or_insert_with(Instant::now);
        }
    }

    /// The watch cannot see a scope, and why. What was seen before stays.
    pub fn blinded(&self, kind: Kind, scope: &Scope, why: Unknown) {
        let mut state = self.lock();
        state.unread.entry((kind, scope.clone())).or_insert_with(Instant::now);
        state.snapshot.set_known(kind, &scope.names(), &Err(why));
        self.note(&mut state, true);
    }

    /// A list of a scope does not end. What was known before stays known.
    pub fn delayed(&self, kind: Kind, scope: &Scope, why: Unknown) {
        let known = self.lock().snapshot.synced(kind, &scope.names()).is_ok();
        if !known {
            self.blinded(kind, scope, why);
        }
    }

    /// Records that a scope cannot be seen although nothing watches it. What was seen before stays.
    pub fn unknown(&self, kind: Kind, scope: &Scope, why: Unknown) {
        let mut state = self.lock();
        state.snapshot.set_known(kind, &scope.names(), &Err(why));
        self.note(&mut state, true);
    }

    /// Removes in one step what an ended watch has brought. The scope is then unknown, never empty.
    pub fn forget(&self, kind: Kind, watched: &Scope, rest: Option<&Scope>) {
        let mut state = self.lock();
        state.unread.remove(&(kind, watched.clone()));
        let Some(rest) = rest else { return };
        state.snapshot.set_known(kind, &rest.names(), &Err(Unknown { why: "not watched".into(), pending: true }));
        let all = state.versions.keys().filter(|(k, key)| *k == kind && rest.holds(key));
        let all: Vec<_> = all.map(|(_, key)| key.clone()).collect();
        for key in all {
            state.remove(kind, &key);
        }
        self.note(&mut state, true);
    }

    /// How many scopes of each kind are watched but unknown, and how many objects cannot be read.
    pub fn blind_spots(&self) -> BTreeMap<Kind, BlindSpots> {
        let state = self.lock();
        let mut all = BTreeMap::<Kind, BlindSpots>::new();
        for (kind, _) in state.unread.keys() {
            all.entry(*kind).or_default().scopes += 1;
        }
        for (kind, objects) in state.snapshot.unreadable() {
            all.entry(kind).or_default().objects += objects;
        }
        all
    }

    fn note(&self, state: &mut LiveState, changed: bool) {
        if changed {
            state.revision += 1;
            self.changes.send_replace(state.revision);
        }
    }

    // A panic with the lock held cannot leave a half-written map, because inserts are single calls.
    fn lock(&self) -> MutexGuard<'_, LiveState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LiveState {
    /// True if that changes anything that is decided.
    fn remove(&mut self, kind: Kind, key: &Key) -> bool {
        let is_bystander = self.is_bystander(kind, key);
        self.versions.remove(&(kind, key.clone()));
        self.snapshot.remove(kind, key) && !is_bystander
    }

    /// Whether this is a pod that decides nothing, or none at all. While a world is derived anything may.
    fn is_bystander(&self, kind: Kind, key: &Key) -> bool {
        let (derived, world) = &self.derived;
        if kind != Kind::Pod || *derived != self.revision {
            return false;
        }
        let counts = |uid: &str| world.counts_pods_of(&key.namespace, uid);
        match self.snapshot.pods.get(key) {
            Ok(pod) => pod.is_none_or(|pod| is_bystander(&self.snapshot, pod, counts)),
            Err(_) => false,
        }
    }
}

/// Key, uid and resourceVersion. Resource versions of one resource are ordered (KEP-5504; so have
/// been etcd's revisions before it was promised).
pub fn identity(kind: Kind, object: &Value) -> (Key, String, u64) {
    let text = |field: &str| object.pointer(field).and_then(Value::as_str).unwrap_or_default();
    let namespace = if kind == Kind::Namespace { "" } else { text("/metadata/namespace") };
    let key = Key::new(namespace, text("/metadata/name"));
    let version = text("/metadata/resourceVersion").parse().unwrap_or_default();
    (key, text("/metadata/uid").to_owned(), version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_wait_for_some_times_the_last_derivation_within_limits() {
        for (took, waits) in [(0, 5), (1, 5), (2, 8), (200, 800), (251, 1000), (3_600_000, 1000)] {
            let derived = Derived { took: Duration::from_millis(took), ..Derived::default() };
            assert_eq!(derived.pause(), Duration::from_millis(waits), "{took} ms");
        }
    }

    /// A process that was paused in a derivation has a new world soon after it continues.
    #[tokio::test]
    async fn a_long_derivation_delays_the_next_one_little() {
        let live = Live::default();
        live.world.lock().await.took = Duration::from_secs(3600);
        live.unknown(Kind::Ingress, &Scope::All, Unknown { why: "not watched".into(), pending: true });
        let world = tokio::time::timeout(Duration::from_secs(60), live.world()).await;
        assert!(world.is_ok() && live.derivations().get() == 1);
        assert!(live.world.lock().await.took < Duration::from_secs(3600));
    }
}
