//! What follows from uploads that the operator makes itself.

use std::sync::Arc;

use direct_upload_api::web::Endpoint;
use direct_upload_api::{Reason, Rule};
use direct_upload_core::derive::{Evidence, HorizonView, World};
use direct_upload_core::model::{
    Answers, CanaryClass, CanaryFailure, CanaryOutcome, CanaryQuery, CanaryRecord, CanaryStanding, Cause, Epoch, Key,
    ProbeTarget, Snapshot, StuckImages,
};
use direct_upload_core::plan::{self, Options};
use jiff::Timestamp;
use rstest::rstest;
use test_support::manifests::{horizon, join, read, service};

const HERE: &str = "https://glance.example.com";
const ELSEWHERE: &str = "https://other.example.com";
const CANARY: &str = "canary: {credentialSecretRef: {name: canary}}";

fn passed(url: &str) -> CanaryOutcome {
    CanaryOutcome::Passed(Endpoint::parse(url).unwrap())
}

fn failed(url: &str) -> CanaryOutcome {
    let cause = Cause {
        rule: Some(Rule::TooSlow),
        requirement: "canary".into(),
        message: "cut off".into(),
        received: "12 of 13 bytes".into(),
        fix: "lengthen it".into(),
    };
    let failure = CanaryFailure { class: CanaryClass::Time, cause };
    CanaryOutcome::Failed(Endpoint::parse(url).unwrap(), failure)
}

fn unknown() -> CanaryOutcome {
    CanaryOutcome::Unknown("Keystone is away".into())
}

/// A Glance elsewhere, each preflight to which passes.
fn snapshot(canary: &str) -> Snapshot {
    let spec = format!("{{directUpload: {{glanceEndpoint: '{HERE}', {canary}}}}}");
    let cloud = service("openstack", "horizon", "horizon.example.com");
    let mut snapshot = read(&join(&[&cloud, &horizon(&spec)])).snapshot;
    let granted = |(target, epoch): (&Arc<ProbeTarget>, &Epoch)| {
        let record = Answers::Assumed.get(target, epoch).unwrap();
        (target.clone(), Arc::new(record))
    };
    snapshot.answers = Answers::Given(Arc::default());
    let targets = World::of(&snapshot).probe_targets;
    assert!(!targets.is_empty());
    snapshot.answers = Answers::Given(Arc::new(targets.iter().map(granted).collect()));
    snapshot
}

fn view(snapshot: &Snapshot) -> HorizonView {
    World::of(snapshot).horizons[&Key::new("openstack", "horizon")].clone()
}

fn query(snapshot: &Snapshot) -> CanaryQuery {
    let queries: Vec<_> =
        World::of(snapshot).canary_queries.iter().map(|(query, epoch)| (query.clone(), epoch.clone())).collect();
    let [(query, Some(_))] = &queries[..] else { panic!("{queries:?}") };
    query.clone()
}

/// The view after uploads that ended so.
fn after(outcomes: Vec<CanaryOutcome>) -> HorizonView {
    let mut snapshot = snapshot(CANARY);
    let query = query(&snapshot);
    for outcome in outcomes {
        let record = CanaryRecord::then(snapshot.canaries.get(&query), outcome);
        snapshot.canaries.insert(query.clone(), record);
    }
    view(&snapshot)
}

fn waits(view: &HorizonView) -> bool {
    let plan = plan::horizon(view, Timestamp::UNIX_EPOCH, &Options { image: "operator:1".into() });
    plan.steps.iter().any(|step| step.action.name() == "AwaitProof")
}

fn letter(view: &HorizonView) -> char {
    match &view.proof.evidence {
        Evidence::Granted(..) if view.is_upload_verified() => 'U',
        Evidence::Granted(..) => 'V',
        Evidence::Pending => '-',
        Evidence::Refused(_, failures) => {
            assert_eq!(failures[0].reason(), Reason::UploadRefused);
            assert!(failures[0].to_string().starts_with("DU015: from https://horizon.example.com: "), "{failures:?}");
            'R'
        }
        _ => '?',
    }
}

/// `p`assed, `f`ailed, `u`nknown, one after the other, and what stands after each: nothing yet, `U`ploadVerified,
/// `V`erified by preflights alone, or `R`efused.
#[rstest]
#[case::passes("pp", "UU")]
#[case::fails_from_the_start("fff", "-RR")]
#[case::one_failure_counts_nothing("pfp", "UUU")]
#[case::two_do("pffp", "UURU")]
#[case::no_answer_is_no_failure("uu", "VV")]
#[case::no_answer_takes_no_failure_away("ffuuup", "-RRRRU")]
#[case::what_passed_is_old_after_two("puup", "UUVU")]
#[case::failures_with_one_that_says_nothing("pfuf", "UUUR")]
#[case::a_first_failure_after_nothing_was_known("uf", "V-")]
fn twice_before_it_counts(#[case] outcomes: &str, #[case] expected: &str) {
    let outcome = |letter: char| match letter {
        'p' => passed(HERE),
        'f' => failed(HERE),
        _ => unknown(),
    };
    let seen: String =
        (1..=outcomes.len()).map(|count| letter(&after(outcomes.chars().take(count).map(outcome).collect()))).collect();
    assert_eq!(seen, expected);
}

/// The first switch waits for the canary, and no mode is taken back because of it.
#[test]
fn the_first_switch_waits_and_nothing_falls_back() {
    assert!(waits(&after(vec![])));
    assert!(waits(&after(vec![failed(HERE), failed(HERE)])));
    assert!(!waits(&after(vec![passed(HERE)])));
    assert!(!waits(&after(vec![unknown()])));
    assert!(!after(vec![failed(HERE), failed(HERE)]).proof.evidence.is_broken());
}

#[rstest]
#[case::passed(vec![passed(ELSEWHERE)])]
#[case::failed(vec![failed(ELSEWHERE), failed(ELSEWHERE)])]
fn another_glance_says_nothing(#[case] outcomes: Vec<CanaryOutcome>) {
    let view = after(outcomes);
    assert_eq!(letter(&view), 'V');
    let said: Vec<_> = view.advice.iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|said| said.starts_with("DU011") && said.contains(ELSEWHERE)), "{said:?}");
}

#[test]
fn what_is_assumed_is_what_the_canary_does_not_show() {
    let whole = |view: &HorizonView| view.proof.assumptions.last().cloned().unwrap_or_default();
    assert!(whole(&after(vec![unknown()])).contains("only a whole upload shows this"));
    let shown = whole(&after(vec![passed(HERE)]));
    assert!(shown.contains("more than 1048576 bytes or 90 s"), "{shown}");
}

#[test]
fn why_none_is_made_is_said() {
    let view = after(vec![unknown()]);
    let said: Vec<_> = view.advice.iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|said| said.contains("Keystone is away")), "{said:?}");
}

/// Off by default. Offline or without verification, the canary sends nothing.
#[test]
fn none_unless_asked_for() {
    assert!(World::of(&snapshot("")).canary_queries.is_empty());
    assert_eq!(letter(&view(&snapshot(""))), 'V');
    let offline = Snapshot { answers: Answers::Assumed, ..snapshot(CANARY) };
    assert!(World::of(&offline).canary_queries.is_empty());
    let spec = format!("{{directUpload: {{glanceEndpoint: '{HERE}', verification: Off, {CANARY}}}}}");
    let cloud = service("openstack", "horizon", "horizon.example.com");
    let unproven = read(&join(&[&cloud, &horizon(&spec)])).snapshot;
    let unproven = Snapshot { answers: Answers::Given(Arc::default()), ..unproven };
    assert!(World::of(&unproven).canary_queries.is_empty());
}

/// A canary's request has no URL of the resource; the resource's uid says whose it is.
#[test]
fn what_is_asked() {
    let query = query(&snapshot(
        "canary: {credentialSecretRef: {name: canary}, interval: 5s, size: 2048, pace: 2h}, probe: {hostAliases: [{ip: 192.0.2.1, hostnames: [G.example.com]}]}",
    ));
    assert!(!format!("{query:?}").contains(HERE), "{query:?}");
    assert_eq!(query.secret, Key::new("openstack", "canary"));
    assert_eq!(query.origin.as_str(), "https://horizon.example.com");
    assert_eq!((query.size, query.interval.as_secs(), query.pace.as_secs()), (2048, 60, 3600));
    assert!(query.hosts.contains_key("g.example.com"));
    assert!(!query.uid.is_empty() && query.mark() == query.uid);
    let standing = CanaryRecord::then(None, failed(HERE)).standing;
    assert_eq!(standing, CanaryStanding::Pending);
}

/// A line of the status, and nothing else: a queued image alone does not prove a failure.
#[rstest]
#[case::none(Ok(StuckImages::default()), None)]
#[case::some(Ok(StuckImages { queued: 3, saving: 1, more: false, oldest: Some(Timestamp::UNIX_EPOCH) }), Some("3 images stay queued and 1 saving, unchanged for more than 6h, the first since 1970-01-01T00:00:00Z"))]
#[case::many(Ok(StuckImages { queued: 100, saving: 0, more: true, oldest: None }), Some("at least 100 images"))]
#[case::not_known(Err("Glance does not let the credential list images (403)".to_owned()), Some("stuck images are not counted: Glance does not let"))]
fn stuck_images_are_told(#[case] stuck: Result<StuckImages, String>, #[case] said: Option<&str>) {
    let mut snapshot = snapshot(CANARY);
    let query = query(&snapshot);
    let record = CanaryRecord::then(None, passed(HERE));
    snapshot.canaries.insert(query.clone(), record.clone());
    let before = view(&snapshot);
    snapshot.canaries.insert(query, record.counted(Some(stuck)));
    let after = view(&snapshot);
    let new: Vec<_> =
        after.advice.iter().filter(|advice| !before.advice.contains(advice)).map(ToString::to_string).collect();
    assert_eq!(new.len(), usize::from(said.is_some()), "{new:?}");
    assert!(said.is_none_or(|said| new[0].contains(said) && !new[0].contains("DU0")), "{new:?}");
    assert_eq!((letter(&after), letter(&before)), ('U', 'U'));
}

#[test]
fn another_credential_may_list_more() {
    let snapshot = snapshot(
        "canary: {credentialSecretRef: {name: canary}, stuckImages: {credentialSecretRef: {name: lister}, olderThan: 1s}}",
    );
    let query = query(&snapshot);
    assert_eq!(query.stuck_secret, Some(Key::new("openstack", "lister")));
    assert_eq!(query.stuck_after.as_secs(), 600, "no sooner than after ten minutes");
}
