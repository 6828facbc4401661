//! The values of one stage, by resource, and what each was computed from.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Changes, Key, Map, ReadPlace, ReadSource, Reads, note, note_whole, recorded};

/// The values of one stage. To look at one is to read it.
#[derive(Debug)]
pub struct Stage<T> {
    source: ReadSource,
    values: Map<Key, Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    value: Arc<T>,
    reads: Reads,
}

impl<T> Stage<T> {
    /// An empty one. Each has its own number.
    pub const fn new(number: u8) -> Self {
        Self { source: ReadSource::Stage(number), values: Map::new() }
    }

    /// The value of one resource.
    pub fn get(&self, key: &Key) -> Option<&T> {
        note(self.source, ReadPlace::Item(key));
        self.values.get(key).map(|entry| &*entry.value)
    }

    /// The same, shared.
    pub fn arc(&self, key: &Key) -> Option<Arc<T>> {
        note(self.source, ReadPlace::Item(key));
        self.values.get(key).map(|entry| entry.value.clone())
    }

    /// The resources of a namespace that have a value.
    pub fn keys_in(&self, namespace: &str) -> impl Iterator<Item = &Key> {
        note(self.source, ReadPlace::Namespace(namespace));
        let from = self.values.find_index(&Key::new(namespace, "")).unwrap_or_else(|place| place);
        self.values.as_slice()[from..].iter().map(|(key, _)| key).take_while(move |key| key.namespace == *namespace)
    }

    /// All values.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &T)> {
        note_whole(self.source);
        self.values.iter().map(|(key, entry)| (key, &*entry.value))
    }

    /// All values, shared.
    pub fn shared(&self) -> BTreeMap<Key, Arc<T>> {
        note_whole(self.source);
        self.values.iter().map(|(key, entry)| (key.clone(), entry.value.clone())).collect()
    }
}

impl<T: PartialEq> Stage<T> {
    /// Computes the values of these resources, in order, where something that they were computed from has changed.
    pub fn advance(&mut self, keys: &[Key], changes: &mut Changes, compute: impl Fn(&Key) -> Option<T>) {
        for key in keys {
            if self.values.get(key).is_some_and(|entry| !changes.touch(&entry.reads)) {
                continue;
            }
            match recorded(|| compute(key)) {
                (Some(value), reads) => self.set(key, value, reads, changes),
                (None, _) => self.remove(key, changes),
            }
        }
        self.keep(keys, changes);
    }

    fn set(&mut self, key: &Key, value: T, reads: Reads, changes: &mut Changes) {
        match self.values.get_mut(key) {
            Some(entry) if *entry.value == value => entry.reads = reads,
            Some(entry) => {
                changes.add(self.source, ReadPlace::Item(key));
                *entry = Entry { value: Arc::new(value), reads };
            }
            None => {
                self.comes_or_goes(key, changes);
                self.values.insert(key.clone(), Entry { value: Arc::new(value), reads });
            }
        }
    }

    fn remove(&mut self, key: &Key, changes: &mut Changes) {
        if self.values.remove(key).is_some() {
            self.comes_or_goes(key, changes);
        }
    }

    fn comes_or_goes(&self, key: &Key, changes: &mut Changes) {
        changes.add(self.source, ReadPlace::Item(key));
        changes.add(self.source, ReadPlace::Namespace(&key.namespace));
    }

    /// Removes the values of all but these, which are in order.
    fn keep(&mut self, keys: &[Key], changes: &mut Changes) {
        if self.values.len() <= keys.len() {
            return;
        }
        let gone: Vec<Key> = self.values.keys().filter(|key| keys.binary_search(key).is_err()).cloned().collect();
        for key in &gone {
            self.remove(key, changes);
        }
    }
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
    pub const fn new(number: u8) -> Self {
        Self { stage: Stage::new(number), reads: None }
    }

    /// Computes the values if something that they were computed from has changed.
    pub fn advance(&mut self, changes: &mut Changes, compute: impl FnOnce() -> BTreeMap<Key, T>) {
        if self.reads.as_ref().is_some_and(|reads| !changes.touch(reads)) {
            return;
        }
        let (values, reads) = recorded(compute);
        self.reads = Some(reads);
        let keys: Vec<_> = values.keys().cloned().collect();
        for (key, value) in values {
            self.stage.set(&key, value, Reads::default(), changes);
        }
        self.stage.keep(&keys, changes);
    }

    /// The value of one resource.
    pub fn get(&self, key: &Key) -> Option<&T> {
        self.stage.get(key)
    }
}
