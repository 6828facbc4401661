//! The values of one stage, by resource, and what each was computed from.

use std::collections::BTreeMap;
use std::sync::Arc;

use strum::EnumCount;

use super::views::Views;
use crate::model::{Changes, Key, ReadPlace, ReadSource, Reads, note, note_whole, recorded};

/// The stages. Each has a bit of its own among what a computation reads.
#[derive(Clone, Copy, Debug, EnumCount)]
pub enum StageName {
    Tenures,
    HorizonTenures,
    GlanceTenures,
    ApiTenures,
    Dashboards,
    Glances,
    Apis,
    Pairings,
    Askers,
    Unseen,
    Grants,
    Intents,
    States,
    Addresses,
    Proofs,
    Candidates,
    Throttles,
    HorizonPlaces,
    GlancePlaces,
    Rivals,
    HorizonViews,
    GlanceViews,
    Keys,
}

const _: () = assert!(StageName::COUNT <= ReadSource::MOST_STAGES, "a stage has no bit");

impl StageName {
    pub const fn source(self) -> ReadSource {
        ReadSource::Stage(self as u8)
    }
}

/// The values of one stage. To look at one is to read it.
#[derive(Debug)]
pub struct Stage<T> {
    source: ReadSource,
    /// In order of their keys.
    values: Vec<Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    key: Arc<Key>,
    value: Arc<T>,
    reads: Reads,
}

/// Whether these are equal. Nearly always they are the same, and are not compared.
fn is_same(one: &Arc<Key>, other: &Arc<Key>) -> bool {
    Arc::ptr_eq(one, other) || one == other
}

impl<T> Stage<T> {
    /// An empty one.
    pub const fn new(name: StageName) -> Self {
        Self { source: name.source(), values: Vec::new() }
    }

    fn place_of(&self, key: &Key) -> Result<usize, usize> {
        self.values.binary_search_by(|entry| (*entry.key).cmp(key))
    }

    fn find(&self, key: &Key) -> Option<&Arc<T>> {
        note(self.source, ReadPlace::Item(key));
        self.place_of(key).ok().map(|at| &self.values[at].value)
    }

    /// The value of one resource.
    pub fn get(&self, key: &Key) -> Option<&T> {
        self.find(key).map(Arc::as_ref)
    }

    /// The same, shared.
    pub fn arc(&self, key: &Key) -> Option<Arc<T>> {
        self.find(key).cloned()
    }

    /// The resources of a namespace that have a value.
    pub fn keys_in(&self, namespace: &str) -> impl Iterator<Item = &Key> {
        note(self.source, ReadPlace::Namespace(namespace));
        let from = self.place_of(&Key::new(namespace, "")).unwrap_or_else(|at| at);
        self.values[from..].iter().map(|entry| &*entry.key).take_while(move |key| key.namespace == *namespace)
    }

    /// All values.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &T)> + Clone {
        note_whole(self.source);
        self.values.iter().map(|entry| (&*entry.key, &*entry.value))
    }

    /// All values, shared.
    pub fn shared(&self) -> Views<T> {
        note_whole(self.source);
        self.values.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect()
    }
}

impl<T: PartialEq> Stage<T> {
    /// Computes the values of these resources, in order, where something that they were computed from has changed. What
    /// did not change costs next to nothing: resources are many, and changes are few.
    pub fn advance(&mut self, keys: &[Arc<Key>], changes: &mut Changes, compute: impl Fn(&Key) -> Option<T>) {
        self.keep(keys, changes);
        let mut at = 0;
        for key in keys {
            let known = self.values.get_mut(at).filter(|entry| is_same(&entry.key, key));
            let is_known = known.is_some();
            if let Some(entry) = known {
                if !Arc::ptr_eq(&entry.key, key) {
                    entry.key = key.clone();
                }
                if !changes.touch(&entry.reads) {
                    at += 1;
                    continue;
                }
            }
            match recorded(|| compute(key)) {
                (Some(value), reads) => {
                    self.set(at, is_known, key, value, reads, changes);
                    at += 1;
                }
                (None, _) if is_known => {
                    self.values.remove(at);
                    comes_or_goes(self.source, key, changes);
                }
                (None, _) => {}
            }
        }
    }

    /// Sets the value at a place, which is that of the key, if it `is_known`.
    fn set(&mut self, at: usize, is_known: bool, key: &Arc<Key>, value: T, reads: Reads, changes: &mut Changes) {
        if !is_known {
            comes_or_goes(self.source, key, changes);
            self.values.insert(at, Entry { key: key.clone(), value: Arc::new(value), reads });
            return;
        }
        let entry = &mut self.values[at];
        entry.reads = reads;
        if *entry.value != value {
            changes.add(self.source, ReadPlace::Item(key));
            entry.value = Arc::new(value);
        }
    }

    /// Removes the values of all but these, which are in order.
    fn keep(&mut self, keys: &[Arc<Key>], changes: &mut Changes) {
        let mut keys = keys.iter().peekable();
        let source = self.source;
        self.values.retain(|entry| {
            let stays = loop {
                match keys.peek() {
                    Some(key) if is_same(key, &entry.key) => break true,
                    Some(key) if **key < entry.key => keys.next(),
                    _ => break false,
                };
            };
            if !stays {
                comes_or_goes(source, &entry.key, changes);
            }
            stays
        });
    }
}

/// The value of a resource comes or goes.
fn comes_or_goes(source: ReadSource, key: &Key, changes: &mut Changes) {
    changes.add(source, ReadPlace::Item(key));
    changes.add(source, ReadPlace::Namespace(&key.namespace));
}

/// A stage whose values depend on each other, so all are computed together.
#[derive(Debug)]
pub struct Joint<T> {
    stage: Stage<T>,
    /// What they were computed from; nothing before the first time.
    reads: Option<Reads>,
}

impl<T: PartialEq> Joint<T> {
    /// An empty one.
    pub const fn new(name: StageName) -> Self {
        Self { stage: Stage::new(name), reads: None }
    }

    /// Computes the values if something that they were computed from has changed.
    pub fn advance(&mut self, changes: &mut Changes, compute: impl FnOnce() -> BTreeMap<Key, T>) {
        if self.reads.as_ref().is_some_and(|reads| !changes.touch(reads)) {
            return;
        }
        let (values, reads) = recorded(compute);
        self.reads = Some(reads);
        let (keys, values): (Vec<_>, Vec<_>) = values.into_iter().map(|(key, value)| (Arc::new(key), value)).unzip();
        self.stage.keep(&keys, changes);
        for (at, (key, value)) in keys.iter().zip(values).enumerate() {
            let is_known = self.stage.values.get(at).is_some_and(|entry| is_same(&entry.key, key));
            self.stage.set(at, is_known, key, value, Reads::default(), changes);
        }
    }

    /// The value of one resource.
    pub fn get(&self, key: &Key) -> Option<&T> {
        self.stage.get(key)
    }
}

/// One value for all resources. No stage reads it: it is what the whole derivation is for.
#[derive(Debug)]
pub struct Single<T> {
    value: Arc<T>,
    /// What it was computed from; nothing before the first time.
    reads: Option<Reads>,
}

impl<T: Default> Default for Single<T> {
    fn default() -> Self {
        Self { value: Arc::default(), reads: None }
    }
}

impl<T: PartialEq> Single<T> {
    /// Computes it if something that it was computed from has changed. An equal value stays the same one.
    pub fn advance(&mut self, changes: &Changes, compute: impl FnOnce() -> T) -> Arc<T> {
        if self.reads.as_ref().is_none_or(|reads| changes.touch(reads)) {
            let (value, reads) = recorded(compute);
            self.reads = Some(reads);
            if *self.value != value {
                self.value = Arc::new(value);
            }
        }
        self.value.clone()
    }
}
