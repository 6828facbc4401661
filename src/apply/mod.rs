//! Steps become writes.
//!
//! In: one [`Action`](crate::plan::Action). Out: requests to the API server, whose answers go
//! straight into the live snapshot. Nothing here decides anything.

mod adjust;
mod error;
mod rehearse;
mod write;

pub use error::ApplyError;
pub use write::Writer;
