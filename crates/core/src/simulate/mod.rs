//! The operator's own plans for files: what it would apply, without a cluster.
//!
//! In: manifests. Out: the steps, and the ConfigMaps and workloads of the end state, clean enough for
//! Git.

pub mod adopt;
pub mod cluster;
pub mod end_state;
pub mod fragments;
pub mod simulation;
pub use cluster::Cluster;
pub use end_state::{manifests, rendered_files};
pub use fragments::{ResourceFragment, fragments};
pub use simulation::{End, RolloutStage, Simulation, Taken, simulate};
