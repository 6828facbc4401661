//! The Job of a rehearsal: the workload's own pod, without anything that serves, stores or does harm.
//!
//! In: the workload as the API server has it, and a [`RehearsalDraft`]. Out: the manifest.

use direct_upload_api::{MANAGED_BY, OPERATOR};
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::draft::RehearsalDraft;
use super::program::{LAUNCHER, SCRIPT};
use crate::model::ResourceKind;
use crate::workload::names::COPY_CONTAINER;
use crate::workload::purpose::Purpose;
use crate::workload::{annotations, apply, fields};

/// The container with the answer.
const CONTAINER: &str = "rehearsal";

/// A running pod is ended after this many seconds; the kubelet keeps its status …
const POD_DEADLINE: u64 = 300;

/// … and one that never got a node is deleted with its Job.
const JOB_DEADLINE: u64 = 330;

/// How long the finished Job stays, in seconds. A failed one is then tried again, because Secrets, which we
/// cannot see, may have been the cause.
const REMEMBERED: u32 = 3600;

/// The same for a Job that reads Glance's own configuration. It limits how often Glance's own account is
/// used.
const REMEMBERED_OF_GLANCE: u32 = 24 * 3600;

/// Fields of the pod that decide where it may run and what it may see. Everything else of the template is
/// left out: labels, probes and affinity to other pods only matter for serving.
const POD: [&str; 12] = [
    "dnsConfig",
    "dnsPolicy",
    "hostAliases",
    "imagePullSecrets",
    "nodeSelector",
    "os",
    "runtimeClassName",
    "schedulerName",
    // For its pull secrets and security context constraints; the token is not mounted.
    "serviceAccountName",
    "securityContext",
    "tolerations",
    "volumes",
];

/// The same for the container.
const FIELDS: [&str; 7] =
    ["env", "envFrom", "image", "imagePullPolicy", "resources", "securityContext", "volumeMounts"];

/// Why there is no manifest.
#[derive(Debug, Error)]
pub enum NoJob {
    /// Plan again.
    #[error("the workload has changed since; its rehearsal is planned again")]
    Drifted,
    /// The roll itself would meet a conflict.
    #[error("the workload has its own entry where the operator's must be: {0}")]
    Taken(String),
}

/// The manifest.
///
/// # Errors
/// [`NoJob`].
pub fn job(draft: &RehearsalDraft, workload: &Value) -> Result<Value, NoJob> {
    let spec = workload.pointer("/spec/template/spec").cloned().ok_or(NoJob::Drifted)?;
    if workload["metadata"]["uid"].as_str() != Some(&draft.workload.meta.uid)
        || canonical(&spec) != draft.workload.template.fingerprint
    {
        return Err(NoJob::Drifted);
    }
    let mut workload = workload.clone();
    match &draft.mount {
        Some(mount) => apply::apply(&mut workload, &mount.patch(&draft.workload), true).map_err(NoJob::Taken)?,
        None => fields::release_fields(&mut workload),
    }
    let pod = pod(draft, &workload["spec"]["template"]["spec"]);
    let meta = &draft.workload.meta;
    Ok(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "namespace": draft.key.namespace,
            "name": draft.key.name,
            "labels": {MANAGED_BY: OPERATOR},
            "annotations": {
                annotations::FOR.to_owned(): draft.purpose.note(&draft.workload),
                annotations::EDITION.to_owned(): draft.workload.template.edition,
            },
            "ownerReferences": [{
                "apiVersion": "apps/v1",
                "kind": draft.workload.kind.as_str(),
                "name": meta.key.name,
                "uid": meta.uid,
            }],
        },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": JOB_DEADLINE,
            "ttlSecondsAfterFinished": if draft.reads_glance() { REMEMBERED_OF_GLANCE } else { REMEMBERED },
            // A node that is drained says nothing about the files.
            "podFailurePolicy": {
                "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}],
            },
            "template": {
                // None of the workload's labels, because no Service may lead here. A mesh's sidecar would
                // never end, and is not needed without requests.
                "metadata": {
                    "labels": {MANAGED_BY: OPERATOR, "sidecar.istio.io/inject": "false"},
                    "annotations": {"linkerd.io/inject": "disabled"},
                },
                "spec": pod,
            },
        },
    }))
}

/// The fingerprint of a spec as the API server writes it.
fn canonical(spec: &Value) -> String {
    // By the decoder of all other objects: another would be another 400 KB of program.
    let typed: Result<k8s_openapi::api::core::v1::PodSpec, _> = serde_path_to_error::deserialize(spec.clone());
    crate::workload::fingerprint::fingerprint(
        &typed.ok().and_then(|s| serde_json::to_value(s).ok()).unwrap_or_default(),
    )
}

fn pod(draft: &RehearsalDraft, spec: &Value) -> Value {
    let mut pod = kept(spec, &POD);
    let volumes: Vec<Value> = items(spec, "volumes").filter_map(volume).collect();
    let there = |mount: &Value| volumes.iter().any(|v| v["name"] == mount["name"]);
    let main = items(spec, "containers").find(|c| c["name"] == draft.container.as_str()).unwrap_or(&Value::Null);
    let ours = items(spec, "initContainers").filter(|c| c["name"] == COPY_CONTAINER);
    let mut container = kept(main, &FIELDS);
    container.insert("name".into(), json!(CONTAINER));
    container.insert("command".into(), json!(["sh", "-c", LAUNCHER, "rehearse"]));
    let mut args: Vec<String> = std::iter::once(SCRIPT.to_owned()).chain(draft.args.iter().cloned()).collect();
    if draft.asks_keystone() {
        args.extend(configuration(main));
    }
    if draft.purpose == Purpose::Files(ResourceKind::Horizon) || draft.args.iter().any(|word| word == "--swift") {
        args.extend(start(main));
    }
    container.insert("args".into(), json!(args));
    let mounts: Vec<&Value> = items(main, "volumeMounts").filter(|m| there(m)).collect();
    container.insert("volumeMounts".into(), json!(mounts));
    if let Some(resources) = container.get_mut("resources").and_then(Value::as_object_mut) {
        resources.remove("claims");
    }
    let ours: Vec<&Value> = ours.collect();
    if !ours.is_empty() {
        pod.insert("initContainers".into(), json!(ours));
    }
    pod.insert("volumes".into(), json!(volumes));
    pod.insert("containers".into(), json!([container]));
    pod.insert("activeDeadlineSeconds".into(), json!(POD_DEADLINE));
    pod.insert("automountServiceAccountToken".into(), json!(false));
    pod.insert("enableServiceLinks".into(), json!(false));
    pod.insert("restartPolicy".into(), json!("Never"));
    pod.insert("terminationGracePeriodSeconds".into(), json!(1));
    if let Some(nodes) = spec.pointer("/affinity/nodeAffinity") {
        pod.insert("affinity".into(), json!({"nodeAffinity": nodes}));
    }
    Value::Object(pod)
}

/// The arguments with which a container names its configuration, wherever they are in the command.
fn configuration(container: &Value) -> Vec<String> {
    let written = items(container, "command").chain(items(container, "args")).filter_map(Value::as_str);
    let words: Vec<&str> = written.flat_map(str::split_whitespace).collect();
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        for option in ["--config-file", "--config-dir"] {
            let value = match word.strip_prefix(option) {
                Some("") => words.get(at + 1).copied(),
                Some(rest) => rest.strip_prefix('='),
                None => None,
            };
            let plain = |path: &&str| {
                path.starts_with('/') && path.chars().all(|c| c.is_ascii_alphanumeric() || "._/-".contains(c))
            };
            if let Some(path) = value.map(|path| path.trim_end_matches([';', '"', '\''])).filter(plain) {
                found.extend([option.to_owned(), path.to_owned()]);
            }
        }
    }
    found
}

/// How a container is started, as far as the workload says.
fn start(container: &Value) -> Vec<String> {
    let words: Vec<&Value> = items(container, "command").chain(items(container, "args")).collect();
    if words.is_empty() { Vec::new() } else { vec!["--start".to_owned(), json!(words).to_string()] }
}

fn items<'a>(parent: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    parent[list].as_array().into_iter().flatten()
}

fn kept(from: &Value, fields: &[&str]) -> Map<String, Value> {
    let fields = fields.iter().filter_map(|field| Some(((*field).to_owned(), from.get(field)?.clone())));
    fields.collect()
}

/// Volumes that may hold settings stay: those that are read-only by nature, and scratch space. A rehearsal
/// must not touch data (claims, host paths, network file systems).
fn volume(volume: &Value) -> Option<Value> {
    const HARMLESS: [&str; 5] = ["configMap", "downwardAPI", "emptyDir", "image", "secret"];
    if HARMLESS.iter().any(|source| volume.get(source).is_some()) {
        return Some(volume.clone());
    }
    if volume.pointer("/csi/readOnly").is_some_and(|only| *only == true) {
        return Some(volume.clone());
    }
    let sources = volume.pointer("/projected/sources")?.as_array()?;
    let no_token: Vec<&Value> = sources.iter().filter(|s| s.get("serviceAccountToken").is_none()).collect();
    if no_token.is_empty() {
        return None;
    }
    let mut volume = volume.clone();
    volume["projected"]["sources"] = json!(no_token);
    Some(volume)
}
