//! What must be watched.

use std::collections::BTreeSet;

use super::key::Key;

/// What decisions need to see beside the resources themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Namespaces that hold a resource.
    pub namespaces: BTreeSet<String>,
    /// Namespaces whose HTTPRoutes may lead into those.
    pub routes_of: BTreeSet<String>,
    /// Gateways that such routes name.
    pub gateways: BTreeSet<Key>,
    /// ConfigMaps with a workload's main file, or with certificate authorities.
    pub config_maps: BTreeSet<Key>,
}
