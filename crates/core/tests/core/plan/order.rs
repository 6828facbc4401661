//! The order, as a property: whatever people do and whenever the operator is killed, none of its
//! steps takes an origin away from a dashboard that uploads directly, and in the end all is as asked.
//!
//! A toy cluster of two Glances, each of a region, and two Horizons, one of which serves both regions
//! at times, whose pods are replaced one by one, is driven by random events through the real
//! derivation and the real plans.

mod cloud;
mod course;
mod event;
mod operator;
mod people;
mod pods;
mod uploads;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use direct_upload_core::model::Kind;
use direct_upload_core::workload::Mount;
use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;

use cloud::{Blindness, Cloud, key};
use event::{Event, KINDS, event};

const NAMES: [&str; 4] = ["glance", "far", "one", "two"];
const GLANCES: [&str; 2] = ["glance", "far"];
const HORIZONS: [&str; 2] = ["one", "two"];
/// The Horizon that may have a second region, at the second Glance.
const WIDE: &str = "two";
/// `cors.retireAfter` of the toy Glance, in seconds.
const RETIRE: i64 = 100;
/// Its `rollout.minInterval`, in seconds.
const INTERVAL: i64 = 20;
/// An origin that a Glance may accept by its own spec: that of the first Horizon's first host.
const BY_HAND: &str = "https://one0.example.com";

/// The toy cluster when all is as asked.
static SETTLED: LazyLock<Cloud> = LazyLock::new(|| {
    let mut cloud = Cloud::new();
    cloud.settle();
    cloud
});

/// So many courses; `PROPTEST_CASES=1000` takes more.
fn config(cases: u32) -> ProptestConfig {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() { config } else { ProptestConfig { cases, ..config } }
}

proptest! {
    #![proptest_config(config(100))]

    #[test]
    fn no_step_takes_away_what_is_needed(events in proptest::collection::vec(event(), 1..60)) {
        let mut cloud = Cloud::new();
        for event in &events {
            cloud.run(event);
        }
        cloud.settle();

        let lives = |glance: &&str| cloud.snapshot.glances.get(&key(glance)).unwrap().is_some();
        for name in HORIZONS {
            let object = cloud.snapshot.horizons.get(&key(name)).unwrap().cloned();
            let enabled = object.is_some_and(|o| o.spec.as_ref().is_ok_and(|s| s.direct_upload.enabled));
            let all = cloud.served(name).iter().all(lives);
            let enabled = enabled && !cloud.served(name).iter().any(|glance| cloud.asked(glance).0);
            // A new region without a Glance changes nothing for a direct dashboard.
            let held = enabled && lives(&GLANCES[0]) && !all && cloud.direct_pods(name) == 2;
            let expected = if held || (all && enabled) { 2 } else { 0 };
            prop_assert_eq!(cloud.direct_pods(name), expected, "{} with all={} enabled={}", name, all, enabled);
        }
        for glance in GLANCES {
            let (refused, by_hand) = cloud.asked(glance);
            let asked = if lives(&glance) { &cloud.in_need(glance) | &by_hand } else { BTreeSet::new() };
            prop_assert_eq!(cloud.accepted(glance), asked, "only what is needed stays in {}", glance);
            prop_assert_eq!(cloud.refuses(glance), refused, "uploads to {}", glance);
        }
    }
}

proptest! {
    #![proptest_config(config(16))]

    /// However quickly hosts change, a Glance rolls only once in an interval ([`Cloud::may_roll`]), and in the end all are
    /// accepted.
    #[test]
    fn hosts_that_change_quickly(hosts in proptest::collection::vec((2usize..4, 0u8..3, 1i64..INTERVAL), 2..12)) {
        let cloud = SETTLED.clone().change_hosts(&hosts);
        for glance in GLANCES {
            prop_assert_eq!(cloud.accepted(glance), &cloud.in_need(glance) | &cloud.asked(glance).1, "{}", glance);
        }
    }

    /// What somebody removes again and again is restored three times in ten minutes, and not more often.
    #[test]
    fn fields_that_somebody_removes(who in 0usize..4, waits in proptest::collection::vec(0i64..300, 1..12)) {
        is_restored_three_times(who, &waits)?;
    }
}

fn is_restored_three_times(who: usize, waits: &[i64]) -> Result<(), TestCaseError> {
    let mut cloud = SETTLED.clone();
    let is_mounted = |cloud: &Cloud| Mount::observed(&cloud.workload(NAMES[who])).is_some();
    let mut restored = Vec::new();
    for wait in waits {
        cloud.run(&Event::Wait(*wait));
        cloud.run(&Event::Wipe(who));
        cloud.round();
        let recent = restored.iter().filter(|at| cloud.now.duration_since(**at).as_secs() < 600).count();
        prop_assert_eq!(is_mounted(&cloud), recent < 3, "{} after {:?} at {}", NAMES[who], restored, cloud.now);
        if recent < 3 {
            restored.push(cloud.now);
        }
    }
    Ok(())
}

/// The first one after ten minutes counts, too, although the pods never were as they should be in between.
#[test]
fn removals_count_again_after_ten_minutes() {
    for who in 0..4 {
        is_restored_three_times(who, &[0, 0, 0, 50, 241, 176, 133, 0, 0, 0]).unwrap();
    }
}

/// What the operator itself has removed does not count, also if it returns before all pods are new.
#[test]
fn a_fallback_is_nobody_s_removal() {
    let mut cloud = SETTLED.clone();
    let is_mounted = |cloud: &Cloud| Mount::observed(&cloud.workload("one")).is_some();
    for broken in [true, false] {
        cloud.run(&Event::Probe { broken, firm: true });
        cloud.run(&Event::Reconcile(2, 20));
        cloud.run(&Event::Reconcile(2, 20));
        assert_eq!((is_mounted(&cloud), cloud.direct_pods("one")), (!broken, 2));
    }
    assert_eq!(cloud.restored("one"), 0);
    cloud.run(&Event::Wipe(2));
    cloud.run(&Event::Reconcile(2, 20));
    assert_eq!((is_mounted(&cloud), cloud.restored("one")), (true, 1));
}

/// While a roll is delayed, an origin comes back and leaves again. It retires from its last use on, not from an earlier one.
#[test]
fn a_delayed_roll_forgets_no_use() {
    SETTLED.clone().change_hosts(&[(2, 1, 5), (3, 1, 3), (2, 0, 6), (2, 1, 11)]);
}

/// An origin that stays by hand is accepted, and the Glance's own needs no leave: questions are answered
/// well while uploads are refused.
#[rstest]
#[case::by_hand(true)]
#[case::own(false)]
fn a_switch_waits_for_the_last_pod_that_refuses(#[case] by_hand: bool) {
    let mut cloud = Cloud::new();
    if !by_hand {
        cloud.host("one", 3);
    }
    cloud.settle();
    assert_eq!(cloud.direct_pods("one"), 2);
    cloud.run(&Event::Import { glance: 0, required: true, by_hand });
    cloud.settle();
    assert_eq!((cloud.refuses("glance"), cloud.direct_pods("one")), (true, 0));

    cloud.run(&Event::Import { glance: 0, required: false, by_hand });
    for _ in 0..3 {
        cloud.run(&Event::Probe { broken: false, firm: true });
        cloud.run(&Event::Reconcile(2, 20));
        cloud.run(&Event::Rehearsals);
    }
    assert!(!cloud.is_direct("one"), "no pod of Glance is new");
    cloud.settle();
    assert_eq!((cloud.refuses("glance"), cloud.direct_pods("one")), (false, 2));
}

/// The first switch needs a verdict. A refusal that lasts takes it back, and only a grant that lasts brings it again. The
/// ConfigMap says since when. Pods that roll lose no origin in between ([`Cloud::run`]).
#[test]
fn what_has_fallen_back_returns_only_after_a_grant_that_lasts() {
    let mut cloud = Cloud::new();
    let mut since = Vec::new();
    let course =
        [(false, false), (true, false), (true, true), (true, true), (false, false), (true, false), (false, true)];
    let direct: Vec<_> = course
        .into_iter()
        .map(|(broken, firm)| {
            for _ in 0..8 {
                cloud.run(&Event::Probe { broken, firm });
                cloud.round();
                cloud.run(&Event::Wait(25));
            }
            since.push(cloud.fallen("one"));
            HORIZONS.map(|name| cloud.direct_pods(name))
        })
        .collect();
    assert_eq!(direct, [[2, 2], [2, 2], [0, 0], [0, 0], [0, 0], [0, 0], [2, 2]]);
    assert!(
        since[2].as_ref().is_some_and(|since| since.parse::<Timestamp>().is_ok_and(|at| at <= cloud.now)),
        "{since:?}"
    );
    let fallen = since[2].clone();
    assert_eq!(since, [None, None, fallen.clone(), fallen.clone(), fallen.clone(), fallen, None]);
}

/// Its pods are direct until they are replaced. That makes it no direct dashboard.
#[test]
fn what_falls_back_does_not_return_while_its_pods_still_go_back() {
    let mut cloud = Cloud::new();
    cloud.settle();
    let reconcile = |cloud: &mut Cloud, broken, firm| {
        for _ in 0..3 {
            cloud.run(&Event::Probe { broken, firm });
            cloud.run(&Event::Reconcile(2, 20));
            cloud.run(&Event::Rehearsals);
        }
        (Mount::observed(&cloud.workload("one")).is_some(), cloud.direct_pods("one"))
    };
    assert_eq!(reconcile(&mut cloud, false, false), (true, 2));
    assert_eq!(reconcile(&mut cloud, true, true), (false, 2));
    assert_eq!(reconcile(&mut cloud, false, false), (false, 2), "the grant has not lasted");
}

/// During a deletion, whatever the operator cannot see, nothing unseen counts as released, and no Glance
/// goes before the Horizon whose pods are direct.
#[rstest]
#[case::starting(Blindness::Starting)]
#[case::refused(Blindness::Refused)]
fn what_is_not_seen_is_not_given_back(#[case] blindness: Blindness) {
    let mut deleted = Cloud::new();
    deleted.settle();
    assert_eq!(deleted.direct_pods("one"), 2);
    deleted.delete(0);
    deleted.delete(2);
    for kind in KINDS {
        let mut cloud = Cloud { blind: BTreeMap::from([(kind, blindness)]), ..deleted.clone() };
        // Each step is judged as it is carried out.
        for _ in 0..6 {
            for who in 0..4 {
                cloud.run(&Event::Reconcile(who, 20));
                cloud.run(&Event::Replace(who));
            }
        }
        if matches!(kind, Kind::Deployment | Kind::Pod) {
            cloud.settle();
            assert_eq!(cloud.accepted("glance"), BTreeSet::new(), "after {kind:?} is seen again");
        }
    }
}

/// A Horizon whose spec cannot be read is released as its claim says, and waits for its pods.
#[test]
fn an_unreadable_spec_is_given_back_by_its_claim() {
    let mut cloud = Cloud::new();
    cloud.settle();
    cloud.unreadable("one");
    cloud.delete(2);
    cloud.delete(0);
    cloud.run(&Event::Reconcile(0, 20));
    assert!(!cloud.accepted("glance").is_empty(), "pods of the Horizon are direct");
    cloud.run(&Event::Reconcile(2, 20));
    cloud.run(&Event::Reconcile(2, 20));
    assert!(cloud.snapshot.horizons.get(&key("one")).unwrap().is_some(), "its pods still run with the file");
    cloud.settle();
    assert!(cloud.snapshot.horizons.get(&key("one")).unwrap().is_none());
}
