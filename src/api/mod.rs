//! The custom resources: what a user writes, and what the operator answers.
//!
//! In: YAML of `Horizon` and `Glance` objects. Out: typed specs, typed statuses, and the
//! `CustomResourceDefinition`s that make the API server check them.

pub mod conditions;
mod duration;
pub mod glance;
pub mod horizon;
mod rehearsing;
pub mod shared;

pub use conditions::{ConditionType, Reason};
pub use duration::Duration;
pub use glance::*;
pub use horizon::*;
pub use shared::*;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

/// Label that marks our CRDs, ConfigMaps and claims as this program's.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// Value of [`MANAGED_BY`], field manager prefix and event reporter.
pub const OPERATOR: &str = "direct-upload-operator";

/// Prefix of every annotation, label and finalizer that is ours.
pub const DOMAIN: &str = "direct-upload.openstack.org";

/// Finalizer on a CR whose fields stand in a workload.
pub const FINALIZER: &str = "direct-upload.openstack.org/release";

/// The two CRDs, as `crds/` holds them and `direct-upload-operator crd` prints them.
///
/// Each carries the [`MANAGED_BY`] label, by which `run` tells them from another project's CRDs of
/// the same name before its first write.
#[must_use]
pub fn crds() -> Vec<CustomResourceDefinition> {
    let mut crds = vec![Glance::crd(), Horizon::crd()];
    for crd in &mut crds {
        crd.metadata.labels.get_or_insert_default().insert(MANAGED_BY.to_owned(), OPERATOR.to_owned());
    }
    crds
}
