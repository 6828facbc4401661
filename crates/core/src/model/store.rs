//! Stores that know what they do not know.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use super::key::Key;

/// Something cannot be seen now. Nothing is ever taken away because of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{why}")]
pub struct Unknown {
    pub why: String,
    /// Nothing failed: the first list is still under way.
    pub pending: bool,
}

/// An answer that may be unknown.
pub type Known<T> = Result<T, Unknown>;

/// All objects of one kind that are watched or were given.
#[derive(Clone, Debug)]
pub struct Store<T> {
    kind: &'static str,
    items: BTreeMap<Key, Arc<T>>,
    coverage: Coverage,
}

/// Which namespaces a store speaks for.
#[derive(Clone, Debug)]
pub enum Coverage {
    /// All: offline, what is not in the input does not exist.
    All,
    /// Those that are synced, or why not.
    Namespaces(BTreeMap<String, Known<()>>),
}

impl<T> Store<T> {
    /// An empty store.
    pub(super) fn new(kind: &'static str, coverage: Coverage) -> Self {
        Self { kind, items: BTreeMap::new(), coverage }
    }

    /// Whether the namespace is synced. Cluster-scoped kinds use the empty namespace, and a watch
    /// of all namespaces is recorded under it too.
    pub fn known(&self, namespace: &str) -> Known<()> {
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

    /// Records that a namespace is synced, or why it is not. What is said of all of them replaces what
    /// was said of each: its own watch has ended.
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
    /// [`Unknown`] while the namespace is not synced.
    pub fn get(&self, key: &Key) -> Known<Option<&Arc<T>>> {
        self.known(&key.namespace)?;
        Ok(self.items.get(key))
    }

    /// The object, where each object is watched by its name.
    ///
    /// # Errors
    /// [`Unknown`] while the object's own watch is not synced.
    pub fn get_named(&self, key: &Key) -> Known<Option<&Arc<T>>> {
        self.known(&key.to_string())?;
        Ok(self.items.get(key))
    }

    /// The objects of a namespace, in order of name.
    ///
    /// # Errors
    /// [`Unknown`] while the namespace is not synced.
    pub fn list(&self, namespace: &str) -> Known<impl Iterator<Item = &Arc<T>>> {
        self.known(namespace)?;
        Ok(self.seen(namespace))
    }

    /// The objects of a namespace that are seen so far.
    pub fn seen(&self, namespace: &str) -> impl Iterator<Item = &Arc<T>> {
        let start = Key::new(namespace, "");
        let namespace = namespace.to_owned();
        self.items.range(start..).take_while(move |(key, _)| key.namespace == namespace).map(|(_, v)| v)
    }

    /// All objects that are seen so far.
    pub fn all(&self) -> impl Iterator<Item = (&Key, &Arc<T>)> {
        self.items.iter()
    }

    /// Puts an object in; true if that changed anything.
    pub fn insert(&mut self, key: Key, item: T) -> bool
    where
        T: PartialEq,
    {
        if self.items.get(&key).is_some_and(|old| **old == item) {
            return false;
        }
        self.items.insert(key, Arc::new(item));
        true
    }

    /// Takes an object out; true if it was there.
    pub fn remove(&mut self, key: &Key) -> bool {
        self.items.remove(key).is_some()
    }
}
