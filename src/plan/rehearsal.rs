//! Before pods are replaced: do the new files do in this image what they are for?
//!
//! In: what is wanted, and what earlier rehearsals said. Out: go on, begin a rehearsal, or wait. A
//! rehearsal is a Job, named by all that its answer depends on (the workload's pod, the files, their
//! places, the script); the finished Job is the memory, and Kubernetes takes it away after a while.

mod job;

use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use job::{NoJob, job};

use super::change::{Change, Wanted};
use super::config::for_annotation;
use super::mount::{Mount, describe};
use super::rollout::rolling;
use super::step::{Action, Step};
use super::{Plan, State};
use crate::api::{ConditionType, Reason, Rehearsing};
use crate::derive::{Code, HorizonView, Problem, Rehearsal, Target};
use crate::observe::{Key, Meta, Workload};
use crate::render::{File, Format, OWN_FILE};

/// A rehearsal to be begun.
#[derive(Clone, Debug, PartialEq)]
pub struct RehearsalDraft {
    /// The Job.
    pub key: Key,
    /// `Horizon` or `Glance`.
    pub kind: &'static str,
    pub workload: Arc<Workload>,
    /// The container whose image and surroundings it takes.
    pub container: String,
    /// The fields that the roll would bring; none to look only.
    pub mount: Option<Mount>,
    /// For `rehearse.py`.
    pub args: Vec<String>,
}

/// Whether pods may be replaced as far as rehearsals go.
pub enum Verdict {
    /// It passed, or none is needed.
    Go,
    /// It is to be begun.
    Begin(Box<RehearsalDraft>),
    /// It is under way, or something speaks against the roll.
    Wait(Key, ConditionType, Problem),
}

impl RehearsalDraft {
    /// The rehearsal of a mount.
    pub fn of(kind: &'static str, resource: &Key, target: &Target, mount: &Mount, files: &[File]) -> Self {
        Self::new(kind, resource, target, Some(mount.clone()), files.iter().flat_map(arguments).collect())
    }

    /// One that only looks where Horizon reads snippets.
    pub fn look(resource: &Key, target: &Target) -> Self {
        Self::new("Horizon", resource, target, None, vec!["--look".into()])
    }

    fn new(kind: &'static str, resource: &Key, target: &Target, mount: Option<Mount>, args: Vec<String>) -> Self {
        let workload = target.workload.clone();
        // What is only ours, and changes with each roll, is nothing that the answer depends on.
        let mount = mount.map(|m| Mount { annotations: std::collections::BTreeMap::new(), ..m });
        let depends = json!([
            kind,
            workload.meta.uid,
            workload.template.fingerprint,
            target.container.name,
            mount.as_ref().map(|m| m.patch(&workload)),
            args,
            job::SCRIPT,
            job::LAUNCHER,
        ]);
        let name = name(&resource.name, &depends);
        let key = Key::new(resource.namespace.clone(), name);
        Self { key, kind, workload, container: target.container.name.clone(), mount, args }
    }
}

impl RehearsalDraft {
    /// What is rehearsed, for a sentence.
    pub fn subject(&self) -> String {
        let name = describe(self.workload.kind, &self.workload.meta.key);
        match &self.mount {
            Some(mount) => format!("{} in the image of {name}", mount.config_map),
            None => format!("where the image of {name} reads snippets"),
        }
    }
}

/// What the script is asked of a file; nothing of those whose effect only the service itself knows.
fn arguments(file: &File) -> Vec<String> {
    let mut args = vec![match file.format {
        Format::Policy => return Vec::new(),
        Format::OsloConfig if !file.contents.contains("[cors]") => return Vec::new(),
        Format::Python => "--snippet".to_owned(),
        Format::OsloConfig if file.name == OWN_FILE => "--options".to_owned(),
        Format::OsloConfig => "--cors".to_owned(),
        Format::Httpd => "--httpd".to_owned(),
    }];
    args.push(file.path.clone());
    if file.format == Format::Python && file.contents.contains("HORIZON_IMAGES_UPLOAD_MODE") {
        args.push("--direct".to_owned());
    }
    args
}

/// `<resource>-rehearsal-<hash>`; a pod's label holds it, so 63 characters are the most.
fn name(resource: &str, depends: &Value) -> String {
    let mut hash = format!("{:x}", Sha256::digest(depends.to_string()));
    hash.truncate(10);
    let suffix = format!("-rehearsal-{hash}");
    let resource: String = resource.chars().take(63 - suffix.len()).collect();
    format!("{}{suffix}", resource.replace('.', "-").trim_end_matches('-'))
}

/// Stands for the pod spec of a workload as its user wrote it.
pub fn fingerprint(pod: &Value) -> String {
    let mut hex = format!("{:x}", Sha256::digest(job::users(pod).to_string()));
    hex.truncate(16);
    hex
}

/// Whether an object of ours (by its annotation) is for the workload of this uid.
pub fn for_workload(meta: &Meta, uid: &str) -> bool {
    let purpose = meta.ours.get(&for_annotation());
    purpose.and_then(|p| p.split_once('/')).is_some_and(|(_, of)| of == uid)
}

impl Wanted<'_> {
    /// Has the roll been rehearsed?
    pub fn rehearsed(&self, change: &Change, mount: &Mount) -> Verdict {
        if self.rollout.rehearsal == Rehearsing::Off || self.put_back(change) {
            return Verdict::Go;
        }
        let draft = RehearsalDraft::of(self.kind, &self.meta.key, self.target, mount, &self.files);
        if draft.args.is_empty() {
            return Verdict::Go;
        }
        verdict(draft, self.target, &self.applied.rehearsals)
    }

    /// Pods run with these very files, which somebody has just taken out of the workload: no
    /// rehearsal could say more.
    fn put_back(&self, change: &Change) -> bool {
        let named = self.applied.mount.as_ref().is_some_and(|m| m.config_map == change.config_map);
        !named && self.applied.running.contains(&change.config_map)
    }
}

type Rehearsals = crate::observe::Known<std::collections::BTreeMap<String, Rehearsal>>;

/// What a rehearsal said, or that it is to be begun.
pub fn verdict(draft: RehearsalDraft, target: &Target, rehearsals: &Rehearsals) -> Verdict {
    let key = draft.key.clone();
    let rehearsal = match rehearsals {
        Ok(rehearsals) => rehearsals.get(&key.name),
        Err(unknown) => return Verdict::Wait(key, ConditionType::ConfigRendered, unseen(unknown)),
    };
    let name = describe(target.workload.kind, &target.workload.meta.key);
    let wait = |condition, reason, message| Verdict::Wait(key.clone(), condition, Problem::new(reason, message));
    let rendered = ConditionType::ConfigRendered;
    match rehearsal {
        None => Verdict::Begin(Box::new(draft)),
        Some(Rehearsal::Passed(_)) => Verdict::Go,
        Some(Rehearsal::Running) => Verdict::Wait(key, ConditionType::RolledOut, rolling(target)),
        Some(Rehearsal::Waiting(why)) => wait(
            rendered,
            Reason::RehearsalUnfinished,
            format!("no pod of {name} is touched: its rehearsal, Job {key}, does not come up: {why}"),
        ),
        Some(Rehearsal::Silent(why)) => wait(
            rendered,
            Reason::RehearsalUnfinished,
            format!(
                "no pod of {name} is touched: its rehearsal, Job {key}, ended without an answer: {why}; it is tried again within the hour, or when you delete the Job; spec.rollout.rehearsal: 'Off' goes without"
            ),
        ),
        Some(Rehearsal::Refused(why)) => wait(
            rendered,
            Reason::RehearsalRefused,
            format!(
                "no pod of {name} is touched: the cluster refuses the pod of its rehearsal, Job {key}, and so would refuse the workload's: {why}"
            ),
        ),
        Some(Rehearsal::Failed(objection)) => {
            let (condition, reason) = match objection.code {
                Code::NotRead => (ConditionType::Accepted, Reason::PathNotRead),
                Code::Overridden => (rendered, Reason::Overridden),
                Code::Other => (rendered, Reason::RehearsalFailed),
            };
            wait(condition, reason, format!("no pod of {name} is touched: {} (Job {key})", objection.text))
        }
    }
}

/// Without a look at Jobs there is no rehearsal.
fn unseen(unknown: &crate::observe::Unknown) -> Problem {
    if unknown.pending {
        return unknown.clone().into();
    }
    let message = format!(
        "no pod is touched: {unknown}; a rehearsal needs create, list and watch of jobs.batch, spec.rollout.rehearsal: 'Off' goes without"
    );
    Problem::new(Reason::RehearsalRefused, message)
}

impl Plan {
    /// Begins a rehearsal or waits for it; true if pods may be replaced. What follows a step that
    /// waits is for the reader only.
    pub(super) fn rehearse(&mut self, verdict: Verdict, target: &Target) -> bool {
        match verdict {
            Verdict::Go => return true,
            Verdict::Begin(draft) => {
                let job = draft.key.clone();
                self.steps.push(Step::new(Action::Rehearse(draft), "nobody is hurt if the new files do not fit"));
                self.steps.push(Step::new(Action::AwaitRehearsal { job }, "only then a serving pod is replaced"));
                self.state = State::unmet(ConditionType::RolledOut, rolling(target));
            }
            Verdict::Wait(job, condition, problem) => {
                self.steps.push(Step::new(Action::AwaitRehearsal { job }, "only then a serving pod is replaced"));
                self.state = State::unmet(condition, problem);
            }
        }
        false
    }

    /// Asks the image where it reads snippets.
    pub(super) fn look(view: &HorizonView, looking: Problem) -> Self {
        let (Ok(target), Some(applied)) = (&view.target, &view.applied) else {
            return Self::unmet(ConditionType::Accepted, looking);
        };
        let verdict = verdict(RehearsalDraft::look(&view.object.meta.key, target), target, &applied.rehearsals);
        let found = match &verdict {
            Verdict::Wait(_, ConditionType::ConfigRendered, problem) => problem.clone(),
            _ => looking,
        };
        let mut plan = Self::idle(State::Pending);
        plan.rehearse(verdict, target);
        plan.state = State::unmet(ConditionType::Accepted, found);
        plan
    }
}
