//! Which resource owns a workload.

use super::annotations;
use super::mount::Mount;
use crate::model::{Key, Meta, ResourceKind, Workload};

/// Which resource a claim names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// As it is written: a later release may have other kinds of resources.
    kind: String,
    pub key: Key,
    pub uid: String,
}

impl Claim {
    /// The claim of a workload.
    pub fn on(workload: &Workload) -> Option<Self> {
        Self::read(&workload.meta)
    }

    /// The claim of any object.
    pub fn read(meta: &Meta) -> Option<Self> {
        let text = meta.ours.get(annotations::CLAIM)?;
        let mut parts = text.splitn(4, '/');
        let (kind, namespace, name, uid) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some(Self { kind: kind.to_owned(), key: Key::new(namespace, name), uid: uid.to_owned() })
    }

    /// The claim of a resource.
    pub fn new(kind: ResourceKind, meta: &Meta) -> Self {
        Self { kind: kind.to_string(), key: meta.key.clone(), uid: meta.uid.clone() }
    }

    /// Whether it names a resource of this kind.
    pub fn is_by(&self, kind: ResourceKind) -> bool {
        self.kind == kind.name()
    }

    /// Whether it names this resource, and not an earlier one of the same name.
    pub fn is(&self, meta: &Meta) -> bool {
        self.key == meta.key && self.uid == meta.uid
    }
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.kind, self.key, self.uid)
    }
}

/// Whether this resource may remove what the workload has of ours: because of its claim or, if somebody
/// removed the claim, because no other resource may have this workload.
pub fn claimed(workload: &Workload, meta: &Meta) -> bool {
    !workload.foreign && Claim::on(workload).map_or_else(|| Mount::observed(workload).is_some(), |claim| claim.is(meta))
}
