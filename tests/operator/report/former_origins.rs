//! A status about origins that browsers no longer use does not stay, even if the write that said so failed.

use std::sync::Arc;

use direct_upload_api::{HorizonStatus, ProbeVerdict};
use direct_upload_core::derive::{Evidence, HorizonView, Weight};
use direct_upload_core::plan::{self, Options};
use direct_upload_operator::report;
use jiff::Timestamp;
use rstest::rstest;

use super::upload_mode::direct;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn status(view: &HorizonView) -> Option<HorizonStatus> {
    report::horizon(view, &plan::horizon(view, NOW, &Options { image: "operator:1".into() }), NOW)
}

fn ready(status: &HorizonStatus, name: &str) -> String {
    let found = status.conditions.iter().find(|condition| condition.type_ == name).expect(name);
    format!("{} {}", found.status, found.reason)
}

#[rstest]
#[case::the_same(&["https://horizon.example.com"], None)]
#[case::another(&["https://old.example.com"], Some("NotVerified"))]
#[case::one_more(&["https://horizon.example.com", "https://old.example.com"], Some("NotVerified"))]
fn before_a_verdict_a_status_stays_if_it_is_about_the_present_origins(
    #[case] origins: &[&str],
    #[case] expected: Option<&str>,
) {
    let mut view = direct();
    Arc::make_mut(&mut view.proof).evidence = Evidence::Granted(Weight { fresh: true, firm: true }, Vec::new());
    let told = status(&view).expect("a status");
    assert_eq!(ready(&told, "Ready"), "True Verified");
    assert_eq!(told.verification.as_ref().map(|v| v.verdict), Some(ProbeVerdict::Granted));

    Arc::make_mut(&mut view.proof).evidence = Evidence::Pending;
    let mut object = (*view.dashboard.object).clone();
    object.status =
        Some(Arc::new(HorizonStatus { origins: origins.iter().map(ToString::to_string).collect(), ..told }));
    Arc::make_mut(&mut view.dashboard).object = Arc::new(object);
    let status = status(&view);
    assert_eq!(status.is_some(), expected.is_some(), "{status:?}");
    if let (Some(status), Some(reason)) = (status, expected) {
        assert_eq!(ready(&status, "Ready"), format!("False {reason}"));
        assert_eq!(ready(&status, "Verified"), format!("Unknown {reason}"));
        assert_eq!(status.origins, ["https://horizon.example.com"]);
        assert_eq!(status.verification, None);
    }
}
