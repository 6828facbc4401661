//! A namespace with an operator, for one test.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Cluster, Operator, PATIENCE, Write, file, fixtures, poll, shared};

/// The operator works at most 700 ms after it sees a change. If there is no reconcile for this time, it has nothing
/// more to do.
const QUIET: Duration = Duration::from_millis(1500);

/// A namespace and, when started, an operator that is restricted to it.
pub struct Site<'a> {
    pub cluster: &'a Cluster,
    pub namespace: String,
    pub operator: Option<Operator>,
    /// More arguments for `run`.
    pub flags: Vec<&'static str>,
}

impl Site<'static> {
    /// A namespace without operator, in the shared cluster.
    pub fn new(name: &str) -> Self {
        Self::on(shared(), name)
    }

    /// A namespace with a rolled-out cloud and an operator.
    pub fn with(name: &str, objects: &[Value]) -> Self {
        let mut site = Self::new(name);
        if !objects.is_empty() {
            site.apply(objects);
        }
        site.await_rollouts();
        site.start();
        site
    }

    /// A pair that is ready.
    pub fn with_pair(name: &str, glance: Value, horizon: Value) -> Self {
        let site = Self::with(name, &fixtures::cloud());
        site.apply(&[fixtures::glance("glance", glance), fixtures::horizon("horizon", horizon)]);
        site.await_pair();
        site
    }
}

impl<'a> Site<'a> {
    /// A namespace without operator.
    pub fn on(cluster: &'a Cluster, name: &str) -> Self {
        let namespace = format!("{name}-{}", cluster.next());
        cluster.create_namespace(&namespace);
        Self { cluster, namespace, operator: None, flags: Vec::new() }
    }

    /// Starts (or starts again) the operator.
    pub fn start(&mut self) {
        let args = ["--no-leader-election", "--watch-namespace", &self.namespace];
        let operator = Operator::start(self.cluster, &[&args[..], &self.flags].concat());
        operator.wait_ready();
        self.operator = Some(operator);
    }

    /// Stops the operator.
    pub fn stop(&mut self) {
        let status = self.operator.take().expect("an operator runs").stop();
        assert!(status.success(), "SIGTERM ends it well: {status}");
    }

    fn running(&self) -> &Operator {
        self.operator.as_ref().expect("an operator runs")
    }

    /// `kubectl apply`.
    pub fn apply(&self, objects: &[Value]) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
        self.kubectl_with(&["apply", "-f", "-"], &list);
    }

    /// Runs kubectl in this namespace.
    pub fn kubectl(&self, args: &[&str]) -> String {
        self.cluster.kubectl(&[&["-n", &self.namespace], args].concat())
    }

    /// The same with something on standard input.
    pub fn kubectl_with(&self, args: &[&str], input: &str) -> String {
        self.try_kubectl_with(args, input).unwrap_or_else(|error| panic!("kubectl {}: {error}", args.join(" ")))
    }

    /// The same, for commands that may fail.
    pub fn try_kubectl_with(&self, args: &[&str], input: &str) -> Result<String, String> {
        self.cluster.try_kubectl(&[&["-n", &self.namespace], args].concat(), Some(input))
    }

    /// The kubeconfig of a ServiceAccount with Kubernetes' own role `view` in this namespace.
    pub fn reader(&self) -> PathBuf {
        let namespace = &self.namespace;
        let kubeconfig = self.cluster.folder().join(format!("{namespace}.kubeconfig"));
        if kubeconfig.exists() {
            return kubeconfig;
        }
        self.kubectl(&["create", "serviceaccount", "reader"]);
        let account = format!("{namespace}:reader");
        self.kubectl(&["create", "rolebinding", "reader", "--clusterrole=view", "--serviceaccount", &account]);
        let made = Command::new(file("tests/cluster/cluster"))
            .arg("kubeconfig-for")
            .arg(self.cluster.folder())
            .args([namespace.as_str(), "reader"])
            .arg(&kubeconfig)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        kubeconfig
    }

    /// Changes one object, by `kind/name`.
    pub fn edit(&self, object: &str, patch: &Value) {
        self.cluster.edit(&self.namespace, object, patch);
    }

    /// What the stand-in for the kubelet does with pods of this namespace: run, hold, crash.
    pub fn pods(&self, behaviour: &str) {
        self.edit(
            &format!("namespace/{}", self.namespace),
            &json!({"metadata": {"annotations": {"stand-in/behaviour": behaviour}}}),
        );
    }

    /// What it does with pods of Jobs (succeed, fail, hold), and their termination messages.
    pub fn jobs(&self, behaviour: &str, message: &str) {
        self.edit(
            &format!("namespace/{}", self.namespace),
            &json!({"metadata": {"annotations": {"stand-in/jobs": behaviour, "stand-in/message": message}}}),
        );
    }

    /// One object.
    pub fn get(&self, object: &str) -> Value {
        self.find(object).unwrap_or_else(|| panic!("there is no {object} in {}", self.namespace))
    }

    /// One object, or null.
    pub fn get_or_null(&self, object: &str) -> Value {
        self.find(object).unwrap_or_default()
    }

    /// One object, if it exists.
    pub fn find(&self, object: &str) -> Option<Value> {
        self.cluster.get(&self.namespace, object)
    }

    /// Waits until the object does not exist.
    pub fn await_gone(&self, object: &str) {
        self.wait(&format!("{object} is gone"), || self.find(object).is_none().then_some(()));
    }

    /// Applies a file or folder of samples/, which is written for the namespace `openstack`.
    pub fn apply_sample(&self, path: &str) -> String {
        let text = sample(path).replace("namespace: openstack", &format!("namespace: {}", self.namespace));
        self.kubectl_with(&["apply", "-f", "-"], &text);
        text
    }

    /// All objects of a kind.
    pub fn list(&self, kind: &str) -> Vec<Value> {
        self.cluster.list(&self.namespace, kind)
    }

    /// The reason of a condition, its status before it: `True Verified`.
    pub fn condition(&self, object: &str, type_: &str) -> String {
        let value = self.find(object).unwrap_or_default();
        let found = condition(&value, type_);
        found.map(|c| format!("{} {}", text(c, "status"), text(c, "reason"))).unwrap_or_default()
    }

    /// The message of a condition.
    pub fn message(&self, object: &str, type_: &str) -> String {
        condition(&self.get(object), type_).map(|c| text(c, "message")).unwrap_or_default()
    }

    /// Waits until a status of the current spec has this `Ready`.
    pub fn await_ready(&self, object: &str, expected: &str) {
        self.wait(&format!("{object} is Ready={expected}"), || {
            let value = self.find(object)?;
            let current = value["status"]["observedGeneration"] == value["metadata"]["generation"];
            (current && self.condition(object, "Ready") == expected).then_some(())
        });
    }

    /// Waits until `glance` and `horizon` are in effect.
    pub fn await_pair(&self) {
        self.await_ready("glance/glance", "True RolledOut");
        self.await_ready("horizon/horizon", "True Verified");
    }

    /// Waits until every workload of the namespace runs its current template.
    pub fn await_rollouts(&self) {
        self.wait("all workloads are rolled out", || {
            let all = ["deployment", "statefulset", "daemonset"].into_iter().flat_map(|kind| self.list(kind));
            all.into_iter().all(|workload| rolled_out(&workload)).then_some(())
        });
    }

    /// Waits for an answer; if none comes, prints the state of everything.
    pub fn wait<T>(&self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        poll(PATIENCE, look).unwrap_or_else(|| panic!("waited in vain until {what}\n{}", self.report()))
    }

    /// The state of everything.
    pub fn report(&self) -> String {
        let resources =
            self.kubectl(&["get", "horizons,glances,openstackapis", "-o", "yaml", "--show-managed-fields=false"]);
        let objects = self.kubectl(&["get", "deploy,sts,ds,jobs,pods,cm,ing"]);
        format!("{resources}\n{objects}")
    }

    /// The current end of the audit log.
    pub fn mark(&self) -> u64 {
        self.cluster.mark()
    }

    /// The operator's writes since that mark.
    pub fn writes(&self, since: u64) -> Vec<Write> {
        self.cluster.writes(&self.namespace, since)
    }

    /// Waits until the operator has worked on both resources and has nothing left to do.
    pub fn quiet(&self) {
        let of = |kind| self.running().reconciles(kind);
        let counts = || (of("Glance") + of("OpenStackAPI"), of("Horizon"));
        let mut last = (counts(), Instant::now());
        self.wait("the operator has nothing to do", || {
            let now = counts();
            if now != last.0 {
                last = (now, Instant::now());
            }
            (last.1.elapsed() > QUIET && now.0 + now.1 > 0).then_some(())
        });
    }

    /// The operator's writes since that mark, when it has nothing left to do.
    pub fn settled_writes(&self, since: u64) -> Vec<Write> {
        self.quiet();
        self.writes(since)
    }

    /// The name of our ConfigMap that a workload mounts.
    pub fn mounted(&self, workload: &str) -> Option<String> {
        mounted(&self.find(workload)?)
    }

    /// The text of all files in the ConfigMap that a workload mounts.
    pub fn files(&self, workload: &str) -> Option<String> {
        let config_map = self.find(&format!("configmap/{}", self.mounted(workload)?))?;
        let data = config_map["data"].as_object()?;
        Some(data.values().filter_map(Value::as_str).collect())
    }
}

/// The documents of a sample, without its Namespace.
fn sample(path: &str) -> String {
    let path = file(path);
    if path.is_file() {
        return fs::read_to_string(&path).expect("a sample");
    }
    let names = ["horizon.yaml", "glance.yaml", "direct-upload.yaml"];
    names.map(|name| fs::read_to_string(path.join(name)).expect("a sample")).join("\n---\n")
}

/// Whether the controller says that a rollout is complete.
pub fn rolled_out(workload: &Value) -> bool {
    let (status, spec) = (&workload["status"], &workload["spec"]);
    let number = |field: &str| status[field].as_i64().unwrap_or_default();
    let current = number("observedGeneration") == workload["metadata"]["generation"].as_i64().unwrap_or_default();
    current
        && match spec["replicas"].as_i64() {
            Some(replicas) => number("readyReplicas") == replicas && number("replicas") == replicas,
            None => number("desiredNumberScheduled") > 0 && number("numberReady") == number("desiredNumberScheduled"),
        }
}

/// The name of our ConfigMap in a workload or pod.
pub fn mounted(object: &Value) -> Option<String> {
    let volumes = object.pointer("/spec/template/spec/volumes").or_else(|| object.pointer("/spec/volumes"))?;
    let ours = volumes.as_array()?.iter().find(|v| v["name"] == "direct-upload")?;
    Some(ours["configMap"]["name"].as_str()?.to_owned())
}

fn condition<'a>(object: &'a Value, type_: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|c| c["type"] == type_)
}

fn text(object: &Value, field: &str) -> String {
    object[field].as_str().unwrap_or_default().to_owned()
}
