//! Other people's workloads, and what is ours in them: names and annotations, how files, variables and a
//! preStop sleep get into their pods, and what of that is in the cluster.
//!
//! In: a [`Workload`](crate::model::Workload) and rendered files. Out: the server-side apply patch, and
//! drafts of the ConfigMap and the rehearsal's Job. Read back: what is [`Applied`].

pub mod annotations;
mod applied;
mod apply;
mod claim;
mod config_map;
mod content_name;
pub mod drain;
mod env;
pub mod failed_roll;
mod fields;
mod fingerprint;
mod inventory;
mod last_roll;
mod mount;
mod names;
pub mod pre_stop;
mod preconditions;
mod purpose;
pub mod rehearsal;
mod rollout;
mod target;

pub use applied::{Applied, is_bystander};
pub use apply::{adjust, apply, object};
pub use claim::{Claim, claimed};
pub use config_map::{ConfigMapDraft, is_for, is_intact, means};
pub use content_name::{is_content_name, is_content_name_of};
pub use fields::{annotate, release_fields};
pub use fingerprint::{edition, fingerprint};
pub use inventory::Inventory;
pub use last_roll::{LastRoll, rfc3339};
pub use mount::{Mount, SecretMount, Secrets, release_patch};
pub use names::{CONFIG_VOLUME, OUR_ENV, POD_IP, SECRET_VOLUME, TLS_VOLUME, WORKER_URL};
pub use preconditions::{foreign, mountable};
pub use purpose::Purpose;
pub use rollout::{RollFault, Unfinished, rolling};
pub use target::Target;
