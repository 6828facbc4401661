//! Every decision of direct-upload-operator, and nothing else: no clock, no files, no network.
//!
//! Modules, lowest first; each knows only those before it (docs/architecture.md):
//!
//! - [`model`]: everything that is observed, reduced to what decisions depend on.
//! - [`openstack`]: what OpenStack's programs need.
//! - [`render`]: settings become files, and files are read back.
//! - [`workload`]: what is ours in other people's workloads.
//! - [`judge`]: whether a browser's upload would pass.
//! - [`manifests`]: objects and files become a [`model::Snapshot`].
//! - [`mod@derive`]: what a snapshot means, as one [`derive::World`].
//! - [`plan`]: what to do for one resource, and the state that this reaches.
//! - [`simulate`]: plans applied to manifests.

pub mod derive;
pub mod judge;
pub mod manifests;
pub mod model;
pub mod openstack;
pub mod plan;
pub mod render;
pub mod simulate;
pub mod workload;
