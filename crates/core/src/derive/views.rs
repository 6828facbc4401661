//! The views of all resources of a kind.

use std::ops::Index;
use std::sync::Arc;

use crate::model::Key;

/// Views by resource. Worlds share those that did not change in between.
#[derive(Clone, Debug, PartialEq)]
pub struct Views<T>(Vec<(Arc<Key>, Arc<T>)>);

impl<T> Default for Views<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> FromIterator<(Arc<Key>, Arc<T>)> for Views<T> {
    /// Of views in order of their keys.
    fn from_iter<I: IntoIterator<Item = (Arc<Key>, Arc<T>)>>(views: I) -> Self {
        Self(views.into_iter().collect())
    }
}

impl<T> Views<T> {
    /// The view of one.
    pub fn get(&self, key: &Key) -> Option<&T> {
        let at = self.0.binary_search_by(|(known, _)| (**known).cmp(key)).ok()?;
        Some(&*self.0[at].1)
    }

    /// All of them, in order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &T)> {
        self.0.iter().map(|(key, view)| (&**key, &**view))
    }

    /// All of them, in order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, view)| &**view)
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
        let mut before = before.0.iter().peekable();
        let mut stayed = |key: &Arc<Key>, now: &Arc<T>| {
            while before.next_if(|(old, _)| !Arc::ptr_eq(old, key) && old < key).is_some() {}
            let old = before.next_if(|(old, _)| Arc::ptr_eq(old, key) || old == key);
            old.is_some_and(|(_, old)| Arc::ptr_eq(old, now) || old == now)
        };
        self.0.iter().filter(|(key, now)| !stayed(key, now)).map(|(key, _)| &**key).collect()
    }
}

impl<T> Index<&Key> for Views<T> {
    type Output = T;

    fn index(&self, key: &Key) -> &T {
        let at = self.0.binary_search_by(|(known, _)| (**known).cmp(key));
        &self.0[at.unwrap_or(self.0.len())].1
    }
}
