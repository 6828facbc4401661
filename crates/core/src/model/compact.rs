//! Ordered maps and sets of a few entries each. Every resource has dozens of them, and a `BTreeMap` takes room for
//! eleven entries with the first.

use std::borrow::Borrow;

use litemap::LiteMap;

/// A map, in order of its keys.
pub type Map<K, V> = LiteMap<K, V>;

/// A set, in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Set<T>(LiteMap<T, ()>);

impl<T: Ord> Set<T> {
    /// Adds a value. Returns true if it is new.
    pub fn insert(&mut self, value: T) -> bool {
        self.0.insert(value, ()).is_none()
    }

    /// Whether it has the value.
    pub fn contains<Q: Ord + ?Sized>(&self, value: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.0.contains_key(value)
    }
}

impl<T> Set<T> {
    /// The values, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.0.keys()
    }

    /// The values from the first that is not before a point of the order.
    pub fn starting_at(&self, is_before: impl Fn(&T) -> bool) -> <&Self as IntoIterator>::IntoIter {
        let all = self.0.as_slice();
        let first = all.partition_point(|(value, ())| is_before(value));
        all[first..].iter().map(|(value, ())| value)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self(LiteMap::new())
    }
}

impl<T: Ord> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self(values.into_iter().map(|value| (value, ())).collect())
    }
}

impl<T: Ord> Extend<T> for Set<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        self.0.extend(values.into_iter().map(|value| (value, ())));
    }
}

impl<T> IntoIterator for Set<T> {
    type Item = T;
    type IntoIter = std::iter::Map<std::vec::IntoIter<(T, ())>, fn((T, ())) -> T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().map(|(value, ())| value)
    }
}

impl<'a, T> IntoIterator for &'a Set<T> {
    type Item = &'a T;
    type IntoIter = std::iter::Map<std::slice::Iter<'a, (T, ())>, fn(&'a (T, ())) -> &'a T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.as_slice().iter().map(|(value, ())| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_in_order_and_has_each_value_once() {
        let mut set: Set<u8> = [3, 1, 3, 2].into_iter().collect();
        assert!(!set.insert(2) && set.insert(0));
        set.extend([4, 1]);
        assert_eq!(set.iter().copied().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert_eq!((set.len(), set.contains(&4), set.contains(&5)), (5, true, false));
        assert_eq!(set.starting_at(|value| *value < 3).copied().collect::<Vec<_>>(), [3, 4]);
        assert_eq!((&set).into_iter().count(), set.into_iter().count());
    }
}
