//! The toy cluster, as it is at first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use direct_upload_api::web::Origin;
use direct_upload_api::{DirectUpload, GlanceRef, GlanceSpec, HorizonSpec, Region, WorkloadKind};
use direct_upload_core::model::{
    Container, Custom, Ingress, IngressPath, IngressRule, IngressTls, Key, Kind, Meta, Namespace, PodTemplate,
    ProbeTarget, Service, Snapshot, Unknown, Workload,
};
use jiff::Timestamp;
use serde_json::json;

use super::{BY_HAND, GLANCES, HORIZONS, INTERVAL, NAMES, RETIRE, WIDE};

#[derive(Clone)]
pub struct Cloud {
    /// The facts.
    pub snapshot: Snapshot,
    /// What the operator cannot see of it.
    pub blind: BTreeMap<Kind, Blindness>,
    pub now: Timestamp,
    pub pods: u32,
    /// Where [`WIDE`] has its second region.
    pub second: bool,
    /// Glances that somebody replaced by a file without our fields, and pods of that are still about.
    pub wiped: BTreeSet<&'static str>,
    /// Origins that a Glance's roll removes, which the operator started.
    pub departing: BTreeMap<&'static str, BTreeSet<Origin>>,
    /// What a Glance mounted, without its list of origins, when it last answered.
    pub answered: BTreeMap<Arc<ProbeTarget>, String>,
    /// When each origin was last needed at a Glance by a pod that uploads directly.
    pub needed: BTreeMap<(&'static str, Origin), Timestamp>,
}

pub fn key(name: &str) -> Key {
    Key::new("cloud", name)
}

pub fn meta(name: &str) -> Meta {
    Meta { key: key(name), uid: name.to_owned(), generation: 1, ..Meta::default() }
}

/// Why the operator does not see a kind.
#[derive(Clone, Copy, Debug)]
pub enum Blindness {
    /// It has just started, and has seen some of it.
    Starting,
    /// It may not read the kind any more, and keeps what it saw last.
    Refused,
}

/// One region with a name of its own for [`WIDE`], or two.
pub fn direct_upload(horizon: &str, second: bool) -> DirectUpload {
    let glance_ref = |name: &str| Some(GlanceRef { name: name.into(), namespace: None });
    if horizon != WIDE {
        return DirectUpload { glance_ref: glance_ref("glance"), ..DirectUpload::default() };
    }
    let region =
        |name: &&str| Region { name: format!("region-{name}"), glance_ref: glance_ref(name), glance_endpoint: None };
    let regions = GLANCES.iter().take(if second { 2 } else { 1 }).map(region).collect();
    DirectUpload { regions, ..DirectUpload::default() }
}

pub fn glance_spec(required: bool, by_hand: bool) -> GlanceSpec {
    let origins: &[&str] = if by_hand { &[BY_HAND] } else { &[] };
    let mut spec = json!({
        "cors": {"retireAfter": format!("{RETIRE}s"), "allowedOrigins": origins}, "rollout": {"minInterval": format!("{INTERVAL}s")},
        "deletion": {"timeout": "100000h"},
    });
    if required {
        spec["imageImport"] = json!({"required": true, "metadata": {"properties": {"imported": "yes"}}});
    }
    serde_json::from_value(spec).unwrap()
}

impl Cloud {
    pub fn new() -> Self {
        let mut snapshot = Snapshot::unseen();
        for kind in Kind::ALL {
            snapshot.set_known(*kind, &[String::new()], &Ok(()));
        }
        let mut cloud = Self {
            snapshot,
            blind: BTreeMap::new(),
            now: Timestamp::UNIX_EPOCH,
            pods: 0,
            second: true,
            wiped: BTreeSet::new(),
            departing: BTreeMap::new(),
            answered: BTreeMap::new(),
            needed: BTreeMap::new(),
        };
        let namespace =
            Namespace { meta: Meta { key: Key::new("", "cloud"), ..Meta::default() }, ..Namespace::default() };
        cloud.snapshot.namespaces.insert(Key::new("", "cloud"), namespace);
        for name in NAMES {
            let labels = BTreeMap::from([("app".to_owned(), name.to_owned())]);
            let container = Container { name: name.to_owned(), ..Container::default() };
            let workload = Workload {
                meta: meta(name),
                kind: WorkloadKind::Deployment,
                selector: Some(labels.clone().into_iter().collect()),
                template: PodTemplate {
                    labels: labels.clone(),
                    containers: vec![container.into()],
                    ..PodTemplate::default()
                },
                replicas: 2,
                ..Workload::default()
            };
            cloud.snapshot.deployments.insert(key(name), workload);
            let service =
                Service { meta: meta(name), selector: Some(labels.into_iter().collect()), ..Service::default() };
            cloud.snapshot.services.insert(key(name), service);
            cloud.host(name, 0);
            cloud.start_pod(name);
            cloud.start_pod(name);
            cloud.count(name);
        }
        for name in GLANCES {
            let spec = Ok(glance_spec(false, false));
            let object = Custom { meta: meta(name), finalizer: false, spec, status: None };
            cloud.snapshot.glances.insert(key(name), object);
        }
        for name in HORIZONS {
            let mut spec = HorizonSpec::default();
            spec.deletion.timeout = "100000h".parse().ok();
            spec.direct_upload = direct_upload(name, true);
            let object = Custom { meta: meta(name), finalizer: false, spec: Ok(spec), status: None };
            cloud.snapshot.horizons.insert(key(name), object);
        }
        cloud
    }

    /// What the operator sees.
    pub fn seen(&self) -> Snapshot {
        let mut seen = self.snapshot.clone();
        for (kind, blindness) in &self.blind {
            let pending = matches!(blindness, Blindness::Starting);
            let why = Unknown { why: format!("{kind:?} objects cannot be seen"), pending };
            seen.set_known(*kind, &[String::new()], &Err(why));
            if pending {
                for key in self.keys().iter().skip(1) {
                    seen.remove(*kind, key);
                }
            }
        }
        seen
    }

    /// Names of all objects that there may be.
    fn keys(&self) -> Vec<Key> {
        let pods = self.snapshot.pods.all().map(|(key, _)| key);
        let config_maps = self.snapshot.config_maps.all().map(|(key, _)| key);
        let jobs = self.snapshot.jobs.all().map(|(key, _)| key);
        let made = pods.chain(config_maps).chain(jobs).cloned();
        NAMES.iter().map(|name| key(name)).chain([Key::new("", "cloud")]).chain(made).collect()
    }

    /// Its own name; for the last number, a path of the first Glance's name.
    pub fn host(&mut self, name: &str, number: u8) {
        match number {
            3 => self.expose(name, "glance0.example.com".into(), &format!("/{name}")),
            _ => self.expose(name, format!("{name}{number}.example.com"), "/"),
        }
    }

    pub fn expose(&mut self, name: &str, host: String, path: &str) {
        let path = IngressPath { path: path.into(), service: name.to_owned(), exact: false, port: String::new() };
        let ingress = Ingress {
            meta: meta(name),
            rules: vec![IngressRule { host: Some(host), paths: vec![path] }],
            tls: vec![IngressTls::default()],
            ..Ingress::default()
        };
        self.snapshot.ingresses.insert(key(name), ingress);
    }
}
