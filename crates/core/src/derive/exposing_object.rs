//! The objects that lead browsers to a service.

use std::collections::BTreeMap;
use std::sync::Arc;

use direct_upload_api::ExposureKind;

use crate::model::{HttpRoute, Id, Ingress, Key, Owners, Route};

/// An object through which uploads arrive.
#[derive(Clone, Debug, PartialEq)]
pub enum ExposingObject {
    /// With the names of what else it leads to.
    Ingress(Arc<Ingress>, Vec<String>),
    /// With the names of what else it leads to.
    Route(Arc<Route>, Vec<String>),
    /// With the positions of the rules that lead to the workload.
    HttpRoute(Arc<HttpRoute>, Vec<usize>),
    /// An object of another kind.
    Other(ExposureKind, Key),
}

impl ExposingObject {
    /// Which object it is.
    pub fn object(&self) -> Id {
        let (kind, key) = match self {
            Self::Ingress(ingress, _) => (ExposureKind::Ingress, &ingress.meta.key),
            Self::Route(route, _) => (ExposureKind::Route, &route.meta.key),
            Self::HttpRoute(route, _) => (ExposureKind::HTTPRoute, &route.meta.key),
            Self::Other(kind, key) => (*kind, key),
        };
        Id { kind: kind.to_string(), key: key.clone() }
    }

    /// Its annotations and their owners, if annotations configure it.
    pub fn annotations(&self) -> Option<(&BTreeMap<String, String>, &Owners)> {
        match self {
            Self::Ingress(ingress, _) => Some((&ingress.annotations, &ingress.owners)),
            Self::Route(route, _) => Some((&route.annotations, &route.owners)),
            Self::HttpRoute(..) | Self::Other(..) => None,
        }
    }
}
