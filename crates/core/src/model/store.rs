//! Stores that know what is unknown.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use super::key::Key;

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

/// All objects of one kind that are watched or were given.
#[derive(Clone, Debug)]
pub struct Store<T> {
    kind: &'static str,
    items: BTreeMap<Key, Arc<T>>,
    /// Objects that exist and cannot be read, and why.
    unreadable: BTreeMap<Key, String>,
    coverage: Coverage,
}

/// The namespaces that a store knows.
#[derive(Clone, Debug)]
pub enum Coverage {
    /// All: without a cluster, what is not in the input does not exist.
    All,
    /// The synced ones, or why they are not.
    Namespaces(BTreeMap<String, Known<()>>),
}

impl<T> Store<T> {
    /// An empty store.
    pub(super) fn new(kind: &'static str, coverage: Coverage) -> Self {
        Self { kind, items: BTreeMap::new(), unreadable: BTreeMap::new(), coverage }
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
        if let Coverage::Namespaces(known) = &self.coverage {
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
        Unknown { why: format!("{} {key} cannot be read: {why}; correct or delete it", self.kind), pending: false }
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
        let Coverage::Namespaces(known) = &self.coverage else { return Ok(()) };
        let all = known.get("");
        if let Some(Ok(())) = all {
            return Ok(());
        }
        known.get(namespace).or(all).cloned().unwrap_or_else(|| {
            Err(Unknown { why: format!("{} objects of {namespace} are not read yet", self.kind), pending: true })
        })
    }

    /// Whether anything of this kind has been listed.
    pub fn any_known(&self) -> bool {
        match &self.coverage {
            Coverage::All => true,
            Coverage::Namespaces(known) => known.values().any(Result::is_ok),
        }
    }

    /// Records that a namespace is synced, or why it is not. A statement about all namespaces replaces
    /// those about each, because their own watches have ended.
    pub fn set_known(&mut self, namespace: &str, known: Known<()>) {
        if let Coverage::Namespaces(map) = &mut self.coverage {
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
        match self.unreadable.get(key) {
            Some(why) => Err(self.cannot_read(key, why)),
            None => Ok(self.items.get(key)),
        }
    }

    /// The objects of a namespace, in order of name.
    ///
    /// # Errors
    /// [`Unknown`] while the namespace is not synced, or has an object that cannot be read.
    pub fn list(&self, namespace: &str) -> Known<impl Iterator<Item = &Arc<T>>> {
        self.known(namespace)?;
        Ok(self.seen(namespace))
    }

    /// The objects of a namespace that are seen so far, for messages. Decisions use [`Store::list`].
    pub fn seen(&self, namespace: &str) -> impl Iterator<Item = &Arc<T>> {
        let start = Key::new(namespace, "");
        let namespace = namespace.to_owned();
        self.items.range(start..).take_while(move |(key, _)| key.namespace == namespace).map(|(_, v)| v)
    }

    /// All objects that are seen so far. [`Store::complete`] says whether these are all.
    pub fn all(&self) -> impl Iterator<Item = (&Key, &Arc<T>)> {
        self.items.iter()
    }

    /// Adds an object. Returns true if that changed anything.
    pub fn insert(&mut self, key: Key, item: T) -> bool
    where
        T: PartialEq,
    {
        let was_unreadable = self.unreadable.remove(&key).is_some();
        if self.items.get(&key).is_some_and(|old| **old == item) {
            return was_unreadable;
        }
        self.items.insert(key, Arc::new(item));
        true
    }

    /// Records that an object exists and cannot be read. Returns true if that is new.
    pub fn insert_unreadable(&mut self, key: Key, why: String) -> bool {
        self.unreadable.insert(key, why.clone()) != Some(why)
    }

    /// Removes an object. Returns true if it existed.
    pub fn remove(&mut self, key: &Key) -> bool {
        let was_unreadable = self.unreadable.remove(key).is_some();
        self.items.remove(key).is_some() || was_unreadable
    }
}
