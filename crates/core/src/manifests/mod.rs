//! Manifest files → one [`Snapshot`], in which what is not there does not exist.
//!
//! In: files, folders, standard input; documents, JSON streams and Lists. Out: each object with its place,
//! and the snapshot; or every error, with file, document and field.

pub mod crd;
mod lines;
pub mod reader;
pub mod reduce;
pub mod rules;
mod text;
pub mod unwatched;
mod yaml;
pub use lines::{Lines, Node};
pub use text::{MOST_BYTES, documents};
pub use yaml::Document;

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use crate::model::{DecodeError, Id, Key, Kind, Meta, PolicyKind, Snapshot, Unread, Watched};

/// The place of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestPlace {
    pub file: String,
    /// From 1; none if the file as a whole is meant.
    pub document: Option<usize>,
    /// Positions in a List (and Lists in it), from 1.
    pub items: Vec<usize>,
}

impl fmt::Display for ManifestPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        self.document.map_or(Ok(()), |number| write!(f, ", document {number}"))?;
        self.items.iter().try_for_each(|number| write!(f, ", item {number}"))
    }
}

/// Something in the input that is unusable.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}{}: {what}", object.as_ref().map(|o| format!(" ({o})")).unwrap_or_default())]
pub struct ManifestError {
    pub place: ManifestPlace,
    /// `Kind namespace/name`.
    pub object: Option<String>,
    /// Starts with the field, if it is about one.
    pub what: String,
}

/// One object of the input, as it was written.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub place: ManifestPlace,
    pub id: Id,
    pub object: Value,
}

/// Everything that was read.
#[derive(Clone, Debug)]
pub struct Input {
    pub snapshot: Snapshot,
    /// Objects of relevant kinds, in the order of reading.
    pub manifests: Vec<Manifest>,
    /// Kinds that are neither relevant nor known to be harmless: place, and `apiVersion kind`.
    pub unknown: Vec<(ManifestPlace, String)>,
}

/// Reads one text, as if it were a file of this name.
///
/// # Errors
/// Every error, with place, object and field.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Input, Vec<ManifestError>> {
    let mut reader = reader::ManifestReader::default();
    reader.text(name, bytes);
    reader.finish()
}

/// Kinds that lead requests to Services, by the names that controllers give them, in any group and version.
const LEADING: [&str; 18] = [
    "ApisixRoute",
    "GRPCRoute",
    "HTTPProxy",
    "HTTPRoute",
    "Ingress",
    "IngressRoute",
    "IngressRouteTCP",
    "Mapping",
    "Route",
    "RouteGroup",
    "TCPIngress",
    "TCPMapping",
    "TCPRoute",
    "TLSRoute",
    "TransportServer",
    "VirtualServer",
    "VirtualServerRoute",
    "VirtualService",
];

/// Puts an object into the snapshot. An object that no API server has seen gets a namespace and its own uid
/// (claims identify resources by it).
///
/// # Errors
/// The decoder's words; `Ok(None)` for an irrelevant kind.
pub fn insert(snapshot: &mut Snapshot, mut object: Value) -> Result<Option<Id>, DecodeError> {
    // The API server decodes base64 that is broken into lines, too.
    for value in
        object.get_mut("binaryData").and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut())
    {
        if let Value::String(text) = value {
            text.retain(|c| !matches!(c, '\r' | '\n'));
        }
    }
    let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, name) = (text("apiVersion"), text("kind"));
    let mut id = None;
    let of = |field: &str| object["metadata"][field].as_str().filter(|text| !text.is_empty());
    let key = Key::new(of("namespace").unwrap_or("default"), of("name").unwrap_or_default());
    unwatched::insert(&mut snapshot.unwatched, PolicyKind::of_object(&api_version, &name), &key, &object["spec"]);
    for kind in Kind::registered(&api_version, &name) {
        // Rehearsals in the cluster that these files come from; here they all pass.
        if matches!(kind, Kind::Job | Kind::JobEvent) {
            continue;
        }
        let mut key = Key::default();
        snapshot.take(kind, object.clone(), |meta| {
            complete(kind, meta)?;
            key.clone_from(&meta.key);
            Ok(())
        })?;
        id = Some(Id { kind: name.clone(), key });
    }
    if id.is_none() && LEADING.contains(&name.as_str()) {
        snapshot.unread.push(Unread { api_version, kind: name, key, spec: object["spec"].take() });
    }
    Ok(id)
}

/// Gives an object that no API server has seen the API server's defaults.
fn complete(kind: Kind, meta: &mut Meta) -> Result<(), String> {
    let namespaced = kind.registration().watched != Watched::Cluster;
    if namespaced && meta.key.namespace.is_empty() {
        "default".clone_into(&mut meta.key.namespace);
    }
    if !is_name(&meta.key.name, 253) {
        return Err(format!(
            "metadata.name: {:?} is not a DNS name; use lower-case letters, digits, '-' and '.'",
            meta.key.name
        ));
    }
    if namespaced && (!is_name(&meta.key.namespace, 63) || meta.key.namespace.contains('.')) {
        return Err(format!("metadata.namespace: {:?} is not the name of a namespace", meta.key.namespace));
    }
    if meta.uid.is_empty() {
        meta.uid = format!("offline/{}/{}", kind.registration().name, meta.key);
    }
    Ok(())
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
