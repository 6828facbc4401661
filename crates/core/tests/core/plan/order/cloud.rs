//! The toy cluster, as it is at first.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::web::Origin;
use direct_upload_api::{DirectUpload, GlanceRef, GlanceSpec, HorizonSpec, Region, WorkloadKind};
use direct_upload_core::model::{
    Answers, Container, Custom, Ingress, IngressPath, IngressRule, IngressTls, Key, Meta, Namespace, PodTemplate,
    Service, Snapshot, Workload,
};
use jiff::Timestamp;
use serde_json::json;

use super::{BY_HAND, GLANCES, HORIZONS, NAMES, RETIRE, WIDE};

pub struct Cloud {
    pub snapshot: Snapshot,
    pub now: Timestamp,
    pub pods: u32,
    /// Where [`WIDE`] has its second region.
    pub second: bool,
    /// Glances that somebody replaced by a file without our fields, and pods of that are still about.
    pub wiped: BTreeSet<&'static str>,
    /// Origins that a roll of a Glance which the operator began takes away.
    pub departing: BTreeMap<&'static str, BTreeSet<Origin>>,
    /// When each origin was last needed at a Glance by a pod that uploads directly.
    pub needed: BTreeMap<(&'static str, Origin), Timestamp>,
}

pub fn key(name: &str) -> Key {
    Key::new("cloud", name)
}

pub fn meta(name: &str) -> Meta {
    Meta { key: key(name), uid: name.to_owned(), generation: 1, ..Meta::default() }
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
        "cors": {"retireAfter": format!("{RETIRE}s"), "allowedOrigins": origins}, "rollout": {"minInterval": "20s"},
        "deletion": {"timeout": "100000h"},
    });
    if required {
        spec["imageImport"] = json!({"required": true, "metadata": {"properties": {"imported": "yes"}}});
    }
    serde_json::from_value(spec).unwrap()
}

impl Cloud {
    pub fn new() -> Self {
        let mut cloud = Self {
            snapshot: Snapshot { answers: Answers::Given(BTreeMap::new()), ..Snapshot::complete() },
            now: Timestamp::UNIX_EPOCH,
            pods: 0,
            second: true,
            wiped: BTreeSet::new(),
            departing: BTreeMap::new(),
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
                template: PodTemplate { labels: labels.clone(), containers: vec![container], ..PodTemplate::default() },
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

    /// A name of its own, or as the last number a path of the first Glance's.
    pub fn host(&mut self, name: &str, number: u8) {
        match number {
            3 => self.expose(name, "glance0.example.com".into(), &format!("/{name}")),
            _ => self.expose(name, format!("{name}{number}.example.com"), "/"),
        }
    }

    pub fn expose(&mut self, name: &str, host: String, path: &str) {
        let path = IngressPath { path: path.into(), service: name.to_owned(), exact: false };
        let ingress = Ingress {
            meta: meta(name),
            rules: vec![IngressRule { host: Some(host), paths: vec![path] }],
            tls: vec![IngressTls::default()],
            ..Ingress::default()
        };
        self.snapshot.ingresses.insert(key(name), ingress);
    }
}
