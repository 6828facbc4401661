//! Whether a Horizon of a namespace may use this Glance. It follows Gateway API's `allowedRoutes`.

use std::collections::BTreeMap;

use direct_upload_api::{FromNamespaces, Namespaces, Reason};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube_core::labels::{Selector, SelectorExt as _};

use crate::model::{Key, Problem, Snapshot};

/// Whether `allowed`, from the Glance `glance`, includes the namespace.
///
/// # Errors
/// [`Reason::GlanceNotAllowed`], or an unknown while the namespace's labels cannot be read. What cannot be
/// seen is not granted.
pub fn check(snapshot: &Snapshot, glance: &Key, allowed: &Namespaces, namespace: &str) -> Result<(), Problem> {
    let refused = || {
        Problem::new(
            Reason::GlanceNotAllowed,
            format!(
                "Glance {glance} does not allow Horizons of namespace {namespace}; its owner can, with spec.cors.allowedHorizons.namespaces"
            ),
        )
    };
    let granted = match allowed.from {
        FromNamespaces::Same => glance.namespace == namespace,
        FromNamespaces::All => true,
        FromNamespaces::Selector => {
            let selector = allowed.selector.as_ref().ok_or_else(refused)?;
            match snapshot.namespaces.get(&Key::new("", namespace))? {
                Some(object) => matches(selector, &object.labels),
                None => false,
            }
        }
    };
    if granted { Ok(()) } else { Err(refused()) }
}

/// Whether a label selector matches. One that cannot be read (an unknown operator) matches nothing.
pub fn matches(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    Selector::try_from(selector.clone()).is_ok_and(|selector| selector.matches(labels))
}
