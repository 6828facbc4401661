//! What a ConfigMap or Job of ours is for, as its annotation says.

use std::fmt;

use super::annotations;
use crate::model::{Meta, ResourceKind, Workload};

/// What an object of ours serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The files of such a resource.
    Files(ResourceKind),
    /// A question to Keystone's catalog and to Glance's own configuration.
    Catalog,
    /// A question to Glance's own configuration alone.
    Cors,
}

impl Purpose {
    const ALL: [Self; 5] = [
        Self::Files(ResourceKind::Glance),
        Self::Files(ResourceKind::Horizon),
        Self::Files(ResourceKind::OpenStackApi),
        Self::Catalog,
        Self::Cors,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Files(kind) => kind.name(),
            Self::Catalog => "Catalog",
            Self::Cors => "Cors",
        }
    }

    /// Whether it asks Glance's own configuration, and tries no file.
    pub(super) const fn reads_glance(self) -> bool {
        match self {
            Self::Files(_) => false,
            Self::Catalog | Self::Cors => true,
        }
    }

    /// The annotation's value on an object for a workload.
    pub fn note(self, workload: &Workload) -> String {
        format!("{self}/{}", workload.meta.uid)
    }

    /// What an object is for, if it is one of ours.
    pub(crate) fn of(meta: &Meta) -> Option<Self> {
        read(meta).and_then(|(name, _)| Self::named(name))
    }

    /// What an object is for, if it is for the workload with this uid.
    pub(crate) fn for_workload(meta: &Meta, uid: &str) -> Option<Self> {
        read(meta).filter(|(_, of)| *of == uid).and_then(|(name, _)| Self::named(name))
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

/// The uid of the workload that an object of ours is for.
pub(super) fn workload_of(meta: &Meta) -> Option<&str> {
    read(meta).map(|(_, uid)| uid)
}

/// The purpose's name, and the workload's uid.
fn read(meta: &Meta) -> Option<(&str, &str)> {
    meta.ours.get(annotations::FOR)?.split_once('/')
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
