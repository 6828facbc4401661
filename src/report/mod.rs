//! What people see: statuses, events, metrics.
//!
//! In: a view and its plan. Out: the status for it. The operator writes it only if it differs.

pub mod conditions;
pub mod events;
pub mod metrics;
pub mod regions;
pub mod status;
pub mod verification;
pub use events::{Events, Publisher};
pub use metrics::Metrics;
pub use status::{api, glance, horizon};
