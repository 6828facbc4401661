//! Where an image reads Horizon's snippets, and how a file gets there, as rehearsals found it.
//!
//! In: finished Jobs of the workload's current pod. Out: the folder. Their answers name it, also when they refuse
//! the files because of it.

use direct_upload_api::Delivery;

use super::outcome::answer;
use crate::model::{ResourceKind, Workload};
use crate::openstack::layout;
use crate::workload::purpose::Purpose;
use crate::workload::{Inventory, annotations};

/// Where the pods of a workload read Horizon's snippets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnippetPlace {
    pub dir: String,
    /// The same folder by another path.
    pub also: Option<String>,
    /// How a file must get there; none: an earlier release asked.
    pub delivery: Option<Delivery>,
}

impl SnippetPlace {
    /// What rehearsals of the workload's pod as it is now have seen; the last word counts.
    pub fn find(inventory: &Inventory<'_>, workload: &Workload) -> Option<Self> {
        let jobs = inventory.jobs(workload).filter(|job| {
            Purpose::of(&job.meta) == Some(Purpose::Files(ResourceKind::Horizon))
                && job.meta.ours.get(annotations::EDITION) == Some(&workload.template.edition)
        });
        let seen = jobs.filter_map(|job| Some((job.meta.born(), answer(inventory.snapshot(), job)?)));
        let (_, answer) =
            seen.filter(|(_, answer)| answer.local_settings_dir.is_some()).max_by_key(|(born, _)| *born)?;
        let dir = layout::snippets("a rehearsal", &answer.local_settings_dir?).ok()?;
        Some(Self { dir, also: answer.also_read_as, delivery: answer.delivery })
    }

    /// Whether a path leads to the folder.
    pub fn is(&self, dir: &str) -> bool {
        self.dir == dir || self.also.as_deref() == Some(dir)
    }
}
