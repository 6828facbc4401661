//! What a step changes for origins, and which objects are the cause. Events tell it.

use std::fmt;

use direct_upload_api::web::Origin;
use jiff::Timestamp;

use crate::derive::Requester;
use crate::model::Id;
use crate::workload::rfc3339;

/// One origin that an API starts to accept, or will stop to accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginChange {
    pub what: OriginEvent,
    pub origin: Origin,
    /// Who requests it. Empty if nobody does any more.
    pub wanted_by: Vec<Requester>,
    /// The objects that give it, or gave it.
    pub from: Vec<Id>,
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
        self.from.first().cloned().or_else(|| self.wanted_by.iter().find_map(Requester::object))
    }
}

impl fmt::Display for OriginChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, .. } = self;
        let from = listed(&self.from);
        match self.what {
            OriginEvent::AcceptOrigin => {
                write!(f, "accept {origin}, which {} requests", listed(&self.wanted_by))?;
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

fn listed(names: &[impl ToString]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}
