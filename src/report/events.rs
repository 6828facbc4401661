//! One event for each step that did something a person would want to know.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

use crate::api::OPERATOR;
use crate::observe::Meta;
use crate::observe::live::Kind;
use crate::observe::watches::resource;
use crate::plan::{Action, Step};

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
        if matches!(step.action, Action::Annotate { .. } | Action::AddFinalizer | Action::RemoveFinalizer) {
            return;
        }
        self.publish(meta, EventType::Normal, step.action.name(), step.to_string()).await;
    }

    /// A step failed.
    pub async fn failure(&self, meta: &Meta, step: &Step, message: String) {
        self.publish(meta, EventType::Warning, step.action.name(), message).await;
    }

    /// An event is a courtesy: that it cannot be written stops nothing.
    async fn publish(&self, meta: &Meta, type_: EventType, action: &str, note: String) {
        let resource = resource(self.kind);
        let reference = ObjectReference {
            api_version: Some(resource.api_version),
            kind: Some(resource.kind),
            name: Some(meta.key.name.clone()),
            namespace: Some(meta.key.namespace.clone()),
            uid: Some(meta.uid.clone()),
            ..ObjectReference::default()
        };
        // An event's note is at most 1 kB.
        let note = note.chars().take(1000).collect();
        let event =
            Event { type_, reason: action.to_owned(), note: Some(note), action: action.to_owned(), secondary: None };
        if let Err(error) = self.recorder.publish(&event, &reference).await {
            tracing::debug!(%error, "event not written");
        }
    }
}
