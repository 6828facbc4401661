//! Many resources, counted in the audit log: 50 in CI, or `SCALE` in `make bench`. The tests assert counts,
//! never times.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Cluster, Operator, Site, fixtures, poll, rolled_out};

fn from_env(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}: a number")))
}

/// A cluster with an operator for all of it, and so many namespaces.
pub(crate) struct Scale {
    // Before the cluster: when a test fails its log is shown, which is one of the cluster's files.
    pub(crate) operator: Option<Operator>,
    pub(crate) cluster: Cluster,
    pub(crate) names: Vec<String>,
    patience: Duration,
}

impl Scale {
    fn new(name: &str) -> Self {
        Self::of(name, from_env("SCALE", 50))
    }

    pub(crate) fn of(name: &str, count: usize) -> Self {
        let cluster = Cluster::start(name);
        cluster.install();
        let names: Vec<_> = (0..count).map(|number| format!("{name}-{number:04}")).collect();
        let namespace = |name: &String| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        cluster.create(&names.iter().map(namespace).collect::<Vec<_>>());
        let patience =
            Duration::from_secs(120) + Duration::from_secs(3) * u32::try_from(count).expect("a small number");
        Self { cluster, operator: None, names, patience }
    }

    pub(crate) fn start(&mut self) {
        let operator = Operator::start(&self.cluster, &["--no-leader-election", "--preflight-interval", "60s"]);
        self.operator = Some(operator);
        self.wait("the operator is ready", |s| {
            s.running().http("/readyz").filter(|a| a.starts_with("HTTP/1.1 200")).map(drop)
        });
    }

    pub(crate) fn running(&self) -> &Operator {
        self.operator.as_ref().expect("an operator runs")
    }

    fn wait<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let mut paced = || {
            let found = look(self);
            if found.is_none() {
                std::thread::sleep(Duration::from_millis(400));
            }
            found
        };
        poll(self.patience, &mut paced).unwrap_or_else(|| panic!("waited in vain until {what}\n{}", self.report()))
    }

    /// How many resources are in each state.
    fn report(&self) -> String {
        let mut counts = BTreeMap::<_, usize>::new();
        for kind in ["horizon", "glance"] {
            for object in self.cluster.list("", kind) {
                *counts.entry(format!("{kind} {}", ready(&object))).or_default() += 1;
            }
        }
        format!("{counts:?}")
    }

    /// Waits until every workload runs as its template says.
    pub(crate) fn await_rollouts(&self) {
        self.wait("all workloads are rolled out", |s| {
            s.cluster.list("", "deployment").iter().all(rolled_out).then_some(())
        });
    }

    /// Waits until every resource of a kind says `Ready` like this, of its spec as it stands.
    fn await_all(&self, kind: &str, reason: &str) {
        self.wait(&format!("each {kind} is Ready={reason}"), |s| {
            s.cluster.list("", kind).iter().all(|object| ready(object) == reason).then_some(())
        });
    }

    /// Waits until the operator has had nothing to do for a while.
    pub(crate) fn quiet(&self) {
        let counts = |s: &Self| (s.running().reconciles("Glance"), s.running().reconciles("Horizon"));
        self.wait("the operator has nothing to do", |s| {
            let before = counts(s);
            std::thread::sleep(Duration::from_millis(2500));
            (counts(s) == before).then_some(())
        });
    }

    /// The operator's writes since then by verb and resource, without events and leases.
    pub(crate) fn writes(&self, since: u64) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for entry in self.cluster.requests(since) {
            let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (verb, resource) = (text("/verb"), text("/objectRef/resource"));
            if ["get", "list", "watch"].contains(&verb.as_str()) || ["events", "leases"].contains(&resource.as_str()) {
                continue;
            }
            let subresource = text("/objectRef/subresource");
            let slash = if subresource.is_empty() { "" } else { "/" };
            let code = entry.pointer("/responseStatus/code").and_then(Value::as_u64).unwrap_or_default();
            let refused = if code < 400 { String::new() } else { format!(" refused {code}") };
            *counts.entry(format!("{verb} {resource}{slash}{subresource}{refused}")).or_default() += 1;
        }
        counts
    }

    /// What the operator wrote to statuses since then, line by line.
    fn bodies(&self, since: u64) -> String {
        let statuses = self.cluster.requests(since).into_iter().filter(|r| r["objectRef"]["subresource"] == "status");
        let bodies: Vec<_> = statuses.map(|request| request["requestObject"].to_string()).collect();
        format!("\n{}", bodies.join("\n"))
    }

    /// Writes to one namespace's Deployments.
    fn rolls(&self, namespace: &str, since: u64) -> usize {
        let writes = self.cluster.writes(namespace, since);
        writes.iter().filter(|w| w.resource == "deployments").count()
    }

    fn tell(&self, what: &str, writes: &BTreeMap<String, usize>) {
        let (count, derived) = (self.names.len(), self.running().metric("direct_upload_derivations_total"));
        let (memory, processor) = (self.running().memory(), self.running().processor());
        let connections = self.running().connections();
        eprintln!(
            "scale {count}, {what}: {writes:?}; so far {derived} derivations, {memory} KiB, {processor} hundredths of a second of processors, {connections} connections"
        );
        assert!((1..=CONNECTIONS).contains(&connections), "{connections} connections to the API server");
    }

    /// Nothing is written when nothing changes, nor by a new process.
    fn at_rest(&mut self) {
        let mark = self.cluster.mark();
        let touch = json!({"metadata": {"annotations": {"example.com/note": "touched"}}});
        let namespace = &self.names[0];
        for object in ["deployment/horizon", "ingress/horizon", "horizon/horizon"] {
            self.cluster.edit(namespace, object, &touch);
        }
        self.quiet();
        assert_eq!(self.writes(mark), BTreeMap::new(), "after unrelated annotations");
        drop(self.operator.take());
        self.start();
        self.quiet();
        assert_eq!(self.writes(mark), BTreeMap::new(), "after a new start{}", self.bodies(mark));
    }
}

pub(crate) fn ready(object: &Value) -> String {
    let conditions = object["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let current = object["status"]["observedGeneration"] == object["metadata"]["generation"];
    let reason = conditions.iter().find(|c| c["type"] == "Ready").and_then(|c| c["reason"].as_str());
    reason.filter(|_| current).unwrap_or_default().to_owned()
}

/// The object in a namespace; a workload gets one pod.
pub(crate) fn inside(namespace: &str, mut object: Value) -> Value {
    object["metadata"]["namespace"] = json!(namespace);
    if object["spec"].get("replicas").is_some() {
        object["spec"]["replicas"] = json!(1);
    }
    object
}

pub(crate) fn service(namespace: &str, name: &str, host: &str) -> Vec<Value> {
    let exposed = fixtures::exposed(name, host);
    let all = std::iter::once(fixtures::workload("Deployment", name)).chain(exposed);
    all.map(|object| inside(namespace, object)).collect()
}

/// However many namespaces are watched.
const CONNECTIONS: usize = 32;

/// Writes for one new name: a file, a workload, and both resources' statuses before and after the roll. A preflight
/// that takes longer than the roll, as on a busy machine, adds a status.
const ONE_NAME: usize = 7;

/// What is measured is how much is written, not what rehearsals do.
fn rollout() -> Value {
    json!({"minInterval": "5s", "rehearsal": "Off"})
}

/// What was written: a busy API server's "later" (429) is none.
pub(crate) fn total(writes: &BTreeMap<String, usize>) -> usize {
    writes.iter().filter(|(what, _)| !what.contains(" refused ")).map(|(_, count)| count).sum()
}

fn of(writes: &BTreeMap<String, usize>, what: &str) -> usize {
    writes.get(what).copied().unwrap_or_default()
}

/// One Glance for all Horizons: what comes together is one roll of Glance, and each Horizon costs the
/// same few writes however many there are.
#[test]
fn one_glance() {
    let mut scale = Scale::new("dash");
    let count = scale.names.len();
    let image = Site::on(&scale.cluster, "image").namespace;
    scale.cluster.create(&service(&image, "glance", "glance.example.com"));
    let host = |name: &str| format!("{name}.example.com");
    let clouds = scale.names.iter().flat_map(|name| service(name, "horizon", &host(name)));
    scale.cluster.create(&clouds.collect::<Vec<_>>());
    scale.await_rollouts();
    scale.start();

    let mark = scale.cluster.mark();
    let verification = if count <= 100 { "Required" } else { "Off" };
    let reference = json!({"name": "glance", "namespace": image});
    let upload = json!({"glanceRef": reference, "verification": verification});
    let spec = json!({"directUpload": upload, "rollout": rollout()});
    let horizons = scale.names.iter().map(|name| inside(name, fixtures::horizon("horizon", spec.clone())));
    let allowed = json!({"allowedHorizons": {"namespaces": {"from": "All"}}});
    let glance = fixtures::glance("glance", json!({"cors": allowed, "rollout": rollout()}));
    scale.cluster.create(&horizons.chain([inside(&image, glance)]).collect::<Vec<_>>());
    let good = if count <= 100 { "Verified" } else { "ReadyUnverified" };
    scale.await_all("horizon", good);
    scale.await_all("glance", "RolledOut");
    scale.quiet();
    let writes = scale.writes(mark);
    scale.tell("from nothing", &writes);
    assert_eq!(scale.rolls(&image, mark), 1, "one roll of Glance for all");
    assert_eq!(of(&writes, "patch deployments"), count + 1);
    assert_eq!(of(&writes, "create configmaps"), count + 1);
    assert_eq!(of(&writes, "delete configmaps"), 0);
    assert!(total(&writes) <= 6 * (count + 1), "{writes:?}");
    let status = &scale.cluster.get(&image, "glance/glance").expect("a Glance")["status"];
    assert_eq!((&status["originCount"], &status["namespaceCount"]), (&json!(count), &json!(count)));
    let listed = count.min(100);
    assert_eq!(status["namespaces"].as_array().map(Vec::len), Some(listed), "a status does not grow for ever");
    scale.at_rest();

    // One of them changes its name: the others' objects are not touched.
    let mark = scale.cluster.mark();
    let rename = |name: &str, host: &str| {
        let ingress = fixtures::exposed("horizon", host).swap_remove(1);
        scale.cluster.edit(name, "ingress/horizon", &json!({"spec": ingress["spec"]}));
    };
    let url = |scale: &Scale, name: &str| {
        scale.cluster.get(name, "horizon/horizon").map(|h| h["status"]["publicURL"].clone())
    };
    rename(&scale.names[0], "renamed.example.com");
    scale.wait("the new name is seen", |s| {
        (url(s, &s.names[0]) == Some(json!("https://renamed.example.com"))).then_some(())
    });
    scale.await_all("glance", "RolledOut");
    scale.await_all("horizon", good);
    scale.quiet();
    let writes = scale.writes(mark);
    scale.tell("one new name", &writes);
    let concerned = scale.cluster.writes(&image, mark).len() + scale.cluster.writes(&scale.names[0], mark).len();
    assert_eq!(total(&writes), concerned, "nobody else's object: {writes:?}{}", scale.bodies(mark));
    assert!(concerned <= ONE_NAME, "{writes:?}{}", scale.bodies(mark));
    assert_eq!(scale.rolls(&image, mark), 1);

    // All of them do.
    let mark = scale.cluster.mark();
    for name in &scale.names {
        rename(name, &format!("new-{name}.example.com"));
    }
    scale.wait("all new names are seen", |s| {
        let all = s.cluster.list("", "horizon");
        let new = |h: &Value| h["status"]["publicURL"].as_str().is_some_and(|url| url.starts_with("https://new-"));
        all.iter().all(new).then_some(())
    });
    scale.await_all("glance", "RolledOut");
    scale.await_all("horizon", good);
    scale.quiet();
    let writes = scale.writes(mark);
    scale.tell("all new names", &writes);
    // The first roll takes what is seen by then, and minInterval gathers the rest.
    let most = 2 + count / 100;
    let rolls = scale.rolls(&image, mark);
    assert!((1..=most).contains(&rolls), "{rolls} rolls");
    assert!(total(&writes) <= 4 * count + 10 * rolls, "{writes:?}");
}

/// A pair in each namespace: they cost the same as one each, and what changes in one is written there.
#[test]
fn pairs() {
    let mut scale = Scale::new("pair");
    let count = scale.names.len();
    let both = |name: &String| {
        let glance = service(name, "glance", &format!("glance-{name}.example.com"));
        [glance, service(name, "horizon", &format!("{name}.example.com"))].concat()
    };
    scale.cluster.create(&scale.names.iter().flat_map(both).collect::<Vec<_>>());
    scale.await_rollouts();
    scale.start();

    let mark = scale.cluster.mark();
    let verification = if count <= 100 { "Required" } else { "Off" };
    let resources = |name: &String| {
        let upload = json!({"verification": verification});
        let horizon = fixtures::horizon("horizon", json!({"directUpload": upload, "rollout": rollout()}));
        [inside(name, horizon), inside(name, fixtures::glance("glance", json!({"rollout": rollout()})))]
    };
    scale.cluster.create(&scale.names.iter().flat_map(resources).collect::<Vec<_>>());
    let good = if count <= 100 { "Verified" } else { "ReadyUnverified" };
    scale.await_all("horizon", good);
    scale.await_all("glance", "RolledOut");
    scale.quiet();
    let writes = scale.writes(mark);
    scale.tell("from nothing", &writes);
    assert_eq!(of(&writes, "patch deployments"), 2 * count);
    assert_eq!(of(&writes, "create configmaps"), 2 * count);
    // On a slow machine a preflight's answer comes after a status now and then, which is then written once more.
    assert!(total(&writes) <= 10 * count + count.div_ceil(10), "{writes:?}");
    scale.at_rest();

    let mark = scale.cluster.mark();
    let ingress = fixtures::exposed("horizon", "renamed.example.com").swap_remove(1);
    scale.cluster.edit(&scale.names[0], "ingress/horizon", &json!({"spec": ingress["spec"]}));
    scale.wait("the new name is accepted", |s| {
        let glance = s.cluster.get(&s.names[0], "glance/glance")?;
        let accepted = glance["status"]["origins"].to_string().contains("https://renamed.example.com");
        (accepted && ready(&glance) == "RolledOut").then_some(())
    });
    scale.await_all("horizon", good);
    scale.quiet();
    let writes = scale.writes(mark);
    scale.tell("one new name", &writes);
    assert_eq!(total(&writes), scale.cluster.writes(&scale.names[0], mark).len(), "nobody else's object: {writes:?}");
    assert!(total(&writes) <= ONE_NAME, "{writes:?}{}", scale.bodies(mark));
}

/// Ten thousand objects of others, each kind: how much memory do they take? Condition, not asserted.
#[test]
#[ignore = "make bench"]
fn foreign_objects() {
    let foreign = from_env("FOREIGN", 10_000);
    for pairs in [1, 60] {
        let mut scale = Scale::of(&format!("own{pairs}"), pairs);
        let both = |name: &String| {
            [service(name, "glance", "glance.example.com"), service(name, "horizon", "h.example.com")].concat()
        };
        scale.cluster.create(&scale.names.iter().flat_map(both).collect::<Vec<_>>());
        let resources = |name: &String| {
            [("horizon", fixtures::horizon("horizon", json!({}))), ("glance", fixtures::glance("glance", json!({})))]
                .map(|(_, object)| inside(name, object))
        };
        scale.cluster.create(&scale.names.iter().flat_map(resources).collect::<Vec<_>>());
        scale.start();
        scale.await_all("glance", "RolledOut");
        scale.quiet();
        drop(scale.operator.take());
        scale.start();
        scale.quiet();
        let without = scale.running().memory();

        let namespaces: Vec<_> = (0..20).map(|n| format!("foreign-{n:02}")).collect();
        let namespace = |name: &String| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        scale.cluster.create(&namespaces.iter().map(namespace).collect::<Vec<_>>());
        let objects = |number: usize| {
            let (namespace, name) = (&namespaces[number % namespaces.len()], format!("foreign-{number:05}"));
            let mut all = service(namespace, &name, &format!("{name}.example.com"));
            all[0]["spec"]["replicas"] = json!(0);
            all.remove(1);
            all.push(inside(
                namespace,
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}}),
            ));
            all
        };
        for start in (0..foreign).step_by(500) {
            scale.cluster.create(&(start..foreign.min(start + 500)).flat_map(objects).collect::<Vec<_>>());
        }
        drop(scale.operator.take());
        scale.start();
        scale.quiet();
        let with = scale.running().memory();
        #[allow(clippy::cast_precision_loss, reason = "a ratio of two small numbers")]
        let ratio = with as f64 / without as f64;
        eprintln!(
            "{pairs} pairs, {foreign} foreign of each kind: {with} KiB with, {without} KiB without, ratio {ratio:.2}"
        );
    }
}
