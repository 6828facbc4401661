//! The views of all resources of a kind.

use std::collections::BTreeMap;
use std::ops::Index;
use std::sync::Arc;

use crate::model::Key;

/// Views by resource. Worlds share those that did not change in between.
#[derive(Clone, Debug, PartialEq)]
pub struct Views<T>(BTreeMap<Key, Arc<T>>);

impl<T> Default for Views<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> From<BTreeMap<Key, Arc<T>>> for Views<T> {
    fn from(views: BTreeMap<Key, Arc<T>>) -> Self {
        Self(views)
    }
}

impl<T> Views<T> {
    /// The view of one.
    pub fn get(&self, key: &Key) -> Option<&T> {
        self.0.get(key).map(Arc::as_ref)
    }

    /// All of them, in order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &T)> {
        self.0.iter().map(|(key, view)| (key, view.as_ref()))
    }

    /// Their keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.0.keys()
    }

    /// All of them, in order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.values().map(Arc::as_ref)
    }

    /// All of them, in order of their keys.
    pub fn into_values(self) -> impl Iterator<Item = T>
    where
        T: Clone,
    {
        self.0.into_values().map(Arc::unwrap_or_clone)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys of those that were not there before, or were different.
    pub(super) fn differing(&self, before: &Self) -> Vec<&Key>
    where
        T: PartialEq,
    {
        let is_same = |now: &Arc<T>, before: &Arc<T>| Arc::ptr_eq(now, before) || now == before;
        let stayed = |key, now| before.0.get(key).is_some_and(|before| is_same(now, before));
        self.0.iter().filter(|(key, now)| !stayed(key, now)).map(|(key, _)| key).collect()
    }
}

impl<T> Index<&Key> for Views<T> {
    type Output = T;

    fn index(&self, key: &Key) -> &T {
        &self.0[key]
    }
}
