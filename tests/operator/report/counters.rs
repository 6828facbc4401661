//! Counters start at 0 with all their labels, so that a rate also counts the first event.

use std::collections::BTreeSet;

use direct_upload_core::model::{Cause, ProbeAnswer};
use direct_upload_core::plan::Action;
use direct_upload_operator::report::Metrics;

/// The counters and their values.
fn counters(metrics: &Metrics) -> BTreeSet<(String, u64)> {
    let text = metrics.text();
    let counters = text.lines().filter(|line| line.contains("_total{"));
    counters
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

#[test]
fn all_counters_are_there_before_the_first_event() {
    let metrics = Metrics::default();
    let names = |metrics: &Metrics| counters(metrics).into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();
    let start = names(&metrics);
    assert!(counters(&metrics).iter().all(|(_, value)| *value == 0));
    assert!(Action::names().any(|step| step == "SwitchMode"));
    assert!(Action::names().all(|step| step != "AwaitRollout"));
    for kind in ["Horizon", "Glance", "OpenStackAPI"] {
        metrics.reconciled(kind, true);
        metrics.reconciled(kind, false);
        Action::names().for_each(|step| metrics.step(kind, step));
    }
    let cause = Cause {
        rule: None,
        requirement: String::new(),
        message: String::new(),
        received: String::new(),
        fix: String::new(),
    };
    for answer in [ProbeAnswer::Granted(vec![]), ProbeAnswer::Refused(cause.clone()), ProbeAnswer::Unknown(cause)] {
        metrics.preflight(&answer, std::time::Duration::ZERO);
    }
    for work in ["reconcile", "preflight", "derivation", "canary"] {
        for cause in ["panic", "timeout"] {
            metrics.gave_up(work, cause);
        }
    }
    assert_eq!(names(&metrics), start);
    assert!(counters(&metrics).iter().all(|(_, value)| *value == 1), "{:?}", counters(&metrics));
}
