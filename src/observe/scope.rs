//! What a watch covers, and when one watch of the whole cluster serves many namespaces.

use std::collections::BTreeSet;
use std::sync::Arc;

use direct_upload_core::model::Key;

/// Up to this many namespaces are watched each by itself; foreign ones then cost nothing. With more of
/// them, one watch of the whole cluster per kind is cheaper for the API server.
const MAX_NARROW: usize = 50;

/// What a watch covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The whole cluster (or a cluster-scoped kind).
    All,
    /// One namespace.
    Namespace(String),
    /// These, by one watch of the whole cluster of which nothing else is kept.
    Namespaces(Arc<BTreeSet<String>>),
    /// One object.
    Named(Key),
}

impl Scope {
    /// Whether what is seen of the object is to be kept.
    pub fn holds(&self, key: &Key) -> bool {
        match self {
            Self::All => true,
            Self::Namespace(namespace) => key.namespace == *namespace,
            Self::Namespaces(namespaces) => namespaces.contains(&key.namespace),
            Self::Named(named) => key == named,
        }
    }

    /// As [`Store::known`](direct_upload_core::model::Store::known) and
    /// [`Store::get_named`](direct_upload_core::model::Store::get_named) look it up.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::All => vec![String::new()],
            Self::Namespace(namespace) => vec![namespace.clone()],
            Self::Namespaces(namespaces) => namespaces.iter().cloned().collect(),
            Self::Named(key) => vec![key.to_string()],
        }
    }

    /// What of it the others do not cover.
    pub fn beside<'a>(&self, others: impl Iterator<Item = &'a Self>) -> Option<Self> {
        let mut rest: BTreeSet<String> = self.names().into_iter().collect();
        for other in others {
            match other {
                Self::All => return None,
                Self::Namespaces(namespaces) => rest.retain(|name| !namespaces.contains(name)),
                Self::Namespace(name) => drop(rest.remove(name)),
                Self::Named(key) => drop(rest.remove(&key.to_string())),
            }
        }
        match self {
            _ if rest.is_empty() => None,
            Self::Namespaces(_) => Some(Self::Namespaces(Arc::new(rest))),
            _ => Some(self.clone()),
        }
    }
}

/// The scopes of one kind that namespaces are watched by.
///
/// The wide watch stands as long as what is needed differs from it by no more than narrow ones can make
/// up for; then another one takes its place. So namespaces that come and go one by one do not have the
/// cluster read anew each time, and what nobody needs any more does not stay for ever.
#[derive(Debug, Default)]
pub struct Widths {
    wide: Arc<BTreeSet<String>>,
}

impl Widths {
    /// The scopes for the namespaces that are needed now.
    pub fn cover(&mut self, needed: &BTreeSet<String>) -> Vec<Scope> {
        if self.wide.symmetric_difference(needed).count() > MAX_NARROW {
            self.wide = if needed.len() > MAX_NARROW { Arc::new(needed.clone()) } else { Arc::default() };
        }
        let wide = (!self.wide.is_empty()).then(|| Scope::Namespaces(self.wide.clone()));
        narrow(needed.difference(&self.wide)).chain(wide).collect()
    }
}

/// A scope for each namespace.
pub fn narrow<'a>(namespaces: impl IntoIterator<Item = &'a String>) -> impl Iterator<Item = Scope> {
    namespaces.into_iter().cloned().map(Scope::Namespace)
}

/// Whether so many objects are not worth a watch each.
pub fn too_many(objects: usize) -> bool {
    objects > MAX_NARROW
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(range: std::ops::Range<usize>) -> BTreeSet<String> {
        range.map(|number| format!("n{number:04}")).collect()
    }

    fn wide(scopes: &[Scope]) -> Vec<usize> {
        let size = |scope: &Scope| match scope {
            Scope::Namespaces(namespaces) => Some(namespaces.len()),
            _ => None,
        };
        scopes.iter().filter_map(size).collect()
    }

    #[test]
    fn a_few_namespaces_are_watched_each_by_itself() {
        let scopes = Widths::default().cover(&names(0..50));
        assert_eq!((scopes.len(), wide(&scopes)), (50, vec![]));
    }

    #[test]
    fn many_are_watched_by_one_and_it_is_renewed_seldom() {
        let mut widths = Widths::default();
        let (mut renewed, mut before) = (0, vec![]);
        for count in 1..=1000 {
            let needed = names(0..count);
            let scopes = widths.cover(&needed);
            assert!(scopes.len() <= 51, "{count}: {} watches", scopes.len());
            let covered = |n: &String| scopes.iter().any(|scope| scope.holds(&Key::new(n, "x")));
            assert!(needed.iter().all(covered));
            let now = wide(&scopes);
            renewed += usize::from(now != before);
            before = now;
        }
        assert_eq!(renewed, 19);
    }

    #[test]
    fn what_nobody_needs_any_more_is_given_up() {
        let mut widths = Widths::default();
        widths.cover(&names(0..100));
        assert_eq!(wide(&widths.cover(&names(0..60))), [100], "a few more than needed");
        assert_eq!(wide(&widths.cover(&names(0..49))), Vec::<usize>::new(), "back to narrow ones");
        assert_eq!(widths.cover(&names(0..0)), []);
    }

    #[test]
    fn what_ends_is_forgotten_where_nothing_else_covers_it() {
        let all = Scope::Namespaces(Arc::new(names(0..3)));
        let one = |number: usize| Scope::Namespace(format!("n{number:04}"));
        assert_eq!(all.beside([one(0), one(2)].iter()), Some(Scope::Namespaces(Arc::new(names(1..2)))));
        assert_eq!(one(1).beside(std::iter::once(&all)), None);
        assert_eq!(one(3).beside([one(4)].iter()), Some(one(3)));
        assert!(all.holds(&Key::new("n0001", "x")) && !all.holds(&Key::new("n0003", "x")), "of others nothing is kept");
        let gateway = Scope::Named(Key::new("a", "b"));
        assert_eq!(gateway.beside([Scope::All].iter()), None);
        assert_eq!(gateway.beside([].iter()), Some(gateway.clone()));
    }
}
