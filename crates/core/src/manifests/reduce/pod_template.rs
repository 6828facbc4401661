//! Pod templates: containers, variables, volumes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::api::core::v1 as core;
use serde_json::Value;

use super::rolling::pre_stop;
use crate::model::{Container, EnvValue, PodTemplate, Volume, VolumeMount, VolumeSource};
use crate::workload::{CONFIG_VOLUME, OUR_ENV, edition, fingerprint, is_content_name};

/// Reduces a pod template.
pub fn template(template: core::PodTemplateSpec) -> PodTemplate {
    let (spec, metadata) = (template.spec.unwrap_or_default(), template.metadata.unwrap_or_default());
    // What came as JSON can be written as JSON.
    let fingerprint = fingerprint(&serde_json::to_value(&spec).unwrap_or_default());
    let mut containers: Vec<_> = spec.containers.into_iter().map(container).map(Arc::new).collect();
    // It is collected in the memory of Kubernetes' own containers, which are many times larger.
    containers.shrink_to_fit();
    PodTemplate {
        edition: edition(&fingerprint, metadata.annotations.unwrap_or_default()),
        fingerprint,
        labels: metadata.labels.unwrap_or_default(),
        containers,
        init_containers: spec.init_containers.into_iter().flatten().map(container).collect(),
        volumes: spec.volumes.into_iter().flatten().map(volume).collect(),
        grace: spec.termination_grace_period_seconds,
    }
}

fn container(container: core::Container) -> Container {
    let json = |value: Result<Value, serde_json::Error>| value.unwrap_or(Value::Null);
    Container {
        swift_config: swift_config(container.command.iter().chain(&container.args).flatten()),
        name: container.name,
        image: container.image.unwrap_or_default(),
        mounts: container
            .volume_mounts
            .into_iter()
            .flatten()
            .map(|m| VolumeMount {
                volume: m.name,
                path: m.mount_path,
                sub_path: m.sub_path,
                read_only: m.read_only.unwrap_or_default(),
            })
            .collect(),
        pre_stop: container.lifecycle.and_then(|l| l.pre_stop).map(pre_stop),
        env: env(container.env.unwrap_or_default()),
        applied_by: None,
        resources: json(serde_json::to_value(container.resources)),
        security_context: json(serde_json::to_value(container.security_context)),
    }
}

/// The first path behind the name of the program.
fn swift_config<'a>(command: impl Iterator<Item = &'a String>) -> Option<String> {
    let mut words = command.flat_map(|word| word.split_whitespace());
    words.find(|word| word.rsplit('/').next() == Some("swift-proxy-server"))?;
    let path = words.find(|word| word.starts_with('/'))?;
    Some(path.trim_end_matches([';', '/']).to_owned())
}

/// Those with our names.
fn env(variables: Vec<core::EnvVar>) -> BTreeMap<String, EnvValue> {
    let value = |from: Option<core::EnvVarSource>, text: Option<String>| match from {
        None => EnvValue::Text(text.unwrap_or_default()),
        Some(from) => from.field_ref.map_or(EnvValue::Other, |field| EnvValue::Field(field.field_path)),
    };
    let ours = variables.into_iter().filter(|v| OUR_ENV.contains(&v.name.as_str()));
    ours.map(|v| (v.name, value(v.value_from, v.value))).collect()
}

/// Reduces a volume.
pub fn volume(volume: core::Volume) -> Volume {
    let source = if let Some(source) = volume.config_map {
        let items = source.items.into_iter().flatten().map(|i| (i.key, i.path)).collect();
        VolumeSource::ConfigMap { name: source.name, items }
    } else if let Some(name) = volume.secret.and_then(|s| s.secret_name) {
        VolumeSource::Secret(name)
    } else if volume.empty_dir.is_some() {
        VolumeSource::EmptyDir
    } else if volume.ephemeral.is_some() {
        VolumeSource::Ephemeral
    } else if volume.host_path.is_some() {
        VolumeSource::HostPath
    } else if volume.projected.is_some() || volume.downward_api.is_some() {
        VolumeSource::Projected
    } else {
        VolumeSource::Other
    };
    Volume { name: volume.name, source }
}

/// Names of the ConfigMaps that our own volume of a template mounts.
pub(crate) fn our_config_maps(volumes: &[Volume]) -> BTreeSet<String> {
    volumes
        .iter()
        .filter(|v| v.name.starts_with(CONFIG_VOLUME))
        .filter_map(|v| match &v.source {
            VolumeSource::ConfigMap { name, .. } if is_content_name(name) => Some(name.clone()),
            _ => None,
        })
        .collect()
}
