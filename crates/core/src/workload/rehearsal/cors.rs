//! What the user's own files say in `[cors]`, as a Job of Glance's own image reads them, including files in
//! Secrets or in the image.
//!
//! The Job that reads Keystone's catalog also reads this. If there is none, a separate Job does. The result
//! is an annotation on the workload, and is valid until a newer one exists.

use serde::{Deserialize, Serialize};

use super::draft::RehearsalDraft;
use super::outcome::{Rehearsal, answer, rehearsal};
use super::seen_cors::{CorsAnswer, SeenCors};
use crate::model::{Job, Key, Known, Snapshot};
use crate::workload::target::Target;
use crate::workload::{annotations, rfc3339};

/// What is known about the user's own `[cors]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CorsLook {
    /// What was read last.
    pub seen: Option<SeenCors>,
    /// When, if nothing newer was read (RFC 3339).
    pub since: String,
    /// It was read for the first time when our files were already in effect, as after an upgrade.
    pub late: bool,
    /// Why nothing was read, or nothing newer.
    pub unread: Option<String>,
    /// An answer is awaited, and nothing was read before. Why its pod does not start, if so.
    pub pending: Option<Option<String>>,
    /// The Job that should read it, if none has recently.
    pub due: Option<Box<RehearsalDraft>>,
    /// What to record on the workload: an annotation's name and value.
    pub note: Option<(String, String)>,
}

/// What the workload has.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Note {
    /// The version of the pod that read it.
    pod: String,
    /// When (RFC 3339).
    read: String,
    /// Whether our files were already in effect when it was read for the first time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    late: bool,
    #[serde(flatten)]
    seen: SeenCors,
}

impl CorsLook {
    /// What the workload has, if nobody may be asked.
    pub fn known(target: &Target) -> Self {
        Self::noted(noted(target))
    }

    /// What the Glance with this name and workload knows. `catalog`: whether a Job may also read the
    /// catalog. `is_new`: whether nothing of ours is in effect yet.
    pub fn find(snapshot: &Snapshot, glance: &Key, target: &Target, catalog: bool, is_new: bool) -> Self {
        let noted = noted(target);
        let alone = RehearsalDraft::own_cors(glance, target);
        let with_catalog = catalog.then(|| RehearsalDraft::catalog(glance, target));
        let jobs: Known<Vec<_>> =
            with_catalog.iter().chain([&alone]).filter_map(|draft| snapshot.jobs.get(&draft.key).transpose()).collect();
        let job = match &jobs {
            Ok(jobs) => jobs.first(),
            Err(unknown) if unknown.pending => return Self::waiting(noted, None, None),
            Err(unknown) => return Self::failed(noted, &unknown.to_string()),
        };
        let Some(job) = job else { return Self::waiting(noted, Some(Box::new(alone)), None) };
        let failed = |noted, why: &str| {
            let key = &job.meta.key;
            Self::failed(
                noted,
                &format!("{why} (Job {key}; the operator reads again within a day, or when you delete the Job)"),
            )
        };
        let why = match rehearsal(snapshot, job) {
            Rehearsal::Running => return Self::waiting(noted, None, None),
            Rehearsal::Waiting(why) => {
                let why = format!("the pod of Job {} does not start: {why}", job.meta.key);
                return Self::waiting(noted, None, Some(why));
            }
            // [cors] is read before Keystone is asked, so it counts whatever Keystone said.
            Rehearsal::Passed(_) => "its result is lost".to_owned(),
            Rehearsal::Failed(objection) => objection.text,
            Rehearsal::Refused(why) | Rehearsal::Silent(why) => why,
        };
        match answer(snapshot, job).and_then(|answer| answer.cors) {
            Some(CorsAnswer::Read(seen)) => Self::read(noted.as_ref(), job, target, seen, is_new),
            Some(CorsAnswer::Unread { unread }) => failed(noted, refusal(&unread)),
            None => failed(noted, &why),
        }
    }

    fn read(noted: Option<&Note>, job: &Job, target: &Target, seen: SeenCors, is_new: bool) -> Self {
        let late = match noted {
            // Later changes are the user's own.
            Some(note) => note.late && note.seen == seen,
            None => !is_new,
        };
        let read = job.meta.created.map(rfc3339).unwrap_or_default();
        let note = Note { pod: target.workload.template.edition.clone(), read, late, seen: seen.clone() };
        let note = serde_json::to_string(&note).ok().map(|text| (annotations::CORS.to_owned(), text));
        Self { seen: Some(seen), late, note, ..Self::default() }
    }

    /// An answer is awaited; the earlier result is valid.
    fn waiting(noted: Option<Note>, due: Option<Box<RehearsalDraft>>, held_up: Option<String>) -> Self {
        let pending = noted.is_none().then_some(held_up);
        Self { pending, due, ..Self::noted(noted) }
    }

    /// There is no answer; the earlier result is valid.
    fn failed(noted: Option<Note>, why: &str) -> Self {
        Self { unread: Some(why.to_owned()), ..Self::noted(noted) }
    }

    fn noted(noted: Option<Note>) -> Self {
        let Some(Note { read, late, seen, .. }) = noted else { return Self::default() };
        Self { seen: Some(seen), since: read, late, ..Self::default() }
    }
}

fn noted(target: &Target) -> Option<Note> {
    serde_json::from_str(target.workload.meta.ours.get(annotations::CORS)?).ok()
}

/// Why the script reports nothing.
fn refusal(word: &str) -> &'static str {
    match word {
        "TooLarge" => "[cors] of Glance's own files is too long for a termination message",
        _ => "oslo.config does not accept Glance's own files",
    }
}
