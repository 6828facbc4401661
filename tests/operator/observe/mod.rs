//! The snapshot of a cluster.

mod live;
mod scope;
mod watches;
