//! Namespaces.

use jiff::Timestamp;
use k8s_openapi::api::core::v1 as core;
use serde_json::Value;

use super::decode::{decode, meta};
use crate::model::{DecodeError, Key, Kind, Namespace, Observed};

impl Observed for Namespace {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        decode(object).map(|object| Some(namespace(object)))
    }
}

fn namespace(object: core::Namespace) -> Namespace {
    let terminating = object.status.and_then(|s| s.phase).is_some_and(|p| p == "Terminating");
    let mut labels = object.metadata.labels.clone().unwrap_or_default();
    let mut meta = meta(object.metadata);
    labels.insert(Namespace::NAME_LABEL.to_owned(), meta.key.name.clone());
    // A namespace is its own key: cluster-scoped kinds live under the empty namespace.
    meta.key = Key::new("", meta.key.name);
    if terminating && meta.deleting.is_none() {
        meta.deleting = Some(Timestamp::UNIX_EPOCH);
    }
    Namespace { meta, labels }
}
