//! What the cluster has of ours for one workload.

use std::collections::BTreeMap;
use std::sync::Arc;

use direct_upload_api::Reason;
use kube_core::labels::SelectorExt as _;

use super::mount::Mount;
use super::purpose::Purpose;
use super::rehearsal::{self, Rehearsal, SnippetPlace};
use super::rollout::{self, Unfinished};
use super::{Inventory, annotations, failed_roll};
use crate::model::{ConfigMap, Job, Key, Known, Map, Pod, Problem, Set, Snapshot, Workload};

/// What the cluster has of ours for one workload. It exists only if pods and our ConfigMaps are known, so
/// what it lacks does not exist.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// What we own in the workload.
    pub mount: Option<Mount>,
    /// Our ConfigMaps that are for it, are named after its resource, or that its pods have, by name.
    pub config_maps: Map<String, Arc<ConfigMap>>,
    /// Names of those that the workload, its pods or any revision refers to.
    pub referenced: Known<Set<String>>,
    /// Whether every pod runs the current template, or why not.
    pub rollout: Result<(), Unfinished>,
    /// For which pod it waits, and why.
    pub held_up: Option<String>,
    /// Names of our ConfigMaps that pods run with.
    pub running: Set<String>,
    /// Some pods run without any.
    pub unconfigured: bool,
    /// The results of rehearsals, by the name of their Job.
    pub rehearsals: Known<BTreeMap<String, Rehearsal>>,
    /// Where Horizon's snippets are read, as rehearsals saw.
    pub place: Option<SnippetPlace>,
    /// Which of our ConfigMaps each of them tries, by the name of its Job.
    pub tried: BTreeMap<String, String>,
}

impl Applied {
    /// Reads it from the cluster. `resource`: the name of the resource that names the workload.
    ///
    /// # Errors
    /// [`Unknown`](crate::model::Unknown) while pods or our ConfigMaps cannot be seen.
    pub fn find(inventory: &Inventory<'_>, workload: &Workload, resource: &str) -> Known<Self> {
        let mount = Mount::observed(workload);
        let pods = pods(inventory, workload)?;
        let config_map = mount.as_ref().map(|m| m.config_map.as_str());
        let rollout = rollout::judge(workload, config_map, &pods);
        let held_up = rollout.as_ref().err().and_then(|_| rollout::hold_up(config_map, &pods));
        let running: Set<String> = pods.iter().filter_map(|p| p.config_map.clone()).collect();
        let unconfigured = pods.iter().any(|p| p.config_map.is_none());
        let named = running.iter().map(String::as_str).chain(config_map);
        let ours = inventory.config_maps(workload, resource, named)?;
        let config_maps: Map<String, Arc<ConfigMap>> = ours.map(|c| (c.meta.key.name.clone(), c.clone())).collect();
        let referenced = referenced(inventory, workload, config_map, &running, &config_maps);
        let rehearsals = rehearsal::list(inventory, workload);
        let tried = |job: &Arc<Job>| {
            let tried = job.config_map.as_ref().filter(|name| config_maps.contains_key(*name))?;
            Some((job.meta.key.name.clone(), tried.clone()))
        };
        let tried = inventory.jobs(workload).filter_map(tried).collect();
        let place = SnippetPlace::find(inventory, workload);
        Ok(Self { mount, config_maps, referenced, rollout, held_up, running, unconfigured, rehearsals, place, tried })
    }

    /// One of our ConfigMaps.
    pub fn config_map(&self, name: &str) -> Option<&Arc<ConfigMap>> {
        self.config_maps.get(name)
    }

    /// The ConfigMap that the workload mounts, if it exists.
    pub fn in_use(&self) -> Option<&Arc<ConfigMap>> {
        self.config_map(&self.mount.as_ref()?.config_map)
    }

    /// The ConfigMap that the workload mounts. If somebody removed the mount: those with which pods still
    /// run.
    pub fn in_effect(&self) -> Vec<&Arc<ConfigMap>> {
        match &self.mount {
            Some(_) => self.in_use().into_iter().collect(),
            None => self.running.iter().filter_map(|name| self.config_map(name)).collect(),
        }
    }

    /// The ConfigMaps with which pods run, or will.
    pub fn present(&self) -> impl Iterator<Item = &Arc<ConfigMap>> {
        let mounted = self.mount.as_ref().map(|m| &m.config_map);
        self.running.iter().chain(mounted).filter_map(|name| self.config_map(name))
    }

    /// A digest of the files with which all pods run, and will, without their lists of origins; none if pods differ
    /// in more than those lists.
    pub fn besides_origins(&self) -> Option<u64> {
        let mut all = self.present().map(|config_map| config_map.effects.besides_origins);
        let first = all.next().filter(|_| !self.unconfigured)?;
        all.all(|other| other == first).then_some(first)
    }

    /// Whether pods upload directly because of our setting, or will.
    pub fn sets_direct(&self) -> bool {
        self.present().any(|config_map| config_map.effects.direct)
    }

    /// Whether every pod uploads directly because of our setting; none while pods differ, or while there are none
    /// yet.
    pub fn all_direct(&self) -> Option<bool> {
        let direct = |name: &String| self.config_map(name).is_some_and(|config_map| config_map.effects.direct);
        let (with, without) = (self.running.iter().any(direct), !self.running.iter().all(direct));
        match (with, without || self.unconfigured) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            (false, false) => self.rollout.is_ok().then(|| self.sets_direct()),
            (true, true) => None,
        }
    }

    /// The newest ConfigMap, if it waits for its roll: it is younger than the mounted one.
    pub fn pending(&self) -> Option<&Arc<ConfigMap>> {
        let in_use = self.in_use()?;
        let ours = |c: &&Arc<ConfigMap>| c.meta.ours.get(annotations::FOR) == in_use.meta.ours.get(annotations::FOR);
        let newest = self.config_maps.values().filter(ours).max_by_key(|c| c.meta.born())?;
        (newest.meta.born() > in_use.meta.born()).then_some(newest)
    }

    /// Why a due roll does not happen, from its ConfigMap and rehearsals. What delayed an earlier one does
    /// not count any more, and nothing counts while pods are replaced.
    pub fn obstacle(&self, workload: &Workload) -> Option<Problem> {
        let ours = |c: &&Arc<ConfigMap>| Purpose::for_workload(&c.meta, &workload.meta.uid).is_some();
        let newest = self.config_maps.values().filter(ours).max_by_key(|c| c.meta.born())?;
        let name = &newest.meta.key.name;
        if self.rollout.is_err() || self.mount.as_ref().is_some_and(|mount| mount.config_map == *name) {
            return None;
        }
        let of_newest = |job: &str| self.tried.get(job).is_some_and(|tried| tried == name);
        let rehearsals = self.rehearsals.iter().flatten().filter(|(job, _)| of_newest(job));
        let failed = || Some(Problem::new(Reason::RollFailed, failed_roll::noted(newest, workload)?));
        rehearsals.map(|(_, rehearsal)| rehearsal).find_map(Rehearsal::objection).or_else(failed)
    }

    /// The Glances to which pods of this workload upload directly, or will.
    pub fn partners(&self) -> Set<Key> {
        let noted = self.present().filter_map(|config_map| config_map.meta.ours.get(annotations::PARTNER));
        noted.flat_map(|text| text.split(',')).filter_map(|key| key.parse().ok()).collect()
    }
}

/// The pods that may answer a request: alive, selected, and made by the workload's controllers. A pod that
/// is being deleted continues to answer while it is ready, and the Service may still lead to it.
fn pods(inventory: &Inventory<'_>, workload: &Workload) -> Known<Vec<Arc<Pod>>> {
    let selected = |pod: &Pod| workload.selector.as_ref().is_none_or(|selector| selector.matches(&pod.labels));
    let alive = |pod: &Pod| !pod.ended && (pod.meta.deleting.is_none() || pod.ready);
    let made = inventory.pods(workload)?;
    Ok(made.into_iter().filter(|pod| alive(pod) && selected(pod)).cloned().collect())
}

/// Whether a pod can change no decision: none of these workloads made it, it mounts nothing of ours, and it
/// belongs to no rehearsal.
pub fn is_bystander(snapshot: &Snapshot, pod: &Pod, counts: impl Fn(&str) -> bool) -> bool {
    let made = pod.owner.as_ref().is_some_and(|owner| {
        if owner.kind != "ReplicaSet" {
            return counts(&owner.uid);
        }
        let Ok(mut sets) = snapshot.replica_sets.list(&pod.meta.key.namespace) else { return true };
        // A ReplicaSet that is not seen yet, or no longer, may belong to any workload.
        sets.find(|set| set.meta.uid == owner.uid)
            .is_none_or(|set| set.owner.as_ref().is_some_and(|owner| counts(&owner.uid)))
    });
    !made && pod.config_map.is_none() && pod.job.is_none()
}

/// Every revision of the namespace counts. A ConfigMap's name is unique to its workload and content, so no
/// other refers to it by accident.
fn referenced(
    inventory: &Inventory<'_>,
    workload: &Workload,
    mounted: Option<&str>,
    running: &Set<String>,
    config_maps: &Map<String, Arc<ConfigMap>>,
) -> Known<Set<String>> {
    let refers = inventory.refers(workload.kind)?;
    let of_revisions = config_maps.keys().filter(|name| refers.contains(name.as_str()));
    let mut names = running.clone();
    names.extend(mounted.map(str::to_owned).into_iter().chain(of_revisions.cloned()));
    Ok(names)
}
