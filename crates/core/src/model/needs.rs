//! What must be watched.

use std::collections::{BTreeMap, BTreeSet};

use super::key::Key;
use super::kind::Kind;

/// What decisions need to see in addition to the resources themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Namespaces that have a resource.
    pub namespaces: BTreeSet<String>,
    /// Other namespaces, by the kind of the routes that may lead from there into those.
    pub routes_of: BTreeMap<Kind, BTreeSet<String>>,
    /// Single objects, by their kind: Gateways that such routes name.
    pub named: BTreeMap<Kind, BTreeSet<Key>>,
}

impl Needs {
    /// Adds a namespace whose routes of a kind may lead here.
    pub(crate) fn add_routes_of(&mut self, kind: Kind, namespace: impl Into<String>) {
        self.routes_of.entry(kind).or_default().insert(namespace.into());
    }

    /// Adds an object of a kind.
    pub(crate) fn add_named(&mut self, kind: Kind, key: Key) {
        self.named.entry(kind).or_default().insert(key);
    }

    /// The namespaces in which routes of a kind are read.
    pub(crate) fn namespaces_of<'a>(&'a self, kind: Kind, own: &'a BTreeSet<&'a str>) -> impl Iterator<Item = &'a str> {
        let elsewhere = self.routes_of.get(&kind).into_iter().flatten().map(String::as_str);
        own.iter().copied().chain(elsewhere.filter(|namespace| !own.contains(namespace)))
    }
}
