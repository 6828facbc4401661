//! The parents of HTTPRoutes among the objects: Gateways, also through ListenerSets.

use serde_json::Value;

use super::PolicyObject;
use crate::derive::exposure::parent::ParentKind;
use crate::model::{Key, PolicyKind};

/// An object that a route names in its `parentRefs`.
pub(super) struct Parent {
    pub kind: ParentKind,
    pub key: Key,
}

impl Parent {
    /// Of an object in this namespace; none if it is of a kind without listeners.
    pub fn new(reference: &Value, namespace: &str) -> Option<Self> {
        let kind = ParentKind::of_reference(reference["group"].as_str(), reference["kind"].as_str())?;
        Some(Self { kind, key: key_of(reference, namespace) })
    }

    /// The Gateway whose listeners it has; none if that is not seen.
    pub fn gateway(&self, objects: &[PolicyObject<'_>]) -> Option<Key> {
        match self.kind {
            ParentKind::Gateway => Some(self.key.clone()),
            ParentKind::Set(_) => {
                let kind = PolicyKind::from(self.kind);
                let set = objects.iter().find(|own| own.kind == kind && own.key == self.key)?;
                Some(key_of(&set.spec["parentRef"], &set.key.namespace))
            }
        }
    }
}

/// The parents of a route, with their references.
pub(super) fn parents<'b>(route: &'b PolicyObject<'_>) -> impl Iterator<Item = (Parent, &'b Value)> {
    let all = route.spec["parentRefs"].as_array().into_iter().flatten();
    all.filter_map(|reference| Some((Parent::new(reference, &route.key.namespace)?, reference)))
}

fn key_of(reference: &Value, namespace: &str) -> Key {
    let namespace = reference["namespace"].as_str().unwrap_or(namespace);
    Key::new(namespace, reference["name"].as_str().unwrap_or_default())
}
