//! Whether a Horizon of a namespace may use this Glance. It follows Gateway API's `allowedRoutes`.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::{FromNamespaces, Namespaces};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube_core::labels::{Selector, SelectorExt as _};

use crate::model::{Key, Known, Namespace, Snapshot};

/// Whether `allowed`, from the Glance `glance`, includes the namespace.
///
/// # Errors
/// The namespace's labels cannot be read. What cannot be seen is not granted.
pub fn is_given(snapshot: &Snapshot, glance: &Key, allowed: &Namespaces, namespace: &str) -> Known<bool> {
    match (allowed.from, &allowed.selector) {
        (FromNamespaces::Same, _) => Ok(glance.namespace == namespace),
        (FromNamespaces::All, _) => Ok(true),
        (FromNamespaces::Selector, Some(selector)) => Ok(selects(snapshot, selector, namespace)?.unwrap_or_default()),
        (FromNamespaces::Selector, None) => Ok(false),
    }
}

/// Whether a selector takes a namespace; none if the namespace is not there, and its name does not decide.
///
/// # Errors
/// The namespace's labels cannot be read, and its name does not decide.
pub(crate) fn selects(snapshot: &Snapshot, selector: &LabelSelector, namespace: &str) -> Known<Option<bool>> {
    let object = snapshot.namespaces.get(&Key::new("", namespace));
    if let Ok(Some(object)) = &object {
        return Ok(Some(matches(selector, &object.labels)));
    }
    let keys = selector.match_labels.iter().flatten().map(|(key, _)| key);
    let keys = keys.chain(selector.match_expressions.iter().flatten().map(|expression| &expression.key));
    let keys: BTreeSet<&str> = keys.map(String::as_str).collect();
    if keys == BTreeSet::from([Namespace::NAME_LABEL]) {
        let known = BTreeMap::from([(Namespace::NAME_LABEL.to_owned(), namespace.to_owned())]);
        return Ok(Some(matches(selector, &known)));
    }
    object.map(|_| None)
}

/// Whether a label selector matches. One that cannot be read (an unknown operator) matches nothing.
pub fn matches(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    Selector::try_from(selector.clone()).is_ok_and(|selector| selector.matches(labels))
}
