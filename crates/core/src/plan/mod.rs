//! What to do next, in which order, and why. Pure.
//!
//! In: the view of one resource, and the time. Out: a [`Plan`]: steps as data, and the state that is
//! reached. Repeated until there is nothing to do, it brings a pair of resources from nothing to direct
//! upload and back. At no moment is an upload refused.

pub mod adjust;
pub mod api;
pub mod deploy;
pub mod finalize;
pub mod horizon;
pub mod options;
pub mod origin_change;
pub mod outline;
pub mod proof;
pub mod step;
pub use adjust::patch;
pub use api::{OriginPlan, api, glance};

pub use horizon::horizon;
pub use horizon::regions::UNPROVEN;
pub use options::Options;
pub use origin_change::{OriginChange, OriginEvent};
pub use outline::{Plan, RegionNews, RegionState, State};
pub use proof::refused;
pub use step::{Action, Step};
