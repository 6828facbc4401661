//! A control plane as `tests/cluster` starts it, with this project installed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{StreamExt, stream};
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, Config};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{Edge, PATIENCE, file, poll};

/// The namespace of the operator.
pub const SYSTEM: &str = "direct-upload-system";

/// A running control plane. It ends when this is dropped. If the process is killed, the kernel closes the
/// pipe of the control plane's standard input, which ends it, too.
pub struct Cluster {
    launcher: Child,
    folder: PathBuf,
    client: Client,
    runtime: Runtime,
    spaces: AtomicUsize,
    edge: Edge,
}

/// The control plane that most tests share, with everything installed.
pub fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| {
        let cluster = Cluster::start("shared");
        cluster.install();
        cluster
    })
}

impl Cluster {
    /// Starts an empty one.
    pub fn start(name: &str) -> Self {
        let folder = folder(name);
        let mut launcher = Command::new(file("tests/cluster/cluster"))
            .args(["up", "--until-stdin-closes"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("tests/cluster/cluster starts");
        let mut line = String::new();
        let output = launcher.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("the launcher's output");
        assert!(line.starts_with("ready "), "the control plane did not start; its output is above");

        let runtime = Runtime::new().expect("a runtime");
        let kubeconfig = Kubeconfig::read_from(folder.join("admin.kubeconfig")).expect("a kubeconfig");
        let client = runtime.block_on(async {
            let options = KubeConfigOptions::default();
            let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.expect("a configuration");
            Client::try_from(config).expect("a client")
        });
        let edge = Edge::start(&folder);
        Self { launcher, folder, client, runtime, spaces: AtomicUsize::new(0), edge }
    }

    /// Installs CRDs and operator as documented, and takes a token of its ServiceAccount.
    pub fn install(&self) {
        self.install_crds();
        self.kubectl(&["apply", "-k", &path("deploy")]);
        self.take_token();
    }

    /// Installs only the CRDs.
    pub fn install_crds(&self) {
        self.kubectl(&["apply", "--server-side", "-k", &path("crds")]);
        let names =
            ["horizons.horizon", "glances.glance", "openstackapis.cors"].map(|n| format!("crd/{n}.openstack.org"));
        self.await_established(&names.each_ref().map(String::as_str));
    }

    /// Waits until the API server serves the definitions. If one has no condition yet, kubectl reports an
    /// error.
    pub fn await_established(&self, which: &[&str]) {
        let args = [&["wait", "--for=condition=Established", "--timeout=60s"], which].concat();
        let established = poll(PATIENCE, || self.try_kubectl(&args, None).ok());
        assert!(established.is_some(), "{which:?} are never established");
    }

    /// Writes the operator's kubeconfig.
    pub fn take_token(&self) {
        let output = Command::new(file("tests/cluster/cluster"))
            .arg("kubeconfig-for")
            .arg(&self.folder)
            .args([SYSTEM, "direct-upload-operator"])
            .arg(self.operator_kubeconfig())
            .output()
            .expect("tests/cluster/cluster runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// With only the rights that deploy/ grants.
    pub fn operator_kubeconfig(&self) -> PathBuf {
        self.folder.join("operator.kubeconfig")
    }

    /// The server that answers the operators' preflights.
    pub fn edge(&self) -> &Edge {
        &self.edge
    }

    /// The folder of this cluster's files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A number that no other namespace of this cluster uses.
    pub fn next(&self) -> usize {
        self.spaces.fetch_add(1, Ordering::Relaxed)
    }

    /// Runs kubectl as administrator.
    pub fn kubectl(&self, args: &[&str]) -> String {
        self.try_kubectl(args, None).unwrap_or_else(|error| panic!("kubectl {}: {error}", args.join(" ")))
    }

    /// The same; a failure returns kubectl's standard error.
    pub fn try_kubectl(&self, args: &[&str], input: Option<&str>) -> Result<String, String> {
        let output = self.run_kubectl(args, input);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    fn run_kubectl(&self, args: &[&str], input: Option<&str>) -> Output {
        let mut kubectl = Command::new("sh")
            .args(["-c", r#". "$0/env" && exec timeout 100 kubectl "$@""#])
            .arg(&self.folder)
            .args(args)
            .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl starts");
        if let Some(input) = input {
            let mut pipe = kubectl.stdin.take().expect("a pipe");
            pipe.write_all(input.as_bytes()).expect("kubectl reads");
        }
        kubectl.wait_with_output().expect("kubectl ends")
    }

    /// One object, by `kind/name`.
    pub fn get(&self, namespace: &str, object: &str) -> Option<Value> {
        let (api, name) = self.api(namespace, object);
        let answer = self.runtime.block_on(api.get_opt(name)).unwrap_or_else(|e| panic!("{object}: {e}"));
        answer.map(|object| serde_json::to_value(object).expect("JSON"))
    }

    /// All objects of a kind, sorted by name; without a namespace, of all namespaces.
    pub fn list(&self, namespace: &str, kind: &str) -> Vec<Value> {
        let (api, _) = self.api(namespace, kind);
        let list = self.runtime.block_on(api.list(&ListParams::default()));
        let items = list.unwrap_or_else(|e| panic!("{kind}: {e}")).items;
        items.into_iter().map(|object| serde_json::to_value(object).expect("JSON")).collect()
    }

    /// Creates many objects at once, without kubectl's rate limit. Each object names its namespace.
    pub fn create(&self, objects: &[Value]) {
        let post = |object: &Value| {
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let kind = text("/kind").to_lowercase();
            let (api, _) = self.api(&text("/metadata/namespace"), &kind);
            let object: DynamicObject = serde_json::from_value(object.clone()).expect("an object");
            async move { api.create(&PostParams::default(), &object).await.map_err(|e| format!("{object:?}: {e}")) }
        };
        let all = stream::iter(objects).map(post).buffer_unordered(32).collect::<Vec<_>>();
        for answer in self.runtime.block_on(all) {
            answer.expect("created");
        }
    }

    /// Shows all objects of a kind, of all namespaces, again after each change, until `done` is true.
    pub fn follow(&self, kind: &str, mut done: impl FnMut(&mut dyn Iterator<Item = &Value>) -> bool) {
        let (api, _) = self.api("", kind);
        loop {
            let list =
                self.runtime.block_on(api.list(&ListParams::default())).unwrap_or_else(|e| panic!("{kind}: {e}"));
            let version = list.metadata.resource_version.unwrap_or_default();
            let key = |object: &DynamicObject| (object.metadata.namespace.clone(), object.metadata.name.clone());
            let value = |object: DynamicObject| serde_json::to_value(object).expect("JSON");
            let mut seen: BTreeMap<_, _> = list.items.into_iter().map(|object| (key(&object), value(object))).collect();
            let events = self.runtime.block_on(api.watch(&WatchParams::default(), &version));
            let mut events = events.unwrap_or_else(|e| panic!("{kind}: {e}")).boxed();
            loop {
                if done(&mut seen.values()) {
                    return;
                }
                match self.runtime.block_on(events.next()) {
                    Some(Ok(WatchEvent::Added(object) | WatchEvent::Modified(object))) => {
                        seen.insert(key(&object), value(object));
                    }
                    Some(Ok(WatchEvent::Deleted(object))) => {
                        seen.remove(&key(&object));
                    }
                    Some(Ok(WatchEvent::Bookmark(_))) => {}
                    Some(Ok(WatchEvent::Error(_)) | Err(_)) | None => break,
                }
            }
        }
    }

    /// Creates a file and then applies a patch to the Deployment of this name, in each of the namespaces.
    pub fn mount(&self, name: &str, all: &[(&str, (Value, Value))]) {
        let params = PatchParams::apply("bare-client");
        let put = |(namespace, (file, patch)): &(&str, (Value, Value))| {
            let ((files, _), (workloads, _)) = (self.api(namespace, "configmap"), self.api(namespace, "deployment"));
            let file: DynamicObject = serde_json::from_value(file.clone()).expect("a ConfigMap");
            let (patch, params) = (patch.clone(), &params);
            async move {
                files.create(&PostParams::default(), &file).await?;
                workloads.patch(name, params, &Patch::Apply(&patch)).await.map(drop)
            }
        };
        let all = stream::iter(all).map(put).buffer_unordered(32).collect::<Vec<_>>();
        for answer in self.runtime.block_on(all) {
            answer.unwrap_or_else(|error: kube::Error| panic!("{name}: {error}"));
        }
    }

    /// A merge patch, as `kubectl edit` sends it.
    pub fn edit(&self, namespace: &str, object: &str, patch: &Value) {
        let params = PatchParams { field_manager: Some("kubectl-edit".into()), ..PatchParams::default() };
        self.patch(namespace, object, &params, &Patch::Merge(patch)).unwrap_or_else(|e| panic!("{object}: {e}"));
    }

    /// A server-side apply by another manager, with force, as a person would do.
    pub fn apply_as(&self, manager: &str, namespace: &str, object: &str, patch: &Value) {
        let params = PatchParams::apply(manager).force();
        self.patch(namespace, object, &params, &Patch::Apply(patch)).unwrap_or_else(|e| panic!("{object}: {e}"));
    }

    fn patch(&self, namespace: &str, object: &str, params: &PatchParams, patch: &Patch<&Value>) -> kube::Result<()> {
        let (api, name) = self.api(namespace, object);
        self.runtime.block_on(api.patch(name, params, patch)).map(drop)
    }

    fn api<'a>(&self, namespace: &str, object: &'a str) -> (Api<DynamicObject>, &'a str) {
        let (kind, name) = object.split_once('/').unwrap_or((object, ""));
        let (group, version, kind, plural) = match kind {
            "horizon" => ("horizon.openstack.org", "v1beta1", "Horizon", "horizons"),
            "glance" => ("glance.openstack.org", "v1beta1", "Glance", "glances"),
            "openstackapi" => ("cors.openstack.org", "v1beta1", "OpenStackAPI", "openstackapis"),
            "deployment" => ("apps", "v1", "Deployment", "deployments"),
            "statefulset" => ("apps", "v1", "StatefulSet", "statefulsets"),
            "daemonset" => ("apps", "v1", "DaemonSet", "daemonsets"),
            "replicaset" => ("apps", "v1", "ReplicaSet", "replicasets"),
            "job" => ("batch", "v1", "Job", "jobs"),
            "service" => ("", "v1", "Service", "services"),
            "ingress" => ("networking.k8s.io", "v1", "Ingress", "ingresses"),
            "httproute" => ("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes"),
            "configmap" => ("", "v1", "ConfigMap", "configmaps"),
            "pod" => ("", "v1", "Pod", "pods"),
            "namespace" => ("", "v1", "Namespace", "namespaces"),
            "lease" => ("coordination.k8s.io", "v1", "Lease", "leases"),
            other => panic!("add {other} to the table"),
        };
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
        if kind == "Namespace" || namespace.is_empty() {
            return (Api::all_with(self.client.clone(), &resource), name);
        }
        (Api::namespaced_with(self.client.clone(), namespace, &resource), name)
    }

    /// Creates a namespace.
    pub fn create_namespace(&self, name: &str) {
        self.kubectl(&["create", "namespace", name]);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.launcher.stdin.take());
        let ended = poll(PATIENCE, || self.launcher.try_wait().ok().flatten());
        if ended.is_none() {
            let _ = self.launcher.kill();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A path of the repository as text.
fn path(path: &str) -> String {
    file(path).display().to_string()
}

/// A new folder. It removes folders of processes that have ended.
fn folder(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let stale = entry
            .file_name()
            .to_str()
            .and_then(|f| f.strip_prefix("control-plane-")?.split_once('-').map(|p| p.0.to_owned()));
        if stale.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let folder = root.join(format!("control-plane-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the control plane");
    folder
}
