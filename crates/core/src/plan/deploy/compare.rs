//! Compares the actual with the desired state: what is missing, and whether that replaces pods.

use std::collections::BTreeMap;
use std::sync::Arc;

use direct_upload_api::Reason;
use jiff::Timestamp;

use super::Desired;
use crate::model::{ConfigMap, Key, Problem, ResourceKind, Workload};
use crate::plan::options::Options;
use crate::plan::step::{Action, Step};
use crate::workload::drain::{self, Draining};
use crate::workload::{
    Applied, Claim, ConfigMapDraft, LastRoll, Mount, annotations, foreign, is_for, is_intact, means, mountable,
};

/// The largest data of one ConfigMap that the API server accepts.
const MAX_BYTES: usize = 1 << 20;

/// What is missing.
#[derive(Debug)]
pub(crate) struct Change {
    pub config_map: String,
    /// Finalizer, ConfigMap, annotations: nothing rolls.
    pub prepare: Vec<Step>,
    /// The workload's fields differ; this is what they should be.
    pub mount: Option<Mount>,
    /// Whether that replaces pods.
    pub rolls: bool,
}

impl Desired<'_> {
    /// Compares the desired with the actual state.
    ///
    /// # Errors
    /// A [`Problem`] if something cannot be seen, or a file cannot be mounted at its path.
    pub fn compare(&self, options: &Options, now: Timestamp, why: &str) -> Result<Change, Problem> {
        let workload = &self.target.workload;
        foreign(workload)?;
        let of_secrets = self.secrets.values().flat_map(|secret| secret.mounted.keys());
        for path in self.files.iter().map(|file| &file.path).chain(of_secrets) {
            mountable(self.target, path)?;
        }
        let name = Key::new(self.meta.key.namespace.clone(), self.name.clone());
        let mut draft = ConfigMapDraft::new(self.kind, &name, workload, &self.files);
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
        let mut desired = Mount::new(&self.target.container, &draft.key.name, &self.files, &options.image);
        desired.secrets.clone_from(&self.secrets);
        desired.env.clone_from(&self.env);
        let claim = Claim::new(self.kind, self.meta);
        desired.annotations.insert(annotations::CLAIM.to_owned(), claim.to_string());
        if let Some(observed) = &self.applied.mount {
            if desired.copier.is_some() && observed.copier.is_some() {
                desired.copier.clone_from(&observed.copier);
            }
            for kept in [annotations::ROLLED_AT, annotations::PANEL, annotations::CATALOG, annotations::CORS] {
                let value = observed.annotations.get(kept).map(|value| (kept.to_owned(), value.clone()));
                desired.annotations.extend(value);
            }
        }
        desired.annotations.extend(self.notes.clone());
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

    /// The preStop sleep that a roll adds.
    fn drain(&self) -> Option<u32> {
        match drain::decide(self.kind == ResourceKind::Glance, &self.rollout.drain, self.target) {
            Draining::Sleep(seconds) => Some(seconds),
            _ => None,
        }
    }

    /// It is removed immediately on request, because it may conflict with a hook of the user.
    fn drops_drain(&self, observed: &Mount) -> bool {
        self.rollout.drain.enabled == Some(false) && observed.pre_stop.is_some()
    }

    fn prepare(&self, draft: ConfigMapDraft, why: &str) -> Vec<Step> {
        let mut steps = Vec::new();
        if !self.finalizer {
            steps.push(Step::new(
                Action::AddFinalizer,
                "so that everything is released before this resource is deleted",
            ));
        }
        match self.applied.config_map(&draft.key.name) {
            Some(existing) if existing.data == draft.data => {
                let missing = differing(existing, &draft.annotations);
                if !missing.is_empty() {
                    let action = Action::Annotate { config_map: draft.key, annotations: missing };
                    steps.push(Step::new(action, "to record what the next start needs"));
                }
            }
            Some(_) => steps.push(Step::new(Action::ApplyConfigMap(draft), "somebody changed its bytes")),
            None => steps.push(Step::new(Action::ApplyConfigMap(draft), why)),
        }
        steps
    }
}

/// Annotations of ours to set, change or remove. What others keep on the same object stays, the count of
/// restores included, and so does the memory of a failed roll.
fn differing(existing: &ConfigMap, wanted: &BTreeMap<String, String>) -> BTreeMap<String, Option<String>> {
    let kept = [annotations::FOR.to_owned(), annotations::FAILED.to_owned(), annotations::PUT_BACK.to_owned()];
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
pub fn garbage(kind: ResourceKind, workload: &Workload, applied: &Applied, keep: Option<&str>) -> Vec<Step> {
    let Ok(referenced) = &applied.referenced else { return Vec::new() };
    let ours = |c: &Arc<ConfigMap>| is_for(c, kind, workload);
    applied
        .config_maps
        .values()
        .filter(|c| ours(c) && !referenced.contains(&c.meta.key.name) && keep != Some(c.meta.key.name.as_str()))
        .map(|c| {
            let (config_map, uid, workload) = (c.meta.key.clone(), c.meta.uid.clone(), workload.kind);
            Step::new(
                Action::Collect { config_map, uid, workload },
                "neither the workload nor any of its revisions uses this ConfigMap",
            )
        })
        .collect()
}
