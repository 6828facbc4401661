//! What a step changes for origins, and which objects are the cause. Events tell it.

use std::fmt;

use direct_upload_api::web::Origin;
use jiff::Timestamp;

use crate::model::{Id, Key, Kind};
use crate::workload::rfc3339;

/// One origin that an API starts to accept, or will stop to accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginChange {
    pub what: OriginEvent,
    pub origin: Origin,
    /// Who requests it: `Horizon namespace/name` or `spec.cors.allowedOrigins`. Empty if nobody does any more.
    pub wanted_by: Vec<String>,
    /// The objects that give it, or gave it: `Ingress namespace/name`.
    pub from: Vec<String>,
}

/// What happens to an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
pub enum OriginEvent {
    /// Pods get a file that accepts it.
    AcceptOrigin,
    /// Nothing gives it any more. It stays until then.
    RetireOrigin(Timestamp),
    /// Pods get a file without it.
    DropOrigin,
}

impl OriginChange {
    /// The name in events.
    pub fn name(&self) -> &'static str {
        self.what.into()
    }

    /// The object that is the cause: what gives or gave the origin, else who requests it.
    pub fn object(&self) -> Option<Id> {
        self.from.iter().chain(&self.wanted_by).find_map(|name| parse(name))
    }
}

/// The object that a source names: `Ingress namespace/name`. None if it names a field.
fn parse(source: &str) -> Option<Id> {
    let (kind, key) = source.split_once(' ')?;
    let (namespace, name) = key.split_once('/')?;
    Kind::named(kind)?;
    Some(Id { kind: kind.to_owned(), key: Key::new(namespace, name) })
}

impl fmt::Display for OriginChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, .. } = self;
        let from = self.from.join(" and ");
        match self.what {
            OriginEvent::AcceptOrigin => {
                write!(f, "accept {origin}, which {} requests", self.wanted_by.join(" and "))?;
                if from.is_empty() { Ok(()) } else { write!(f, "; it comes from {from}") }
            }
            OriginEvent::RetireOrigin(until) => {
                let until = rfc3339(until);
                write!(f, "{origin} retires at {until}, unless something requests it again before")?;
                if from.is_empty() { Ok(()) } else { write!(f, "; it came from {from}") }
            }
            OriginEvent::DropOrigin => {
                write!(f, "stop accepting {origin}, which nothing requests any more")?;
                if from.is_empty() { Ok(()) } else { write!(f, "; it came from {from}") }
            }
        }
    }
}
