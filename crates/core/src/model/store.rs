//! Stores that know what is unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use thiserror::Error;

use super::key::Key;
use super::kind::{Kind, Observed};
use super::lead::Lead;
use super::reads::{Changes, ReadPlace, ReadSource, note, note_whole};

/// Something cannot be seen now. Nothing is ever removed because of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{why}")]
pub struct Unknown {
    pub why: String,
    /// Nothing failed: the first list still runs.
    pub pending: bool,
}

/// An answer that may be unknown.
pub type Known<T> = Result<T, Unknown>;

/// All objects of one kind that are watched or were given. Copies share what neither of them has changed.
#[derive(Debug)]
pub struct Store<T> {
    kind: Kind,
    sections: Arc<Sections<T>>,
    /// Objects that exist and cannot be read, and why.
    unreadable: BTreeMap<Key, String>,
    coverage: Arc<Coverage>,
}

/// Objects by namespace.
type Sections<T> = BTreeMap<Arc<str>, Arc<Section<T>>>;

/// The objects of one namespace, in order of name.
type Section<T> = Vec<(Arc<Key>, Arc<T>)>;

impl<T> Clone for Store<T> {
    fn clone(&self) -> Self {
        let Self { kind, sections, unreadable, coverage } = self;
        Self { kind: *kind, sections: sections.clone(), unreadable: unreadable.clone(), coverage: coverage.clone() }
    }
}

/// The namespaces that a store knows.
#[derive(Clone, Debug, PartialEq)]
pub enum Coverage {
    /// All: without a cluster, what is not in the input does not exist.
    All,
    /// The synced ones, or why they are not.
    Namespaces(BTreeMap<String, Known<()>>),
}

impl<T> Store<T> {
    /// An empty store.
    pub(super) fn new(kind: Kind, coverage: Arc<Coverage>) -> Self {
        Self { kind, sections: Arc::default(), unreadable: BTreeMap::new(), coverage }
    }

    fn note(&self, place: ReadPlace<'_>) {
        note(ReadSource::Kind(self.kind), place);
    }

    fn name(&self) -> &'static str {
        self.kind.registration().name
    }

    /// Whether all objects of the namespace are known. Cluster-scoped kinds use the empty namespace.
    ///
    /// # Errors
    /// [`Unknown`] while the namespace is not synced, or has an object that cannot be read.
    pub fn known(&self, namespace: &str) -> Known<()> {
        self.synced(namespace)?;
        match self.unreadable.range(Key::new(namespace, "")..).next() {
            Some((key, why)) if key.namespace == namespace => Err(self.cannot_read(key, why)),
            _ => Ok(()),
        }
    }

    /// Whether all objects are known, wherever this kind is watched.
    ///
    /// # Errors
    /// [`Unknown`] while a scope is not synced, or an object cannot be read.
    pub fn complete(&self) -> Known<()> {
        note_whole(ReadSource::Coverage(self.kind));
        if let Coverage::Namespaces(known) = &*self.coverage {
            // For an operator that is restricted to namespaces, those count.
            let mut scopes = known.iter().filter(|(namespace, _)| !namespace.is_empty()).map(|(_, known)| known);
            match scopes.next() {
                None => self.synced("")?,
                Some(first) => [first].into_iter().chain(scopes).cloned().collect::<Known<()>>()?,
            }
        }
        self.unreadable.first_key_value().map_or(Ok(()), |(key, why)| Err(self.cannot_read(key, why)))
    }

    fn cannot_read(&self, key: &Key, why: &str) -> Unknown {
        Unknown { why: format!("{} {key} cannot be read: {why}; correct or delete it", self.name()), pending: false }
    }

    /// How many objects cannot be read.
    pub fn unreadable(&self) -> usize {
        self.unreadable.len()
    }

    /// Whether the namespace is synced. A watch of all namespaces is recorded under the empty one.
    ///
    /// # Errors
    /// [`Unknown`] while it is not synced.
    pub fn synced(&self, namespace: &str) -> Known<()> {
        note(ReadSource::Coverage(self.kind), ReadPlace::Name(namespace));
        let Coverage::Namespaces(known) = &*self.coverage else { return Ok(()) };
        let all = known.get("");
        if let Some(Ok(())) = all {
            return Ok(());
        }
        known.get(namespace).or(all).cloned().unwrap_or_else(|| {
            Err(Unknown { why: format!("{} objects of {namespace} are not read yet", self.name()), pending: true })
        })
    }

    /// Whether anything of this kind has been listed.
    pub fn any_known(&self) -> bool {
        note_whole(ReadSource::Coverage(self.kind));
        match &*self.coverage {
            Coverage::All => true,
            Coverage::Namespaces(known) => known.values().any(Result::is_ok),
        }
    }

    /// Records that a namespace is synced, or why it is not. A statement about all namespaces replaces
    /// those about each, because their own watches have ended.
    pub fn set_known(&mut self, namespace: &str, known: Known<()>) {
        if let Coverage::Namespaces(map) = Arc::make_mut(&mut self.coverage) {
            if namespace.is_empty() {
                map.clear();
            }
            map.insert(namespace.to_owned(), known);
        }
    }

    /// The object, if there is one.
    ///
    /// # Errors
    /// [`Unknown`] while the namespace is not synced, or if the object cannot be read.
    pub fn get(&self, key: &Key) -> Known<Option<&Arc<T>>> {
        self.synced(&key.namespace)?;
        self.item(key)
    }

    /// The object, where each object is watched by its name.
    ///
    /// # Errors
    /// [`Unknown`] while the object's own watch is not synced, or if the object cannot be read.
    pub fn get_named(&self, key: &Key) -> Known<Option<&Arc<T>>> {
        self.synced(&key.to_string())?;
        self.item(key)
    }

    fn item(&self, key: &Key) -> Known<Option<&Arc<T>>> {
        self.note(ReadPlace::Item(key));
        match self.unreadable.get(key) {
            Some(why) => Err(self.cannot_read(key, why)),
            None => Ok(self.find(key)),
        }
    }

    fn find(&self, key: &Key) -> Option<&Arc<T>> {
        let section = self.sections.get(key.namespace.as_str())?;
        let place = section.binary_search_by(|(known, _)| known.name.cmp(&key.name)).ok()?;
        Some(&section[place].1)
    }

    /// The objects of a namespace, in order of name.
    ///
    /// # Errors
    /// [`Unknown`] while the namespace is not synced, or has an object that cannot be read.
    pub fn list(&self, namespace: &str) -> Known<impl Iterator<Item = &Arc<T>>> {
        self.known(namespace)?;
        Ok(self.seen(namespace))
    }

    /// Those of a namespace that lead to one of these, or may, in order of name.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub fn list_leading(&self, namespace: &str, to: &BTreeSet<Lead<'_>>) -> Known<Vec<&Arc<T>>>
    where
        T: Observed,
    {
        self.known(namespace)?;
        for lead in to.iter().chain([&Lead::Anywhere]) {
            self.note(ReadPlace::Leading(namespace, *lead));
        }
        let is_one = |item: &&Arc<T>| {
            let mut found = false;
            item.leads(&mut |lead| found |= lead == Lead::Anywhere || to.contains(&lead));
            found
        };
        let section = self.sections.get(namespace).into_iter().flat_map(|section| section.iter());
        Ok(section.map(|(_, item)| item).filter(is_one).collect())
    }

    /// The objects of a namespace that are seen so far, for messages. Decisions use [`Store::list`].
    pub fn seen(&self, namespace: &str) -> impl Iterator<Item = &Arc<T>> {
        self.note(ReadPlace::Namespace(namespace));
        self.sections.get(namespace).into_iter().flat_map(|section| section.iter()).map(|(_, item)| item)
    }

    /// One that is seen, whatever else is unknown.
    pub fn seen_one(&self, key: &Key) -> Option<&Arc<T>> {
        self.note(ReadPlace::Item(key));
        self.find(key)
    }

    /// All objects that are seen so far. [`Store::complete`] says whether these are all.
    pub fn all(&self) -> impl Iterator<Item = (&Key, &Arc<T>)> {
        note_whole(ReadSource::Kind(self.kind));
        self.sections.values().flat_map(|section| section.iter()).map(|(key, item)| (&**key, item))
    }

    /// The keys of all objects that are seen so far, in order.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<Key>> {
        note_whole(ReadSource::Kind(self.kind));
        self.sections.values().flat_map(|section| section.iter()).map(|(key, _)| key)
    }

    /// Adds an object. Returns true if that changed anything.
    pub fn insert(&mut self, key: Key, item: T) -> bool
    where
        T: PartialEq,
    {
        let was_unreadable = self.unreadable.remove(&key).is_some();
        if self.find(&key).is_some_and(|old| **old == item) {
            return was_unreadable;
        }
        let sections = Arc::make_mut(&mut self.sections);
        let section = Arc::make_mut(sections.entry(key.namespace.as_str().into()).or_default());
        let item = Arc::new(item);
        match section.binary_search_by(|(known, _)| known.name.cmp(&key.name)) {
            Ok(place) => section[place].1 = item,
            Err(place) => section.insert(place, (Arc::new(key), item)),
        }
        true
    }

    /// Records that an object exists and cannot be read. Returns true if that is new.
    pub fn insert_unreadable(&mut self, key: Key, why: String) -> bool {
        self.unreadable.insert(key, why.clone()) != Some(why)
    }

    /// Removes an object. Returns true if it existed.
    pub fn remove(&mut self, key: &Key) -> bool {
        let was_unreadable = self.unreadable.remove(key).is_some();
        if self.find(key).is_none() {
            return was_unreadable;
        }
        let sections = Arc::make_mut(&mut self.sections);
        if let Some(section) = sections.get_mut(key.namespace.as_str()).map(Arc::make_mut) {
            section.retain(|(known, _)| known.name != key.name);
            if section.is_empty() {
                sections.remove(key.namespace.as_str());
            }
        }
        true
    }

    /// Notes where it differs from an earlier copy of it.
    pub(super) fn compare(&self, before: &Self, changes: &mut Changes)
    where
        T: Observed,
    {
        let (source, known) = (ReadSource::Kind(self.kind), ReadSource::Coverage(self.kind));
        if !Arc::ptr_eq(&self.sections, &before.sections) {
            for namespace in differing(&self.sections, &before.sections, Arc::ptr_eq) {
                changes.add(source, ReadPlace::Namespace(namespace));
                let [now, then] = [self, before].map(|store| store.sections.get(namespace).map_or(&[][..], |s| s));
                for (key, item) in differing_items(now, then) {
                    changes.add(source, ReadPlace::Item(key));
                    item.leads(&mut |lead| changes.add(source, ReadPlace::Leading(namespace, lead)));
                }
            }
        }
        if self.unreadable != before.unreadable {
            for key in self.unreadable.keys().chain(before.unreadable.keys()) {
                changes.add(source, ReadPlace::Item(key));
                changes.add(known, ReadPlace::Name(&key.namespace));
            }
        }
        if Arc::ptr_eq(&self.coverage, &before.coverage) || self.coverage == before.coverage {
            return;
        }
        let (Coverage::Namespaces(now), Coverage::Namespaces(then)) = (&*self.coverage, &*before.coverage) else {
            return changes.add_everywhere(known);
        };
        for scope in differing(now, then, PartialEq::eq) {
            if scope.is_empty() {
                changes.add_everywhere(known);
            } else {
                changes.add(known, ReadPlace::Name(scope));
            }
        }
    }
}

/// The objects that only one of two sections of a namespace has.
fn differing_items<'a, T>(
    one: &'a [(Arc<Key>, Arc<T>)],
    other: &'a [(Arc<Key>, Arc<T>)],
) -> impl Iterator<Item = (&'a Key, &'a T)> {
    let only = |these: &'a [(Arc<Key>, Arc<T>)], those: &'a [(Arc<Key>, Arc<T>)]| {
        let same = |key: &Key| those.binary_search_by(|(known, _)| known.name.cmp(&key.name)).ok();
        let is_new =
            move |(key, item): &&(Arc<Key>, Arc<T>)| !same(key).is_some_and(|at| Arc::ptr_eq(&those[at].1, item));
        these.iter().filter(is_new).map(|(key, item)| (&**key, &**item))
    };
    only(one, other).chain(only(other, one))
}

/// The keys of the entries that only one of two maps has.
fn differing<'a, K: Ord + AsRef<str>, V>(
    one: &'a BTreeMap<K, V>,
    other: &'a BTreeMap<K, V>,
    is_same: impl Fn(&V, &V) -> bool,
) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut others = other.iter().peekable();
    for (key, value) in one {
        while let Some((gone, _)) = others.next_if(|(other, _)| *other < key) {
            found.push(gone.as_ref());
        }
        let other = others.next_if(|(other, _)| *other == key);
        if !other.is_some_and(|(_, other)| is_same(value, other)) {
            found.push(key.as_ref());
        }
    }
    found.extend(others.map(|(gone, _)| gone.as_ref()));
    found
}
