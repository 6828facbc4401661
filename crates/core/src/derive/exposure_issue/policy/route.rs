//! A route to an API, as it was written.

use std::ops::Deref;

use serde_json::Value;

use super::PolicyObject;
use crate::model::RouteKind;

/// A route whose rules are read.
#[derive(Clone, Copy)]
pub(super) struct Route<'a> {
    pub kind: RouteKind,
    pub object: &'a PolicyObject<'a>,
}

impl<'a> Route<'a> {
    pub fn new(object: &'a PolicyObject<'a>) -> Option<Self> {
        Some(Self { kind: RouteKind::of(object.kind)?, object })
    }

    /// Whether it is this object.
    pub fn is(&self, object: &PolicyObject<'_>) -> bool {
        std::ptr::eq(self.object, object)
    }
}

impl<'a> Deref for Route<'a> {
    type Target = PolicyObject<'a>;

    fn deref(&self) -> &PolicyObject<'a> {
        self.object
    }
}

/// Whether a text in a value is one of some names, or its long form (`name.namespace.svc…`).
pub(super) fn mentions(value: &Value, names: &[&str]) -> bool {
    match value {
        Value::String(text) => names.contains(&text.split('.').next().unwrap_or_default()),
        Value::Array(items) => items.iter().any(|item| mentions(item, names)),
        Value::Object(map) => map.values().any(|item| mentions(item, names)),
        _ => false,
    }
}
