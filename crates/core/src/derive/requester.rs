//! Who requests that an API accepts an origin.

use std::fmt;

use crate::model::{Id, Kind, UserFile};

/// Who requests an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requester {
    /// The API's own resource states it.
    Stated,
    /// A Horizon, or a workload whose pages call the API.
    Dashboard(Id),
    /// The user's own file.
    File(UserFile),
}

impl Requester {
    /// The object, if it is another than the API's own resource.
    pub fn object(&self) -> Option<Id> {
        match self {
            Self::Dashboard(object) => Some(object.clone()),
            Self::File(UserFile::ConfigMap { key, .. }) => Some(Id::new(Kind::ConfigMap, key)),
            Self::Stated | Self::File(UserFile::OfGlance) => None,
        }
    }
}

/// `spec.cors.allowedOrigins`, or e.g. `Horizon openstack/horizon`.
impl fmt::Display for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stated => f.write_str("spec.cors.allowedOrigins"),
            Self::Dashboard(object) => object.fmt(f),
            Self::File(file) => file.fmt(f),
        }
    }
}
