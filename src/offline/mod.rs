//! The operator's own plans over files: what it would apply, without a cluster.
//!
//! In: manifests. Out: the steps, and the ConfigMaps and workloads of the end state, clean enough for
//! Git.

mod adopt;
pub(crate) mod apply;
mod cluster;
mod output;
mod simulate;

pub use cluster::Cluster;
pub use output::{manifests, rendered_files};
pub use simulate::{End, Outcome, Stage, Taken, simulate};
