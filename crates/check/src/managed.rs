//! Where custom resources are in the input, files are checked as the operator would leave them: it
//! would be wrong to complain of what it mends.
//!
//! In: an [`CheckInput`] of manifests. Out: the same with the workloads and ConfigMaps of the end state.

use direct_upload_api::Panel;
use direct_upload_core::derive::World;
use direct_upload_core::manifests::{Input as Manifests, Manifest, Place};
use direct_upload_core::model::{Id, Key};
use direct_upload_core::plan::Options;
use direct_upload_core::simulate::{self, Cluster, Stage};
use jiff::Timestamp;
use serde_json::Value;

use super::finding::{Finding, Location};
use super::objects::{self, Object};
use crate::facts::cloud::Cloud;
use crate::rules::headers;
use crate::{CheckInput, derived};

/// Carries out the operator's plans on the input, if there is anything to carry out.
pub fn carry_out(input: &mut CheckInput) {
    let snapshot = &input.snapshot;
    let nobody = snapshot.horizons.all().next().is_none() && snapshot.glances.all().next().is_none();
    if nobody && snapshot.apis.all().next().is_none() {
        return;
    }
    let manifests = input.objects.iter().map(manifest).collect();
    let before = Manifests { snapshot: snapshot.clone(), manifests, unknown: Vec::new() };
    let options = Options { image: String::new() };
    let outcome = simulate::simulate(Cluster::from_input(before), Stage::Horizon, Timestamp::now(), &options);
    put(&mut input.objects, simulate::manifests(&outcome));
}

/// Objects in the place of those that they were.
fn put(objects: &mut Vec<Object>, changed: Vec<Value>) {
    for value in changed {
        let new = Object { value, file: None, node: None };
        match objects.iter_mut().find(|old| old.id() == new.id()) {
            // It still stands in its file, where its fields have their lines.
            Some(old) => old.value = new.value,
            None => objects.push(new),
        }
    }
}

/// Whose uploads each Glance refuses because of the dashboard's image panel (DU024, DU005), where the operator's
/// plans end: the panel, as far as the input shows it, and what is wrong. `end`: the objects as they are then.
pub fn refused_panels(before: &Manifests, end: Vec<Value>) -> Vec<(Panel, Finding)> {
    let object = |m: &Manifest| Object { value: m.object.clone(), file: Some(m.place.file.clone()), node: None };
    let mut objects: Vec<Object> = before.manifests.iter().map(object).collect();
    put(&mut objects, end);
    let units = objects::units(&objects);
    let exposed = derived::dashboards(&before.snapshot, &objects, &units);
    let mut cloud = Cloud::new(&units, exposed, Vec::new(), None);
    cloud.panels = derived::panels(&World::of(&before.snapshot));
    let refused = |at| headers::of_panel(&cloud, at).into_iter().map(|finding| (cloud.panel_of(at), finding)).collect();
    (0..cloud.glances.len()).flat_map::<Vec<_>, _>(refused).collect()
}

fn manifest(object: &Object) -> Manifest {
    let Location { file, .. } = object.place(&[]);
    Manifest {
        place: Place { file: file.unwrap_or_default(), document: None, items: Vec::new() },
        id: Id { kind: object.kind().to_owned(), key: Key::new(object.namespace(), object.name()) },
        object: object.value.clone(),
    }
}
