//! What is checked together.

use direct_upload_core::model::Snapshot;
use direct_upload_core::openstack::Release;

use crate::objects::Object;
use crate::unit::ConfigFile;

/// Everything that is checked together.
#[derive(Clone, Debug)]
pub struct CheckInput {
    /// Objects of manifests or of a cluster.
    pub objects: Vec<Object>,
    /// The same, as the operator's derivation sees them.
    pub snapshot: Snapshot,
    /// Configuration files on their own, with their names.
    pub files: Vec<(String, ConfigFile)>,
    /// The release, if the user states it.
    pub release: Option<Release>,
    /// What could not be read, and why.
    pub unseen: Vec<String>,
}

impl CheckInput {
    /// Nothing yet.
    pub fn new(release: Option<Release>) -> Self {
        let snapshot = Snapshot::complete();
        Self { objects: Vec::new(), snapshot, files: Vec::new(), release, unseen: Vec::new() }
    }
}
