//! One event for each step that interests a person. A step does not wait until its event is written.

use std::time::Duration;

use direct_upload_api::OPERATOR;
use direct_upload_core::model::{Key, Kind, Meta};
use direct_upload_core::plan::{Action, OriginChange, Step};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::timeout;

/// How many changes of origins a step tells at most.
const ORIGINS: usize = 20;

/// So many events wait at most, as in client-go (tools/record/event.go, `maxQueuedEvents`). Further ones are dropped.
const WAITING: usize = 1000;

/// How long one event may take.
const PATIENCE: Duration = Duration::from_secs(12);

/// Events about the resources of one kind.
pub struct Events {
    publisher: Sender<(Event, ObjectReference)>,
    kind: Kind,
}

/// Writes events, one after the other.
pub struct Publisher {
    recorder: Recorder,
    waiting: Receiver<(Event, ObjectReference)>,
}

impl Publisher {
    /// A publisher, and where events for it go, for each kind. It must [run](Self::run).
    pub fn new<const N: usize>(client: Client, kinds: [Kind; N], instance: Option<String>) -> (Self, [Events; N]) {
        let reporter = Reporter { controller: OPERATOR.to_owned(), instance };
        let (sender, waiting) = mpsc::channel(WAITING);
        let events = kinds.map(|kind| Events { publisher: sender.clone(), kind });
        (Self { recorder: Recorder::new(client, reporter), waiting }, events)
    }

    /// Runs until nobody can send events any more, and all are written. An event that cannot be written stops nothing.
    pub async fn run(mut self) {
        while let Some((event, about)) = self.waiting.recv().await {
            match timeout(PATIENCE, self.recorder.publish(&event, &about)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "event not written"),
                Err(_) => tracing::debug!("event not written: no answer in time"),
            }
        }
    }
}

impl Events {
    /// A step was carried out. What it changes for origins comes first, each with the object that is the cause.
    pub fn step(&self, meta: &Meta, step: &Step) {
        for change in step.origins.iter().take(ORIGINS) {
            let cause = self.cause(meta, change);
            self.publish(meta, EventType::Normal, change.name(), Some(cause), &change.to_string());
        }
        if matches!(step.action, Action::Annotate { .. } | Action::AddFinalizer) {
            return;
        }
        let object = step.action.object().map(|(kind, key)| reference(kind, key));
        self.publish(meta, EventType::Normal, step.action.name(), object, &step.to_string());
    }

    /// A write failed.
    pub fn failure(&self, meta: &Meta, (step, object): (&str, Option<(&str, Key)>), message: &str) {
        let object = object.map(|(kind, key)| reference(kind, key));
        self.publish(meta, EventType::Warning, step, object, message);
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

    /// `object` also keeps events of different content apart. Otherwise they are counted as repetitions of the first one.
    fn publish(&self, meta: &Meta, type_: EventType, step: &str, object: Option<ObjectReference>, note: &str) {
        let own = reference(self.kind.registration().name, meta.key.clone());
        let own = ObjectReference { uid: Some(meta.uid.clone()), ..own };
        let action = step.to_owned();
        // An event's note is at most 1 kB.
        let note = note.chars().take(1000).collect();
        let event = Event { type_, reason: action.clone(), note: Some(note), action, secondary: object };
        if self.publisher.try_send((event, own)).is_err() {
            tracing::debug!(step, "event not written: too many wait");
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
