//! Whose a workload is.

use super::annotations;
use super::mount::Mount;
use crate::model::{Key, Meta, Workload};

/// Which resource a claim names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub kind: String,
    pub key: Key,
    pub uid: String,
}

impl Claim {
    /// The claim that stands on a workload.
    pub fn on(workload: &Workload) -> Option<Self> {
        Self::read(&workload.meta)
    }

    /// The claim that stands on any object.
    pub fn read(meta: &Meta) -> Option<Self> {
        let text = meta.ours.get(annotations::CLAIM)?;
        let mut parts = text.splitn(4, '/');
        let (kind, namespace, name, uid) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some(Self { kind: kind.to_owned(), key: Key::new(namespace, name), uid: uid.to_owned() })
    }

    /// Whether it names this resource, and not a namesake of another time.
    pub fn is(&self, meta: &Meta) -> bool {
        self.key == meta.key && self.uid == meta.uid
    }
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.kind, self.key, self.uid)
    }
}

/// Whether what stands in the workload is this resource's to take away: by its claim, or where
/// somebody took the claim away, because no other resource may have this workload.
pub fn claimed(workload: &Workload, meta: &Meta) -> bool {
    !workload.foreign && Claim::on(workload).map_or_else(|| Mount::observed(workload).is_some(), |claim| claim.is(meta))
}
