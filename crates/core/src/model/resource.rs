//! Our own resources: their kinds, and how each is named.

use std::fmt;

use super::key::{Id, Key};
use super::kind::Kind;

/// The kinds of resources that the operator works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    Glance,
    Horizon,
    OpenStackApi,
}

impl ResourceKind {
    /// All of them, by name.
    pub const ALL: [Self; 3] = [Self::Glance, Self::Horizon, Self::OpenStackApi];

    /// Its name in manifests, claims and annotations.
    pub const fn name(self) -> &'static str {
        self.kind().registration().name
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Glance => Kind::Glance,
            Self::Horizon => Kind::Horizon,
            Self::OpenStackApi => Kind::OpenStackAPI,
        }
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<ResourceKind> for String {
    fn from(kind: ResourceKind) -> Self {
        kind.name().to_owned()
    }
}

/// Kind and key of a resource of ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId {
    pub kind: ResourceKind,
    pub key: Key,
}

impl ResourceId {
    /// A resource's name from its kind and key.
    pub fn new(kind: ResourceKind, key: &Key) -> Self {
        Self { kind, key: key.clone() }
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Id::from(self).fmt(f)
    }
}

impl From<&ResourceId> for Id {
    fn from(resource: &ResourceId) -> Self {
        Self::new(resource.kind, &resource.key)
    }
}
