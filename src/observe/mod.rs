//! What the cluster contains.
//!
//! In: watches of the API server ([`live`]) or manifest files (`files`). Out: one
//! [`Snapshot`](direct_upload_core::model::Snapshot), in which "there is none" and "I cannot see" are different answers.

mod connections;
pub mod discovery;
pub mod files;
pub mod live;
pub mod scope;
pub mod watches;
pub use connections::Connections;
pub use live::Live;
pub use watches::Watches;
