//! One event for each step that interests a person.

use direct_upload_api::OPERATOR;
use direct_upload_core::model::{Key, Kind, Meta};
use direct_upload_core::plan::{Action, OriginChange, Step};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

/// How many changes of origins a step tells at most.
const ORIGINS: usize = 20;

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

    /// A step was carried out. What it changes for origins comes first, each with the object that is the cause.
    pub async fn step(&self, meta: &Meta, step: &Step) {
        for change in step.origins.iter().take(ORIGINS) {
            let cause = self.cause(meta, change);
            self.publish(meta, EventType::Normal, change.name(), Some(cause), change.to_string()).await;
        }
        if matches!(step.action, Action::Annotate { .. } | Action::AddFinalizer) {
            return;
        }
        let object = step.action.object().map(|(kind, key)| reference(kind, key));
        self.publish(meta, EventType::Normal, step.action.name(), object, step.to_string()).await;
    }

    /// A write failed.
    pub async fn failure(&self, meta: &Meta, (step, object): (&str, Option<(&str, Key)>), message: String) {
        let object = object.map(|(kind, key)| reference(kind, key));
        self.publish(meta, EventType::Warning, step, object, message).await;
    }

    /// What gives or gave an origin; this resource itself if its own field states it.
    fn cause(&self, meta: &Meta, change: &OriginChange) -> ObjectReference {
        let cause = change.object().map(|object| reference(&object.kind, object.key));
        ObjectReference {
            // One object can give several origins. Each has its own event.
            field_path: Some(format!("origin{{{}}}", change.origin)),
            ..cause.unwrap_or_else(|| reference(self.kind.registration().name, meta.key.clone()))
        }
    }

    /// An event that cannot be written stops nothing. `object` also keeps events of different content apart.
    /// Otherwise they are counted as repetitions of the first one.
    async fn publish(&self, meta: &Meta, type_: EventType, step: &str, object: Option<ObjectReference>, note: String) {
        let own = reference(self.kind.registration().name, meta.key.clone());
        let own = ObjectReference { uid: Some(meta.uid.clone()), ..own };
        let action = step.to_owned();
        // An event's note is at most 1 kB.
        let note = note.chars().take(1000).collect();
        let event = Event { type_, reason: action.clone(), note: Some(note), action, secondary: object };
        if let Err(error) = self.recorder.publish(&event, &own).await {
            tracing::debug!(%error, "event not written");
        }
    }
}

fn reference(kind: &str, key: Key) -> ObjectReference {
    ObjectReference {
        api_version: Kind::named(kind).map(|known| known.resource().api_version),
        kind: Some(kind.to_owned()),
        name: Some(key.name),
        namespace: Some(key.namespace),
        ..ObjectReference::default()
    }
}
