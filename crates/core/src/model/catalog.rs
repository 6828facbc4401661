//! What Keystone's catalog says.

use std::collections::BTreeMap;
use std::sync::Arc;

use direct_upload_api::web::{Endpoint, PublicUrl};

use super::key::Key;
use super::probe::Reach;

/// Which Keystone to ask, and as whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CatalogQuery {
    /// Keystone's URL with its version, e.g. `https://keystone.example.com/v3`.
    pub auth_url: PublicUrl,
    /// The Secret with the application credential.
    pub secret: Key,
    pub reach: Arc<Reach>,
}

/// The public image endpoints, by region.
pub type PublicEndpoints = BTreeMap<String, Endpoint>;

/// What a query has returned so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogReading {
    Known(PublicEndpoints),
    /// Why the catalog cannot be read. Nothing follows from this.
    Unknown(String),
}

impl CatalogReading {
    /// What is known after a further answer. A failure removes nothing that was read.
    #[must_use]
    pub fn then(before: Option<&Self>, answer: Self) -> Self {
        match (before, answer) {
            (Some(Self::Known(published)), Self::Unknown(_)) => Self::Known(published.clone()),
            (_, answer) => answer,
        }
    }
}
