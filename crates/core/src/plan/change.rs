//! From "these files shall be there" to the steps that bring them: what both resources share.

use std::collections::BTreeMap;
use std::sync::Arc;

use direct_upload_api::{DOMAIN, Reason, Rollout, seconds};
use jiff::{SignedDuration, Timestamp};

use super::options::Options;
use super::step::{Action, Step};
use crate::model::{ConfigMap, EnvValue, Key, Meta, Problem, Workload, describe};
use crate::render::File;
use crate::workload::drain::{self, Draining};
use crate::workload::{
    Applied, Claim, ConfigMapDraft, LastRoll, Mount, Secrets, Target, annotations, foreign, is_for, is_intact, means,
    mountable, rfc3339,
};

/// Least time between rolls that others cause, in seconds.
const MIN_INTERVAL: u64 = 30;

/// What the API server takes in one ConfigMap's data.
const MAX_BYTES: usize = 1 << 20;

/// Putting our fields back this often …
const CONTENDED_TIMES: usize = 3;

/// … within this many seconds is a war that nobody wins.
const CONTENDED_SPAN: i64 = 600;

/// What is wanted for one workload.
pub struct Wanted<'a> {
    /// `Horizon` or `Glance`.
    pub kind: &'static str,
    /// The resource's, or one made from it: ConfigMaps are called after it.
    pub name: String,
    pub meta: &'a Meta,
    pub finalizer: bool,
    pub target: &'a Target,
    pub applied: &'a Applied,
    pub files: Vec<File>,
    pub secrets: Secrets,
    pub env: BTreeMap<String, EnvValue>,
    /// Annotations that the ConfigMap shall carry beside its own.
    pub annotations: BTreeMap<String, String>,
    /// Another annotation that the workload shall carry.
    pub note: Option<(String, String)>,
    pub rollout: &'a Rollout,
}

/// What is missing.
#[derive(Debug)]
pub struct Change {
    pub config_map: String,
    /// Finalizer, ConfigMap, annotations: nothing rolls.
    pub prepare: Vec<Step>,
    /// The workload's fields differ: this is what they shall be.
    pub mount: Option<Mount>,
    /// Whether that replaces pods.
    pub rolls: bool,
}

impl Wanted<'_> {
    /// Compares what is wanted with what stands.
    ///
    /// # Errors
    /// A [`Problem`] if something cannot be seen, or a file cannot be mounted at its place.
    pub fn change(&self, options: &Options, now: Timestamp, why: &str) -> Result<Change, Problem> {
        let workload = &self.target.workload;
        foreign(workload)?;
        let of_secrets = self.secrets.values().flat_map(|secret| secret.mounted.keys());
        for path in self.files.iter().map(|file| &file.path).chain(of_secrets) {
            mountable(self.target, path)?;
        }
        self.applied.config_maps.as_ref().map_err(Clone::clone)?;
        let name = Key::new(self.meta.key.namespace.clone(), self.name.clone());
        let mut draft = ConfigMapDraft::of(self.kind, &name, workload, &self.files);
        draft.annotations.extend(self.annotations.clone());
        let size = draft.size();
        if size > MAX_BYTES {
            let message = format!(
                "the rendered files have {size} bytes, and a ConfigMap holds at most {MAX_BYTES}; list fewer origins"
            );
            return Err(Problem::new(Reason::InvalidSpec, message));
        }
        let usable = |c: &&Arc<ConfigMap>| is_for(c, self.kind, workload) && is_intact(c) && means(c, &self.files);
        if let Some(in_use) = self.applied.in_use().filter(usable) {
            draft.key = in_use.meta.key.clone();
            draft.data.clone_from(&in_use.data);
        }
        let mut desired = Mount::of(&self.target.container, &draft.key.name, &self.files, &options.image);
        desired.secrets.clone_from(&self.secrets);
        desired.env.clone_from(&self.env);
        let claim = Claim { kind: self.kind.to_owned(), key: self.meta.key.clone(), uid: self.meta.uid.clone() };
        desired.annotations.insert(annotations::CLAIM.to_owned(), claim.to_string());
        desired.annotations.extend(self.note.clone());
        if let Some(observed) = &self.applied.mount {
            if desired.copier.is_some() && observed.copier.is_some() {
                desired.copier.clone_from(&observed.copier);
            }
            if let Some(rolled) = observed.annotations.get(annotations::ROLLED_AT) {
                desired.annotations.insert(annotations::ROLLED_AT.to_owned(), rolled.clone());
            }
        }
        let observed = self.applied.mount.as_ref();
        let rolls = observed.is_none_or(|observed| observed.rolls(&desired) || self.drops_drain(observed));
        desired.pre_stop = if rolls { self.drain() } else { observed.and_then(|observed| observed.pre_stop) };
        if rolls {
            let rolled = LastRoll {
                at: now,
                generation: self.meta.generation,
                pod: workload.template.fingerprint.clone(),
                instead_of: self.applied.mount.as_ref().map(|m| m.config_map.clone()),
            };
            desired.annotations.insert(annotations::ROLLED_AT.to_owned(), rolled.text());
        }
        let mount = (self.applied.mount.as_ref() != Some(&desired)).then_some(desired);
        let config_map = draft.key.name.clone();
        Ok(Change { prepare: self.prepare(draft, why), config_map, mount, rolls })
    }

    /// The preStop sleep that a roll brings along.
    fn drain(&self) -> Option<u32> {
        match drain::decide(self.kind == "Glance", &self.rollout.drain, self.target) {
            Draining::Sleep(seconds) => Some(seconds),
            _ => None,
        }
    }

    /// It leaves at once where that is asked for: it may stand in the way of a hook of the user's.
    fn drops_drain(&self, observed: &Mount) -> bool {
        self.rollout.drain.enabled == Some(false) && observed.pre_stop.is_some()
    }

    fn prepare(&self, draft: ConfigMapDraft, why: &str) -> Vec<Step> {
        let mut steps = Vec::new();
        if !self.finalizer {
            steps.push(Step::new(Action::AddFinalizer, "so that deleting this resource gives everything back first"));
        }
        match self.applied.config_map(&draft.key.name) {
            Some(existing) if existing.data == draft.data => {
                let missing = differing(existing, &draft.annotations);
                if !missing.is_empty() {
                    let action = Action::Annotate { config_map: draft.key, annotations: missing };
                    steps.push(Step::new(action, "to remember what the next start must know"));
                }
            }
            Some(_) => steps.push(Step::new(Action::ApplyConfigMap(draft), "somebody changed its bytes")),
            None => steps.push(Step::new(Action::ApplyConfigMap(draft), why)),
        }
        steps
    }

    /// May pods be replaced now?
    ///
    /// # Errors
    /// [`Reason::HeldBack`] with the time to come back at, or [`Reason::Contended`].
    pub fn may_roll(&self, change: &Change, now: Timestamp) -> Result<Option<Step>, (Problem, Option<Timestamp>)> {
        if let Some(not_before) = self.rollout.not_before.as_ref().map(|t| t.0).filter(|t| now < *t) {
            let cost = super::drain::cost(self.kind, self.target, self.applied);
            let until = rfc3339(not_before);
            let message = format!("a roll is due and held back by spec.rollout.notBefore until {until}{cost}");
            return Err((Problem::new(Reason::HeldBack, message), Some(not_before)));
        }
        if let Some((rolled, generation)) = self.last_roll() {
            let interval = i64::try_from(seconds(self.rollout.min_interval, MIN_INTERVAL)).unwrap_or(i64::MAX);
            let next = rolled.saturating_add(SignedDuration::from_secs(interval)).unwrap_or(Timestamp::MAX);
            if now < next && generation == self.meta.generation {
                let message =
                    format!("a roll is due and held back by spec.rollout.minInterval until {}", rfc3339(next));
                return Err((Problem::new(Reason::HeldBack, message), Some(next)));
            }
        }
        self.contended(change, now).map_err(|problem| (problem, None))
    }

    /// When pods were last replaced by us, and for which generation of the resource.
    fn last_roll(&self) -> Option<(Timestamp, i64)> {
        let rolled = LastRoll::parse(self.target.workload.meta.ours.get(annotations::ROLLED_AT)?)?;
        Some((rolled.at, rolled.generation))
    }

    /// All our fields are gone, or some, although the same ConfigMap and spec brought them.
    fn taken(&self, change: &Change) -> bool {
        let same_spec = self.last_roll().is_some_and(|(_, generation)| generation == self.meta.generation);
        self.applied.mount.as_ref().is_none_or(|m| m.config_map == change.config_map && same_spec)
    }

    /// Pods run with the very ConfigMap that the workload no longer names: somebody took our
    /// fields away. Counts how often, on the ConfigMap; once that was too often, it does not matter
    /// any more what pods run with.
    fn contended(&self, change: &Change, now: Timestamp) -> Result<Option<Step>, Problem> {
        let Some(config_map) = self.applied.config_map(&change.config_map).filter(|_| self.taken(change)) else {
            return Ok(None);
        };
        let name = format!("{DOMAIN}/put-back");
        let text = config_map.meta.ours.get(&name).map_or("", String::as_str);
        let since = now.saturating_sub(SignedDuration::from_secs(CONTENDED_SPAN)).unwrap_or(Timestamp::MIN);
        let mut times: Vec<Timestamp> = text.split(' ').filter_map(|t| t.parse().ok()).filter(|t| *t > since).collect();
        if times.len() >= CONTENDED_TIMES {
            let who = self.target.workload.other_manager.as_deref().unwrap_or("somebody");
            let message = format!(
                "our fields were taken out of {} {} times within ten minutes (the API server notes nobody who only removes; of the managers that it notes, {who} wrote last); let that tool leave the volume, mounts and annotations of direct-upload-operator alone, or set spec.suspend",
                describe(self.target.workload.kind, &self.target.workload.meta.key),
                times.len() + 1
            );
            return Err(Problem::new(Reason::Contended, message));
        }
        if !self.applied.running.contains(&change.config_map) {
            return Ok(None);
        }
        times.push(now);
        let value = times.iter().map(|t| rfc3339(*t)).collect::<Vec<_>>().join(" ");
        let action = Action::Annotate {
            config_map: config_map.meta.key.clone(),
            annotations: BTreeMap::from([(name, Some(value))]),
        };
        Ok(Some(Step::new(action, "to count how often our fields were taken away")))
    }
}

/// Annotations of ours that are to be set, changed or taken off. What others keep on the same
/// object, the count of put-backs among them, stays, and so does the memory of a roll that failed.
fn differing(existing: &ConfigMap, wanted: &BTreeMap<String, String>) -> BTreeMap<String, Option<String>> {
    let kept = [annotations::FOR.to_owned(), annotations::FAILED.to_owned(), format!("{DOMAIN}/put-back")];
    let gone = existing.meta.ours.keys().filter(|k| !wanted.contains_key(*k) && !kept.contains(k));
    let mut differing: BTreeMap<_, _> = gone.map(|k| (k.clone(), None)).collect();
    for (name, value) in wanted {
        if existing.meta.ours.get(name) != Some(value) {
            differing.insert(name.clone(), Some(value.clone()));
        }
    }
    differing
}

/// ConfigMaps of this workload that nothing refers to any more.
pub fn garbage(kind: &str, workload: &Workload, applied: &Applied, keep: Option<&str>) -> Vec<Step> {
    let (Ok(config_maps), Ok(referenced)) = (&applied.config_maps, &applied.referenced) else { return Vec::new() };
    let ours = |c: &Arc<ConfigMap>| is_for(c, kind, workload);
    config_maps
        .values()
        .filter(|c| ours(c) && !referenced.contains(&c.meta.key.name) && keep != Some(c.meta.key.name.as_str()))
        .map(|c| {
            let config_map: Key = c.meta.key.clone();
            Step::new(Action::Collect { config_map }, "neither the workload nor a revision of it refers to it")
        })
        .collect()
}
