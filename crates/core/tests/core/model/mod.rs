//! What was observed.

mod snapshot;
