//! Manifest files → one [`Snapshot`], in which what is not there does not exist.
//!
//! In: files, folders, standard input; documents, JSON streams and Lists. Out: each object with
//! where it stands, and the snapshot; or every error, with file, document and field.

pub mod crd;
pub mod reader;
pub mod reduce;
pub mod rules;
pub mod text;
pub use reduce::reduce;
pub use text::MOST_BYTES;

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;
use thiserror::Error;

use crate::model::{Key, Meta, Object, RevisionKind, Snapshot};

/// Where an object stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    /// From 1; none if the file as a whole is meant.
    pub document: Option<usize>,
    /// Positions in a List (and Lists in it), from 1.
    pub items: Vec<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        self.document.map_or(Ok(()), |number| write!(f, ", document {number}"))?;
        self.items.iter().try_for_each(|number| write!(f, ", item {number}"))
    }
}

/// Something in the input that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}{}: {what}", object.as_ref().map(|o| format!(" ({o})")).unwrap_or_default())]
pub struct ManifestError {
    pub place: Place,
    /// `Kind namespace/name`.
    pub object: Option<String>,
    /// Beginning with the field, if it is about one.
    pub what: String,
}

/// Kind and key: what an object is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    pub kind: String,
    pub key: Key,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key { namespace, name } = &self.key;
        if namespace.is_empty() {
            write!(f, "{} {name}", self.kind)
        } else {
            write!(f, "{} {namespace}/{name}", self.kind)
        }
    }
}

/// One object of the input, as it was written.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub place: Place,
    pub id: Id,
    pub object: Value,
}

/// All that was read.
#[derive(Clone, Debug)]
pub struct Input {
    pub snapshot: Snapshot,
    /// Objects of kinds that play a role here, in order of reading.
    pub manifests: Vec<Manifest>,
    /// Kinds that play none here and are not known to be harmless: where, and `apiVersion kind`.
    pub unknown: Vec<(Place, String)>,
}

/// Reads one text, as if it were a file of this name.
///
/// # Errors
/// As [`read`].
pub fn parse(name: &str, bytes: &[u8]) -> Result<Input, Vec<ManifestError>> {
    let mut reader = reader::Reader::default();
    reader.text(name, bytes);
    reader.finish()
}

/// The documents of one text as values, each with its number.
///
/// # Errors
/// The number of the document (none if the text as a whole is unusable) and what is wrong.
pub fn values(name: &str, bytes: &[u8]) -> Result<text::Documents, text::Unreadable> {
    text::documents(bytes, std::path::Path::new(name).extension().is_some_and(|e| e == "json"))
}

/// Puts an object into the snapshot. An object that no API server has seen gets a namespace, a uid of
/// its own (claims tell resources apart by it), and is younger than all others.
///
/// # Errors
/// The decoder's words; `Ok(None)` for a kind that plays no role.
pub fn insert(snapshot: &mut Snapshot, mut object: Value) -> Result<Option<Id>, String> {
    // The API server decodes base64 that is broken into lines, too.
    for value in
        object.get_mut("binaryData").and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut())
    {
        if let Value::String(text) = value {
            text.retain(|c| !matches!(c, '\r' | '\n'));
        }
    }
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(mut object) = reduce(object).map_err(|e| e.to_string())? else { return Ok(None) };
    // Of rehearsals in a cluster that these files were taken from; here they all pass.
    if matches!(object, Object::Job(_) | Object::JobEvent(_)) {
        return Ok(None);
    }
    let namespaced = !matches!(object, Object::Namespace(_));
    let meta = meta(&mut object);
    if namespaced && meta.key.namespace.is_empty() {
        "default".clone_into(&mut meta.key.namespace);
    }
    if !is_name(&meta.key.name, 253) {
        return Err(format!(
            "metadata.name: {:?} is no DNS name of lower-case letters, digits, '-' and '.'",
            meta.key.name
        ));
    }
    if namespaced && (!is_name(&meta.key.namespace, 63) || meta.key.namespace.contains('.')) {
        return Err(format!("metadata.namespace: {:?} is no name of a namespace", meta.key.namespace));
    }
    if meta.uid.is_empty() {
        meta.uid = format!("offline/{kind}/{}", meta.key);
    }
    meta.created.get_or_insert(Timestamp::MAX);
    let id = Id { kind, key: meta.key.clone() };
    store(snapshot, id.key.clone(), object);
    Ok(Some(id))
}

/// What a custom resource keeps to itself: why its spec cannot be read.
pub fn undecodable(snapshot: &Snapshot, id: &Id) -> Option<String> {
    match id.kind.as_str() {
        "Horizon" => snapshot.horizons.get(&id.key).ok()??.spec.as_ref().err().cloned(),
        "Glance" => snapshot.glances.get(&id.key).ok()??.spec.as_ref().err().cloned(),
        "OpenStackAPI" => snapshot.apis.get(&id.key).ok()??.spec.as_ref().err().cloned(),
        _ => None,
    }
}

fn meta(object: &mut Object) -> &mut Meta {
    match object {
        Object::Horizon(o) => &mut o.meta,
        Object::Glance(o) => &mut o.meta,
        Object::Api(o) => &mut o.meta,
        Object::Namespace(o) => &mut o.meta,
        Object::Workload(o) => &mut o.meta,
        Object::Revision(_, o) => &mut o.meta,
        Object::Pod(o) => &mut o.meta,
        Object::Job(o) => &mut o.meta,
        Object::JobEvent(o) => &mut o.meta,
        Object::Service(o) => &mut o.meta,
        Object::Ingress(o) => &mut o.meta,
        Object::HttpRoute(o) => &mut o.meta,
        Object::Gateway(o) => &mut o.meta,
        Object::ReferenceGrant(o) => &mut o.meta,
        Object::Route(o) => &mut o.meta,
        Object::ConfigMap(o) => &mut o.meta,
    }
}

fn store(snapshot: &mut Snapshot, key: Key, object: Object) {
    match object {
        Object::Horizon(o) => snapshot.horizons.insert(key, o),
        Object::Glance(o) => snapshot.glances.insert(key, o),
        Object::Api(o) => snapshot.apis.insert(key, o),
        Object::Namespace(o) => snapshot.namespaces.insert(key, o),
        Object::Workload(o) => snapshot.workloads_mut(o.kind).insert(key, o),
        Object::Revision(RevisionKind::ReplicaSet, o) => snapshot.replica_sets.insert(key, o),
        Object::Revision(RevisionKind::ControllerRevision, o) => snapshot.controller_revisions.insert(key, o),
        Object::Pod(o) => snapshot.pods.insert(key, o),
        Object::Job(o) => snapshot.jobs.insert(key, o),
        Object::JobEvent(o) => snapshot.job_events.insert(key, o),
        Object::Service(o) => snapshot.services.insert(key, o),
        Object::Ingress(o) => snapshot.ingresses.insert(key, o),
        Object::HttpRoute(o) => snapshot.http_routes.insert(key, o),
        Object::Gateway(o) => snapshot.gateways.insert(key, o),
        Object::ReferenceGrant(o) => snapshot.reference_grants.insert(key, o),
        Object::Route(o) => snapshot.routes.insert(key, o),
        Object::ConfigMap(o) => {
            if o.managed {
                snapshot.config_maps.insert(key.clone(), o.clone());
            }
            snapshot.sources.insert(key, o)
        }
    };
}

/// RFC 1123, as Kubernetes reads it.
fn is_name(name: &str, most: usize) -> bool {
    let label = |l: &str| {
        !l.is_empty()
            && l.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    name.len() <= most && name.split('.').all(label)
}
