//! Where a Horizon's snippet goes, and how it gets there.
//!
//! In: the spec, the workload, and what rehearsals found. Out: the folder. A stated folder comes first. A mounted
//! file stays in its place as long as the image reads it there. Otherwise it is the folder that a rehearsal found
//! in the image. Before the first rehearsal, it is the layout's folder, which that rehearsal then tries.

use std::collections::BTreeMap;

use direct_upload_api::{Delivery, HorizonPaths, HorizonSpec, Reason, Rehearsing};

use super::tenure::Tenure;
use crate::model::{Key, Problem};
use crate::openstack::layout::{self, HorizonPlaces};
use crate::workload::rehearsal::{self, Rehearsal, RehearsalDraft, SnippetDir, SnippetPlace};
use crate::workload::{Applied, Mount, Target, mountable};

/// Why a Horizon's places are not known.
#[derive(Clone, Debug, PartialEq)]
pub enum Unplaced {
    /// Only the workload's image can tell, and a Job may ask it.
    AskImage(Problem),
    /// Somebody must change something first, or it cannot be seen yet.
    Problem(Problem),
}

impl Unplaced {
    fn ask(why: &str) -> Self {
        let found = format!("a Job asks the workload's own image where it reads snippets, {why}");
        Self::AskImage(Problem::new(Reason::Looking, found))
    }

    /// What a status says about it.
    pub fn problem(&self) -> &Problem {
        match self {
            Self::AskImage(problem) | Self::Problem(problem) => problem,
        }
    }
}

impl From<Problem> for Unplaced {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Horizon's places. `offline`: no image can be asked.
pub(crate) fn places(
    key: &Key,
    spec: &HorizonSpec,
    target: &Target,
    tenure: &Tenure,
    offline: bool,
) -> Result<HorizonPlaces, Unplaced> {
    let mounts = target.users_mounts();
    let layout = layout::layout(spec.layout, &mounts);
    let mut paths = spec.paths.clone();
    if layout::asks_image(layout, &paths, &mounts) && offline && spec.layout.is_none() {
        paths.local_settings_dir = Some(layout::HELM_LINK.to_owned());
    } else if layout::asks_image(layout, &paths, &mounts) {
        let applied = tenure.applied.as_ref().map_err(Clone::clone)?;
        let may_ask = is_rehearsed(spec);
        paths.local_settings_dir = match rehearsal::reads(key, target, may_ask.then_some(&applied.rehearsals)) {
            SnippetDir::Known(dir) => Some(dir?),
            SnippetDir::NobodyAsks => None,
            SnippetDir::Ask => {
                let why = "because the path contains a Python version";
                return Err(Unplaced::ask(why));
            }
        };
    }
    let assumed = layout::horizon(layout, &paths, &mounts)?;
    let Some(applied) = tenure.applied.as_ref().ok().filter(|_| paths.local_settings_dir.is_none()) else {
        return Ok(assumed);
    };
    let Some((dir, delivery)) = seen(spec, &assumed, applied) else {
        return tried(key, spec, target, applied, assumed);
    };
    let found = HorizonPaths { local_settings_dir: Some(dir), delivery: paths.delivery.or(Some(delivery)), ..paths };
    Ok(layout::horizon(layout, &found, &mounts)?)
}

fn is_rehearsed(spec: &HorizonSpec) -> bool {
    spec.rollout.rehearsal == Rehearsing::Required
}

/// What is mounted, or was seen in the image.
fn seen(spec: &HorizonSpec, assumed: &HorizonPlaces, applied: &Applied) -> Option<(String, Delivery)> {
    let place = applied.place.as_ref();
    let is_read = |dir: &str| place.is_none_or(|place| place.is(dir));
    // Without rehearsals it is not known whether the image reads what is mounted; then the spec may move it.
    let stays = |dir: &str| is_rehearsed(spec) || spec.layout.is_none_or(|layout| layout::is_usual(layout, dir));
    let mounted = applied.mount.as_ref().and_then(Mount::snippet);
    if let Some((dir, delivery)) = mounted.filter(|(dir, _)| is_read(dir) && stays(dir)) {
        return Some((dir.to_owned(), delivery));
    }
    let SnippetPlace { dir, delivery, .. } = place?;
    let dir = if is_read(&assumed.local_settings_dir) { &assumed.local_settings_dir } else { dir };
    Some((dir.clone(), delivery.unwrap_or(assumed.delivery)))
}

/// The layout's place, for the first rehearsal to try; where nothing can be mounted, the image is asked first.
fn tried(
    key: &Key,
    spec: &HorizonSpec,
    target: &Target,
    applied: &Applied,
    assumed: HorizonPlaces,
) -> Result<HorizonPlaces, Unplaced> {
    let look = RehearsalDraft::look(key, target).key.name;
    let asked =
        |all: &BTreeMap<String, Rehearsal>| matches!(all.get(&look), Some(Rehearsal::Passed(_) | Rehearsal::Failed(_)));
    let fits = mountable(target, &format!("{}/x.py", assumed.local_settings_dir)).is_ok();
    if fits || !is_rehearsed(spec) || applied.rehearsals.as_ref().is_ok_and(asked) {
        return Ok(assumed);
    }
    Err(Unplaced::ask(&format!("because nothing can be mounted in {}", assumed.local_settings_dir)))
}
