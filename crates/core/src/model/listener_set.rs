//! Gateway API ListenerSets, and XListenerSets, their form before release 1.5.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::condition::Condition;
use super::gateway::{Listener, ListenerStatus};
use super::http_route::ParentRef;
use super::meta::Meta;

/// Further listeners of a Gateway, in a separate object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListenerSet {
    pub meta: Meta,
    /// By which policies select it.
    pub labels: BTreeMap<String, String>,
    pub spec: ListenerSetSpec,
    pub conditions: Vec<Condition>,
    /// `status.listeners`.
    pub listener_statuses: Vec<ListenerStatus>,
}

/// `spec` of a ListenerSet.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListenerSetSpec {
    pub parent_ref: ParentRef,
    pub listeners: Vec<Listener>,
}
