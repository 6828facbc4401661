//! The results of a workload's rehearsals, read from their Jobs, pods and events.

use std::collections::BTreeMap;

use direct_upload_api::{Delivery, Panel, Reason};
use serde::Deserialize;

use super::draft::RehearsalDraft;
use super::seen_cors::CorsAnswer;
use crate::model::{Job, Key, Known, Pod, Problem, Snapshot, Workload};
use crate::openstack::layout;
use crate::workload::purpose::Purpose;
use crate::workload::target::Target;
use crate::workload::{Inventory, annotations};

/// The termination message of a rehearsal (`rehearse.py`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TerminationMessage {
    pub problem: Option<Objection>,
    /// Where Horizon reads snippets in this image.
    pub local_settings_dir: Option<String>,
    /// The same folder by another path.
    pub also_read_as: Option<String>,
    /// How a file must get there.
    pub delivery: Option<Delivery>,
    /// Which image panel Horizon shows with the settings of this pod.
    pub panel: Option<Panel>,
    /// The public image endpoints of Keystone's catalog, by region.
    pub catalog: Option<BTreeMap<String, String>>,
    /// What the user's own files say in `[cors]`.
    pub cors: Option<CorsAnswer>,
}

/// An objection to the files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Objection {
    pub code: Code,
    pub text: String,
}

/// Why the rehearsal failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Code {
    /// The program of this image never reads a file from that path.
    NotRead,
    /// The program reads something later that overrides it.
    Overridden,
    /// Any other: a file does not parse, raises an exception, or is missing.
    #[serde(other)]
    Other,
}

/// The state of a rehearsal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rehearsal {
    /// No problem so far.
    Running,
    /// Its pod does not start, and why, in the kubelet's words. It may still start.
    Waiting(String),
    /// The cluster refuses its pods, and why.
    Refused(String),
    /// No objection to the files.
    Passed(TerminationMessage),
    /// There is an objection.
    Failed(Objection),
    /// It ended without a message: its time was over, or its image could not be pulled.
    Silent(String),
}

impl Rehearsal {
    /// Why it delays a roll, if it does.
    pub fn objection(&self) -> Option<Problem> {
        let (reason, why) = match self {
            Self::Running | Self::Passed(_) => return None,
            Self::Failed(objection) => (Reason::RehearsalFailed, &objection.text),
            Self::Refused(why) => (Reason::RehearsalRefused, why),
            Self::Waiting(why) | Self::Silent(why) => (Reason::RehearsalUnfinished, why),
        };
        Some(Problem::new(reason, format!("its rehearsal delays the roll: {why}")))
    }
}

/// A workload's rehearsals of files by the name of their Job.
pub fn list(inventory: &Inventory<'_>, workload: &Workload) -> Known<BTreeMap<String, Rehearsal>> {
    inventory.jobs_known()?;
    let tries = |job: &&std::sync::Arc<Job>| Purpose::of(&job.meta).is_some_and(|purpose| !purpose.reads_glance());
    let jobs = inventory.jobs(workload).filter(tries);
    Ok(jobs.map(|job| (job.meta.key.name.clone(), rehearsal(inventory.snapshot(), job))).collect())
}

/// What is known of the folder in which an image reads Horizon's snippets.
pub enum SnippetDir {
    /// The folder, or why the answer is unusable.
    Known(Result<String, Problem>),
    /// No Job has answered yet.
    Ask,
    /// No Job may ask.
    NobodyAsks,
}

/// Where the target's image reads Horizon's snippets: recorded on the workload by a roll, or still in the
/// Job that asked. `rehearsals`: none if no Job may ask.
pub fn reads(resource: &Key, target: &Target, rehearsals: Option<&Known<BTreeMap<String, Rehearsal>>>) -> SnippetDir {
    let noted = target.workload.meta.ours.get(annotations::READS);
    let noted = noted.and_then(|text| text.split_once(' ')).filter(|(image, _)| *image == target.container.image);
    if let Some((_, dir)) = noted {
        return SnippetDir::Known(layout::snippets(annotations::READS, dir));
    }
    let Some(rehearsals) = rehearsals else { return SnippetDir::NobodyAsks };
    let look = RehearsalDraft::look(resource, target).key.name;
    let answer = rehearsals.as_ref().ok().and_then(|all| match all.get(&look)? {
        Rehearsal::Passed(answer) => Some(answer.local_settings_dir.as_deref()),
        _ => None,
    });
    match answer {
        Some(Some(dir)) => SnippetDir::Known(layout::snippets(&format!("Job {look}"), dir)),
        Some(None) => SnippetDir::Known(Err(Problem::new(
            Reason::PathUnknown,
            format!(
                "Job {look} asked the image where it reads snippets, but the answer is lost; set spec.paths.localSettingsDir, or delete the Job, and the operator asks again"
            ),
        ))),
        None => SnippetDir::Ask,
    }
}

/// The image panel of the target's pods, as a rehearsal found it in the same pod: recorded on the workload,
/// or still in the Job. None: no Job has looked.
pub fn panel(
    resource: &Key,
    target: &Target,
    rehearsals: Option<&Known<BTreeMap<String, Rehearsal>>>,
) -> Option<Panel> {
    let noted = target.workload.meta.ours.get(annotations::PANEL).and_then(|text| text.split_once(' '));
    if let Some((_, panel)) = noted.filter(|(pod, _)| *pod == target.workload.template.edition) {
        return Some(panel.parse().unwrap_or_default());
    }
    let look = RehearsalDraft::look(resource, target).key.name;
    match rehearsals?.as_ref().ok()?.get(&look)? {
        Rehearsal::Passed(answer) => Some(answer.panel.unwrap_or_default()),
        Rehearsal::Failed(_) => Some(Panel::Unknown),
        Rehearsal::Running | Rehearsal::Waiting(_) | Rehearsal::Refused(_) | Rehearsal::Silent(_) => None,
    }
}

/// What [`panel`] reads.
pub fn panel_note(target: &Target, panel: Panel) -> (String, String) {
    (annotations::PANEL.to_owned(), format!("{} {panel}", target.workload.template.edition))
}

fn pod_of<'a>(snapshot: &'a Snapshot, job: &Job) -> Option<&'a Pod> {
    let mut pods = snapshot.pods.seen(&job.meta.key.namespace);
    pods.find(|p| p.job.as_ref() == Some(&job.meta.key.name)).map(|p| &**p)
}

/// The termination message of a finished Job's pod, whatever its problem was. None if it was lost or cut.
pub(super) fn answer(snapshot: &Snapshot, job: &Job) -> Option<TerminationMessage> {
    serde_json::from_str(pod_of(snapshot, job)?.answer.as_deref()?).ok()
}

/// The result of a Job's rehearsal.
pub(super) fn rehearsal(snapshot: &Snapshot, job: &Job) -> Rehearsal {
    let (pod, answer) = (pod_of(snapshot, job), answer(snapshot, job));
    match &job.outcome {
        Some(Ok(())) => Rehearsal::Passed(answer.unwrap_or_default()),
        Some(Err(why)) => match answer.and_then(|a| a.problem) {
            Some(problem) => Rehearsal::Failed(Objection { text: plain(&problem.text), ..problem }),
            None => match refusal(snapshot, &job.meta.key).filter(|_| pod.is_none()) {
                Some(message) => Rehearsal::Refused(message),
                None => Rehearsal::Silent(pod.and_then(|p| p.trouble.clone()).unwrap_or_else(|| why.clone())),
            },
        },
        None => waiting(snapshot, job, pod),
    }
}

fn waiting(snapshot: &Snapshot, job: &Job, pod: Option<&Pod>) -> Rehearsal {
    match pod {
        // A container that has ended with its answer is not a problem: the Job will report it soon.
        Some(pod) if pod.answer.is_some() => Rehearsal::Running,
        Some(pod) => pod.trouble.clone().map_or(Rehearsal::Running, Rehearsal::Waiting),
        None => refusal(snapshot, &job.meta.key).map_or(Rehearsal::Running, Rehearsal::Refused),
    }
}

fn refusal(snapshot: &Snapshot, job: &Key) -> Option<String> {
    let events = snapshot.job_events.seen(&job.namespace).filter(|e| e.job == *job);
    // All say the same in other words; the last one is current.
    events.max_by_key(|e| e.meta.created).map(|e| plain(&e.message))
}

/// The output of a container may have any content.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(1000).collect()
}
