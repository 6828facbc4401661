//! ConfigMaps.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::GlanceProxy;
use direct_upload_api::web::Origin;

use super::meta::Meta;

/// A ConfigMap: ours, or one that a workload mounts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigMap {
    pub meta: Meta,
    /// It has our label.
    pub managed: bool,
    pub data: BTreeMap<String, String>,
    /// The effect of our files in it; empty for one that is not ours.
    pub effects: Effects,
}

/// The effect of our files, read from their bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Horizon uploads directly.
    pub direct: bool,
    /// Glance's CORS filter accepts these origins.
    pub origins: BTreeSet<Origin>,
    /// Glance refuses data with `PUT …/file`.
    pub refuses_uploads: bool,
    /// Horizon's httpd leads these paths to Glance.
    pub glance_proxies: BTreeSet<GlanceProxy>,
    /// A digest of all files without their lists of origins. If it stays, so do the answers to an origin that stays.
    pub besides_origins: u64,
}
