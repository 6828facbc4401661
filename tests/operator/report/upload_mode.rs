//! `status.uploadMode` says how every living pod is configured.

use std::sync::Arc;

use direct_upload_api::{ConfiguredMode, HorizonStatus, Reason};
use direct_upload_core::derive::HorizonView;
use direct_upload_core::model::{ConfigMap, Effects, Problem};
use direct_upload_core::plan::{Plan, State};
use direct_upload_core::simulate::{self, Cluster, RolloutStage};
use direct_upload_core::workload::{Applied, Unfinished};
use direct_upload_operator::report;
use jiff::Timestamp;
use rstest::rstest;
use test_support::manifests::{cloud, glance, horizon, join, read};

/// A Horizon that has been switched to direct.
pub fn direct() -> HorizonView {
    let input = read(&join(&[&cloud(), &horizon("{}"), &glance("{}")]));
    let options = direct_upload_core::plan::Options { image: "operator:1".into() };
    let outcome =
        simulate::simulate(Cluster::from_input(input), RolloutStage::Horizon, Timestamp::UNIX_EPOCH, &options);
    let view = outcome.cluster.world().horizons.values().next().cloned().expect("a Horizon");
    assert!(view.dashboard.is_direct(), "it is mounted");
    view
}

fn mode(mut view: HorizonView, before: ConfiguredMode, change: impl FnOnce(&mut Applied)) -> Option<ConfiguredMode> {
    let dashboard = Arc::make_mut(&mut view.dashboard);
    let applied = Arc::make_mut(&mut dashboard.tenure).applied.as_mut().expect("it is seen");
    let silent = ConfigMap { effects: Effects::default(), ..ConfigMap::default() };
    applied.config_maps.insert("silent".into(), Arc::new(silent));
    change(applied);
    let mut object = (*dashboard.object).clone();
    object.status = Some(Arc::new(HorizonStatus { upload_mode: Some(before), ..HorizonStatus::default() }));
    dashboard.object = Arc::new(object);
    let state = State::Done(Problem::new(Reason::Verified, "direct"));
    let plan = Plan { steps: Vec::new(), state, wake: None, config_map: None, internal: None, regions: Vec::new() };
    report::horizon(&view, &plan, Timestamp::UNIX_EPOCH).expect("a status").upload_mode
}

/// Pods that run with `d`irect, with a file of ours that is `s`ilent about it, or with `n`othing of ours; whether
/// the roll goes on, and what was said before.
#[rstest]
#[case::all("d", false, ConfiguredMode::Own, ConfiguredMode::Direct)]
#[case::none("n", false, ConfiguredMode::Direct, ConfiguredMode::Own)]
#[case::mounted_and_no_pod_has_it("s", false, ConfiguredMode::Direct, ConfiguredMode::Own)]
#[case::some_had_it_not("dn", false, ConfiguredMode::Own, ConfiguredMode::Own)]
#[case::some_have_lost_it("dn", false, ConfiguredMode::Direct, ConfiguredMode::Direct)]
#[case::on_its_way("dn", true, ConfiguredMode::Own, ConfiguredMode::Own)]
#[case::on_its_way_back("ds", true, ConfiguredMode::Direct, ConfiguredMode::Direct)]
#[case::the_last_pod_is_not_new_yet("d", true, ConfiguredMode::Own, ConfiguredMode::Own)]
#[case::no_pod_at_all("", false, ConfiguredMode::Own, ConfiguredMode::Direct)]
fn it_is_that_of_living_pods(
    #[case] pods: &str,
    #[case] rolls: bool,
    #[case] before: ConfiguredMode,
    #[case] expected: ConfiguredMode,
) {
    let found = mode(direct(), before, |applied| {
        let mounted = applied.mount.as_ref().expect("it is mounted").config_map.clone();
        let with = |pod: char| match pod {
            'd' => Some(mounted.clone()),
            's' => Some("silent".to_owned()),
            _ => None,
        };
        applied.running = pods.chars().filter_map(with).collect();
        applied.unconfigured = pods.contains('n');
        applied.rollout =
            if rolls { Err(Unfinished::Rolling(Problem::new(Reason::RollingOut, "1 of 2"))) } else { Ok(()) };
    });
    assert_eq!(found, Some(expected));
}
