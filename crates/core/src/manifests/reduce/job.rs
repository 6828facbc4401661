//! Our Jobs, and why they have no pods.

use k8s_openapi::api::batch::v1 as batch;
use k8s_openapi::api::core::v1 as core;
use serde_json::Value;

use super::decode::{decode, meta};
use super::pod_template::{our_config_maps, volume};
use crate::model::{DecodeError, Job, JobEvent, Key, Kind, Observed, Volume};

impl Observed for Job {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        decode(object).map(|object| Some(job(object)))
    }
}

impl Observed for JobEvent {
    fn reduce(_: Kind, object: Value) -> Result<Option<Self>, DecodeError> {
        decode(object).map(event)
    }
}

fn job(object: batch::Job) -> Job {
    let volumes = object.spec.and_then(|spec| spec.template.spec).and_then(|pod| pod.volumes);
    let volumes: Vec<Volume> = volumes.into_iter().flatten().map(volume).collect();
    let conditions = object.status.and_then(|s| s.conditions).unwrap_or_default();
    let holds = |type_: &str| conditions.iter().find(|c| c.type_ == type_ && c.status == "True");
    let said =
        |c: &batch::JobCondition| [&c.reason, &c.message].into_iter().flatten().cloned().collect::<Vec<_>>().join(": ");
    let outcome = match (holds("Complete"), holds("Failed")) {
        (Some(_), _) => Some(Ok(())),
        (None, Some(failed)) => Some(Err(said(failed))),
        (None, None) => None,
    };
    Job { meta: meta(object.metadata), config_map: our_config_maps(&volumes).into_iter().next(), outcome }
}

/// No condition of a Job says that its pods are refused. Only its events do.
fn event(object: core::Event) -> Option<JobEvent> {
    let about = &object.involved_object;
    let refused = about.kind.as_deref() == Some("Job") && object.reason.as_deref() == Some("FailedCreate");
    let job = Key::new(about.namespace.clone()?, about.name.clone()?);
    refused.then(|| JobEvent { job, message: object.message.unwrap_or_default(), meta: meta(object.metadata) })
}
