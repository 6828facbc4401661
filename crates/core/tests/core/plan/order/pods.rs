//! Workloads and their pods: what the controllers of a cluster do.

use std::collections::BTreeMap;
use std::sync::Arc;

use direct_upload_core::model::{Job, Owner, Pod, PreStop, Volume, VolumeMount, VolumeSource, Workload};
use direct_upload_core::workload::{CONFIG_VOLUME, Mount, annotations};

use super::cloud::{Cloud, key, meta};

impl Cloud {
    pub fn workload(&self, name: &str) -> Workload {
        (**self.snapshot.deployments.get(&key(name)).unwrap().unwrap()).clone()
    }

    pub fn pods(&self, name: &str) -> Vec<Pod> {
        let of = |pod: &Pod| pod.labels.get("app").is_some_and(|app| app == name);
        self.snapshot.pods.seen("cloud").filter(|p| of(p)).map(|p| (**p).clone()).collect()
    }

    pub fn start_pod(&mut self, name: &str) {
        let workload = self.workload(name);
        self.pods += 1;
        let pod_name = format!("{name}-{}", self.pods);
        let config_map = Mount::observed(&workload).map(|m| m.config_map);
        let labels = workload.template.labels;
        let owner = Some(Owner { kind: "ReplicaSet".into(), uid: "of-a-set-that-is-not-seen".into() });
        let pod = Pod { meta: meta(&pod_name), labels, owner, config_map, ready: true, ..Pod::default() };
        self.snapshot.pods.insert(key(&pod_name), pod);
    }

    /// As the Deployment controller would: the numbers follow the pods.
    pub fn count(&mut self, name: &str) {
        let mut workload = self.workload(name);
        let wanted = Mount::observed(&workload).map(|m| m.config_map);
        let pods = self.pods(name);
        workload.status.observed_generation = workload.meta.generation;
        workload.status.replicas = 2;
        workload.status.ready = 2;
        workload.status.updated = i32::try_from(pods.iter().filter(|p| p.config_map == wanted).count()).unwrap();
        self.snapshot.deployments.insert(key(name), workload);
    }

    pub fn replace_pod(&mut self, name: &str) {
        let wanted = Mount::observed(&self.workload(name)).map(|m| m.config_map);
        if let Some(old) = self.pods(name).into_iter().find(|p| p.config_map != wanted) {
            self.snapshot.pods.remove(&old.meta.key);
            self.start_pod(name);
        }
        self.count(name);
    }

    pub fn rehearsals(&mut self) {
        let jobs: Vec<Job> = self.snapshot.jobs.seen("cloud").map(|j| (**j).clone()).collect();
        for job in jobs {
            let key = job.meta.key.clone();
            // One that reads the catalog is remembered for a day.
            let reads_catalog = job.meta.ours.get(annotations::FOR).is_some_and(|of| of.starts_with("Catalog/"));
            if job.outcome.is_some() {
                if !reads_catalog {
                    self.snapshot.jobs.remove(&key);
                }
            } else {
                self.snapshot.jobs.insert(key, Job { outcome: Some(Ok(())), ..job });
            }
        }
    }

    pub fn set_mount(&mut self, name: &str, mount: Option<&Mount>) {
        let mut workload = self.workload(name);
        workload.meta.generation += 1;
        workload.meta.ours = mount.map(|m| m.annotations.clone()).unwrap_or_default();
        workload.template.volumes = mount
            .map(|m| Volume {
                name: CONFIG_VOLUME.into(),
                source: VolumeSource::ConfigMap { name: m.config_map.clone(), items: BTreeMap::new() },
            })
            .into_iter()
            .collect();
        let mounted = mount.map(|m| m.mounted.clone()).unwrap_or_default();
        let mount_of = |(path, file): (String, String)| VolumeMount {
            volume: CONFIG_VOLUME.into(),
            path,
            sub_path: Some(file),
            read_only: true,
        };
        Arc::make_mut(&mut workload.template.containers[0]).mounts = mounted.into_iter().map(mount_of).collect();
        Arc::make_mut(&mut workload.template.containers[0]).pre_stop =
            mount.and_then(|m| m.pre_stop).map(PreStop::Ours);
        self.snapshot.deployments.insert(key(name), workload);
    }
}
