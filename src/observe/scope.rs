//! What a watch covers, and when one watch of the whole cluster serves many namespaces.

use std::collections::BTreeSet;
use std::sync::Arc;

use direct_upload_core::model::Key;

/// Up to this number, each namespace has its own watch, and others cost nothing. With more, one watch of
/// the whole cluster per kind is cheaper for the API server, and for this program: each watch takes 25 KiB.
const FEW: usize = 10;

/// How many watches of one namespace there may be in addition to one of the whole cluster.
const MOST: usize = 50;

/// What a watch covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The whole cluster (or a cluster-scoped kind).
    All,
    /// One namespace.
    Namespace(String),
    /// These namespaces, with one watch of the whole cluster that keeps nothing else.
    Namespaces(Arc<BTreeSet<String>>),
    /// One object.
    Named(Key),
}

impl Scope {
    /// Whether to keep what is seen of the object.
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

    /// The part of it that the others do not cover.
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

/// The scopes of one kind with which namespaces are watched.
///
/// The wide watch stays while narrow ones, half as many as it has namespaces, can cover the difference to what is
/// needed. Then another wide watch replaces it. So namespaces that come and go one by one do not cause a new list of the cluster
/// each time, and what nobody needs does not stay forever.
#[derive(Debug, Default)]
pub struct Widths {
    wide: Arc<BTreeSet<String>>,
}

impl Widths {
    /// The scopes for the needed namespaces.
    pub fn cover(&mut self, needed: &BTreeSet<String>) -> Vec<Scope> {
        let tolerated = (self.wide.len() / 2).clamp(FEW, MOST);
        if self.wide.symmetric_difference(needed).count() > tolerated {
            self.wide = if too_many(needed.len()) { Arc::new(needed.clone()) } else { Arc::default() };
        }
        let wide = (!self.wide.is_empty()).then(|| Scope::Namespaces(self.wide.clone()));
        narrow(needed.difference(&self.wide)).chain(wide).collect()
    }
}

/// A scope for each namespace.
pub(crate) fn narrow<'a>(namespaces: impl IntoIterator<Item = &'a String>) -> impl Iterator<Item = Scope> {
    namespaces.into_iter().cloned().map(Scope::Namespace)
}

/// Whether there are too many for one watch each.
pub fn too_many(objects: usize) -> bool {
    objects > FEW
}
