//! The workload and container that a resource means.

use std::sync::Arc;

use super::names::CONFIG_VOLUME;
use crate::model::{Container, Workload};

/// A workload, and its container that gets the files.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub workload: Arc<Workload>,
    pub container: Arc<Container>,
}

impl Target {
    /// The paths at which the container's owner mounts something. Ours would only show what was true of an
    /// earlier image.
    pub fn users_mounts(&self) -> Vec<&str> {
        let users = self.container.mounts.iter().filter(|mount| !mount.volume.starts_with(CONFIG_VOLUME));
        users.map(|mount| mount.path.as_str()).collect()
    }
}
