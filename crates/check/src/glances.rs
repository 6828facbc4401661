//! What is Glance's among objects.
//!
//! In: the objects, and the Services of the workloads that read Glance's configuration. Out: whether a Service, a reference
//! or an object is Glance's. There are two reasons: it is such a Service or names one; or it has Glance's name
//! ([`names`](crate::names)), because the input often lacks the workload or its Services.

use std::collections::BTreeSet;
use std::ops::Deref;

use direct_upload_core::derive::Backends;
use serde_json::Value;

use crate::kinds;
use crate::names;
use crate::objects::object_set::ObjectSet;
use crate::objects::{Object, any_text};

/// The objects of the input, which know what is Glance's.
#[derive(Clone, Copy)]
pub(crate) struct Objects<'a> {
    pub all: &'a ObjectSet,
    /// The names and namespaces of those.
    pub services: &'a BTreeSet<(&'a str, &'a str)>,
    /// The Services of the workloads of Glance.
    pub backends: &'a [Backends],
}

impl Deref for Objects<'_> {
    type Target = ObjectSet;

    fn deref(&self) -> &ObjectSet {
        self.all
    }
}

/// The names and namespaces of the Services of workloads.
pub(crate) fn services(backends: &[Backends]) -> BTreeSet<(&str, &str)> {
    let named = backends.iter().flat_map(|own| own.services.iter().map(move |name| (name, &own.namespace)));
    named.map(|(name, namespace)| (name.as_str(), namespace.as_str())).collect()
}

impl<'a> Objects<'a> {
    /// Whether an object's spec names Glance or a Service of it.
    pub fn leads_to_glance(self, object: &Object) -> bool {
        self.names_glance(object, &object.value["spec"])
    }

    /// Whether a part of an object does.
    pub fn names_glance(self, object: &Object, part: &Value) -> bool {
        any_text(part, &|text| names::is_glances(text) || self.is_reference(object, text))
    }

    /// The routes that lead to Glance.
    pub fn routes(self) -> impl Iterator<Item = &'a Object> {
        self.all.iter().filter(move |object| kinds::route(object).is_some() && self.leads_to_glance(object))
    }

    /// Those of a namespace.
    pub fn routes_in(self, namespace: &str) -> impl Iterator<Item = &'a Object> {
        self.all
            .in_namespace(namespace)
            .filter(move |object| kinds::route(object).is_some() && self.leads_to_glance(object))
    }

    /// Whether a Service has pods of Glance behind it, as far as its selector and the workloads show.
    pub fn is_service(self, name: &str, namespace: &str) -> bool {
        self.services.contains(&(name, namespace))
    }

    /// Whether an object is a Service of Glance's: it is one of these, or its name or selector says so.
    pub fn is_glances_service(self, object: &Object) -> bool {
        object.kind() == "Service"
            && (self.is_service(object.name(), object.namespace())
                || names::is_glances(object.name())
                || any_text(&object.value["spec"]["selector"], &names::is_glances))
    }

    /// Whether a text in an object means one of these Services: its name, or `NAME.NAMESPACE…` as in the cluster's DNS. The
    /// name alone means one in the object's own namespace, unless the object names another one.
    fn is_reference(self, object: &Object, text: &str) -> bool {
        let mut labels = text.split('.');
        let name = labels.next().unwrap_or_default();
        if let Some(namespace) = labels.next() {
            return self.is_service(name, namespace);
        }
        let is_one = self.services.range((name, "")..).next().is_some_and(|(own, _)| *own == name);
        is_one
            && (self.is_service(name, object.namespace())
                || any_text(&object.value["spec"], &|namespace| self.is_service(name, namespace)))
    }
}
