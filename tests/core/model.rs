//! The order, as a property: whatever people do and whenever the operator is killed, none of its
//! steps takes an origin away from a dashboard that uploads directly, and in the end all is as asked.
//!
//! A toy cluster of two Glances, each of a region, and two Horizons, one of which serves both regions
//! at times, whose pods are replaced one by one, is driven by random events through the real
//! derivation and the real plans.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::web::Origin;
use direct_upload_api::{DirectUpload, GlanceRef, GlanceSpec, HorizonSpec, Region, Rule, WorkloadKind};
use direct_upload_core::derive::World;
use direct_upload_core::model::{
    Answers, Cause, ConfigMap, Container, Custom, Ingress, IngressPath, IngressRule, IngressTls, Job, Key, Meta,
    Namespace, Pod, PodTemplate, PreStop, ProbeAnswer, ProbeTarget, Service, Snapshot, Standing, Volume, VolumeMount,
    VolumeSource, Workload,
};
use direct_upload_core::plan::{self, Action, Options, Plan};
use direct_upload_core::render::effects;
use direct_upload_core::workload::{CONFIG_VOLUME, Mount, annotations};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use crate::offline::origins_in;

const NAMES: [&str; 4] = ["glance", "far", "one", "two"];
const GLANCES: [&str; 2] = ["glance", "far"];
const HORIZONS: [&str; 2] = ["one", "two"];
/// The Horizon that may have a second region, at the second Glance.
const WIDE: &str = "two";
/// `cors.retireAfter` of the toy Glance, in seconds.
const RETIRE: i64 = 100;
/// An origin that a Glance may accept by its own spec: that of the first Horizon's first host.
const BY_HAND: &str = "https://one0.example.com";

#[derive(Clone, Debug)]
enum Event {
    /// The operator works on a resource, and is killed after so many steps.
    Reconcile(usize, usize),
    /// One pod of a workload is replaced by one of the template as it stands.
    Replace(usize),
    /// Rehearsals that run pass; those that have passed are forgotten.
    Rehearsals,
    Host(usize, u8),
    Enable(usize, bool),
    /// The second region comes, or leaves.
    Region(bool),
    /// A Glance requires that every image passes its plugins, or no longer; and whether it accepts
    /// [`BY_HAND`].
    Import {
        glance: usize,
        required: bool,
        by_hand: bool,
    },
    Delete(usize),
    /// Somebody replaces a workload by a file without our fields.
    Wipe(usize),
    /// Somebody takes our annotations off a workload, and leaves the mounts.
    Unclaim(usize),
    Wait(i64),
    /// Preflights come to a verdict, which may have lasted; or the path is broken on its way.
    Probe {
        broken: bool,
        firm: bool,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let all = 0usize..4;
    let horizon = 2usize..4;
    prop_oneof![
        8 => (all.clone(), 1usize..8).prop_map(|(who, steps)| Event::Reconcile(who, steps)),
        6 => all.clone().prop_map(Event::Replace),
        6 => Just(Event::Rehearsals),
        2 => any::<bool>().prop_map(Event::Region),
        2 => (horizon.clone(), 0u8..4).prop_map(|(who, host)| Event::Host(who, host)),
        1 => (horizon, any::<bool>()).prop_map(|(who, on)| Event::Enable(who, on)),
        2 => (0usize..2, any::<bool>(), any::<bool>())
            .prop_map(|(glance, required, by_hand)| Event::Import { glance, required, by_hand }),
        1 => all.clone().prop_map(Event::Delete),
        1 => all.clone().prop_map(Event::Wipe),
        1 => all.prop_map(Event::Unclaim),
        3 => (1i64..150).prop_map(Event::Wait),
        5 => (prop::bool::weighted(0.2), any::<bool>()).prop_map(|(broken, firm)| Event::Probe { broken, firm }),
    ]
}

struct Cloud {
    snapshot: Snapshot,
    now: Timestamp,
    pods: u32,
    /// Where [`WIDE`] has its second region.
    second: bool,
    /// Glances that somebody replaced by a file without our fields, and pods of that are still about.
    wiped: BTreeSet<&'static str>,
    /// Origins that a roll of a Glance which the operator began takes away.
    departing: BTreeMap<&'static str, BTreeSet<Origin>>,
    /// When each origin was last needed at a Glance by a pod that uploads directly.
    needed: BTreeMap<(&'static str, Origin), Timestamp>,
}

fn key(name: &str) -> Key {
    Key::new("cloud", name)
}

fn refuses(text: &str) -> bool {
    text.contains(r#""upload_image": "!""#)
}

fn meta(name: &str) -> Meta {
    Meta { key: key(name), uid: name.to_owned(), generation: 1, ..Meta::default() }
}

/// One region with a name of its own for [`WIDE`], or two.
fn direct_upload(horizon: &str, second: bool) -> DirectUpload {
    let glance_ref = |name: &str| Some(GlanceRef { name: name.into(), namespace: None });
    if horizon != WIDE {
        return DirectUpload { glance_ref: glance_ref("glance"), ..DirectUpload::default() };
    }
    let region =
        |name: &&str| Region { name: format!("region-{name}"), glance_ref: glance_ref(name), glance_endpoint: None };
    let regions = GLANCES.iter().take(if second { 2 } else { 1 }).map(region).collect();
    DirectUpload { regions, ..DirectUpload::default() }
}

fn glance_spec(required: bool, by_hand: bool) -> GlanceSpec {
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
    fn new() -> Self {
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
    fn host(&mut self, name: &str, number: u8) {
        match number {
            3 => self.expose(name, "glance0.example.com".into(), &format!("/{name}")),
            _ => self.expose(name, format!("{name}{number}.example.com"), "/"),
        }
    }

    fn expose(&mut self, name: &str, host: String, path: &str) {
        let path = IngressPath { path: path.into(), service: name.to_owned(), exact: false };
        let ingress = Ingress {
            meta: meta(name),
            rules: vec![IngressRule { host: Some(host), paths: vec![path] }],
            tls: vec![IngressTls::default()],
            ..Ingress::default()
        };
        self.snapshot.ingresses.insert(key(name), ingress);
    }

    fn workload(&self, name: &str) -> Workload {
        (**self.snapshot.deployments.get(&key(name)).unwrap().unwrap()).clone()
    }

    fn pods(&self, name: &str) -> Vec<Pod> {
        let of = |pod: &Pod| pod.labels.get("app").is_some_and(|app| app == name);
        self.snapshot.pods.seen("cloud").filter(|p| of(p)).map(|p| (**p).clone()).collect()
    }

    fn start_pod(&mut self, name: &str) {
        let workload = self.workload(name);
        self.pods += 1;
        let pod_name = format!("{name}-{}", self.pods);
        let config_map = Mount::observed(&workload).map(|m| m.config_map);
        let labels = workload.template.labels;
        let pod = Pod { meta: meta(&pod_name), labels, config_map, ready: true, ..Pod::default() };
        self.snapshot.pods.insert(key(&pod_name), pod);
    }

    /// As the Deployment controller would: the numbers follow the pods.
    fn count(&mut self, name: &str) {
        let mut workload = self.workload(name);
        let wanted = Mount::observed(&workload).map(|m| m.config_map);
        let pods = self.pods(name);
        workload.status.observed_generation = workload.meta.generation;
        workload.status.replicas = 2;
        workload.status.ready = 2;
        workload.status.updated = i32::try_from(pods.iter().filter(|p| p.config_map == wanted).count()).unwrap();
        self.snapshot.deployments.insert(key(name), workload);
    }

    fn replace_pod(&mut self, name: &str) {
        let wanted = Mount::observed(&self.workload(name)).map(|m| m.config_map);
        if let Some(old) = self.pods(name).into_iter().find(|p| p.config_map != wanted) {
            self.snapshot.pods.remove(&old.meta.key);
            self.start_pod(name);
        }
        self.count(name);
    }

    fn rehearsals(&mut self) {
        let jobs: Vec<Job> = self.snapshot.jobs.seen("cloud").map(|j| (**j).clone()).collect();
        for job in jobs {
            let key = job.meta.key.clone();
            if job.outcome.is_some() {
                self.snapshot.jobs.remove(&key);
            } else {
                self.snapshot.jobs.insert(key, Job { outcome: Some(Ok(())), ..job });
            }
        }
    }

    fn set_mount(&mut self, name: &str, mount: Option<&Mount>) {
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
        workload.template.containers[0].mounts = mounted.into_iter().map(mount_of).collect();
        workload.template.containers[0].pre_stop = mount.and_then(|m| m.pre_stop).map(PreStop::Ours);
        self.snapshot.deployments.insert(key(name), workload);
    }

    fn plan(&self, who: usize) -> Option<Plan> {
        let world = World::of(&self.snapshot);
        let options = Options { image: "image".into() };
        if who < GLANCES.len() {
            return world.glances.get(&key(NAMES[who])).map(|v| plan::glance(v, self.now, &options).0);
        }
        world.horizons.get(&key(NAMES[who])).map(|v| plan::horizon(v, self.now, &options))
    }

    fn carry_out(&mut self, who: usize, action: &Action) {
        match action {
            Action::AddFinalizer => self.set_finalizer(who, true),
            Action::RemoveFinalizer => self.set_finalizer(who, false),
            Action::ApplyConfigMap(draft) => {
                let mut meta = meta(&draft.key.name);
                meta.ours.clone_from(&draft.annotations);
                let config_map =
                    ConfigMap { meta, managed: true, data: draft.data.clone(), effects: effects(&draft.data) };
                self.snapshot.config_maps.insert(draft.key.clone(), config_map);
            }
            Action::Annotate { config_map, annotations } => {
                let mut object = (**self.snapshot.config_maps.get(config_map).unwrap().unwrap()).clone();
                for (name, value) in annotations {
                    match value {
                        Some(value) => drop(object.meta.ours.insert(name.clone(), value.clone())),
                        None => drop(object.meta.ours.remove(name)),
                    }
                }
                self.snapshot.config_maps.insert(config_map.clone(), object);
            }
            Action::Mount { workload, mount } | Action::Claim { workload, mount } => {
                let name = workload.meta.key.name.clone();
                if let Some(glance) = GLANCES.iter().find(|g| **g == name) {
                    let text = self.text(Some(&mount.config_map));
                    self.let_go(glance, &origins_in(&text));
                    if refuses(&text) {
                        self.let_go_all(glance);
                    }
                }
                self.set_mount(&name, Some(mount));
            }
            Action::SwitchMode { workload, mount } => {
                let name = workload.meta.key.name.clone();
                for glance in self.served(&name) {
                    let takes = self.takes(glance);
                    let enough = self.origins(&name).is_subset(&takes);
                    assert!(enough, "{name} switches, but {glance} takes uploads from {takes:?}");
                    assert!(!self.refuses(glance), "{name} switches, but {glance} refuses uploads");
                }
                assert!(self.is_direct(&name) || self.is_proven(&name), "{name} switches, and nothing has proven it");
                self.set_mount(&name, Some(mount));
            }
            Action::Release { workload } => {
                let name = workload.meta.key.name.clone();
                if let Some(glance) = GLANCES.iter().find(|g| **g == name) {
                    self.let_go(glance, &BTreeSet::new());
                }
                self.set_mount(&name, None);
            }
            Action::Collect { config_map } => drop(self.snapshot.config_maps.remove(config_map)),
            Action::Rehearse(draft) => {
                let mut meta = meta(&draft.key.name);
                meta.ours.insert(annotations::FOR.to_owned(), format!("{}/{}", draft.kind, draft.workload.meta.uid));
                self.snapshot.jobs.insert(draft.key.clone(), Job { meta, outcome: None });
            }
            Action::Probe
            | Action::AwaitProof
            | Action::AwaitRehearsal { .. }
            | Action::AwaitRollout { .. }
            | Action::AwaitGlance { .. }
            | Action::AwaitHorizons
            | Action::Adjust(_) => {}
        }
    }

    /// Without its finalizer an object that is being deleted is gone.
    fn set_finalizer(&mut self, who: usize, on: bool) {
        let key = key(NAMES[who]);
        if who < GLANCES.len() {
            let mut object = (**self.snapshot.glances.get(&key).unwrap().unwrap()).clone();
            object.finalizer = on;
            self.snapshot.glances.insert(key.clone(), object.clone());
            if !on && object.meta.deleting.is_some() {
                self.snapshot.glances.remove(&key);
            }
        } else {
            let mut object = (**self.snapshot.horizons.get(&key).unwrap().unwrap()).clone();
            object.finalizer = on;
            self.snapshot.horizons.insert(key.clone(), object.clone());
            if !on && object.meta.deleting.is_some() {
                self.snapshot.horizons.remove(&key);
            }
        }
    }

    fn delete(&mut self, who: usize) {
        let key = key(NAMES[who]);
        let now = self.now;
        let finalizer = if who < GLANCES.len() {
            let Some(object) = self.snapshot.glances.get(&key).unwrap().cloned() else { return };
            let mut object = (*object).clone();
            object.meta.deleting.get_or_insert(now);
            let finalizer = object.finalizer;
            self.snapshot.glances.insert(key.clone(), object);
            finalizer
        } else {
            let Some(object) = self.snapshot.horizons.get(&key).unwrap().cloned() else { return };
            let mut object = (*object).clone();
            object.meta.deleting.get_or_insert(now);
            let finalizer = object.finalizer;
            self.snapshot.horizons.insert(key.clone(), object);
            finalizer
        };
        if !finalizer {
            let _ = (self.snapshot.glances.remove(&key), self.snapshot.horizons.remove(&key));
        }
    }

    fn enable(&mut self, who: usize, on: bool) {
        let key = key(NAMES[who]);
        let Some(object) = self.snapshot.horizons.get(&key).unwrap().cloned() else { return };
        let mut object = (*object).clone();
        if let Ok(spec) = &mut object.spec {
            spec.direct_upload.enabled = on;
        }
        object.meta.generation += 1;
        self.snapshot.horizons.insert(key, object);
    }

    fn import(&mut self, glance: &str, required: bool, by_hand: bool) {
        let Some(object) = self.snapshot.glances.get(&key(glance)).unwrap().cloned() else { return };
        let mut object = (*object).clone();
        object.spec = Ok(glance_spec(required, by_hand));
        object.meta.generation += 1;
        self.snapshot.glances.insert(key(glance), object);
    }

    /// Whether a Glance that is there is to refuse uploads, and which origins it accepts in any case.
    fn asked(&self, glance: &str) -> (bool, BTreeSet<Origin>) {
        let object = self.snapshot.glances.get(&key(glance)).unwrap();
        let Some(spec) = object.as_ref().and_then(|o| o.spec.as_ref().ok()) else { return (false, BTreeSet::new()) };
        let by_hand = spec.cors.allowed_origins.iter().map(|_| Origin::parse(BY_HAND).unwrap()).collect();
        (spec.image_import.is_some(), by_hand)
    }

    fn region(&mut self, second: bool) {
        self.second = second;
        let Some(object) = self.snapshot.horizons.get(&key(WIDE)).unwrap().cloned() else { return };
        let mut object = (*object).clone();
        if let Ok(spec) = &mut object.spec {
            let enabled = spec.direct_upload.enabled;
            spec.direct_upload = DirectUpload { enabled, ..direct_upload(WIDE, second) };
        }
        object.meta.generation += 1;
        self.snapshot.horizons.insert(key(WIDE), object);
    }

    /// The Glances that a dashboard's users upload to.
    fn served(&self, horizon: &str) -> &'static [&'static str] {
        if horizon == WIDE && self.second { &GLANCES } else { &GLANCES[..1] }
    }

    /// What a config map of ours says, as the program that reads it would take it.
    fn text(&self, config_map: Option<&String>) -> String {
        let found = config_map.and_then(|name| self.snapshot.config_maps.get(&key(name)).unwrap());
        found.map(|c| c.data.values().cloned().collect::<String>()).unwrap_or_default()
    }

    /// Origins that every pod of a Glance accepts.
    fn accepted(&self, glance: &str) -> BTreeSet<Origin> {
        let of = |pod: &Pod| origins_in(&self.text(pod.config_map.as_ref()));
        let all: Vec<_> = self.pods(glance).iter().map(of).collect();
        let mut accepted = all[0].clone();
        accepted.retain(|origin| all.iter().all(|pod| pod.contains(origin)));
        accepted
    }

    /// Those, and its own.
    fn takes(&self, glance: &str) -> BTreeSet<Origin> {
        &self.accepted(glance) | &self.origins(glance)
    }

    /// Whether a pod of a Glance refuses every upload.
    fn refuses(&self, glance: &str) -> bool {
        self.pods(glance).iter().any(|pod| refuses(&self.text(pod.config_map.as_ref())))
    }

    fn is_bare(&self, glance: &str) -> bool {
        Mount::observed(&self.workload(glance)).is_none() || self.pods(glance).iter().any(|p| p.config_map.is_none())
    }

    fn origins(&self, horizon: &str) -> BTreeSet<Origin> {
        let ingress = self.snapshot.ingresses.get(&key(horizon)).unwrap().unwrap();
        let hosts = ingress.rules.iter().filter_map(|r| r.host.as_deref());
        hosts.map(|host| Origin::from_parts(true, host, None).unwrap()).collect()
    }

    fn direct_pods(&self, horizon: &str) -> usize {
        self.pods(horizon).iter().filter(|p| self.text(p.config_map.as_ref()).contains("'direct'")).count()
    }

    /// Whether its workload or a pod sets `direct`.
    fn is_direct(&self, horizon: &str) -> bool {
        let mounted = Mount::observed(&self.workload(horizon)).map(|m| m.config_map);
        self.text(mounted.as_ref()).contains("'direct'") || self.direct_pods(horizon) > 0
    }

    /// Whether preflights pass for each of its origins, against each Glance as it is configured now.
    fn is_proven(&self, horizon: &str) -> bool {
        let view = &World::of(&self.snapshot).horizons[&key(horizon)];
        let granted = |name: &&str, q: &ProbeTarget| {
            // Of the same origin, nothing has to be mounted.
            let glance = Some(Mount::observed(&self.workload(name)).map(|m| m.config_map).unwrap_or_default());
            let standing = self.snapshot.answers.get(q, &glance);
            standing.is_some_and(|s| matches!(s.verdict, ProbeAnswer::Granted(_)) && Some(&s.epoch) == glance.as_ref())
        };
        let proven = |name: &&str| {
            let host = format!("{name}0.example.com");
            let at = |q: &&ProbeTarget| q.endpoint.origin().host() == host;
            let questions: Vec<_> = view.destinations.iter().flat_map(|d| &d.questions).filter(at).collect();
            !questions.is_empty() && questions.iter().all(|q| granted(name, q))
        };
        self.served(horizon).iter().all(proven)
    }

    /// Asks as the operator does, and answers as Glance's pods would.
    fn probe(&mut self, broken: bool, firm: bool) {
        for (question, epoch) in World::of(&self.snapshot).questions() {
            let Some(epoch) = epoch else { continue };
            let host = question.endpoint.origin().host();
            let glance = GLANCES.iter().find(|name| host.starts_with(**name)).unwrap();
            let takes = self.takes(glance);
            let refused = Cause {
                rule: Some(Rule::OriginMissing),
                requirement: "allow-origin".into(),
                message: String::new(),
                received: String::new(),
                fix: String::new(),
            };
            let verdict = if broken || !takes.contains(&question.origin) {
                ProbeAnswer::Refused(refused)
            } else {
                ProbeAnswer::Granted(vec![])
            };
            self.snapshot.answers.set(question, Some(Standing { verdict, epoch, firm }));
        }
    }

    /// Dashboards with a direct pod that uploads to a Glance.
    fn direct_at<'a>(&'a self, glance: &'a str) -> impl Iterator<Item = &'static str> + 'a {
        HORIZONS.into_iter().filter(move |h| self.served(h).contains(&glance) && self.direct_pods(h) > 0)
    }

    /// Origins from which such a one is loaded now; but for the Glance's own, which need no leave.
    fn in_need(&self, glance: &str) -> BTreeSet<Origin> {
        let origins: BTreeSet<_> = self.direct_at(glance).flat_map(|h| self.origins(h)).collect();
        &origins - &self.origins(glance)
    }

    /// Runs one event; what the operator or a rollout does must take nothing away that is in need,
    /// or was within `retireAfter`.
    fn run(&mut self, event: &Event) {
        let before = GLANCES.map(|glance| self.accepted(glance));
        for glance in GLANCES {
            let (now, in_need) = (self.now, self.in_need(glance));
            self.needed.extend(in_need.into_iter().map(|o| ((glance, o), now)));
        }
        match event {
            Event::Reconcile(who, steps) => self.reconcile(*who, *steps),
            Event::Replace(who) => self.replace_pod(NAMES[*who]),
            Event::Rehearsals => self.rehearsals(),
            Event::Host(who, number) => self.host(NAMES[*who], *number),
            Event::Enable(who, on) => self.enable(*who, *on),
            Event::Region(second) => self.region(*second),
            Event::Import { glance, required, by_hand } => self.import(GLANCES[*glance], *required, *by_hand),
            Event::Delete(who) => self.delete(*who),
            Event::Wipe(who) => {
                self.set_mount(NAMES[*who], None);
                self.wiped.extend(GLANCES.get(*who));
            }
            Event::Unclaim(who) => {
                let mut workload = self.workload(NAMES[*who]);
                workload.meta.ours.clear();
                self.snapshot.deployments.insert(key(NAMES[*who]), workload);
            }
            Event::Wait(seconds) => self.now += SignedDuration::from_secs(*seconds),
            Event::Probe { broken, firm } => self.probe(*broken, *firm),
        }
        for (glance, before) in GLANCES.into_iter().zip(before) {
            let after = self.accepted(glance);
            // What is lost while somebody else's file stands in Glance is that person's doing.
            let wiped = self.wiped.contains(glance);
            if !self.is_bare(glance) {
                self.wiped.remove(glance);
            }
            for lost in before.difference(&after).filter(|_| !wiped) {
                let let_go = self.departing.get(glance).is_some_and(|origins| origins.contains(lost));
                assert!(let_go, "{event:?} took {lost} from {glance}, which the operator never let go");
            }
        }
    }

    /// The operator decides that a Glance shall accept no more than this. Nobody may need what goes,
    /// or have needed it within `retireAfter`; what people change afterwards comes too late for the
    /// roll that begins here.
    fn let_go(&mut self, glance: &'static str, staying: &BTreeSet<Origin>) {
        let going = self.snapshot.glances.get(&key(glance)).unwrap().is_none_or(|g| g.meta.deleting.is_some());
        let in_need = self.in_need(glance);
        let departing: BTreeSet<_> = self.accepted(glance).difference(staying).cloned().collect();
        self.departing.insert(glance, departing.clone());
        for origin in departing {
            assert!(!in_need.contains(&origin), "{glance} lets {origin} go, and a direct dashboard needs it");
            let last = self.needed.get(&(glance, origin.clone())).copied().unwrap_or(Timestamp::UNIX_EPOCH);
            let age = self.now.duration_since(last).as_secs();
            assert!(going || age >= RETIRE, "{origin} is let go {age} s after its last use");
        }
    }

    /// The operator decides that a Glance shall refuse every upload.
    fn let_go_all(&self, glance: &'static str) {
        let direct: Vec<_> = self.direct_at(glance).collect();
        assert!(direct.is_empty(), "{glance} is to refuse uploads, and {direct:?} is direct");
        for ((_, origin), last) in self.needed.iter().filter(|((at, _), _)| *at == glance) {
            let age = self.now.duration_since(*last).as_secs();
            assert!(age >= RETIRE, "{glance} is to refuse uploads {age} s after the last from {origin}");
        }
    }

    fn reconcile(&mut self, who: usize, steps: usize) {
        let Some(plan) = self.plan(who) else { return };
        let acts = plan.steps.into_iter().take_while(|s| !s.action.waits()).take(steps);
        for step in acts {
            self.carry_out(who, &step.action);
        }
    }

    /// Lets everything come to rest. Each plan must come to an end.
    fn settle(&mut self) {
        for _ in 0..30 {
            for (who, name) in NAMES.iter().enumerate() {
                self.run(&Event::Reconcile(who, 20));
                self.run(&Event::Rehearsals);
                self.run(&Event::Reconcile(who, 20));
                self.run(&Event::Replace(who));
                self.count(name);
            }
            self.run(&Event::Probe { broken: false, firm: true });
            self.run(&Event::Wait(25));
        }
        for (who, name) in NAMES.iter().enumerate() {
            let steps = self.plan(who).map(|p| p.steps).unwrap_or_default();
            assert!(steps.is_empty(), "{name} never comes to rest: {steps:?}");
        }
    }
}

/// A hundred courses; `PROPTEST_CASES=1000` takes more.
fn config() -> ProptestConfig {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() { config } else { ProptestConfig { cases: 100, ..config } }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_step_takes_away_what_is_needed(events in proptest::collection::vec(event(), 1..60)) {
        let mut cloud = Cloud::new();
        for event in &events {
            cloud.run(event);
        }
        cloud.settle();

        let lives = |glance: &&str| cloud.snapshot.glances.get(&key(glance)).unwrap().is_some();
        for name in HORIZONS {
            let object = cloud.snapshot.horizons.get(&key(name)).unwrap().cloned();
            let enabled = object.is_some_and(|o| o.spec.as_ref().is_ok_and(|s| s.direct_upload.enabled));
            let all = cloud.served(name).iter().all(lives);
            let enabled = enabled && !cloud.served(name).iter().any(|glance| cloud.asked(glance).0);
            // A region that is new, and of which there is no Glance, takes nothing from a direct dashboard.
            let held = enabled && lives(&GLANCES[0]) && !all && cloud.direct_pods(name) == 2;
            let expected = if held || (all && enabled) { 2 } else { 0 };
            prop_assert_eq!(cloud.direct_pods(name), expected, "{} with all={} enabled={}", name, all, enabled);
        }
        for glance in GLANCES {
            let (refused, by_hand) = cloud.asked(glance);
            let asked = if lives(&glance) { &cloud.in_need(glance) | &by_hand } else { BTreeSet::new() };
            prop_assert_eq!(cloud.accepted(glance), asked, "only what is needed stays in {}", glance);
            prop_assert_eq!(cloud.refuses(glance), refused, "uploads to {}", glance);
        }
    }
}

/// An origin that stays by hand is accepted, and the Glance's own needs no leave: questions are answered
/// well while uploads are refused.
#[rstest]
#[case::by_hand(true)]
#[case::own(false)]
fn a_switch_waits_for_the_last_pod_that_refuses(#[case] by_hand: bool) {
    let mut cloud = Cloud::new();
    if !by_hand {
        cloud.host("one", 3);
    }
    cloud.settle();
    assert_eq!(cloud.direct_pods("one"), 2);
    cloud.run(&Event::Import { glance: 0, required: true, by_hand });
    cloud.settle();
    assert_eq!((cloud.refuses("glance"), cloud.direct_pods("one")), (true, 0));

    cloud.run(&Event::Import { glance: 0, required: false, by_hand });
    for _ in 0..3 {
        cloud.run(&Event::Probe { broken: false, firm: true });
        cloud.run(&Event::Reconcile(2, 20));
        cloud.run(&Event::Rehearsals);
    }
    assert!(!cloud.is_direct("one"), "no pod of Glance is new");
    cloud.settle();
    assert_eq!((cloud.refuses("glance"), cloud.direct_pods("one")), (false, 2));
}
