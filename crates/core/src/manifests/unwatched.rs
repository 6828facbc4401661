//! Objects that show what gateways do to uploads, and that are read from files only: settings of whole gateways, and the
//! workloads and Services to which they belong.
//!
//! In: each object of the files. Out: [`Unwatched`], which only keeps them.

use serde_json::Value;

use crate::model::{FileObject, Kept, Key, PolicyKind, Unwatched};

/// Keeps an object if it is one of them.
pub(super) fn insert(unwatched: &mut Unwatched, kind: PolicyKind, key: &Key, spec: &Value) {
    let object = || FileObject { kind, key: key.clone(), spec: spec.clone() };
    match kind.kept() {
        Kept::Anywhere => unwatched.add_anywhere(object()),
        Kept::IfTraefik if traefiks_container(kind, spec).is_some() => unwatched.add_anywhere(object()),
        Kept::Near => unwatched.add_near(object()),
        Kept::IfTraefik | Kept::No => {}
    }
}

/// The position of Traefik's container in the pods of a workload. Traefik runs as a Deployment or a DaemonSet.
pub fn traefiks_container(kind: PolicyKind, spec: &Value) -> Option<usize> {
    if !matches!(kind, PolicyKind::Deployment | PolicyKind::DaemonSet) {
        return None;
    }
    let is_it = |container: &Value| {
        let image = container["image"].as_str().unwrap_or_default();
        let name = image.split('@').next().unwrap_or(image).rsplit('/').next().unwrap_or_default();
        name.split(':').next() == Some("traefik")
    };
    spec.pointer("/template/spec/containers")?.as_array()?.iter().position(is_it)
}
