//! ReplicaSets and ControllerRevisions: what a rollback can return to.

use k8s_openapi::api::apps::v1::{ControllerRevision, ReplicaSet};
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use super::decode::{decode, meta, owner};
use super::pod_template::{our_config_maps, template};
use crate::model::{DecodeError, Kind, Observed, PodTemplate, Revision};

impl Observed for Revision {
    fn reduce(kind: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        let revision = match kind {
            Kind::ControllerRevision => controller_revision(decode(object)?)?,
            _ => replica_set(decode(object)?),
        };
        Ok(Some(revision))
    }
}

fn replica_set(object: ReplicaSet) -> Revision {
    let template = template(object.spec.template.unwrap_or_default());
    revision(&template, object.metadata)
}

/// A ControllerRevision has a patch of the workload: `{"spec":{"template":{…}}}`.
fn controller_revision(object: ControllerRevision) -> Result<Revision, DecodeError> {
    let template: Option<core::PodTemplateSpec> =
        object.data.0.pointer("/spec/template").cloned().map(decode).transpose()?;
    let template = template.map(self::template).unwrap_or_default();
    Ok(revision(&template, object.metadata))
}

fn revision(template: &PodTemplate, metadata: ObjectMeta) -> Revision {
    Revision { config_maps: our_config_maps(&template.volumes), owner: owner(&metadata), meta: meta(metadata) }
}
