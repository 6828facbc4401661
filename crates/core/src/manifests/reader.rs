//! Documents → objects in a snapshot.
//!
//! In: the bytes of one file after another. Out: [`Input`], or everything that is wrong with them: what the
//! API server would refuse, what does not decode, and duplicates.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{crd, text};
use crate::manifests::{Document, Input, Manifest, ManifestError, ManifestPlace, insert, undecodable};
use crate::model::{Id, Snapshot};

/// Kinds of Kubernetes itself that cannot matter.
const HARMLESS: [&str; 22] = [
    "v1 Secret",
    "v1 ServiceAccount",
    "v1 PersistentVolumeClaim",
    "v1 PersistentVolume",
    "v1 Endpoints",
    "v1 Event",
    "v1 LimitRange",
    "v1 ResourceQuota",
    "batch/v1 Job",
    "batch/v1 CronJob",
    "autoscaling/v2 HorizontalPodAutoscaler",
    "policy/v1 PodDisruptionBudget",
    "networking.k8s.io/v1 NetworkPolicy",
    "networking.k8s.io/v1 IngressClass",
    "discovery.k8s.io/v1 EndpointSlice",
    "rbac.authorization.k8s.io/v1 Role",
    "rbac.authorization.k8s.io/v1 RoleBinding",
    "rbac.authorization.k8s.io/v1 ClusterRole",
    "rbac.authorization.k8s.io/v1 ClusterRoleBinding",
    "apiextensions.k8s.io/v1 CustomResourceDefinition",
    "storage.k8s.io/v1 StorageClass",
    "scheduling.k8s.io/v1 PriorityClass",
];

/// Collects objects and errors.
pub struct ManifestReader {
    input: Input,
    errors: Vec<ManifestError>,
    seen: BTreeMap<Id, ManifestPlace>,
}

impl Default for ManifestReader {
    fn default() -> Self {
        let input = Input { snapshot: Snapshot::complete(), manifests: Vec::new(), unknown: Vec::new() };
        Self { input, errors: Vec::new(), seen: BTreeMap::new() }
    }
}

impl ManifestReader {
    pub fn finish(mut self) -> Result<Input, Vec<ManifestError>> {
        if self.errors.is_empty() { Ok(self.input) } else { Err(std::mem::take(&mut self.errors)) }
    }

    pub fn fail(&mut self, place: &ManifestPlace, object: Option<String>, what: impl Into<String>) {
        self.errors.push(ManifestError { place: place.clone(), object, what: what.into() });
    }

    pub fn text(&mut self, file: &str, bytes: &[u8]) {
        let at = |document| ManifestPlace { file: file.to_owned(), document, items: Vec::new() };
        match text::documents(file, bytes) {
            Ok(documents) => {
                for Document { number, value, .. } in documents {
                    self.document(at(Some(number)), value);
                }
            }
            Err((document, what)) => self.fail(&at(document), None, what),
        }
    }

    /// A document or an item of a List, which may be a List itself.
    fn document(&mut self, place: ManifestPlace, mut value: Value) {
        let text = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        if !value.is_object() {
            return self.fail(
                &place,
                None,
                "is a single value or a sequence, not an object; write apiVersion, kind and metadata",
            );
        }
        if api_version.is_empty() || kind.is_empty() {
            return self.fail(&place, None, "apiVersion, kind: are missing; this is not a Kubernetes object");
        }
        match (kind.strip_suffix("List"), value.get_mut("items").map(Value::take)) {
            (Some(of), Some(Value::Array(items))) => {
                for (at, mut item) in items.into_iter().enumerate() {
                    // Items of a typed list need not repeat their kind.
                    if let (false, Some(map)) = (of.is_empty(), item.as_object_mut()) {
                        map.entry("apiVersion").or_insert_with(|| api_version.clone().into());
                        map.entry("kind").or_insert_with(|| of.into());
                    }
                    let mut place = place.clone();
                    place.items.push(at + 1);
                    self.document(place, item);
                }
            }
            (_, items) => {
                if let Some(items) = items {
                    value["items"] = items;
                }
                self.object(place, &api_version, &kind, value);
            }
        }
    }

    fn object(&mut self, place: ManifestPlace, api_version: &str, kind: &str, object: Value) {
        let name = describe(kind, &object);
        let ours = crd::is_ours(api_version.split_once('/').map_or("", |(group, _)| group));
        let refusals = crd::refusals(api_version, kind, &object);
        if ours && refusals.is_none() {
            return self.fail(&place, Some(name), format!("apiVersion, kind: there is no {kind} in {api_version}"));
        }
        let refusals = refusals.unwrap_or_default();
        if !refusals.is_empty() {
            return refusals.into_iter().for_each(|what| self.fail(&place, Some(name.clone()), what));
        }
        match insert(&mut self.input.snapshot, object.clone()) {
            Err(why) => self.fail(&place, Some(name), why.to_string()),
            Ok(None) => {
                let unknown = format!("{api_version} {kind}");
                if !HARMLESS.contains(&unknown.as_str()) {
                    self.input.unknown.push((place, unknown));
                }
            }
            Ok(Some(id)) => {
                // In a cluster it affects only itself; here the user must correct it.
                if let Some(why) = undecodable(&self.input.snapshot, &id) {
                    return self.fail(&place, Some(name), why);
                }
                if let Some(first) = self.seen.insert(id.clone(), place.clone()) {
                    return self.fail(&place, Some(name), format!("is given twice; first in {first}"));
                }
                self.input.manifests.push(Manifest { place, id, object });
            }
        }
    }
}

/// Names the object as well as possible.
fn describe(kind: &str, object: &Value) -> String {
    let text = |field| object["metadata"].get(field).and_then(Value::as_str);
    let name = text("name").unwrap_or("without metadata.name");
    match text("namespace") {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}
