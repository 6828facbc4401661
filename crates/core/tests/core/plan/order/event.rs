//! What happens in a cloud.

use direct_upload_core::model::Kind;
use proptest::prelude::*;

use super::cloud::Blindness;

/// All that the plans of the toy cluster depend on.
pub const KINDS: [Kind; 11] = [
    Kind::Horizon,
    Kind::Glance,
    Kind::Namespace,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::ReplicaSet,
    Kind::Pod,
    Kind::ConfigMap,
    Kind::Ingress,
    Kind::Service,
    Kind::Job,
];

#[derive(Clone, Debug)]
pub enum Event {
    /// The operator works on a resource, and is killed after so many steps.
    Reconcile(usize, usize),
    /// One pod of a workload is replaced by one of the current template.
    Replace(usize),
    /// Rehearsals that run pass; those that have passed are forgotten.
    Rehearsals,
    Host(usize, u8),
    Enable(usize, bool),
    /// The second region comes, or leaves.
    Region(bool),
    /// A Glance requires that every image passes its plugins, or no longer; and whether it accepts
    /// [`BY_HAND`].
    Import {
        glance: usize,
        required: bool,
        by_hand: bool,
    },
    Delete(usize),
    /// Somebody replaces a workload by a file without our fields.
    Wipe(usize),
    /// Somebody takes our annotations off a workload, and leaves the mounts.
    Unclaim(usize),
    Wait(i64),
    /// The operator cannot see a kind, or no kind is left that it cannot see.
    Blind(Kind, Blindness),
    See,
    /// Preflights come to a verdict, which may have lasted; or the path is broken on its way.
    Probe {
        broken: bool,
        firm: bool,
    },
}

pub fn event() -> impl Strategy<Value = Event> {
    let all = 0usize..4;
    let horizon = 2usize..4;
    prop_oneof![
        8 => (all.clone(), 1usize..8).prop_map(|(who, steps)| Event::Reconcile(who, steps)),
        6 => all.clone().prop_map(Event::Replace),
        6 => Just(Event::Rehearsals),
        2 => any::<bool>().prop_map(Event::Region),
        2 => (horizon.clone(), 0u8..4).prop_map(|(who, host)| Event::Host(who, host)),
        1 => (horizon, any::<bool>()).prop_map(|(who, on)| Event::Enable(who, on)),
        2 => (0usize..2, any::<bool>(), any::<bool>())
            .prop_map(|(glance, required, by_hand)| Event::Import { glance, required, by_hand }),
        1 => all.clone().prop_map(Event::Delete),
        1 => all.clone().prop_map(Event::Wipe),
        1 => all.prop_map(Event::Unclaim),
        3 => (1i64..150).prop_map(Event::Wait),
        2 => (prop::sample::select(&KINDS[..]), any::<bool>()).prop_map(|(kind, starting)| {
            Event::Blind(kind, if starting { Blindness::Starting } else { Blindness::Refused })
        }),
        2 => Just(Event::See),
        5 => (prop::bool::weighted(0.2), any::<bool>()).prop_map(|(broken, firm)| Event::Probe { broken, firm }),
    ]
}
