//! The part of `metadata` that decisions depend on, and custom resources.

use std::sync::Arc;

use direct_upload_api::{GlanceSpec, GlanceStatus, HorizonSpec, HorizonStatus, OpenStackApiSpec};
use jiff::Timestamp;

use super::compact::Map;
use super::key::Key;

/// The part of `metadata` that decisions depend on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meta {
    pub key: Key,
    pub uid: String,
    pub created: Option<Timestamp>,
    /// Set while the object is being deleted.
    pub deleting: Option<Timestamp>,
    pub generation: i64,
    /// Annotations of our domain.
    pub ours: Map<String, String>,
}

/// The controller that owns an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    pub kind: String,
    pub uid: String,
}

impl Meta {
    /// Whether the object is in an API server, so that its controllers may have judged it.
    pub fn is_stored(&self) -> bool {
        self.created.is_some()
    }

    /// When it was created. An object in no API server is younger than all others.
    pub fn born(&self) -> Timestamp {
        self.created.unwrap_or(Timestamp::MAX)
    }
}

/// A custom resource. A spec that does not decode affects only itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Custom<Spec, Status> {
    pub meta: Meta,
    /// Whether it has our finalizer.
    pub finalizer: bool,
    pub spec: Result<Spec, String>,
    pub status: Option<Arc<Status>>,
}

/// A stored Horizon.
pub type HorizonObject = Custom<HorizonSpec, HorizonStatus>;

/// A stored Glance.
pub type GlanceObject = Custom<GlanceSpec, GlanceStatus>;

/// A stored OpenStackAPI.
pub type ApiObject = Custom<OpenStackApiSpec, GlanceStatus>;
