//! One event for each step that interests a person.

use direct_upload_api::OPERATOR;
use direct_upload_core::model::{Key, Kind, Meta};
use direct_upload_core::plan::{Action, Step};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

/// Publishes events about the resources of one kind.
pub struct Events {
    recorder: Recorder,
    kind: Kind,
}

impl Events {
    /// Events about Horizons or Glances.
    pub fn new(client: Client, kind: Kind, instance: Option<String>) -> Self {
        let reporter = Reporter { controller: OPERATOR.to_owned(), instance };
        Self { recorder: Recorder::new(client, reporter), kind }
    }

    /// A step was carried out.
    pub async fn step(&self, meta: &Meta, step: &Step) {
        if matches!(step.action, Action::Annotate { .. } | Action::AddFinalizer) {
            return;
        }
        self.publish(meta, EventType::Normal, step.action.name(), step.action.object(), step.to_string()).await;
    }

    /// A write failed.
    pub async fn failure(&self, meta: &Meta, (step, object): (&str, Option<(&str, Key)>), message: String) {
        self.publish(meta, EventType::Warning, step, object, message).await;
    }

    /// An event that cannot be written stops nothing.
    async fn publish(&self, meta: &Meta, type_: EventType, step: &str, object: Option<(&str, Key)>, note: String) {
        let resource = self.kind.resource();
        let reference = ObjectReference {
            api_version: Some(resource.api_version),
            kind: Some(resource.kind),
            name: Some(meta.key.name.clone()),
            namespace: Some(meta.key.namespace.clone()),
            uid: Some(meta.uid.clone()),
            ..ObjectReference::default()
        };
        // The second object also keeps events of different content apart. Otherwise they are counted as
        // repetitions of the first one.
        let secondary = object.map(|(kind, key)| ObjectReference {
            api_version: Some(api_version(kind).to_owned()),
            kind: Some(kind.to_owned()),
            name: Some(key.name),
            namespace: Some(key.namespace),
            ..ObjectReference::default()
        });
        let action = step.to_owned();
        // An event's note is at most 1 kB.
        let note = note.chars().take(1000).collect();
        let event = Event { type_, reason: action.clone(), note: Some(note), action, secondary };
        if let Err(error) = self.recorder.publish(&event, &reference).await {
            tracing::debug!(%error, "event not written");
        }
    }
}

/// The kinds that steps write.
fn api_version(kind: &str) -> &'static str {
    match kind {
        "ConfigMap" => "v1",
        "Job" => "batch/v1",
        "Ingress" => "networking.k8s.io/v1",
        "Route" => "route.openshift.io/v1",
        _ => "apps/v1",
    }
}
