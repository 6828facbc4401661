//! What people see: statuses, events, metrics.
//!
//! In: a view and its plan. Out: the status it deserves; the operator writes it only if it differs.

mod conditions;
pub mod events;
pub mod metrics;
mod regions;
mod status;
mod verification;

pub use status::{glance, horizon};
