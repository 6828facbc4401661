//! What is ours in a workload.

pub mod applied;
pub mod apply;
pub mod claim;
pub mod config_map;
pub mod drain;
pub mod env;
pub mod last_roll;
pub mod mount;
pub mod preconditions;
pub mod rehearsal;
pub mod rollout;
pub mod target;
pub use applied::Applied;
pub use apply::object;
pub use claim::{Claim, claimed};
pub use config_map::{ConfigMapDraft, is_for};
pub use drain::{Draining, absence, decide};
pub use last_roll::{Rolled, rfc3339};
pub use mount::{Mount, SecretMount, Secrets};
pub use preconditions::{foreign, mountable};
pub use rehearsal::draft::{RehearsalDraft, name};
pub use rehearsal::job::{NoJob, job};
pub use rehearsal::outcome::{Code, Objection, Rehearsal};
pub use rollout::rolling;
pub use target::Target;
