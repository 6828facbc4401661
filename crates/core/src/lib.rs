//! Every decision of direct-upload-operator, and nothing else: no clock, no files, no network.
//!
//! Rooms, lowest first; each knows only those before it (docs/architecture.md):
//!
//! - [`model`]: all that is observed, reduced to what decisions depend on.
//! - [`openstack`]: what OpenStack's programs want.
//! - [`render`]: settings become files, and files are read back.
//! - [`workload`]: what is ours in other people's workloads.
//! - [`judge`]: would a browser's upload be let through?
//! - [`manifests`]: objects and files become a [`model::Snapshot`].
//! - [`mod@derive`]: what a snapshot means, as one [`derive::World`].
//! - [`plan`]: what is to be done for one resource, and what is reached.
//! - [`simulate`]: plans carried out on manifests.

pub mod derive;
pub mod judge;
pub mod manifests;
pub mod model;
pub mod openstack;
pub mod plan;
pub mod render;
pub mod simulate;
pub mod workload;
