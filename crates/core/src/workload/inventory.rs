//! What a namespace has of ours, and its pods, grouped so that each of many workloads finds its own without a search.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use direct_upload_api::WorkloadKind;

use super::{annotations, content_name, is_content_name_of, purpose};
use crate::model::{ConfigMap, Job, Known, Pod, Revision, Snapshot, Workload};

/// The objects of one namespace that [`Applied`](super::Applied) is made of.
#[derive(Debug)]
pub struct Inventory<'a> {
    snapshot: &'a Snapshot,
    pods: Known<Pods<'a>>,
    /// The ReplicaSets of each Deployment, both by uid.
    sets: Known<Groups<'a, &'a str>>,
    config_maps: Known<ConfigMaps<'a>>,
    /// Names of ConfigMaps to which revisions refer: of Deployments, and of other workloads.
    referenced: [Known<BTreeSet<&'a str>>; 2],
    /// Jobs that are for the workload with this uid.
    jobs: Groups<'a, &'a Arc<Job>>,
    jobs_known: Known<()>,
    /// Workloads with this claim.
    claimed: Known<Groups<'a, &'a Arc<Workload>>>,
}

/// Values by a text of theirs.
type Groups<'a, T> = BTreeMap<&'a str, Vec<T>>;

#[derive(Debug)]
struct Pods<'a> {
    /// By the uid of what made them.
    made_by: Groups<'a, &'a Arc<Pod>>,
    /// Those of a ReplicaSet that is not seen yet, or not any more: it may belong to any Deployment.
    strays: Vec<&'a Arc<Pod>>,
    /// Names of the ConfigMaps of ours with which they run.
    config_maps: BTreeSet<&'a str>,
}

#[derive(Debug)]
struct ConfigMaps<'a> {
    names: BTreeMap<&'a str, &'a Arc<ConfigMap>>,
    /// By the uid of the workload that they are for.
    workloads: Groups<'a, &'a Arc<ConfigMap>>,
    /// By the resource's part of their name.
    resources: Groups<'a, &'a Arc<ConfigMap>>,
}

impl<'a> Inventory<'a> {
    /// Takes it of a namespace.
    pub fn take(snapshot: &'a Snapshot, namespace: &str) -> Self {
        let known_sets = snapshot.replica_sets.list(namespace).map(Iterator::collect::<Vec<_>>);
        let sets = known_sets.as_ref().map_err(Clone::clone).map(|sets| {
            let owner = |set: &&'a Arc<Revision>| Some((set.owner.as_ref()?.uid.as_str(), set.meta.uid.as_str()));
            grouped(sets.iter().filter_map(owner))
        });
        let seen: BTreeSet<&str> = known_sets.iter().flatten().map(|set| set.meta.uid.as_str()).collect();
        let pods = snapshot.pods.list(namespace).map(|pods| {
            let pods: Vec<_> = pods.collect();
            let is_stray = |pod: &Pod| {
                pod.owner.as_ref().is_some_and(|owner| owner.kind == REPLICA_SET && !seen.contains(owner.uid.as_str()))
            };
            let owned = pods.iter().filter_map(|pod| Some((pod.owner.as_ref()?.uid.as_str(), *pod)));
            Pods {
                made_by: grouped(owned),
                strays: pods.iter().filter(|pod| is_stray(pod)).copied().collect(),
                config_maps: pods.iter().filter_map(|pod| pod.config_map.as_deref()).collect(),
            }
        });
        let config_maps = snapshot.config_maps.list(namespace).map(|all| {
            let all: Vec<_> = all.collect();
            let name = |c: &'a Arc<ConfigMap>| c.meta.key.name.as_str();
            ConfigMaps {
                names: all.iter().map(|c| (name(c), *c)).collect(),
                workloads: grouped(all.iter().filter_map(|c| Some((purpose::workload_of(&c.meta)?, *c)))),
                resources: grouped(all.iter().filter_map(|c| Some((content_name::resource_of(name(c))?, *c)))),
            }
        });
        let referenced = [WorkloadKind::Deployment, WorkloadKind::StatefulSet].map(|kind| {
            let revisions = snapshot.revisions(kind).list(namespace)?;
            Ok(revisions.flat_map(|revision| &revision.config_maps).map(String::as_str).collect())
        });
        let of_workload = |job: &'a Arc<Job>| Some((purpose::workload_of(&job.meta)?, job));
        Self {
            snapshot,
            pods,
            sets,
            config_maps,
            referenced,
            jobs: grouped(snapshot.jobs.seen(namespace).filter_map(of_workload)),
            jobs_known: snapshot.jobs.known(namespace),
            claimed: claimed(snapshot, namespace),
        }
    }

    /// What it was taken of.
    pub(crate) fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// The pods that a workload's controllers made, or may have made.
    pub(super) fn pods(&self, workload: &Workload) -> Known<Vec<&'a Arc<Pod>>> {
        let uid = workload.meta.uid.as_str();
        let pods = self.pods.as_ref().map_err(Clone::clone)?;
        let of = |uid: &str| pods.made_by.get(uid).into_iter().flatten().copied();
        let mut made: Vec<_> = match workload.kind {
            WorkloadKind::Deployment => {
                let sets = self.sets.as_ref().map_err(Clone::clone)?;
                let by_sets =
                    sets.get(uid).into_iter().flatten().flat_map(|set| of(set)).filter(|pod| is_of_a_set(pod));
                let directly = of(uid).filter(|pod| !is_of_a_set(pod));
                by_sets.chain(directly).chain(pods.strays.iter().copied()).collect()
            }
            WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => of(uid).collect(),
        };
        made.sort_unstable_by_key(|pod| &pod.meta.key);
        Ok(made)
    }

    /// Whether a pod runs with this ConfigMap.
    pub(crate) fn runs_with(&self, config_map: &str) -> Known<bool> {
        Ok(self.pods.as_ref().map_err(Clone::clone)?.config_maps.contains(config_map))
    }

    /// Our ConfigMaps that are for a workload, or are named after a resource, or have one of these names.
    pub(super) fn config_maps<'n>(
        &self,
        workload: &Workload,
        resource: &str,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Known<impl Iterator<Item = &'a Arc<ConfigMap>>> {
        let all = self.config_maps.as_ref().map_err(Clone::clone)?;
        let of_workload = all.workloads.get(workload.meta.uid.as_str()).into_iter().flatten();
        let by_name: Vec<_> = names.into_iter().filter_map(|name| all.names.get(name)).collect();
        Ok(of_workload.copied().chain(self.named_after(resource)?).chain(by_name.into_iter().copied()))
    }

    /// Our ConfigMaps that are named after a resource.
    pub(crate) fn named_after(&self, resource: &str) -> Known<impl Iterator<Item = &'a Arc<ConfigMap>> + use<'a>> {
        let all = self.config_maps.as_ref().map_err(Clone::clone)?;
        let named = all.resources.get(content_name::shortened(resource)).cloned().unwrap_or_default();
        let resource = resource.to_owned();
        Ok(named.into_iter().filter(move |c| is_content_name_of(&resource, &c.meta.key.name)))
    }

    /// Whether a revision of such a workload refers to a ConfigMap.
    pub(super) fn refers(&self, kind: WorkloadKind) -> Known<&BTreeSet<&'a str>> {
        let [of_deployments, of_others] = &self.referenced;
        let all = if kind == WorkloadKind::Deployment { of_deployments } else { of_others };
        all.as_ref().map_err(Clone::clone)
    }

    /// Our Jobs for a workload that are seen so far.
    pub(super) fn jobs(&self, workload: &Workload) -> impl Iterator<Item = &'a Arc<Job>> {
        self.jobs.get(workload.meta.uid.as_str()).into_iter().flatten().copied()
    }

    /// Whether all Jobs are known.
    pub(super) fn jobs_known(&self) -> Known<()> {
        self.jobs_known.clone()
    }

    /// Workloads with a claim.
    pub(crate) fn claimed(&self, claim: &str) -> Known<Vec<&'a Arc<Workload>>> {
        Ok(self.claimed.as_ref().map_err(Clone::clone)?.get(claim).cloned().unwrap_or_default())
    }
}

/// The kind of what makes a Deployment's pods.
const REPLICA_SET: &str = "ReplicaSet";

fn is_of_a_set(pod: &Pod) -> bool {
    pod.owner.as_ref().is_some_and(|owner| owner.kind == REPLICA_SET)
}

fn claimed<'a>(snapshot: &'a Snapshot, namespace: &str) -> Known<Groups<'a, &'a Arc<Workload>>> {
    let mut all = Vec::new();
    for kind in WorkloadKind::ALL {
        all.extend(snapshot.workloads(kind).list(namespace)?);
    }
    let claim = |w: &&'a Arc<Workload>| Some((w.meta.ours.get(annotations::CLAIM)?.as_str(), *w));
    Ok(grouped(all.iter().filter(|w| !w.foreign).filter_map(claim)))
}

fn grouped<'a, T>(values: impl Iterator<Item = (&'a str, T)>) -> Groups<'a, T> {
    let mut groups = Groups::new();
    for (name, value) in values {
        groups.entry(name).or_default().push(value);
    }
    groups
}
