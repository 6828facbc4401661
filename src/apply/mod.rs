//! Turns steps into writes.
//!
//! In: one [`Action`](direct_upload_core::plan::Action). Out: requests to the API server, whose answers go
//! straight into the live snapshot. Nothing here decides anything.

pub mod adjust;
pub mod error;
pub mod fence;
pub mod rehearse;
pub mod write;
pub use error::ApplyError;
pub use fence::Fence;
pub use write::Applier;
