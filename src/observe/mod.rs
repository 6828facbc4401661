//! What the cluster holds.
//!
//! In: watches of the API server ([`live`]) or manifest files ([`manifests`]). Out: one
//! [`Snapshot`], in which "there is none" and "I cannot see" are different answers.

pub mod discovery;
pub mod live;
pub mod manifests;
pub mod model;
pub mod reduce;
pub mod resource;
pub mod scope;
mod snapshot;
pub mod watches;

pub use model::*;
pub use snapshot::{Answers, Known, Snapshot, Store, Unknown};
