//! What routes of Gateway API are attached to: Gateways and ListenerSets, by group and kind.

use crate::model::{Key, Kind, Known, ListenerSet, Meta, ParentRef, PolicyKind, Snapshot};

/// A kind of object with listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ParentKind {
    Gateway,
    Set(SetKind),
}

/// ListenerSets, and what they were before Gateway API 1.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SetKind {
    ListenerSet,
    XListenerSet,
}

impl ParentKind {
    const ALL: [Self; 3] = [Self::Gateway, Self::Set(SetKind::ListenerSet), Self::Set(SetKind::XListenerSet)];

    /// The kind that a reference means, with the API's defaults; none if it is not read (a Service, in a mesh).
    pub fn of_reference(group: Option<&str>, kind: Option<&str>) -> Option<Self> {
        const GROUP: &str = "gateway.networking.k8s.io";
        /// The group of what was not yet in the standard.
        const EXPERIMENTAL: &str = "gateway.networking.x-k8s.io";

        match (group.unwrap_or(GROUP), kind.unwrap_or("Gateway")) {
            (GROUP, "Gateway") => Some(Self::Gateway),
            (GROUP, "ListenerSet") => Some(Self::Set(SetKind::ListenerSet)),
            (EXPERIMENTAL, "XListenerSet") => Some(Self::Set(SetKind::XListenerSet)),
            _ => None,
        }
    }

    /// The kind of such an object; none if it has no listeners.
    pub fn of(kind: PolicyKind) -> Option<Self> {
        Self::ALL.into_iter().find(|own| PolicyKind::from(*own) == kind)
    }
}

impl SetKind {
    /// One of them.
    ///
    /// # Errors
    /// It cannot be seen.
    pub fn get<'a>(self, snapshot: &'a Snapshot, key: &Key) -> Known<Option<&'a ListenerSet>> {
        let store = match self {
            Self::ListenerSet => &snapshot.listener_sets,
            Self::XListenerSet => &snapshot.x_listener_sets,
        };
        Ok(store.get_named(key)?.map(|set| &**set))
    }
}

impl From<ParentKind> for Kind {
    fn from(kind: ParentKind) -> Self {
        match kind {
            ParentKind::Gateway => Self::Gateway,
            ParentKind::Set(SetKind::ListenerSet) => Self::ListenerSet,
            ParentKind::Set(SetKind::XListenerSet) => Self::XListenerSet,
        }
    }
}

impl From<ParentKind> for PolicyKind {
    fn from(kind: ParentKind) -> Self {
        match kind {
            ParentKind::Gateway => Self::Gateway,
            ParentKind::Set(SetKind::ListenerSet) => Self::ListenerSet,
            ParentKind::Set(SetKind::XListenerSet) => Self::XListenerSet,
        }
    }
}

/// The object that a reference of a route, or of a ListenerSet, means.
pub(crate) fn parent_of(own: &Meta, parent: &ParentRef) -> Option<(ParentKind, Key)> {
    let kind = ParentKind::of_reference(parent.group.as_deref(), parent.kind.as_deref())?;
    let namespace = parent.namespace.as_ref().unwrap_or(&own.key.namespace);
    Some((kind, Key::new(namespace.clone(), parent.name.clone())))
}
