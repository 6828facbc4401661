//! A cluster made from files, and what is assumed of it.
//!
//! In: objects as they were read. Out: a cluster in which nothing must be waited for. Files of ours
//! that a workload already has (from a rendering in Git, or from a live cluster) now belong to the resource
//! that would manage them.

use std::collections::BTreeMap;

use direct_upload_api::{Duration, Rollout, WorkloadKind};
use serde_json::json;

use super::cluster::{Cluster, edit};
use crate::derive::Tenure;
use crate::manifests::Input;
use crate::model::{Id, Key, Kind, Meta, ResourceId, ResourceKind, describe};
use crate::workload::{Applied, Claim, Purpose, annotate, annotations};

impl Cluster {
    /// Sets up the cluster. Pods of the input are left out, because they belong to one moment.
    pub fn from_input(input: Input) -> Self {
        let mut cluster = Self {
            snapshot: input.snapshot,
            objects: BTreeMap::new(),
            workloads: Vec::new(),
            exposing: Vec::new(),
            assumptions: Vec::new(),
        };
        let pods: Vec<Key> = cluster.snapshot.pods.all().map(|(key, _)| key.clone()).collect();
        for pod in pods {
            cluster.snapshot.pods.remove(&pod);
        }
        for manifest in input.manifests {
            let managed = cluster.snapshot.config_maps.get(&manifest.id.key).is_ok_and(|c| c.is_some());
            // Those that can be written and are printed.
            match Kind::named(&manifest.id.kind) {
                Some(Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet) => {
                    cluster.workloads.push(manifest.id.clone());
                    cluster.roll_out(&manifest.id);
                }
                Some(Kind::Ingress | Kind::Route) => cluster.exposing.push(manifest.id.clone()),
                Some(Kind::ConfigMap) if managed => {}
                _ => continue,
            }
            cluster.objects.insert(manifest.id, manifest.object);
        }
        assume(&mut cluster);
        cluster
    }
}

/// Prepares the cluster.
fn assume(cluster: &mut Cluster) {
    stand_in(cluster);
    hold_nothing_back(cluster);
    note_rollouts(cluster);
    adopt(cluster);
    note_layouts(cluster);
}

/// Nobody runs the images here: what only they tell is the layout's, and assumed where none is stated.
fn note_layouts(cluster: &mut Cluster) {
    let world = cluster.world();
    for (key, view) in world.horizons.iter() {
        let Some(spec) = view.dashboard.spec() else { continue };
        let mounted = |applied: &Applied| applied.mount.as_ref().is_some_and(|mount| mount.snippet().is_some());
        let told = spec.layout.is_some()
            || spec.paths.local_settings_dir.is_some()
            || view.dashboard.tenure.applied.as_ref().is_ok_and(mounted);
        if let Some(settings) = view.dashboard.settings.as_ref().ok().filter(|_| !told) {
            let dir = &settings.local_settings_dir;
            cluster
                .assumptions
                .push(format!("the image of Horizon {key} reads snippets from {dir} (spec.layout is not set)"));
        }
    }
}

/// Input without any workload in a resource's namespace has only the resource, whose files can be rendered
/// anyway. If there are other workloads, a missing one is a wrong name.
fn stand_in(cluster: &mut Cluster) {
    let world = cluster.world();
    let (mut found, mut assumptions) = (Vec::new(), Vec::new());
    for (_, meta, tenure) in world.tenures() {
        let resource = &meta.key;
        let Some(reference) = tenure.reference.as_ref().filter(|_| has_no_workload(cluster, &resource.namespace))
        else {
            continue;
        };
        let name = reference.name.as_ref().unwrap_or(&resource.name);
        let container = reference.container.as_ref().unwrap_or(&resource.name);
        let labels = json!({"app": name});
        let object = json!({
            "apiVersion": "apps/v1",
            "kind": reference.kind.as_str(),
            "metadata": {"namespace": resource.namespace, "name": name},
            "spec": {
                "selector": {"matchLabels": labels},
                "serviceName": name,
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": container}]}},
            },
        });
        let key = Key::new(resource.namespace.clone(), name.clone());
        found.push((Id { kind: reference.kind.to_string(), key: key.clone() }, object));
        let name = describe(reference.kind, &key);
        assumptions.push(format!(
            "{name}, which is not in the input, has no files of its own at the paths that the operator uses"
        ));
    }
    cluster.assumptions.extend(assumptions);
    for (id, object) in found {
        if let Err(problem) = cluster.put(id, object) {
            cluster.assumptions.push(problem.message());
        }
    }
}

fn has_no_workload(cluster: &Cluster, namespace: &str) -> bool {
    let is_empty = |kind: &WorkloadKind| {
        let workloads = cluster.snapshot.workloads(*kind).list(namespace);
        workloads.is_ok_and(|mut workloads| workloads.next().is_none())
    };
    WorkloadKind::ALL.iter().all(is_empty)
}

/// Time passes: what `rollout` delays happens in the end.
fn hold_nothing_back(cluster: &mut Cluster) {
    let mut assumptions = Vec::new();
    let mut release = |id: String, rollout: &mut Rollout| {
        if let Some(time) = rollout.not_before.take() {
            assumptions.push(format!("{id}: spec.rollout.notBefore ({}) has passed", time.0));
        }
        rollout.min_interval = Some(Duration::default());
    };
    for key in keys(cluster.snapshot.horizons.all().map(|(key, _)| key)) {
        edit(&mut cluster.snapshot.horizons, &key, |o| {
            if let Ok(spec) = &mut o.spec {
                release(format!("Horizon {key}"), &mut spec.rollout);
            }
        });
    }
    for key in keys(cluster.snapshot.glances.all().map(|(key, _)| key)) {
        edit(&mut cluster.snapshot.glances, &key, |o| {
            if let Ok(spec) = &mut o.spec {
                release(format!("Glance {key}"), &mut spec.rollout);
            }
        });
    }
    for key in keys(cluster.snapshot.apis.all().map(|(key, _)| key)) {
        edit(&mut cluster.snapshot.apis, &key, |o| {
            if let Ok(spec) = &mut o.spec {
                release(format!("OpenStackAPI {key}"), &mut spec.rollout);
            }
        });
    }
    cluster.assumptions.extend(assumptions);
}

fn keys<'a>(keys: impl Iterator<Item = &'a Key>) -> Vec<Key> {
    keys.cloned().collect()
}

/// Reports rollouts that would not complete by themselves.
fn note_rollouts(cluster: &mut Cluster) {
    let mut notes = Vec::new();
    for object in cluster.workloads() {
        let text = |pointer: &str| object.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default();
        let name = format!("{} {}", text("/kind"), text("/metadata/name"));
        if object.pointer("/spec/paused").is_some_and(|p| *p == true) {
            notes.push(format!("{name} is resumed (spec.paused is true)"));
        }
        if object.pointer("/spec/replicas").is_some_and(|r| *r == 0) {
            notes.push(format!("{name} is scaled up (spec.replicas is 0)"));
        }
        if text("/spec/updateStrategy/type") == "OnDelete" {
            notes.push(format!("pods of {name} are deleted by hand (updateStrategy is OnDelete)"));
        }
        if object
            .pointer("/spec/updateStrategy/rollingUpdate/partition")
            .and_then(serde_json::Value::as_i64)
            .unwrap_or_default()
            > 0
        {
            notes.push(format!("the partition of {name} is lowered to 0"));
        }
    }
    cluster.assumptions.extend(notes);
}

/// A rendering has neither claims nor finalizers, which belong to one cluster and one time. Mounted files
/// of ours count as done.
fn adopt(cluster: &mut Cluster) {
    let world = cluster.world();
    for (kind, meta, tenure) in world.tenures() {
        take_over(cluster, kind, meta, tenure);
    }
}

fn take_over(cluster: &mut Cluster, kind: ResourceKind, meta: &Meta, tenure: &Tenure) {
    let (Ok(target), Ok(applied)) = (&tenure.target, &tenure.applied) else { return };
    let Some(mount) = &applied.mount else { return };
    let workload = &target.workload;
    if Claim::on(workload).is_some_and(|claim| !claim.is_by(kind) || claim.key != meta.key) {
        return;
    }
    let claim = Claim::new(kind, meta);
    let id = Id { kind: workload.kind.to_string(), key: workload.meta.key.clone() };
    if let Some(mut object) = cluster.objects.get(&id).cloned() {
        annotate(&mut object, annotations::CLAIM, Some(&claim.to_string()));
        if let Err(problem) = cluster.put(id, object) {
            cluster.assumptions.push(format!(
                "{} keeps its claim: {}",
                describe(workload.kind, &workload.meta.key),
                problem.message()
            ));
        }
    }
    cluster.edit(&ResourceId::new(kind, &meta.key), |finalizer| *finalizer = true);
    let purpose = BTreeMap::from([(annotations::FOR.to_owned(), Some(Purpose::Files(kind).note(workload)))]);
    let key = Key::new(workload.meta.key.namespace.clone(), mount.config_map.clone());
    if let Err(problem) = cluster.annotate(&key, &purpose) {
        cluster.assumptions.push(format!("ConfigMap {key} belongs to no resource: {}", problem.message()));
    }
}
