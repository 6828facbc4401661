//! The workload and container that a resource means.

use std::sync::Arc;

use crate::model::{Container, Workload};

/// A workload and the container in it that gets the files.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub workload: Arc<Workload>,
    pub container: Container,
}
