//! What Keystone's catalog publishes. A Job of Glance's own image reads it with Glance's own account, so
//! the operator needs no credential.
//!
//! One Job asks for each version of the pods. It stays for a day, also if it failed, and is then created
//! again. So Glance's account is used at most once a day. The result is also an annotation on the workload,
//! and is valid until a newer one exists.

use std::collections::BTreeMap;

use direct_upload_api::web::Endpoint;
use serde::{Deserialize, Serialize};

use super::draft::RehearsalDraft;
use super::outcome::{Rehearsal, TerminationMessage, rehearsal};
use crate::model::{Key, PublicEndpoints, Snapshot};
use crate::workload::target::Target;
use crate::workload::{annotations, rfc3339};

/// What one Glance knows about the catalog.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CatalogLook {
    pub state: LookState,
    /// The Job that should ask, if none has asked recently.
    pub due: Option<Box<RehearsalDraft>>,
    /// What to record on the workload: an annotation's name and value.
    pub note: Option<(String, String)>,
}

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum LookState {
    /// Nobody asks.
    #[default]
    NotAsked,
    /// There is no answer yet. Why its pod does not start, if so.
    Pending(Option<String>),
    /// These are published.
    Read {
        published: PublicEndpoints,
        /// The Job that was asked last.
        job: Key,
        /// Why the result is older than a day: since when it is known, and why nothing newer is.
        stale: Option<String>,
    },
    /// Why it cannot be read.
    Unread(String),
}

/// What the workload has.
#[derive(Serialize, Deserialize)]
struct Note {
    /// The version of the pod that asked.
    pod: String,
    /// When it asked (RFC 3339).
    read: String,
    /// The public image endpoints by region.
    public: BTreeMap<String, String>,
}

impl CatalogLook {
    /// What the Glance with this name and workload knows.
    pub fn find(snapshot: &Snapshot, glance: &Key, target: &Target) -> Self {
        let draft = RehearsalDraft::catalog(glance, target);
        let job_key = draft.key.clone();
        let noted = target.workload.meta.ours.get(annotations::CATALOG);
        let noted = noted.and_then(|text| serde_json::from_str::<Note>(text).ok());
        let noted = noted.and_then(|note| Some((endpoints(&note.public).ok()?, note.read)));
        let job = match snapshot.jobs.get(&job_key) {
            Ok(job) => job,
            Err(unknown) if unknown.pending => return Self::waiting(noted, &job_key, None),
            Err(unknown) => return Self::failed(noted, job_key, &unknown.to_string()),
        };
        let Some(job) = job else {
            return Self::waiting(noted, &job_key, Some(Box::new(draft)));
        };
        match rehearsal(snapshot, job) {
            Rehearsal::Waiting(why) if noted.is_none() => {
                let state = LookState::Pending(Some(format!("the pod of Job {job_key} does not start: {why}")));
                Self { state, ..Self::default() }
            }
            Rehearsal::Running | Rehearsal::Waiting(_) => Self::waiting(noted, &job_key, None),
            Rehearsal::Passed(answer) => match read(&answer) {
                Ok((published, public)) => {
                    let read = job.meta.created.map(rfc3339).unwrap_or_default();
                    let note = Note { pod: target.workload.template.edition.clone(), read, public };
                    let note = serde_json::to_string(&note).ok().map(|text| (annotations::CATALOG.to_owned(), text));
                    Self { state: LookState::Read { published, job: job_key, stale: None }, due: None, note }
                }
                Err(why) => Self::failed(noted, job_key, &why),
            },
            Rehearsal::Failed(objection) => Self::failed(noted, job_key, &objection.text),
            Rehearsal::Refused(why) | Rehearsal::Silent(why) => Self::failed(noted, job_key, &why),
        }
    }

    /// An answer is awaited; the earlier result is valid.
    fn waiting(noted: Option<(PublicEndpoints, String)>, job: &Key, due: Option<Box<RehearsalDraft>>) -> Self {
        let state = match noted {
            Some((published, _)) => LookState::Read { published, job: job.clone(), stale: None },
            None => LookState::Pending(None),
        };
        Self { state, due, note: None }
    }

    /// There is no answer; the earlier result is valid.
    fn failed(noted: Option<(PublicEndpoints, String)>, job: Key, why: &str) -> Self {
        let why = format!("{why} (Job {job}; the operator asks again within a day, or when you delete the Job)");
        let state = match noted {
            Some((published, since)) => {
                let stale = Some(format!("it was last read at {since}, and cannot be read again: {why}"));
                LookState::Read { published, job, stale }
            }
            None => LookState::Unread(why),
        };
        Self { state, due: None, note: None }
    }
}

/// The endpoints of an answer, and their text.
fn read(answer: &TerminationMessage) -> Result<(PublicEndpoints, BTreeMap<String, String>), String> {
    let public = answer.catalog.clone().ok_or("the answer does not mention the catalog")?;
    Ok((endpoints(&public)?, public))
}

/// A value that is not a URL does not come from a real catalog, so none of the answer counts.
fn endpoints(public: &BTreeMap<String, String>) -> Result<PublicEndpoints, String> {
    let one = |(region, url): (&String, &String)| {
        let url = Endpoint::parse(url)
            .map_err(|why| format!("the public image endpoint of region {region:?} is not a URL: {why}"))?;
        Ok((region.clone(), url))
    };
    let endpoints = public.iter().map(one).collect::<Result<PublicEndpoints, String>>()?;
    if endpoints.is_empty() {
        Err("the catalog has no public endpoint of service type image".into())
    } else {
        Ok(endpoints)
    }
}
