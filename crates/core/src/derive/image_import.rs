//! `spec.imageImport` and `spec.apis`: what they require from a workload, and whether that is possible.

use std::collections::BTreeMap;

use direct_upload_api::{GlanceSpec, ImageImport, ImportMethod, IpFamily, Reason, WebDownload, WorkerScheme};

use crate::model::{EnvValue, Problem, VolumeSource, describe};
use crate::openstack::policy::{NOBODY, UPLOAD};
use crate::render::{Filter, ImportSettings};
use crate::workload::{POD_IP, Target, WORKER_URL};

/// Whether this Glance should refuse uploads by `PUT …/file`, because of its plugins or its policy.
pub fn refuses_uploads(spec: &GlanceSpec) -> bool {
    let required = spec.image_import.as_deref().is_some_and(|import| import.required);
    required || spec.apis.public.policy.get(UPLOAD).is_some_and(|rule| rule.trim() == NOBODY)
}

/// What Glance's file says about imports. `methods` replace those of the resource.
pub fn settings(import: Option<&ImageImport>, methods: Option<&[ImportMethod]>) -> ImportSettings {
    let none = ImageImport::default();
    let import = import.unwrap_or(&none);
    let methods = methods.or(import.methods.as_deref());
    let mut plugins = Vec::new();
    // Compressed data can be neither inspected nor converted.
    plugins.extend(import.decompression.then(|| "image_decompression".to_owned()));
    plugins.extend(import.additional_plugins.iter().cloned());
    plugins.extend(import.conversion.is_some().then(|| "image_conversion".to_owned()));
    plugins.extend(import.metadata.is_some().then(|| "inject_image_metadata".to_owned()));
    let download = import.web_download.clone().unwrap_or_default();
    let WebDownload { allowed_schemes, disallowed_schemes, allowed_hosts, disallowed_hosts, .. } = download;
    let ports = |ports: Vec<i32>| ports.iter().map(ToString::to_string).collect();
    ImportSettings {
        methods: methods.map(|methods| methods.iter().map(|method| method.name()).collect()),
        plugins,
        parallel_stores: import.max_parallel_stores,
        output_format: import.conversion.as_ref().map(|conversion| conversion.output_format.name()),
        python_interpreter: import.conversion.as_ref().and_then(|c| c.python_interpreter.clone()),
        inject: import.metadata.as_ref().map(|metadata| metadata.properties.clone()).unwrap_or_default(),
        ignore_user_roles: import.metadata.as_ref().and_then(|metadata| metadata.ignore_user_roles.clone()),
        staging: import.staging.as_ref().map(|staging| staging.path.clone()),
        schemes: filter(allowed_schemes, disallowed_schemes),
        hosts: filter(allowed_hosts, disallowed_hosts),
        ports: filter(ports(download.allowed_ports), ports(download.disallowed_ports)),
    }
}

fn filter(allowed: Vec<String>, disallowed: Vec<String>) -> Option<Filter> {
    match (allowed.is_empty(), disallowed.is_empty()) {
        (false, _) => Some(Filter::Allow(allowed)),
        (true, false) => Some(Filter::Deny(disallowed)),
        (true, true) => None,
    }
}

/// The variables that give each pod its own address. oslo.config prefers the environment to every file.
pub fn env(import: Option<&ImageImport>) -> BTreeMap<String, EnvValue> {
    let Some(reference) = import.and_then(|import| import.worker_self_reference.as_ref()) else {
        return BTreeMap::new();
    };
    let scheme = match reference.scheme {
        WorkerScheme::HTTP => "http",
        WorkerScheme::HTTPS => "https",
    };
    let host = match reference.ip_family {
        IpFamily::IPv4 => format!("$({POD_IP})"),
        IpFamily::IPv6 => format!("[$({POD_IP})]"),
    };
    BTreeMap::from([
        (POD_IP.to_owned(), EnvValue::Field("status.podIP".to_owned())),
        (WORKER_URL.to_owned(), EnvValue::Text(format!("{scheme}://{host}:{}", reference.port))),
    ])
}

/// Whether the pod that gets the import can read what another pod staged.
///
/// # Errors
/// Several pods, none of which can read what another one has staged.
pub fn staged(import: Option<&ImageImport>, methods: Option<&[ImportMethod]>, target: &Target) -> Result<(), Problem> {
    let Some(import) = import else { return Ok(()) };
    let Some(staging) = &import.staging else { return Ok(()) };
    let methods = methods.or(import.methods.as_deref());
    let stages = methods.is_none_or(|methods| methods.contains(&ImportMethod::GlanceDirect));
    let workload = &target.workload;
    if !stages || workload.replicas < 2 || import.worker_self_reference.is_some() {
        return Ok(());
    }
    let path = staging.path.trim_end_matches('/');
    let holds = |mount: &str| {
        let mount = mount.trim_end_matches('/');
        path.strip_prefix(mount).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mount = target.container.mounts.iter().filter(|m| holds(&m.path)).max_by_key(|m| m.path.len());
    let volume = mount.and_then(|m| workload.template.volumes.iter().find(|v| v.name == m.volume));
    let why = match volume.map(|volume| &volume.source) {
        // A StatefulSet's claim templates are not among the volumes, and belong to one pod each.
        None if mount.is_some() => "is on a volume of each pod's own",
        None => "is in each pod's own file system",
        Some(VolumeSource::EmptyDir | VolumeSource::Ephemeral) => "is on a volume of each pod's own",
        Some(VolumeSource::HostPath) => "is on each node's own disk",
        Some(VolumeSource::ConfigMap { .. } | VolumeSource::Secret(_) | VolumeSource::Projected) => {
            "is on a read-only volume"
        }
        Some(VolumeSource::Other) => return Ok(()),
    };
    Err(Problem::new(
        Reason::InvalidSpec,
        format!(
            "spec.imageImport.staging.path: {path} {why}, and {} has {} pods: an import request to another pod would not find the staged image; mount a shared volume there, or set spec.imageImport.workerSelfReference",
            describe(workload.kind, &workload.meta.key),
            workload.replicas
        ),
    ))
}
