//! The custom resources: what a user writes, and what the operator answers.
//!
//! In: YAML of `Horizon`, `Glance` and `OpenStackAPI` objects. Out: typed specs, typed statuses, and the
//! `CustomResourceDefinition`s with which the API server checks them.

pub mod conditions;
mod cors;
pub mod duration;
pub mod glance;
pub mod horizon;
pub mod openstack_api;
pub mod panel;
pub mod rehearsing;
pub mod rule;
pub mod shared;
pub mod web;
pub use conditions::{ConditionStatus, ConditionType, Outlook, Reason};
pub use cors::{
    CORS_OPTIONS, CorsFilter, CorsKey, CorsKind, CorsOption, CorsValue, CorsValues, SWIFT_ORIGINS, SWIFT_STRICT,
};
pub use duration::Duration;
pub use glance::apis::InternalApi;
pub use glance::image_import::{ImageImport, ImportMethod, IpFamily, WebDownload, WorkerScheme};
pub use glance::status::{GlanceStatus, GrantStatus, OriginStatus};
pub use glance::swift::{GlanceSwift, SwiftCredentials, SwiftTenancy};
pub use glance::{AllowedHorizons, Glance, GlanceCors, GlancePaths, GlanceServer, GlanceSpec};
pub use horizon::direct_upload::{
    DirectUpload, Fallback, GlanceRef, HostAlias, ImagesPanel, ProbeCheck, Region, Verification,
};
pub use horizon::status::{
    ConfiguredMode, HorizonStatus, ProbeFailure, ProbeVerdict, RegionStatus, VerificationStatus,
};
pub use horizon::{GlanceProxy, Horizon, HorizonPaths, HorizonSpec, OWN_PATHS};
pub use openstack_api::{ApiCors, ApiService, OpenStackAPI, OpenStackApiSpec};
pub use panel::Panel;
pub use rehearsing::{CatalogRehearsal, Rehearsing};
pub use rule::{Rule, Severity};
pub use shared::{
    Deletion, Delivery, Drain, ExposedBy, ExposureKind, ExposureStatus, FromNamespaces, Layout, NAMESPACE_RULE,
    Namespaces, Rollout, Scheme, WorkloadKind, WorkloadRef, seconds,
};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{CustomResourceDefinition, JSON};
use kube_core::CustomResourceExt;

/// Label that marks our ConfigMaps and Jobs as this program's.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// Label that marks our CRDs. It is not [`MANAGED_BY`], because Helm sets that one on everything it
/// installs.
pub const PART_OF: &str = "app.kubernetes.io/part-of";

/// Value of [`MANAGED_BY`] and [`PART_OF`], field manager prefix and event reporter.
pub const OPERATOR: &str = "direct-upload-operator";

/// Whether a field manager is this program, whatever its instance.
#[must_use]
pub fn is_ours(manager: &str) -> bool {
    manager.strip_prefix(OPERATOR).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Prefix of all our annotations, labels and finalizers.
pub const DOMAIN: &str = "direct-upload.openstack.org";

/// Finalizer on a resource whose fields are in a workload.
pub const FINALIZER: &str = "direct-upload.openstack.org/release";

/// The CRDs, as in `crds/` and in the output of `direct-upload-operator crd`.
///
/// Each has the [`PART_OF`] label. Before its first write, `run` uses it to distinguish our CRDs from
/// another project's CRDs of the same name.
#[must_use]
pub fn crds() -> Vec<CustomResourceDefinition> {
    let mut crds = vec![Glance::crd(), Horizon::crd(), OpenStackAPI::crd()];
    for crd in &mut crds {
        crd.metadata.labels.get_or_insert_default().insert(PART_OF.to_owned(), OPERATOR.to_owned());
        unobserved(crd);
    }
    crds
}

/// Gives a resource a status before the operator has seen it: one that observed no generation. Without it,
/// kstatus (and so Flux) would report a resource that nobody has looked at yet as in effect.
fn unobserved(crd: &mut CustomResourceDefinition) {
    let schemas =
        crd.spec.versions.iter_mut().filter_map(|version| version.schema.as_mut()?.open_api_v3_schema.as_mut());
    for schema in schemas {
        if let Some(status) = schema.properties.as_mut().and_then(|properties| properties.get_mut("status")) {
            status.default = Some(JSON(serde_json::json!({"observedGeneration": -1})));
        }
    }
}
