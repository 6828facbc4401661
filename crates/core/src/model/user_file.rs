//! The user's own files.

use std::fmt;

use super::key::Key;

/// Which of the user's own files says something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UserFile {
    /// Those that Glance reads. A Job of its own image has read them all, and does not say which one decides.
    #[default]
    OfGlance,
    /// One that is in a ConfigMap.
    ConfigMap {
        key: Key,
        /// The name of the file in the ConfigMap.
        item: String,
    },
}

/// E.g. `ConfigMap openstack/glance, key glance-api.conf`.
impl fmt::Display for UserFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfGlance => f.write_str("Glance's own files"),
            Self::ConfigMap { key, item } => write!(f, "ConfigMap {key}, key {item}"),
        }
    }
}
