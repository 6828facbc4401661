//! If the input has custom resources, files are checked as the operator would leave them. It would be wrong
//! to report what the operator fixes.
//!
//! In: an [`CheckInput`] of manifests. Out: the same with the workloads and ConfigMaps of the end state.

use std::collections::BTreeMap;

use direct_upload_core::manifests::{Input as Manifests, Manifest, ManifestPlace};
use direct_upload_core::model::Id;
use direct_upload_core::plan::Options;
use direct_upload_core::simulate::{self, Cluster, RolloutStage};
use jiff::Timestamp;
use serde_json::Value;

use super::finding::Location;
use super::objects::Object;
use crate::input::CheckInput;

/// Applies the operator's plans to the input, if there is anything to apply.
pub fn carry_out(input: &mut CheckInput, now: Timestamp) {
    let snapshot = &input.snapshot;
    let nobody = snapshot.horizons.all().next().is_none() && snapshot.glances.all().next().is_none();
    if nobody && snapshot.apis.all().next().is_none() {
        return;
    }
    let manifests = input.objects.iter().map(manifest).collect();
    let before = Manifests { snapshot: snapshot.clone(), manifests, unknown: Vec::new() };
    let options = Options { image: String::new() };
    let outcome = simulate::simulate(Cluster::from_input(before), RolloutStage::Horizon, now, &options);
    put(&mut input.objects, simulate::manifests(&outcome));
}

/// Objects that replace the earlier ones.
pub fn put(objects: &mut Vec<Object>, changed: Vec<Value>) {
    let mut places: BTreeMap<Id, usize> = BTreeMap::new();
    for (place, old) in objects.iter().enumerate() {
        places.entry(old.id()).or_insert(place);
    }
    for value in changed {
        let new = Object { value, file: None, node: None };
        match places.get(&new.id()) {
            // It is still in its file, where its fields have their lines.
            Some(place) => objects[*place].value = new.value,
            None => objects.push(new),
        }
    }
}

fn manifest(object: &Object) -> Manifest {
    let Location { file, .. } = object.place(&[]);
    Manifest {
        place: ManifestPlace { file: file.unwrap_or_default(), document: None, items: Vec::new() },
        id: object.id(),
        object: object.value.clone(),
    }
}
