//! Deletions: what is released, and what a successor keeps.

use direct_upload_core::derive::World;
use direct_upload_core::model::{HorizonObject, Key, Snapshot};
use direct_upload_core::plan::{self, Action, Options, Plan};
use jiff::Timestamp;
use rstest::rstest;
use test_support::manifests::{cloud, glance, horizon, join, render};

fn key(name: &str) -> Key {
    Key::new("openstack", name)
}

/// The plan of the Horizon that is being deleted, after a pair was brought about.
fn deleting(change: impl FnOnce(&mut Snapshot, HorizonObject)) -> Plan {
    let mut snapshot = render(&join(&[&cloud(), &glance("{}"), &horizon("{}")])).cluster.snapshot;
    let mut object = (**snapshot.horizons.get(&key("horizon")).unwrap().unwrap()).clone();
    object.finalizer = true;
    object.meta.deleting = Some(Timestamp::UNIX_EPOCH);
    snapshot.horizons.insert(key("horizon"), object.clone());
    change(&mut snapshot, object);
    let world = World::of(&snapshot);
    plan::horizon(&world.horizons[&key("horizon")], Timestamp::UNIX_EPOCH, &Options { image: "operator:1".into() })
}

/// A workload that another resource names, too, keeps the files: the other one takes it over, and the deletion waits for
/// nothing. One that nobody else names gets all of its fields back.
#[rstest]
#[case::alone(None, false)]
#[case::a_successor(Some(false), true)]
#[case::a_successor_that_goes_too(Some(true), false)]
fn only_a_living_successor_keeps_the_workload(#[case] other: Option<bool>, #[case] kept: bool) {
    let plan = deleting(|snapshot, mut object| {
        let Some(goes) = other else { return };
        object.meta.key = key("portal");
        object.meta.uid = "portal".to_owned();
        object.meta.deleting = goes.then_some(Timestamp::UNIX_EPOCH);
        object.spec.as_mut().unwrap().workload_ref.name = Some("horizon".to_owned());
        snapshot.horizons.insert(key("portal"), object);
    });
    let does = |is: fn(&Action) -> bool| plan.steps.iter().any(|step| is(&step.action));
    assert_eq!(does(|action| matches!(action, Action::Release { .. })), !kept, "{plan:?}");
    assert_eq!(does(|action| *action == Action::RemoveFinalizer), kept, "{plan:?}");
}
